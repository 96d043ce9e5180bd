"""The items of a loop, and what each of them adds to the variables of its task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nxtplay.core.state import Unknown
from nxtplay.engine.connections import as_bool
from nxtplay.engine.scopes import TaskScope
from nxtplay.errors import Diagnostic, TemplateError
from nxtplay.playbook.model import Loop, LoopControl
from nxtplay.template.render import Templates


@dataclass(frozen=True)
class Items:
    """Reads loops."""

    templates: Templates

    def of(self, loop: Loop, scope: TaskScope, module: str) -> list[Any] | Unknown:
        """The items. Raises TemplateError where `loop` is no list."""
        if loop.lookup is not None:
            return self.templates.loop_items(loop.lookup, loop.value.value, scope, span=loop.value.span, module=module)
        items = self.templates.render(loop.value.value, scope, span=loop.value.span)
        if isinstance(items, (list, Unknown)):
            return items
        kind = "a mapping; `| dict2items` makes a list of it" if isinstance(items, dict) else f"{items!r}"
        raise TemplateError(Diagnostic(f"loop takes a list, found {kind}", loop.value.span))

    def around(self, control: LoopControl, items: Sequence[Any], scope: TaskScope) -> list[dict[str, Any]]:
        """For each item the variables that are there while it runs; they are in its result too."""
        extended = control.extended is not None and as_bool(self.templates.render(control.extended.value, scope))
        allitems = control.extended_allitems is None or as_bool(self.templates.render(control.extended_allitems.value, scope))
        loop_var, index_var = str(self.templates.render(control.loop_var, scope)), self.templates.render(control.index_var, scope)
        return [_variables(loop_var, index_var, items, index, extended=extended, allitems=allitems) for index in range(len(items))]

    def scopes(self, loop: Loop, scope: TaskScope, module: str) -> list[TaskScope] | Unknown:
        """The scope of each item."""
        items = self.of(loop, scope, module)
        if isinstance(items, Unknown):
            return items
        return [scope.with_item(values, loop) for values in self.around(loop.control, items, scope)]


def _variables(loop_var: str, index_var: str | None, items: Sequence[Any], index: int, *, extended: bool, allitems: bool) -> dict[str, Any]:
    out = {loop_var: items[index], "ansible_loop_var": loop_var}
    if index_var:
        out.update({index_var: index, "ansible_index_var": index_var})
    if extended:
        count = len(items)
        loop: dict[str, Any] = {
            "index": index + 1,
            "index0": index,
            "first": index == 0,
            "last": index == count - 1,
            "length": count,
            "revindex": count - index,
            "revindex0": count - index - 1,
        }
        if allitems:
            loop["allitems"] = list(items)
        if index:
            loop["previtem"] = items[index - 1]
        if index < count - 1:
            loop["nextitem"] = items[index + 1]
        out["ansible_loop"] = loop
    return out
