"""Levels of variables, low to high, and a scope that looks through them from the top.

A Layer is a mapping at a level; layers are kept by reference, so what changes in them (facts, registered values) is seen at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from nxtplay.errors import Span
from nxtplay.template.values import written_in


class Level(IntEnum):
    """Which of two values of one name counts: the higher one, and within a level the later layer."""

    COMMAND_LINE = 1
    ROLE_DEFAULTS = 2
    INVENTORY_ALL = 3
    INVENTORY_GROUP = 4
    INVENTORY_GROUP_VARS_ALL = 5
    PLAYBOOK_GROUP_VARS_ALL = 6
    INVENTORY_GROUP_VARS = 7
    PLAYBOOK_GROUP_VARS = 8
    INVENTORY_HOST = 9
    INVENTORY_HOST_VARS = 10
    PLAYBOOK_HOST_VARS = 11
    FACTS = 12
    PLAY_VARS = 13
    VARS_FILES = 14
    ROLE_VARS = 15
    BLOCK_VARS = 16
    TASK_VARS = 17
    INCLUDE_VARS = 18
    SET_FACT = 19
    ROLE_PARAMS = 20
    INCLUDE_PARAMS = 21
    EXTRA_VARS = 22
    MAGIC = 23


@dataclass(frozen=True)
class Layer:
    """Variables of one level. `trusted` False: the values are data (facts, results) and never templates.

    `written` is what a file says in their stead (the items of a loop, before they were rendered).
    """

    level: Level
    source: str
    values: Mapping[str, Any]
    trusted: bool = True
    written: Any = None


class Scope(Mapping[str, Any]):
    """Variables as a task sees them. See nxtplay.template.render for what templates ask of a scope."""

    __slots__ = ("_top_down", "rendered")

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._top_down: tuple[Layer, ...] = tuple(reversed(layers))
        self.rendered: dict[str, Any] = {}

    def plus(self, *layers: Layer) -> Self:
        """This scope with further layers on top, given low to high."""
        out = type(self)(())
        out._top_down = (*reversed(layers), *self._top_down)
        return out

    def find(self, name: str) -> tuple[Any, bool]:
        """The value as written and whether it may be a template. KeyError when no layer has the name."""
        for layer in self._top_down:
            values = layer.values
            if name in values:
                return values[name], layer.trusted
        raise KeyError(name)

    def where(self, name: str) -> Span | None:
        """Where the value that counts was written, if it came from a file."""
        for layer in self._top_down:
            if name in layer.values:
                places: Mapping[str, Span] = getattr(layer.values, "values_at", None) or {}
                return places.get(name)
        return None

    def written(self, text: str) -> bool:
        """Whether this very text stands in a variable of a file, or among the items of the loop."""
        held = (value for layer in self._top_down if layer.trusted for value in layer.values.values())
        return any(written_in(text, value) for value in held) or any(written_in(text, layer.written) for layer in self._top_down)

    def explain(self, name: str) -> list[tuple[Layer, Span | None, Any]]:
        """Every layer that has the name, the one that counts first."""
        return [
            (layer, (getattr(layer.values, "values_at", None) or {}).get(name), layer.values[name])
            for layer in self._top_down
            if name in layer.values
        ]

    def __getitem__(self, name: str) -> Any:
        return self.find(name)[0]

    def __contains__(self, name: object) -> bool:
        for layer in self._top_down:  # noqa: SIM110 (asked so often that a generator shows)
            if name in layer.values:
                return True
        return False

    def __iter__(self) -> Iterator[str]:
        seen: dict[str, None] = {}
        for layer in reversed(self._top_down):
            seen.update(dict.fromkeys(layer.values))
        return iter(seen)

    def __len__(self) -> int:
        return sum(1 for _ in self)
