"""Who is told of a run: the terminal or JSON on stdout, files on the side; all behind one masker."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from nxtplay.errors import Diagnostic, UsageError
from nxtplay.events import Emit, Event
from nxtplay.report import Reporter
from nxtplay.report.masking import Masker


@contextlib.contextmanager
def reporting(masker: Masker, *, verbosity: int, diff: bool, json: bool, junit: str | None, stream: TextIO | None = None) -> Iterator[Emit]:
    """Where events go, while the run lasts; reporters are closed in any case."""
    out = stream or sys.stdout
    reporters: list[Reporter] = [_json(out) if json else _human(out, masker, verbosity=verbosity, diff=diff)]
    if junit:
        reporters.append(_junit(junit, masker))

    def tell(event: Event) -> None:
        for reporter in reporters:
            reporter.emit(event)

    try:
        yield masker.guard(tell)
    finally:
        for reporter in reporters:
            reporter.close()


def _json(stream: TextIO) -> Reporter:
    from nxtplay.report.jsonl import JsonLines

    return JsonLines(stream)


def _human(stream: TextIO, masker: Masker, *, verbosity: int, diff: bool) -> Reporter:
    from nxtplay.report.human import Human
    from nxtplay.report.text import is_live, wants_colours

    return Human(stream, live=is_live(stream), colours=wants_colours(stream), verbosity=verbosity, show_diff=diff, mask=masker.text)


def _junit(path: str, masker: Masker) -> Reporter:
    from nxtplay.report.junit import JUnit

    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK) or os.path.isdir(path):
        raise UsageError(Diagnostic(f"--junit {path}: cannot write there"))
    return JUnit(path, mask=masker.text)
