"""One typo at a time: every key, module, argument, handler and variable of a playbook's files, changed by a slip of the hand.

A correct tree with any of these mutations must be found wrong, at the line of the slip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nxtplay.errors import Diagnostic, NxtplayError, Span
from nxtplay.playbook.keywords import KEYWORDS, templated
from nxtplay.playbook.model import YamlList, YamlMap
from nxtplay.playbook.source import parse
from nxtplay.template import names

# arguments that are mappings of the user's own words
_FREE = frozenset(("set_fact", "add_host"))
_OPERATORS = ("in", "==", "!=", "<", ">", "<=", ">=")
_EXPRESSIONS = ("when", "changed_when", "failed_when", "until", "that", "break_when", "var")
_LISTS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")


@dataclass(frozen=True)
class Mutation:
    """`text` is the file's text with `before` written as `after` at `line`."""

    file: Path
    line: int
    kind: str
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.kind} '{self.before}' as '{self.after}'"


def typo(word: str) -> str:
    """Two neighbouring letters exchanged, or, where all are equal, the last one doubled."""
    for index in range(len(word) // 2, 0, -1):
        if word[index] != word[index - 1] and (word[index - 1] + word[index]).replace("_", "a").isalnum():
            return word[: index - 1] + word[index] + word[index - 1] + word[index + 1 :]
    return word + word[-1]


def mutations(files: Iterable[Path]) -> Iterator[Mutation]:
    """All mutations of playbooks, files of tasks and of handlers."""
    for file in files:
        text = file.read_text()
        lines = text.split("\n")
        for kind, word, span in dict.fromkeys(_points(parse(text, str(file)), lines)):
            row = lines[span.line - 1]
            at = span.column - 1
            if row[at : at + len(word)] != word:
                at = row.find(word, at)
            if at < 0:
                continue
            changed = [*lines]
            changed[span.line - 1] = row[:at] + typo(word) + row[at + len(word) :]
            yield Mutation(file, span.line, kind, word, typo(word), "\n".join(changed))


def survivors(files: Iterable[Path], check: Callable[[], Sequence[Diagnostic]]) -> list[str]:
    """The mutations that `check`, run with each of them in place, does not find at their line."""
    out = []
    for mutation in mutations(files):
        original = mutation.file.read_text()
        mutation.file.write_text(mutation.text)
        try:
            found = list(check())
        except NxtplayError as error:
            found = list(error.diagnostics)
        finally:
            mutation.file.write_text(original)
        if not any(_at(span, mutation) for one in found for span in (one.span, *(at for _, at in one.notes))):
            out.append(f"{mutation} -> {[str(one) for one in found]}")
    return out


def _at(span: Span | None, mutation: Mutation) -> bool:
    return span is not None and span.line == mutation.line and Path(span.file).resolve() == mutation.file.resolve()


def _points(data: Any, lines: list[str]) -> Iterator[tuple[str, str, Span]]:
    for item in data if isinstance(data, YamlList) else ():
        if isinstance(item, YamlMap):
            yield from _play(item, lines) if "hosts" in item or "import_playbook" in item else _task(item, lines)
    if isinstance(data, YamlMap) and isinstance(data.get("argument_specs"), YamlMap):
        yield from _specs(data["argument_specs"])


def _play(play: YamlMap, lines: list[str]) -> Iterator[tuple[str, str, Span]]:
    yield from _keys(play, "keyword")
    roles = play.get("roles")
    for role, span in zip(roles, roles.items_at, strict=True) if isinstance(roles, YamlList) else ():
        if isinstance(role, str):
            yield "role", role, span
        if isinstance(role, YamlMap):
            yield from _texts_of(role, ("role", "name"), "role")
            yield from ((kind, word, span) for kind, word, span in _keys(role, "keyword") if word in KEYWORDS)
            yield from _variables(role, lines)
    for key in _LISTS:
        for task in play.get(key) or ():
            yield from _task(task, lines)


def _specs(entries: YamlMap) -> Iterator[tuple[str, str, Span]]:
    """Keys and types of a role's argument specifications."""
    for entry in entries.values():
        yield from ((kind, word, span) for kind, word, span in _keys(entry, "specification") if word != "options")
        waiting = [entry.get("options")]
        while waiting:
            options = waiting.pop()
            for option in options.values() if isinstance(options, YamlMap) else ():
                if isinstance(option, YamlMap):
                    yield from _keys(option, "specification")
                    yield from _texts_of(option, ("type",), "type")
                    waiting.append(option.get("options"))


def _texts_of(mapping: YamlMap, keys: Sequence[str], kind: str) -> Iterator[tuple[str, str, Span]]:
    """Words that stand alone as the values of keys."""
    for key in keys:
        word = mapping.get(key)
        if isinstance(word, str) and word.replace("_", "").replace(".", "").replace("-", "").replace("/", "").isalnum():
            yield kind, word, mapping.values_at[key]


def _keys(mapping: YamlMap, kind: str) -> Iterator[tuple[str, str, Span]]:
    for key in mapping:
        yield kind, key, mapping.keys_at[key]


def _task(task: Any, lines: list[str]) -> Iterator[tuple[str, str, Span]]:
    if not isinstance(task, YamlMap):
        return
    yield from _keys(task, "keyword or module")
    for key in _LISTS:
        for inner in task.get(key) or ():
            yield from _task(inner, lines)
    for key, value in task.items():
        if isinstance(value, YamlMap) and key.rpartition(".")[2] not in _FREE and (key not in KEYWORDS or key in ("loop_control", "args")):
            yield from _keys(value, "argument")
            if isinstance(value.get("apply"), YamlMap):
                yield from _keys(value["apply"], "keyword")
        if isinstance(value, YamlMap) and key.rpartition(".")[2] in ("import_role", "include_role"):
            yield from _texts_of(value, ("name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from"), "role")
    yield from _texts_of(task, ("include_tasks", "import_tasks", "ansible.builtin.include_tasks", "ansible.builtin.import_tasks"), "file")
    yield from _notified(task)
    yield from _variables(task, lines)


def _notified(task: YamlMap) -> Iterator[tuple[str, str, Span]]:
    value = task.get("notify")
    for one, span in zip(value, value.items_at, strict=True) if isinstance(value, YamlList) else [(value, task.values_at.get("notify"))]:
        if isinstance(one, str) and span and not templated(one):
            yield "handler", one, span


def _variables(mapping: YamlMap, lines: list[str]) -> Iterator[tuple[str, str, Span]]:
    """The variables of templates and conditions whose absence is not provided for."""
    guarded = {name for text, _, bare in _texts(mapping) if bare for name, safe in names(text, expression=True).used if safe}
    for text, span, bare in _texts(mapping):
        found = names(text, expression=bare)
        for kind, words in (("filter", found.filters), ("test", found.tests), ("lookup", found.lookups)):
            row = lines[span.line - 1]
            for word in words:
                at = _word(row, word.rpartition(".")[2], span.column - 1) if word not in _OPERATORS else None
                if at is None and kind == "lookup":
                    at = row.find(f"'{word}'", span.column - 1) + 1 or None
                if at is not None:
                    yield kind, word.rpartition(".")[2], span._replace(column=at + 1)
        for name, safe in found.used:
            row = lines[span.line - 1]
            if not safe and name not in guarded and name in row[span.column - 1 :]:
                at = _word(row, name, span.column - 1)
                if at is not None:
                    yield "variable", name, span._replace(column=at + 1)


def _word(row: str, name: str, start: int) -> int | None:
    import re

    found = re.compile(rf"(?<![\w.'\"]){name}(?!\w)").search(row, start)
    return found.start() if found else None


def _texts(value: Any, span: Span | None = None, bare: bool = False) -> Iterator[tuple[str, Span, bool]]:
    if isinstance(value, YamlMap):
        for key, inner in value.items():
            if key not in (*_LISTS, "name", "roles", "label"):
                yield from _texts(inner, value.values_at.get(key), key in _EXPRESSIONS)
    elif isinstance(value, YamlList):
        for inner, at in zip(value, value.items_at, strict=True):
            yield from _texts(inner, at, bare)
    elif isinstance(value, str) and span is not None and (bare or templated(value)):
        yield value, span, bare
