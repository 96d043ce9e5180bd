"""Filters that compare and order the items of lists; the order of the first list is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2.filters import FILTERS as JINJA
from jinja2.utils import pass_environment

from nxtplay.template.environment import Environment


def _without_doubles(items: Any) -> list[Any]:
    try:
        return list(dict.fromkeys(items))
    except TypeError:  # an item that cannot be hashed
        out: list[Any] = []
        for item in items:
            if item not in out:
                out.append(item)
        return out


def _lookup(items: Any) -> Any:
    try:
        return set(items)
    except TypeError:
        return list(items)


def _among(item: Any, known: Any) -> bool:
    try:
        return item in known
    except TypeError:
        return item in list(known)


def union(first: Any, second: Any) -> list[Any]:
    return _without_doubles([*first, *second])


def intersect(first: Any, second: Any) -> list[Any]:
    known = _lookup(second)
    return _without_doubles([item for item in first if _among(item, known)])


def difference(first: Any, second: Any) -> list[Any]:
    known = _lookup(second)
    return _without_doubles([item for item in first if not _among(item, known)])


def symmetric_difference(first: Any, second: Any) -> list[Any]:
    return [*difference(first, second), *difference(second, first)]


@pass_environment
def unique(environment: Environment, value: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    try:
        return list(JINJA["unique"](environment, value, bool(case_sensitive), attribute))
    except TypeError:
        if attribute is not None or case_sensitive is False or not isinstance(value, Iterable):
            raise
        return _without_doubles(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
    "unique": unique,
}
