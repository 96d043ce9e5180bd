"""Whom a task is delegated to."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.engine.scopes import TaskScope
from nxtplay.errors import Diagnostic, NxtplayError, TemplateError
from nxtplay.playbook.model import Located, Task
from nxtplay.template.render import Templates
from nxtplay.template.values import OMIT, is_template
from nxtplay.variables.precedence import Layer, Level


def named(templates: Templates, task: Task, scope: TaskScope) -> tuple[Task, TaskScope]:
    """The task with its delegate as it is called now, whose variables are there as `ansible_delegated_vars`."""
    located = task.shared.delegate_to
    if located is None:
        return task, scope
    try:
        name = templates.render(located.value, scope, span=located.span)
    except (NxtplayError, UnknownReached):
        return task, scope  # told where it is needed, if it comes to that
    if name is OMIT or not located.value:
        return replace(task, shared=replace(task.shared, delegate_to=None)), scope
    if not isinstance(name, (str, int)) or name == "":
        return task, scope
    name, own = str(name), scope.find("inventory_hostname")[0]
    delegate = scope.find("hostvars")[0].get(name, {})
    seen = {"ansible_delegated_vars": {name: ChainMap({"inventory_hostname": own}, delegate, {"ansible_host": name})}}
    fixed = replace(task, shared=replace(task.shared, delegate_to=Located(name, located.span)))
    return fixed, scope.plus(Layer(Level.MAGIC, "delegate_to", seen, trusted=False))


def require(templates: Templates, task: Task, scope: TaskScope) -> None:
    """Raises TemplateError where a template names nobody to delegate to: what another host was to do is not done here instead."""
    located = task.shared.delegate_to
    if located is None or not is_template(located.value):
        return  # found already
    name = templates.render(located.value, scope, span=located.span)
    if not isinstance(name, Unknown):
        told = "is empty" if name in (None, "") else f"takes the name of a host, found {name!r}"
        raise TemplateError(Diagnostic(f"delegate_to {told}", located.span, "`default(omit)` leaves the task to its own host"))
