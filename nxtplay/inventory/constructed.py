"""The plugin `constructed`: variables and groups made of the variables that hosts have by then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nxtplay.core.state import Unknown
from nxtplay.errors import Diagnostic, InventoryError, Span, TemplateError
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.options import at, known
from nxtplay.variables.precedence import Layer, Level, Scope

if TYPE_CHECKING:
    from nxtplay.inventory.model import VarsDirectories
    from nxtplay.template.render import Templates
    from nxtplay.variables.files import VarsDirectory

_KIND = "a constructed inventory"
OPTIONS = ("compose", "groups", "keyed_groups", "leading_separator", "plugin", "strict", "use_extra_vars", "use_vars_plugins")
_KEYED = ("key", "prefix", "separator", "parent_group", "default_value", "trailing_separator")


@dataclass(frozen=True)
class Surroundings:
    """What counts besides the sources where the file asks for it: group_vars and host_vars beside them, extra variables."""

    directories: Sequence[VarsDirectories] = ()
    extra_vars: Mapping[str, Any] = field(default_factory=dict)


def fill(data: Mapping[str, Any], file: str, draft: Draft, templates: Templates | None, around: Surroundings) -> None:
    """Adds to the draft what the file makes of the hosts that are in it. Raises InventoryError with the place of what is wrong."""
    known(data, OPTIONS, file, _KIND)
    around = Surroundings(
        around.directories if data.get("use_vars_plugins") else (), around.extra_vars if data.get("use_extra_vars") else {}
    )
    able_ = able(data, file, templates, _KIND)
    for name in list(draft.hosts):
        Host(name, draft, able_, data, file, around).construct()


def able(data: Mapping[str, Any], file: str, templates: Templates | None, kind: str) -> Templates:
    """The templates, when all that is needed to construct is there and well-formed."""
    if templates is None:
        raise InventoryError(Diagnostic(f"{kind} needs templates, and there are none here", Span(file, 1, 1)))
    for entry in data.get("keyed_groups") or ():
        known(entry, _KEYED, file, kind)
        if "key" not in entry:
            raise InventoryError(Diagnostic("a keyed group needs `key`", getattr(entry, "span", None) or Span(file, 1, 1)))
    return templates


class Host:
    """One host while its variables and groups are made. `facts` are known of it beside its variables; they are data."""

    def __init__(
        self,
        name: str,
        draft: Draft,
        templates: Templates,
        data: Mapping[str, Any],
        file: str,
        around: Surroundings,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.draft, self.templates, self.data, self.file = name, draft, templates, data, file
        self.around, self.facts = around, facts or {}
        self.strict = bool(data.get("strict", False))

    def construct(self) -> None:
        compose = self.data.get("compose") or {}
        for variable, expression in compose.items():
            found, value = self.value(expression, at(compose, variable, self.file))
            if found:
                self.draft.hosts[self.name].variables.put(str(variable), value, at(compose, variable, self.file))
        groups = self.data.get("groups") or {}
        for group, condition in groups.items():
            found, holds = self.value(condition, at(groups, group, self.file))
            if found and holds:
                self.join(str(group), at(groups, group, self.file))
        for entry in self.data.get("keyed_groups") or ():
            self.keyed(entry)

    def scope(self) -> Scope:
        """What the host has: of its groups, outermost first, and of its own."""
        names = _groups_of(self.draft, self.name)
        layers = [Layer(Level.INVENTORY_GROUP, group, self.draft.groups[group].variables) for group in names]
        layers += self.files(Level.INVENTORY_GROUP_VARS, *((pair.groups, group) for group in names for pair in self.around.directories))
        layers.append(Layer(Level.INVENTORY_HOST, "inventory", self.facts, trusted=False))
        held = self.draft.hosts.get(self.name)
        layers.append(Layer(Level.INVENTORY_HOST, "inventory", held.variables if held else {}))
        layers += self.files(Level.INVENTORY_HOST_VARS, *((pair.hosts, self.name) for pair in self.around.directories))
        layers.append(Layer(Level.EXTRA_VARS, "-e", self.around.extra_vars))
        magic = {
            "inventory_hostname": self.name,
            "inventory_hostname_short": self.name.split(".")[0],
            "group_names": sorted(set(names) - {"all"}),
        }
        return Scope([*layers, Layer(Level.MAGIC, "nxtplay", magic, trusted=False)])

    def files(self, level: Level, *asked: tuple[VarsDirectory, str]) -> list[Layer]:
        """The variables files that directories have for names."""
        return [Layer(level, path, values) for directory, name in asked for path, values in directory.of(name)]

    def value(self, expression: Any, span: Span) -> tuple[bool, Any]:
        """Whether it has a value for this host, and the value. Without `strict` what cannot be worked out has none."""
        try:
            value = self.templates.evaluate(expression, self.scope(), span=span)
        except TemplateError as error:
            if self.strict:
                message = f"{error.diagnostics[0].message} (for the host '{self.name}')"
                raise InventoryError(Diagnostic(message, error.diagnostics[0].span or span)) from None
            return False, None
        return not isinstance(value, Unknown), value

    def holds(self, condition: Any, span: Span) -> bool | Unknown:
        """Whether a condition holds for this host. One that cannot be worked out is an error."""
        try:
            return self.templates.test([condition], self.scope(), span=span)
        except TemplateError as error:
            message = f"{error.diagnostics[0].message} (for the host '{self.name}')"
            raise InventoryError(Diagnostic(message, error.diagnostics[0].span or span)) from None

    def join(self, group: str, span: Span) -> str:
        """Puts the host into a group, whose name is made fit to be a variable's."""
        safe = re.sub(r"\W", "_", group)
        self.draft.group(safe, span).hosts[self.name] = None
        return safe

    def keyed(self, entry: Mapping[str, Any]) -> None:
        span = at(entry, "key", self.file)
        found, key = self.value(entry["key"], span)
        default = entry.get("default_value")
        if not found or (not key and default is None):
            if found and self.strict:
                raise InventoryError(Diagnostic(f"the key is empty for the host '{self.name}'", span, "default_value: gives it a name"))
            return
        prefix = str(self.rendered(entry, "prefix", ""))
        separator = str(entry.get("separator", "_"))
        parent = self.rendered(entry, "parent_group", None)
        leading = bool(prefix) or bool(self.data.get("leading_separator", True))
        for name in self.names(entry, key, separator, span):
            joined = self.join(f"{prefix}{separator if leading else ''}{name}", span)
            if parent:
                above = re.sub(r"\W", "_", str(parent))
                self.draft.group(above, span).children.setdefault(joined, span)

    def rendered(self, entry: Mapping[str, Any], option: str, otherwise: Any) -> Any:
        value = entry.get(option)
        return otherwise if value is None else self.templates.render(value, self.scope(), span=at(entry, option, self.file))

    def names(self, entry: Mapping[str, Any], key: Any, separator: str, span: Span) -> Iterator[str]:
        """The names that a key gives: of text one, of a list one for each item, of a mapping key and value together."""
        default = entry.get("default_value")
        if isinstance(key, Mapping):
            for name, value in key.items():
                if value in ("", None):
                    value = default if default is not None else ""
                    separated = value != "" or bool(entry.get("trailing_separator", True))
                    yield f"{name}{separator if separated else ''}{value}"
                else:
                    yield f"{name}{separator}{value}"
            return
        for item in key if isinstance(key, list) else [key]:
            if item in ("", None):
                if default is not None:
                    yield str(default)
            elif isinstance(item, (str, int, float)):
                yield str(item)
            else:
                raise InventoryError(Diagnostic(f"a keyed group is made of text, a list or a mapping, found {item!r}", span))


def _groups_of(draft: Draft, host: str) -> list[str]:
    """The groups a host is in, those farthest above first."""
    depths = {name: 0 for name, group in draft.groups.items() if host in group.hosts}
    waiting = list(depths)
    while waiting:
        below = waiting.pop()
        for name, group in draft.groups.items():
            if below in group.children and depths.get(name, -1) < depths[below] + 1 <= len(draft.groups):
                depths[name] = depths[below] + 1
                waiting.append(name)
    depths["all"] = len(draft.groups) + 1
    return sorted(depths, key=lambda name: (-depths[name], name))
