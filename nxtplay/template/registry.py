"""Which filters and tests there are: one plain dict per family, found by short or fully qualified name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Function = Callable[..., Any]
_COLLECTIONS = (
    "ansible.builtin.",
    "ansible.legacy.",
    "ansible.utils.",
    "ansible.netcommon.",
    "community.general.",
    "community.crypto.",
    "community.docker.",
)


def short_name(name: str) -> str:
    """`combine` for `ansible.builtin.combine`."""
    for prefix in _COLLECTIONS:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


class Registry:
    """Functions by name from several families, the later family winning; families are imported at the first question.

    The `rare` one is imported at the first question for a name that no other has.
    """

    def __init__(self, kind: str, *families: tuple[str, str], rare: tuple[str, str]) -> None:
        self._kind, self._families, self._rare = kind, families, rare
        self._functions: dict[str, Function] = {}

    def _all(self) -> Mapping[str, Function]:
        if not self._functions:
            for module, table in self._families:
                self._functions.update(getattr(import_module(module), table))
        return self._functions

    def add(self, functions: Mapping[str, Function], *, over: bool = True) -> None:
        """Further functions, over those of the same name or below them."""
        self._functions = {**self._all(), **functions} if over else {**functions, **self._all()}

    def find(self, name: str) -> Function | None:
        """The function; one of a collection is taken in when it is first asked for."""
        found = self._all().get(short_name(name)) or self._with_rare().get(short_name(name))
        if found is None:
            from nxtplay.template import plugins

            reached = short_name(plugins.reach(self._kind, name))
            found = self._all().get(reached)
        return found

    def names(self) -> list[str]:
        return sorted(self._with_rare())

    def _with_rare(self) -> Mapping[str, Function]:
        module, table = self._rare
        self._functions = {**getattr(import_module(module), table), **self._all()}
        return self._functions


def takes_undefined(function: Function) -> Function:
    """Marks a filter or test that wants to see undefined and unknown arguments itself."""
    function.takes_undefined = True  # type: ignore[attr-defined]
    return function


def chooses(function: Function) -> Function:
    """Marks a filter that gives one of its arguments: the others may be undefined or unknown, what it is applied to may not."""
    function.chooses = True  # type: ignore[attr-defined]
    return function


_HERE = "nxtplay.template."
filters = Registry(
    "filter",
    ("jinja2.filters", "FILTERS"),
    (_HERE + "filters_data", "FILTERS"),
    (_HERE + "filters_sets", "FILTERS"),
    (_HERE + "filters_text", "FILTERS"),
    (_HERE + "filters_codec", "FILTERS"),
    (_HERE + "filters_path", "FILTERS"),
    rare=(_HERE + "filters_network", "FILTERS"),
)
tests = Registry("test", ("jinja2.tests", "TESTS"), (_HERE + "tests", "TESTS"), rare=(_HERE + "filters_network", "TESTS"))
