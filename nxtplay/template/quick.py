"""The templates that need no Jinja: text with {{ name }}, {{ name.key }}, {{ name['key'] }}, {{ name[0] }}."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from nxtplay.template.lazy import joined, with_newlines
from nxtplay.template.messages import no_such_key, undefined_name
from nxtplay.template.values import MISSING, attribute, item


class Names(Protocol):
    """Where names are looked up."""

    def get(self, name: str) -> Any: ...
    def names(self) -> list[str]: ...


Quick = Callable[[Names], Any]
_PATH = r"""[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*|\[\s*(?:'[^'\\\n]*'|"[^"\\\n]*"|\d+)\s*\])*"""
_SLOT = re.compile(r"\{\{\s*(" + _PATH + r")\s*\}\}")
_STEP = re.compile(r"""\.\s*([A-Za-z_]\w*)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]""")
_RESERVED = frozenset(
    "true false none True False None not and or if else elif is in for lookup query q range dict now undef namespace "
    "lipsum cycler joiner loop self super caller varargs kwargs".split()
)


def quick(text: str) -> Quick | None:
    """The program of a template that needs no Jinja; None when it does."""
    if "{%" in text or "{#" in text or "\r" in text:
        return None
    body = text[:-1] if text.endswith("\n") else text
    parts: list[Any] = []
    position = 0
    for slot in _SLOT.finditer(body):
        if slot.start() > position:
            parts.append(body[position : slot.start()])
        step = _path(slot.group(1))
        if step is None:
            return None
        parts.append(step)
        position = slot.end()
    if position < len(body):
        parts.append(body[position:])
    if any(isinstance(part, str) and ("{{" in part or "}}" in part) for part in parts) or not parts:
        return None
    newlines = len(text) - len(text.rstrip("\n"))
    if len(parts) == 1:
        only = parts[0]
        return lambda values: with_newlines(only(values), newlines)
    return lambda values: with_newlines(joined([part if isinstance(part, str) else part(values) for part in parts]), newlines)


def _path(text: str) -> Quick | None:
    name = re.match(r"\w+", text)
    assert name is not None
    root = name.group()
    if root in _RESERVED:
        return None
    steps: list[tuple[Any, Any, str]] = []
    for step in _STEP.finditer(text, name.end()):
        dotted, single, double, number = step.groups()
        if dotted is not None and dotted.startswith("__"):
            return None
        key = dotted if dotted is not None else int(number) if number is not None else single if single is not None else double
        steps.append((attribute if dotted is not None else item, key, text[: step.start()]))

    def walk(values: Names) -> Any:
        value = values.get(root)
        if value is MISSING:
            raise undefined_name(root, values.names())
        for access, key, so_far in steps:
            inner = access(value, key)
            if inner is MISSING:
                raise no_such_key(so_far, value, key)
            value = inner
        return value

    return walk


def roots(text: str) -> dict[str, tuple[int, int]] | None:
    """The names a template that needs no Jinja starts from, with the line and column of each; None when it needs Jinja."""
    if "{%" in text or "{#" in text or quick(text) is None:
        return None
    out: dict[str, tuple[int, int]] = {}
    for slot in _SLOT.finditer(text):
        found = re.match(r"\w+", slot.group(1))
        if found and found.group() not in ("omit", "vars"):
            start = slot.start(1)
            out.setdefault(found.group(), (text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)))
    return out
