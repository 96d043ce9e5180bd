"""Comparing version numbers as the test `version` does: loose, strict, semver."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable
from typing import Any

from nxtplay.errors import TemplateError

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operators.eq,
    "=": operators.eq,
    "eq": operators.eq,
    "<": operators.lt,
    "lt": operators.lt,
    "<=": operators.le,
    "le": operators.le,
    ">": operators.gt,
    "gt": operators.gt,
    ">=": operators.ge,
    "ge": operators.ge,
    "!=": operators.ne,
    "<>": operators.ne,
    "ne": operators.ne,
}


def compare(value: str, other: str, operator: str = "eq", *, strict: bool | None = None, kind: str | None = None) -> bool:
    """Whether `value operator other` holds. kind: loose, strict, semver (semantic) or pep440; loose unless said."""
    if strict is not None and kind:
        raise TemplateError("version: give either strict or version_type, not both")
    kind = kind or ("strict" if strict else "loose")
    if not value or not other:
        raise TemplateError(f"version: the {'left' if not value else 'right'} version is empty")
    if operator not in _OPERATORS:
        raise TemplateError(f"version: there is no comparison '{operator}'; there are {', '.join(_OPERATORS)}")
    parsers: dict[str, Callable[[str], Any]] = {
        "loose": _loose,
        "strict": _strict,
        "semver": _semver,
        "semantic": _semver,
        "pep440": _pep440,
    }
    if kind not in parsers:
        raise TemplateError(f"version: version_type is '{kind}', expected {', '.join(parsers)}")
    try:
        return _OPERATORS[operator](parsers[kind](value), parsers[kind](other))
    except TypeError:
        raise TemplateError(f"version: '{value}' and '{other}' cannot be compared: text stands against a number") from None


def _loose(text: str) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+|[a-z]+|\.)", text) if part and part != "."]


def _strict(text: str) -> tuple[Any, ...]:
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", text)
    if found is None:
        raise TemplateError(f"version: '{text}' is no strict version; expected 1.2, 1.2.3 or 1.2a1")
    major, minor, patch, stage, number = found.groups()
    return int(major), int(minor), int(patch or 0), (stage, int(number)) if stage else ("z", 0)


def _semver(text: str) -> tuple[Any, ...]:
    number = r"(0|[1-9]\d*)"
    found = re.fullmatch(rf"v?{number}\.{number}\.{number}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", text)
    if found is None:
        raise TemplateError(f"version: '{text}' is no semantic version; expected 1.2.3 or 1.2.3-rc.1")
    major, minor, patch, before, _ = found.groups()
    rank: tuple[Any, ...] = (
        (1,) if before is None else (0, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".")))
    )
    return int(major), int(minor), int(patch), rank


def _pep440(text: str) -> Any:
    try:
        from packaging.version import InvalidVersion, Version
    except ImportError:
        raise TemplateError("version: pep440 needs the library packaging; install it next to nxtplay: pip install packaging") from None
    try:
        return Version(text)
    except InvalidVersion:
        raise TemplateError(f"version: '{text}' is no PEP 440 version") from None
