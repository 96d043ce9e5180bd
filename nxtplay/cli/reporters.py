"""Who is told of a run: the terminal or JSON on stdout, files on the side; all behind one masker."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO, cast

from nxtplay.cli.configuration import Config, short
from nxtplay.cli.settings import FORMS
from nxtplay.errors import Diagnostic, UsageError
from nxtplay.events import OK, SKIPPED, Emit, Event
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
    form: str = ""  # one of Ansible's, by the values of settings.FORMS; "": our own
    result_format: str = "json"
    quiet: frozenset[str] = frozenset()  # statuses that Ansible's default form leaves out
    custom_stats: bool = False  # what set_stats was given is told
    failures_apart: bool = False  # on stderr
    additions: frozenset[str] = frozenset()  # of settings.ADDITIONS
    tree: str = ""  # the folder of that addition
    name: str = "run"  # what a report without a name of its own is called by

    @classmethod
    def of(cls, config: Config, **given: Any) -> Output:
        """What configuration says, and what is given besides."""
        form = FORMS.get(short(config.get("stdout_callback", "")), "")
        hidden = {SKIPPED: config.get("display_skipped_hosts", True) and form != "skippy", OK: config.get("display_ok_hosts", True)}
        told = cls(
            form=form,
            result_format="yaml" if form == "yaml" else config.get("callback_result_format", "json"),
            quiet=frozenset(status for status, shown in hidden.items() if not shown),
            custom_stats=config.get("show_custom_stats", False),
            failures_apart=config.get("display_failed_stderr", False),
            additions=frozenset([*map(short, config.get("callbacks_enabled", ())), *(["tree"] if given.get("tree") else [])]),
            tree=config.get("callback_tree_dir", os.path.expanduser("~/.ansible/tree")),
            log=config.get("log_path"),
            colours=False if config.get("nocolor") else True if config.get("force_color") else None,
        )
        return replace(told, **{name: value for name, value in given.items() if value})


@contextlib.contextmanager
def reporting(masker: Masker, output: Output, stream: TextIO | None = None) -> Iterator[Audience]:
    """Where events go, while the run lasts; reporters are closed in any case."""
    out = stream or sys.stdout
    human = None if output.json or output.form else _human(out, masker, output)
    reporters: list[Reporter] = [human or (_json(out) if output.json else _classic(out, masker, output)), *_additions(out, output)]
    if output.log:
        reporters.append(_logging(_log(output.log), masker, replace(output, colours=False, failures_apart=False)))
    for path in _junit(output):
        from nxtplay.report.junit import JUnit

        reporters.append(JUnit(path, mask=masker.text))
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


def _junit(output: Output) -> Iterator[str]:
    """Where JUnit reports go: what --junit names, and a file of its own below $JUNIT_OUTPUT_DIR for each run."""
    if output.junit:
        yield _writable("--junit", output.junit)
    if "junit" in output.additions:
        folder = os.environ.get("JUNIT_OUTPUT_DIR") or os.path.expanduser("~/.ansible.log")
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
        yield _writable("callbacks_enabled", os.path.join(folder, f"{output.name}-{time.time():.6f}.xml"))


def _log(path: str) -> TextIO:
    """The file that a run is told to besides, for its owner alone."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(Diagnostic(f"log_path {path}: cannot write there: {error.strerror}")) from error


def _logging(stream: TextIO, masker: Masker, output: Output) -> Reporter:
    """Tells a run to a log: in Ansible's default form, with the time of each line, where a form of Ansible's is asked for."""
    if not output.form:
        return _human(stream, masker, output)
    from nxtplay.report.stamped import Stamped

    stamped = cast(TextIO, Stamped(stream))
    return _classic(stamped, masker, replace(output, form="default"), notices=stamped)


def _json(stream: TextIO) -> Reporter:
    from nxtplay.report.jsonl import JsonLines

    return JsonLines(stream)


def _classic(stream: TextIO, masker: Masker, output: Output, notices: TextIO | None = None) -> Reporter:
    """One of Ansible's forms."""
    if output.form == "document":
        from nxtplay.report.document import Document

        return Document(stream)
    colours = _colours(stream, output)
    if output.form in ("whole", "line"):
        from nxtplay.report.results import Results

        return Results(stream, colours=colours, in_lines=output.form == "line")
    from nxtplay.report.classic import Classic

    return Classic(
        stream,
        colours=colours,
        verbosity=output.verbosity,
        show_diff=output.diff,
        as_yaml=output.result_format == "yaml",
        quiet=output.quiet,
        custom_stats=output.custom_stats,
        failures=sys.stderr if output.failures_apart else None,
        notices=notices,
        mask=masker.text,
    )


def _additions(stream: TextIO, output: Output) -> Iterator[Reporter]:
    wanted = output.additions
    if wanted & {"timer", "profile_tasks"} and not output.json and output.form != "document":
        from nxtplay.report.timing import Timing

        yield Timing(stream, run="timer" in wanted, tasks="profile_tasks" in wanted, stamps=output.form not in ("", "whole", "line"))
    if "tree" in wanted:
        from nxtplay.report.tree import Tree

        yield Tree(output.tree)


def _colours(stream: TextIO, output: Output) -> bool:
    from nxtplay.report.text import wants_colours

    return wants_colours(stream) if output.colours is None else output.colours


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
    from nxtplay.report.text import is_live

    colours = _colours(stream, output)
    return Human(
        stream,
        live=is_live(stream),
        colours=colours,
        verbosity=output.verbosity,
        show_diff=output.diff,
        custom_stats=output.custom_stats,
        mask=masker.text,
    )


def _writable(option: str, path: str) -> str:
    """The path, when a report can be written there: better told now than after the run."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK) or os.path.isdir(path):
        raise UsageError(Diagnostic(f"{option} {path}: cannot write there"))
    return path
