"""An inventory while its sources are read: several sources write into one draft."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span
from nxtplay.variables.files import merged


class Placed(dict[str, Any]):
    """Variables and their places, as templates and `explain` ask for them."""

    __slots__ = ("values_at",)

    def __init__(self) -> None:
        super().__init__()
        self.values_at: dict[str, Span] = {}

    def put(self, name: str, value: Any, span: Span | None) -> None:
        self[name] = value
        if span is not None:
            self.values_at[name] = span

    def update_from(self, values: Mapping[str, Any], otherwise: Span | None) -> None:
        places = getattr(values, "values_at", None) or {}
        for name, value in values.items():
            self.put(str(name), value, places.get(name) or otherwise)


class Merging(Placed):
    """Variables where a mapping adds to one of its name (hash_behaviour merge)."""

    __slots__ = ()

    def put(self, name: str, value: Any, span: Span | None) -> None:
        old = self.get(name)
        super().put(name, merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value, span)


@dataclass(slots=True)
class DraftHost:
    """A host while its sources are being read."""

    name: str
    variables: Placed = field(default_factory=Placed)
    span: Span | None = None


@dataclass(slots=True)
class DraftGroup:
    """A group while its sources are being read."""

    name: str
    variables: Placed = field(default_factory=Placed)
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Span | None] = field(default_factory=dict)
    span: Span | None = None
    declared: bool = False  # named by its own section, not only as somebody's child
    priority: int = 1

    def take_priority(self) -> None:
        """`ansible_group_priority` is about the group; it is no variable of its hosts. Raises InventoryError when it is no number."""
        if "ansible_group_priority" not in self.variables:
            return
        value = self.variables.pop("ansible_group_priority")
        try:
            self.priority = int(value)
        except (TypeError, ValueError):
            span = self.variables.values_at.get("ansible_group_priority")
            message = f"ansible_group_priority of the group '{self.name}' is {value!r}, expected a number"
            raise InventoryError(Diagnostic(message, span)) from None


class Draft:
    """Hosts and groups under construction; `all` and `ungrouped` are always there. `merge`: mappings of several sources are one.

    `valid_names`: the names of groups are made fit for variables when all is read.
    """

    def __init__(self, *, merge: bool = False, valid_names: bool = False) -> None:
        self._valid_names = valid_names
        self._variables: type[Placed] = Merging if merge else Placed
        self.hosts: dict[str, DraftHost] = {}
        self.groups: dict[str, DraftGroup] = {}
        for name in ("all", "ungrouped"):
            self.group(name)
        self.warnings: list[Diagnostic] = []

    def host(self, name: str, span: Span | None = None) -> DraftHost:
        found = self.hosts.get(name)
        if found is None:
            found = self.hosts[name] = DraftHost(name, self._variables(), span)
        return found

    def group(self, name: str, span: Span | None = None, *, declared: bool = True) -> DraftGroup:
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = DraftGroup(name, self._variables(), span=span)
        if declared:
            found.declared = True
        return found

    def warn(self, message: str, span: Span | None = None, hint: str = "") -> None:
        self.warnings.append(Diagnostic(message, span, hint, severity="warning"))

    def close(self) -> None:
        """Checks that no group is its own descendant and that `all` and `ungrouped` stand where they must. Raises InventoryError."""
        if self._valid_names:
            self._rename()
        for group in self.groups.values():
            group.children.pop("all", None)  # everything is below `all` anyway
            group.children.pop("ungrouped", None)
            group.take_priority()
        state: dict[str, int] = {}
        for name in self.groups:
            self._follow(name, state, [])

    def named(self, group: str) -> str:
        """The name that a group gets."""
        return re.sub(r"^\d|\W", "_", group, flags=re.ASCII) if self._valid_names else group

    def _rename(self) -> None:
        written, self.groups = self.groups, {}
        for name, group in written.items():
            into = self.group(self.named(name), group.span, declared=group.declared)
            into.variables.update_from(group.variables, group.span)
            into.hosts.update(group.hosts)
            into.children.update({self.named(child): span for child, span in group.children.items()})

    def _follow(self, start: str, state: dict[str, int], path: list[str]) -> None:
        if state.get(start) == 2:
            return
        if state.get(start) == 1:
            loop = [*path[path.index(start) :], start]
            span = self.groups[loop[-2]].children.get(start)
            raise InventoryError(Diagnostic(f"groups in a circle: {' -> '.join(loop)}", span, "take one of these children out"))
        state[start] = 1
        for child in self.groups[start].children:
            self._follow(child, state, [*path, start])
        state[start] = 2
