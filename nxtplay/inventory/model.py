"""Hosts, groups and what variables they bring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.errors import Diagnostic, Span
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.patterns import Matcher
from nxtplay.variables.files import VarsDirectory
from nxtplay.variables.precedence import Layer, Level

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Host:
    """A host as its sources name it. `variables` are those written with it; `groups` those that list it themselves."""

    name: str
    variables: Mapping[str, Any]
    groups: tuple[str, ...]
    span: Span | None = None


@dataclass(frozen=True)
class Group:
    """A group: its own hosts and child groups, how deep it lies below `all`, and its priority among groups as deep."""

    name: str
    variables: Mapping[str, Any]
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    depth: int = 0
    priority: int = 1
    span: Span | None = None


@dataclass
class _View:
    """What is worked out from a draft, until the draft changes."""

    hosts: dict[str, Host] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)  # group -> its hosts, those of children included
    above: dict[str, tuple[str, ...]] = field(default_factory=dict)  # group -> itself and all above it but `all`, low to high
    layers: dict[Any, list[Layer]] = field(default_factory=dict)
    names: dict[Any, frozenset[str]] = field(default_factory=dict)
    guests: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the implicit localhost, once group_by has put it into groups


class Inventory:
    """Every host and group of a run. Groups and hosts are frozen values; add_host and add_to_group change what is looked up next."""

    def __init__(
        self,
        draft: Draft,
        *,
        sources: Sequence[str] = (),
        inventory_dirs: Sequence[VarsDirectories] = (),
        playbook_dirs: Sequence[VarsDirectories] = (),
        directory: str | None = None,
        file: str | None = None,
        warnings: Iterable[Diagnostic] = (),
        reload: Callable[[], Draft] | None = None,
    ) -> None:
        self.sources = tuple(sources)
        self.directory = directory
        self.file = file
        self.warnings: tuple[Diagnostic, ...] = tuple(warnings)
        self._draft = draft
        self._inventory_dirs = tuple(inventory_dirs)
        self._playbook_dirs = tuple(playbook_dirs)
        self._reload = reload
        self._added: list[Callable[[], bool]] = []  # how to add again what the run has added
        self._view: _View | None = None
        self._matcher: Matcher | None = None

    # -- what is there

    @property
    def hosts(self) -> Mapping[str, Host]:
        """By name, in inventory order; the implicit localhost is not among them."""
        return self._seen.hosts

    @property
    def groups(self) -> Mapping[str, Group]:
        return self._seen.groups

    def __contains__(self, name: object) -> bool:
        """Whether a play can name this host: those of the inventory, and this machine."""
        return name in self._seen.hosts or name in LOCAL_NAMES

    def is_implicit(self, name: str) -> bool:
        """Whether this is this machine, named by no source."""
        return name in LOCAL_NAMES and name not in self._seen.hosts

    def meant(self, name: str) -> str:
        """The host that a name means: this machine has several, and counts under one."""
        return self.match(name)[0] if self.is_implicit(name) else name

    def members(self, group: str) -> Sequence[str]:
        """The hosts of a group and of the groups below it, in inventory order. KeyError when there is no such group."""
        return self._seen.members[group]

    def magic_groups(self) -> dict[str, list[str]]:
        """The variable `groups`."""
        return {name: list(hosts) for name, hosts in self._seen.members.items()}

    def groups_of(self, name: str) -> list[str]:
        """The variable `group_names`: every group a host is in, `all` left out, by name."""
        return sorted(self._above(self._groups(name)))

    def match(self, pattern: str | Sequence[str], limit: str | None = None) -> list[str]:
        """The names of the hosts a pattern means, in its order, cut down to those that `limit` means too.

        Unions (`,` `:`) come first, then intersections (`&`), then exclusions (`!`), wherever they stand. Names, globs, `~regex`,
        `group[0]`, `group[0:2]` (both ends included), `@file`. Raises InventoryError for a pattern that cannot be read.
        """
        return self._matching.hosts(pattern, limit)

    def unmatched(self, pattern: str | Sequence[str]) -> list[str]:
        """The parts of a pattern that mean no host and no group there is (a typo, mostly)."""
        return self._matching.unmatched(pattern)

    # -- variables

    def layers(self, name: str) -> list[Layer]:
        """The variables of a host from the inventory, group_vars and host_vars: levels 3 to 11, low to high.

        Layers of groups are shared among their hosts. An unknown name gets what `all` has.
        """
        host = self._seen.hosts.get(name)
        return [*self._layers_of_groups(self._order(name)), *self._layers_of_host(name, host)]

    def variables(self, name: str, *, own: bool = False) -> dict[str, Any]:
        """A host's variables from the inventory as written, one value a name (for `inventory --list`); with `own` not those of groups."""
        layers = self._layers_of_host(name, self._seen.hosts.get(name)) if own else self.layers(name)
        return {key: value for layer in layers for key, value in layer.values.items()}

    def group_variables(self, name: str) -> dict[str, Any]:
        """A group's own variables and those of its group_vars, one value a name."""
        directories = (*self._inventory_dirs, *self._playbook_dirs)
        group = self._seen.groups[name]
        priority = {"ansible_group_priority": group.priority} if group.priority != 1 else {}
        written = [priority, group.variables, *(values for pair in directories for _, values in pair.groups.of(name))]
        return {key: value for values in written for key, value in values.items()}

    def names(self, name: str) -> frozenset[str]:
        """The names of a host's variables: one set for all hosts of the same groups that have the same ones of their own."""
        host = self._seen.hosts.get(name)
        order = self._order(name)
        own = frozenset(key for layer in self._layers_of_host(name, host) for key in layer.values)
        found = self._seen.names.get((order, own))
        if found is None:
            found = own.union(*(layer.values for layer in self._layers_of_groups(order)))
            self._seen.names[order, own] = found
        return found

    # -- changes while a run goes on

    def add_host(self, name: str, groups: Sequence[str] = (), variables: Mapping[str, Any] | None = None) -> bool:
        """Adds a host, or variables and groups to one there is; whether that changed anything."""
        self._added.append(lambda: self.add_host(name, groups, variables))
        host = self._draft.hosts.get(name)
        news = dict(variables or {})
        changed = host is None or any(host.variables.get(key, _NOTHING) != value for key, value in news.items())
        host = self._draft.host(name)
        host.variables.update(news)
        for group in groups:
            changed = self._put(name, group) or changed
        if changed:
            self._forget()
        return changed

    def add_to_group(self, name: str, group: str, parents: Sequence[str] = ()) -> bool:
        """Puts a host into a group, making it (below `parents`) when there is none; whether that changed anything."""
        self._added.append(lambda: name in self and self.add_to_group(name, group, parents))
        group, parents = self._draft.named(group), [self._draft.named(parent) for parent in parents]
        changed = group not in self._draft.groups
        self._draft.group(group)
        for parent in parents:
            if parent != "all" and group not in self._draft.group(parent).children:
                self._draft.group(parent).children[group] = None
                changed = True
        changed = self._put(name, group) or changed
        if changed:
            self._forget()
        return changed

    def refresh(self) -> None:
        """Reads the sources again; what was added while the run went on is added to them."""
        if self._reload is not None:
            self._draft = self._reload()
            self._forget()
            added, self._added = self._added, []
            for add in added:
                add()

    # -- inside

    def _put(self, name: str, group: str) -> bool:
        group = self._draft.named(group)
        if group == "all":
            return False
        hosts = self._draft.group(group).hosts
        if name in hosts:
            return False
        hosts[name] = None
        return True

    def _forget(self) -> None:
        self._view = self._matcher = None

    @property
    def _seen(self) -> _View:
        if self._view is None:
            self._view = _worked_out(self._draft)
        return self._view

    @property
    def _matching(self) -> Matcher:
        if self._matcher is None:
            self._matcher = Matcher(self._seen.members, implicit=LOCAL_NAMES)
        return self._matcher

    def _groups(self, name: str) -> Sequence[str]:
        """The groups that a host stands in itself."""
        host = self._seen.hosts.get(name)
        return self._seen.guests.get(name, ()) if host is None else host.groups

    def _order(self, name: str) -> tuple[str, ...]:
        groups = self._groups(name)
        if len(groups) == 1:
            return self._seen.above.get(groups[0], ())
        return tuple(sorted(self._above(groups), key=self._rank))

    def _above(self, groups: Sequence[str]) -> set[str]:
        """These groups and all above them, but `all`."""
        return {above for group in groups for above in self._seen.above.get(group, ())}

    def _rank(self, name: str) -> tuple[int, int, str]:
        group = self._seen.groups[name]
        return group.depth, group.priority, name

    def _layers_of_host(self, name: str, host: Host | None) -> list[Layer]:
        out: list[Layer] = []
        if host is None:
            if name in LOCAL_NAMES:
                local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
                out.append(Layer(Level.INVENTORY_HOST, "implicit localhost", local))
        elif host.variables:
            out.append(Layer(Level.INVENTORY_HOST, host.span.file if host.span else "inventory", host.variables))
        for level, directories in ((Level.INVENTORY_HOST_VARS, self._inventory_dirs), (Level.PLAYBOOK_HOST_VARS, self._playbook_dirs)):
            for pair in directories:
                out += [Layer(level, path, values) for path, values in pair.hosts.of(name) if values]
        return out

    def _layers_of_groups(self, order: tuple[str, ...]) -> list[Layer]:
        found = self._seen.layers.get(order)
        if found is not None:
            return found
        groups = self._seen.groups
        out: list[Layer] = []

        def inline(level: Level, name: str) -> None:
            values = groups[name].variables
            if values:
                span = groups[name].span
                out.append(Layer(level, f"group {name}" + (f" in {span.file}" if span else ""), values))

        def files(level: Level, directories: Sequence[VarsDirectories], name: str) -> None:
            for pair in directories:
                out.extend(Layer(level, path, values) for path, values in pair.groups.of(name) if values)

        inline(Level.INVENTORY_ALL, "all")
        for name in order:
            inline(Level.INVENTORY_GROUP, name)
        files(Level.INVENTORY_GROUP_VARS_ALL, self._inventory_dirs, "all")
        files(Level.PLAYBOOK_GROUP_VARS_ALL, self._playbook_dirs, "all")
        for name in order:
            files(Level.INVENTORY_GROUP_VARS, self._inventory_dirs, name)
        for name in order:
            files(Level.PLAYBOOK_GROUP_VARS, self._playbook_dirs, name)
        self._seen.layers[order] = out
        return out


_NOTHING = object()


@dataclass(frozen=True)
class VarsDirectories:
    """The group_vars and host_vars beside one inventory source or playbook."""

    groups: VarsDirectory
    hosts: VarsDirectory


def _worked_out(draft: Draft) -> _View:
    """Depths, members and orders of a draft without cycles."""
    parents: dict[str, list[str]] = {name: [] for name in draft.groups}
    for name, group in draft.groups.items():
        for child in group.children:
            parents[child].append(name)
    grouped = {host for name, group in draft.groups.items() if name not in ("all", "ungrouped") for host in group.hosts}
    own: dict[str, list[str]] = {name: list(group.hosts) for name, group in draft.groups.items()}
    own["ungrouped"] = [host for host in dict.fromkeys([*own["ungrouped"], *draft.hosts]) if host not in grouped]
    children = {name: list(group.children) for name, group in draft.groups.items()}
    tops = [name for name in draft.groups if name not in ("all", "ungrouped") and not parents[name]]
    children["all"] = list(dict.fromkeys(["ungrouped", *children["all"], *tops]))
    depths = _depths(children)
    members = {name: _members(name, own, children) for name in draft.groups}  # a draft begins with all and ungrouped
    members["all"] = [host for host in members["all"] if host in draft.hosts]
    groups = {
        name: Group(
            name,
            draft.groups[name].variables,
            tuple(own[name]),
            tuple(children[name]),
            depths.get(name, 1),
            draft.groups[name].priority,
            draft.groups[name].span,
        )
        for name in members
    }
    in_groups: dict[str, list[str]] = {name: [] for name in draft.hosts}
    for name, own_hosts in own.items():
        for host in own_hosts if name != "all" else ():
            in_groups.setdefault(host, []).append(name)
    hosts = {name: Host(name, draft.hosts[name].variables, tuple(in_groups[name]), draft.hosts[name].span) for name in members["all"]}
    above: dict[str, tuple[str, ...]] = {}
    for name in groups:
        found = _upwards(name, parents) - {"all"}
        above[name] = tuple(sorted(found, key=lambda n: (groups[n].depth, groups[n].priority, n)))
    guests = {name: found for name, found in in_groups.items() if name not in draft.hosts}
    return _View(hosts, groups, members, above, guests=guests)


def _depths(children: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way from `all` to each group."""
    depths = {"all": 0}
    waiting = ["all"]
    while waiting:
        name = waiting.pop()
        for child in children[name]:
            if depths.get(child, 0) < depths[name] + 1:
                depths[child] = depths[name] + 1
                waiting.append(child)
    return depths


def _members(name: str, own: Mapping[str, Sequence[str]], children: Mapping[str, Sequence[str]]) -> list[str]:
    """The hosts of a group level by level: its own, then those of its children, then of theirs."""
    out: dict[str, None] = {}
    level, seen = [name], {name}
    while level:
        following: list[str] = []
        for each in level:
            out.update(dict.fromkeys(own[each]))
            for child in children[each]:
                if child not in seen:
                    seen.add(child)
                    following.append(child)
        level = following
    return list(out)


def _upwards(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    out, waiting = {name}, [name]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in out:
                out.add(parent)
                waiting.append(parent)
    return out
