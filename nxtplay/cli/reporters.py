"""Who is told of a run: the terminal or JSON on stdout, files on the side; all behind one masker."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from nxtplay.errors import Diagnostic, UsageError
from nxtplay.events import Emit, Event
from nxtplay.report import Reporter
from nxtplay.report.masking import Masker

if TYPE_CHECKING:
    from nxtplay.report.human import Human


@dataclass(frozen=True)
class Audience:
    """`emit` tells everybody; `ask(prompt, echo)` asks whoever sits at the terminal, with nothing drawn meanwhile."""

    emit: Emit
    ask: Callable[[str, bool], str]


@dataclass(frozen=True)
class Output:
    """What was asked for: how much is said, and in which forms."""

    verbosity: int = 0
    diff: bool = False
    json: bool = False
    junit: str | None = None
    html: str | None = None
    log: str | None = None
    colours: bool | None = None  # None: where there is a terminal
    results: str = ""  # see cli.run.Asked


@contextlib.contextmanager
def reporting(masker: Masker, output: Output, stream: TextIO | None = None) -> Iterator[Audience]:
    """Where events go, while the run lasts; reporters are closed in any case."""
    out = stream or sys.stdout
    human = None if output.json or output.results else _human(out, masker, output)
    reporters: list[Reporter] = [human or (_json(out) if output.json else _results(out, output))]
    if output.log:
        reporters.append(_human(_log(output.log), masker, replace(output, colours=False)))
    if output.junit:
        from nxtplay.report.junit import JUnit

        reporters.append(JUnit(_writable("--junit", output.junit), mask=masker.text))
    if output.html:
        from nxtplay.report.html import Html

        reporters.append(Html(_writable("--html", output.html), mask=masker.text))

    def tell(event: Event) -> None:
        for reporter in reporters:
            reporter.emit(event)

    def ask(prompt: str, echo: bool) -> str:
        with human.screen.paused() if human else contextlib.nullcontext():
            return _ask(prompt, echo=echo)

    try:
        yield Audience(masker.guard(tell), ask)
    finally:
        for reporter in reporters:
            reporter.close()


def _log(path: str) -> TextIO:
    """The file that a run is told to besides, for its owner alone."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(Diagnostic(f"log_path {path}: cannot write there: {error.strerror}")) from error


def _json(stream: TextIO) -> Reporter:
    from nxtplay.report.jsonl import JsonLines

    return JsonLines(stream)


def _results(stream: TextIO, output: Output) -> Reporter:
    from nxtplay.report.results import Results
    from nxtplay.report.text import wants_colours

    colours = wants_colours(stream) if output.colours is None else output.colours
    return Results(stream, colours=colours, in_lines=output.results == "line")


def _ask(prompt: str, *, echo: bool) -> str:
    """What is typed. Prompts go to stderr, so that they are seen when stdout is a file or holds JSON."""
    if not echo:
        import getpass

        return getpass.getpass(f"{prompt}: ", sys.stderr)
    print(f"{prompt}: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line.rstrip("\n")


def _human(stream: TextIO, masker: Masker, output: Output) -> Human:
    from nxtplay.report.human import Human
    from nxtplay.report.text import is_live, wants_colours

    colours = wants_colours(stream) if output.colours is None else output.colours
    return Human(stream, live=is_live(stream), colours=colours, verbosity=output.verbosity, show_diff=output.diff, mask=masker.text)


def _writable(option: str, path: str) -> str:
    """The path, when a report can be written there: better told now than after the run."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK) or os.path.isdir(path):
        raise UsageError(Diagnostic(f"{option} {path}: cannot write there"))
    return path
