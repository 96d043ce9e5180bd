"""The INI format of inventories, row by row."""

from __future__ import annotations

import re
import shlex

from nxtplay.errors import Diagnostic, InventoryError, Span, did_you_mean
from nxtplay.inventory.draft import Draft, DraftGroup
from nxtplay.inventory.names import expanded, value_of, with_port

_SECTION = re.compile(r"\[([^:\]]+)(?::(\w+))?\]\s*(?:#.*)?$")
_QUOTED = re.compile(r"'([^']*)'" r'|"([^"]*)"')
_WORD = re.compile(r"""(?:[^ \t\r\n'"]|'[^']*'|"[^"]*")+""")


def parse(text: str, file: str, draft: Draft) -> None:
    """Reads the text into the draft. Raises InventoryError with the place of the first row that cannot be read."""
    group: DraftGroup = draft.groups["ungrouped"]
    kind = "hosts"
    unborn: dict[str, Span] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            found = _SECTION.match(line)
            if found:
                group, kind = _section(found, draft, Span(file, number, 1, len(line) + 1), unborn)
                continue
            if line.endswith("]") and not re.match(r"\[[0-9a-fA-F:.]+\]", line):
                raise InventoryError(
                    Diagnostic(f"'{line}' is no section", Span(file, number, 1), "write [group], [group:children] or [group:vars]")
                )
        if kind == "hosts":
            _host_row(line, raw, file, number, group, draft)
        elif kind == "children":
            child = line.split("#")[0].strip()
            span = Span(file, number, raw.index(child) + 1, raw.index(child) + 1 + len(child))
            if not re.fullmatch(r"[^\s=\[\]]+", child):
                raise InventoryError(Diagnostic(f"a child of the group '{group.name}' should be one group's name, found '{child}'", span))
            if child not in draft.groups:
                unborn[child] = span
            draft.group(child, span, declared=False)
            group.children.setdefault(child, span)
        else:
            name, equals, value = line.partition("=")
            if not equals:
                raise InventoryError(
                    Diagnostic(
                        f"a variable of the group '{group.name}' should be name=value, found '{line}'",
                        Span(file, number, raw.index(line) + 1),
                    )
                )
            group.variables.put(name.strip(), value_of(value.strip()), Span(file, number, raw.index("=") + 2))
    wrong = {name: span for name, span in unborn.items() if not draft.groups[name].declared}
    if wrong:
        declared = [name for name, known in draft.groups.items() if known.declared and name not in ("all", "ungrouped")]
        raise InventoryError(
            *(
                Diagnostic(f"there is no group '{name}'", span, did_you_mean(name, declared) or f"add a section [{name}]")
                for name, span in wrong.items()
            )
        )


def _section(found: re.Match[str], draft: Draft, span: Span, unborn: dict[str, Span]) -> tuple[DraftGroup, str]:
    name, kind = found.group(1).strip(), found.group(2) or "hosts"
    if kind not in ("hosts", "children", "vars"):
        hint = did_you_mean(kind, ["hosts", "children", "vars"]) or "expected children, vars or hosts"
        raise InventoryError(Diagnostic(f"'{kind}' is no kind of section", span, hint))
    known_before = name in draft.groups
    group = draft.group(name, span, declared=kind != "vars")
    if kind == "vars" and not known_before:
        unborn[name] = span
    if group.span is None:
        group.span = span
    return group, kind


def _host_row(line: str, raw: str, file: str, number: int, group: DraftGroup, draft: Draft) -> None:
    span = Span(file, number, 1)
    try:
        tokens = words(line)
    except ValueError as error:
        message = f"the row cannot be read: {str(error).lower()}"
        raise InventoryError(Diagnostic(message, span, "close the quote, or escape it")) from None
    name, port = with_port(tokens[0])
    values = {}
    for token in tokens[1:]:
        key, equals, value = token.partition("=")
        if not equals:
            at = Span(file, number, max(raw.find(token) + 1, 1))
            message = f"after a host stand variables as name=value, found '{token}'"
            raise InventoryError(Diagnostic(message, at, "one host a row; quote values that hold spaces"))
        values[key] = value_of(value)
    if port is not None:
        values.setdefault("ansible_port", port)
    hosts = [name] if "[" not in name else expanded(name, span)
    for each in hosts:
        host = draft.hosts.get(each)
        if host is None:
            host = draft.host(each, span)
        for key, item in values.items():
            host.variables[key] = item
            host.variables.values_at[key] = span
        group.hosts[each] = None


def words(line: str) -> list[str]:
    """As shlex splits the row. shlex goes by the character; only rows with escapes, comments or a quote left open need it."""
    if "\\" in line or "#" in line:
        return shlex.split(line, comments=True)
    if "'" not in line and '"' not in line:
        return line.split()
    outside = _QUOTED.sub("", line)
    if "'" in outside or '"' in outside:
        return shlex.split(line, comments=True)
    return [_QUOTED.sub(r"\1\2", word) if "'" in word or '"' in word else word for word in _WORD.findall(line)]
