"""The plugin `generator`: a host for every combination of layers, in groups that are named after them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nxtplay.errors import Diagnostic, InventoryError, Span, UndefinedVariable
from nxtplay.inventory.draft import Draft, DraftGroup
from nxtplay.inventory.names import MOST
from nxtplay.inventory.options import at, known

if TYPE_CHECKING:
    from nxtplay.template.render import Templates

_KIND = "a generator inventory"


def fill(data: Mapping[str, Any], file: str, draft: Draft, templates: Templates | None) -> None:
    """Adds to the draft what the file makes of its layers. Raises InventoryError with the place of what is wrong."""
    known(data, ("plugin", "hosts", "layers"), file, _KIND)
    if templates is None:
        raise InventoryError(Diagnostic(f"{_KIND} needs templates, and there are none here", Span(file, 1, 1)))
    hosts, layers = data.get("hosts"), data.get("layers")
    if not isinstance(layers, Mapping) or not all(isinstance(values, list) for values in layers.values()):
        raise InventoryError(Diagnostic(f"{_KIND} needs `layers`, each a list of values", at(data, "layers", file)))
    known(hosts, ("name", "parents"), file, _KIND)
    assert hosts is not None
    if math.prod(map(len, layers.values())) > MOST:
        raise InventoryError(Diagnostic(f"the layers make more than {MOST:,} hosts", at(data, "layers", file)))
    for values in itertools.product(*layers.values()):
        one = _One(draft, templates, dict(zip(layers, values, strict=True)), file)
        name = one.name(hosts)
        draft.host(name, at(hosts, "name", file))
        for group in one.parents(hosts):
            group.hosts[name] = None


class _One:
    """One combination of the layers' values."""

    def __init__(self, draft: Draft, templates: Templates, values: Mapping[str, Any], file: str) -> None:
        self.draft, self.templates, self.values, self.file = draft, templates, values, file

    def rendered(self, mapping: Mapping[str, Any], key: str) -> Any:
        return self.templates.render(mapping[key], self.values, span=at(mapping, key, self.file))

    def variable(self, given: Mapping[str, Any], name: str) -> Any:
        """A group's variable; one that asks for more than the layers stays a template, for the plays that have it."""
        try:
            return self.rendered(given, name)
        except UndefinedVariable:
            return given[name]

    def name(self, entry: Mapping[str, Any]) -> str:
        if "name" not in entry:
            raise InventoryError(
                Diagnostic(f"{_KIND} needs a `name` for every host and parent", getattr(entry, "span", None) or Span(self.file))
            )
        return str(self.rendered(entry, "name"))

    def parents(self, entry: Mapping[str, Any]) -> list[DraftGroup]:
        """The groups right above a host or a group, made with their variables and what is above them."""
        out = []
        for parent in entry.get("parents") or ():
            known(parent, ("name", "parents", "vars"), self.file, _KIND)
            span = at(parent, "name", self.file)
            group = self.draft.group(self.name(parent), span)
            given = parent.get("vars") or {}
            for variable in given:
                group.variables.put(str(variable), self.variable(given, variable), at(given, variable, self.file))
            for above in self.parents(parent):
                above.children.setdefault(group.name, span)
            out.append(group)
        return out
