"""Which filters and tests there are: one plain dict per family, found by short or fully qualified name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Function = Callable[..., Any]
_COLLECTIONS = ("ansible.builtin.", "ansible.legacy.", "community.general.", "community.crypto.", "ansible.utils.", "community.docker.")


def short_name(name: str) -> str:
    """`combine` for `ansible.builtin.combine`."""
    for prefix in _COLLECTIONS:
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


class Registry:
    """Functions by name from several families, the later family winning; families are imported at the first question."""

    def __init__(self, *families: tuple[str, str]) -> None:
        self._families = families
        self._functions: dict[str, Function] = {}

    def _all(self) -> Mapping[str, Function]:
        if not self._functions:
            for module, table in self._families:
                self._functions.update(getattr(import_module(module), table))
        return self._functions

    def add(self, functions: Mapping[str, Function]) -> None:
        """Further functions, over those of the same name."""
        self._all()
        self._functions.update(functions)

    def find(self, name: str) -> Function | None:
        return self._all().get(short_name(name))

    def names(self) -> list[str]:
        return sorted(self._all())


def takes_undefined(function: Function) -> Function:
    """Marks a filter or test that wants to see undefined and unknown arguments itself."""
    function.takes_undefined = True  # type: ignore[attr-defined]
    return function


_HERE = "nxtplay.template."
filters = Registry(
    ("jinja2.filters", "FILTERS"),
    (_HERE + "filters_data", "FILTERS"),
    (_HERE + "filters_sets", "FILTERS"),
    (_HERE + "filters_text", "FILTERS"),
    (_HERE + "filters_codec", "FILTERS"),
    (_HERE + "filters_path", "FILTERS"),
)
tests = Registry(("jinja2.tests", "TESTS"), (_HERE + "tests", "TESTS"))
