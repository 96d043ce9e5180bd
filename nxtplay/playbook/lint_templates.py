"""The templates of a playbook: which texts are one, whether they are Jinja, and where in the file a part of one stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nxtplay.errors import Span, TemplateError
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.foreign import is_foreign_lookup
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import Located, Shared, Task, YamlList, YamlMap
from nxtplay.playbook.words import EXPRESSIONS
from nxtplay.template.values import Encrypted, Unsafe

_BARE = re.compile(r" *(not +)?([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*( +is +(?:not +)?defined)? *\Z")
_FOREIGN = re.compile(r"there is no lookup named '([\w.]+)'")
_WORDS = frozenset("true false none True False None not and or is in if else".split())


@dataclass(frozen=True)
class Text:
    """A text that is or may be a template; an expression stands without braces. A `quiet` one may use what is not defined; a `lazy` one
    is a variable's, and may never be asked for; of a `value` any kind is right, an expression is a condition otherwise."""

    text: str
    span: Span
    expression: bool = False
    quiet: bool = False
    lazy: bool = False
    value: bool = False


class Sources:
    """The texts of files, by lines."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)
        self._lines: dict[str, list[str]] = {}

    def add(self, texts: Mapping[str, str]) -> None:
        self.texts.update(texts)

    def lines(self, file: str) -> list[str]:
        if file not in self._lines:
            self._lines[file] = self.texts.get(file, "").split("\n")
        return self._lines[file]

    def word(self, span: Span, word: str, text: str) -> Span:
        """The first place of a word in the scalar at `span` whose value is `text`; the scalar's own when it cannot be told."""
        pattern = re.compile(rf"(?<![\w.'\"]){re.escape(word)}(?!\w)")
        lines = self.lines(span.file)
        first: Span | None = None
        for number in range(span.line, min(span.line + text.count("\n") + len(text) // 30 + 3, len(lines) + 1)):
            line = lines[number - 1]
            for match in pattern.finditer(line, span.column - 1 if number == span.line else 0):
                place = Span(span.file, number, match.start() + 1, match.end() + 1)
                opened = max(line.rfind("{{", 0, match.start()), line.rfind("{%", 0, match.start()))
                if opened > max(line.rfind("}}", 0, match.start()), line.rfind("%}", 0, match.start())):
                    return place
                first = first or place
        return first or span

    def within(self, span: Span, text: str, line: int, column: int, end: int = 0) -> Span:
        """The place of (line, column) of a scalar's value in the file."""
        lines = self.lines(span.file)
        written = lines[span.line - 1][span.column - 1 :] if span.line <= len(lines) else ""
        if written[:1] in "|>" and written:
            body = lines[span.line : span.line + text.count("\n") + 1]
            indent = next((len(one) - len(one.lstrip()) for one in body if one.strip()), 0)
            if written[0] == "|" and span.line + line <= len(lines):
                return Span(span.file, span.line + line, indent + column, indent + end if end else 0)
            return span
        width = span.end_column - span.column
        shift = 1 if written[:1] in "'\"" and written else 0
        if line == 1 and span.end_column and width == len(text) + 2 * shift:
            first = span.column + shift
            return Span(span.file, span.line, first + column - 1, first + end - 1 if end else 0)
        return span


def strings(value: Any, span: Span) -> Iterator[tuple[str, Span]]:
    """Every text in a value, with its place."""
    if isinstance(value, str):
        if not isinstance(value, (Unsafe, Encrypted)):
            yield value, span
    elif isinstance(value, YamlMap):
        for key, inner in value.items():
            yield from strings(inner, value.values_at.get(key, span))
    elif isinstance(value, YamlList):
        for inner, place in zip(value, value.items_at, strict=True):
            yield from strings(inner, place)
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner, span)


def of_value(one: Located | None, *, expression: bool = False, quiet: bool = False) -> Iterator[Text]:
    if one is not None:
        for text, span in strings(one.value, one.span):
            yield Text(text, span, expression, quiet)


def of_arguments(task: Task) -> Iterator[Text]:
    """The texts a module is given."""
    expressions = EXPRESSIONS.get(task.module, ())
    for key, value in task.args.items():
        if task.module in ("include_tasks", "include_role") and key == "apply":
            continue
        for text, span in strings(value, task.args.values_at.get(key, task.module_span)):
            yield Text(text, span, key in expressions, value=key == "var")
    if task.free_form is not None and "file" not in task.args:
        yield from of_value(task.free_form)


def of_result(task: Task) -> Iterator[Text]:
    """The texts that see the task's own result."""
    for one in (*(task.until or ()), *(task.changed_when or ()), *(task.failed_when or ()), *_breaks(task)):
        yield from of_value(one, expression=True)


def _breaks(task: Task) -> tuple[Located, ...]:
    return task.loop.control.break_when if task.loop else ()


def of_keywords(task: Task) -> Iterator[Text]:
    """The texts of a task's other keywords, inherited ones included."""
    shared = task.shared
    yield from of_value(task.name, quiet=True)
    become = shared.become
    for one in (become.become, become.user, become.method, become.flags, become.exe, *_plain(shared)):
        yield from of_value(one)
    for one in (task.retries, task.delay, task.async_, task.poll, *shared.environment, *shared.module_defaults, *shared.notify):
        yield from of_value(one)
    if task.loop is not None:
        control = task.loop.control
        yield from of_value(control.label, quiet=True)
        yield from of_value(control.pause)


def _plain(shared: Shared) -> tuple[Located | None, ...]:
    return (
        shared.connection,
        shared.remote_user,
        shared.port,
        shared.no_log,
        shared.ignore_errors,
        shared.check_mode,
        shared.diff,
        shared.run_once,
        shared.throttle,
        shared.timeout,
        shared.delegate_to,
    )


@dataclass(frozen=True)
class Used:
    """The names a text uses, each with whether its absence is provided for."""

    used: tuple[tuple[str, bool], ...] = ()
    kind: str = ""  # as template.names says


class Templates:
    """Parses each text once, reports wrong ones once for each place."""

    def __init__(self, names: Callable[..., Any] | None, sources: Sources, found: Findings) -> None:
        self._names = names
        self.sources = sources
        self.found = found
        self.files: dict[tuple[str, bool], Any] = {}  # of lint_files
        self.parsed: dict[tuple[str, bool], Any] = {}
        self._told: set[Span] = set()

    def used(self, text: str, *, expression: bool = False) -> Any:
        """The names in a text: an object with `.used`; TemplateError (an object, not raised) when it is no template."""
        key = (text, expression)
        if key not in self.parsed:
            self.parsed[key] = self._quick(text, expression) or self._parse(text, expression)
        return self.parsed[key]

    def _quick(self, text: str, expression: bool) -> Used | None:
        """Without Jinja for text that is no template and for a condition of one word."""
        if not expression:
            return None if templated(text) else Used()
        bare = _BARE.match(text)
        if bare and bare[2] not in _WORDS:
            return Used(((bare[2], bool(bare[3])),))
        return None

    def names(self, text: str, *, expression: bool = False) -> Any:
        """As `used`, but raises TemplateError; for the texts of template files."""
        if self._names is None:
            from nxtplay.template import names

            self._names = names
        return self._names(text, expression=expression)

    def _parse(self, text: str, expression: bool) -> Any:
        try:
            return self.names(text, expression=expression)
        except TemplateError as error:
            return error

    def check(self, value: Any, span: Span, *, expression: bool = False, lazy: bool = False) -> None:
        for text, place in strings(value, span):
            self.check_text(Text(text, place, expression, lazy=lazy))

    def check_text(self, one: Text) -> None:
        """Reports a text that is no template."""
        if one.span in self._told:
            return
        parsed = self.used(one.text, expression=one.expression)
        if isinstance(parsed, TemplateError):
            self._told.add(one.span)
            for diagnostic in parsed.diagnostics:
                place = diagnostic.span
                span = self.sources.within(one.span, one.text, place.line, place.column, place.end_column) if place else one.span
                foreign = _FOREIGN.match(diagnostic.message)
                never = one.lazy and foreign is not None and is_foreign_lookup(foreign[1])
                (self.found.warning if never else self.found.error)(diagnostic.message, span, diagnostic.hint)
        if one.expression and "{{" in one.text:
            self._told.add(one.span)
            self.found.warning("a condition is an expression already: braces make it render twice", one.span, "leave out {{ and }}")
        elif one.expression and not one.value and not isinstance(parsed, TemplateError) and parsed.kind:
            self._told.add(one.span)
            hint = "`> 0` or `!= 0` makes it a condition" if parsed.kind == "a number" else "`| length > 0` makes it a condition"
            self.found.advice(f"a condition is true or false, and this is {parsed.kind}: ansible-core 2.19 refuses it", one.span, hint)

    def check_variables(self, variables: YamlMap) -> None:
        for key, value in variables.items():
            self.check(value, variables.values_at.get(key) or variables.span or Span(""), lazy=True)

    def check_task(self, task: Task) -> None:
        """Every text of a task."""
        for source in (of_arguments(task), of_result(task), of_keywords(task)):
            for one in source:
                self.check_text(one)
        for condition in task.shared.when:
            self.check(condition.value, condition.span, expression=True)
        if task.loop is not None:
            self.check(task.loop.value.value, task.loop.value.span)
        for variables in task.shared.vars:
            self.check_variables(variables)
