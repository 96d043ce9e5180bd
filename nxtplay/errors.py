"""What can go wrong, and how it is told.

    NxtplayError
    ├── UsageError            the command line is wrong (exit 5)
    ├── PlaybookErrors        findings in playbooks, roles, variables files (exit 4, before any host)
    ├── InventoryError        an inventory source is wrong (exit 4)
    ├── VariableError         a variable file or extra variable is wrong (exit 4)
    ├── TemplateError         an expression cannot be rendered
    │   └── UndefinedVariable
    └── HostError             stops one host, the others go on
        ├── Unreachable       exit 4
        │   └── BecomeFailed  exit 2, the task fails
        ├── ModuleFailed      exit 2
        ├── NotConverged      a second look found the change undone
        └── ModuleCrashed     a defect in a module

Every error carries diagnostics; a diagnostic knows its place from the value it is about, never by guessing from text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """A place in a text file; lines and columns count from 1, `end_column` is exclusive (0: not known)."""

    file: str
    line: int = 0
    column: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what was found, what was expected, what to type."""

    message: str
    span: Span | None = None
    hint: str = ""
    severity: str = "error"  # or "warning", "advice"
    notes: tuple[tuple[str, Span | None], ...] = field(default=())  # further places that explain this one

    def __str__(self) -> str:
        where = f"{self.span}: " if self.span else ""
        return f"{where}{self.message}" + (f" ({self.hint})" if self.hint else "")


class NxtplayError(Exception):
    """Something a user can mend; printed without a traceback."""

    exit_code = 1

    def __init__(self, *diagnostics: Diagnostic | str) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(d if isinstance(d, Diagnostic) else Diagnostic(d) for d in diagnostics)
        super().__init__("; ".join(str(d) for d in self.diagnostics))


class UsageError(NxtplayError):
    exit_code = 5


class PlaybookErrors(NxtplayError):
    exit_code = 4


class InventoryError(NxtplayError):
    exit_code = 4


class VariableError(NxtplayError):
    exit_code = 4


class TemplateError(NxtplayError):
    exit_code = 2


class UndefinedVariable(TemplateError):
    """An expression used a name (or an attribute) that is not there; `name` is the missing one."""

    def __init__(self, diagnostic: Diagnostic | str, *, name: str = "") -> None:
        super().__init__(diagnostic)
        self.name = name


class HostError(NxtplayError):
    exit_code = 2


class Unreachable(HostError):
    exit_code = 4


class BecomeFailed(Unreachable):
    """The host is reached and a task cannot become the user it wants: the task fails, the host stays."""

    exit_code = 2


class NoPython(Unreachable):
    """The host is reached, and the Python that it is to use is not there: the task fails, the host stays."""

    exit_code = 2


class BecomeMissing(BecomeFailed):
    """The user to become, or the program to do it by, is not on the host."""


class ModuleFailed(HostError):
    pass


class NotConverged(HostError):
    pass


class ModuleCrashed(HostError):
    pass


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest known word, or an empty string."""
    import difflib

    known = [k for k in known if isinstance(k, str) and k != word]
    lowered = {k.lower(): k for k in known}
    if word.lower() in lowered:
        return f"did you mean '{lowered[word.lower()]}'?"
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def render(diagnostic: Diagnostic, *, source: Sequence[str] | None = None) -> str:
    """The finding as a compiler prints it: message, place, the line, a caret, the hint.

    `source` is the file's lines where the caller has them; otherwise the file is read, and when that fails the line is left out.
    """
    out = [f"{diagnostic.severity}: {diagnostic.message}"]
    out += _excerpt(diagnostic.span, source)
    for text, span in diagnostic.notes:
        out.append(f"  note: {text}")
        out += _excerpt(span, None)
    if diagnostic.hint:
        out.append(f"  help: {diagnostic.hint}")
    return "\n".join(out)


def _excerpt(span: Span | None, source: Sequence[str] | None) -> list[str]:
    if span is None:
        return []
    out = [f"  --> {span}"]
    if not span.line:
        return out
    if source is None:
        try:
            with open(span.file, encoding="utf-8", errors="replace") as stream:
                source = [line for _, line in zip(range(span.line), stream, strict=False)]
        except OSError:
            return out
    if span.line > len(source):
        return out
    text = source[span.line - 1].rstrip("\r\n")
    if len(text) > 160 and span.column > 120:  # keep the caret on the screen
        cut = span.column - 60
        text, column = "…" + text[cut:], span.column - cut + 1
    else:
        column = span.column
    text = text[:160].replace("\t", " ")
    number = str(span.line)
    pad = " " * len(number)
    out += [f"{pad} |", f"{number} | {text}"]
    if column:
        width = max(1, min(span.end_column - span.column, len(text) - column + 1)) if span.end_column else 1
        out.append(f"{pad} | {' ' * (column - 1)}{'^' * width}")
    return out
