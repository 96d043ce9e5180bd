"""One function that is check, diff and run."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Optional, Union

from nxtplay.core.frozen import frozen
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, Module, Query, Resource
from nxtplay.core.state import Change, Plan, Unknown, UnknownReached, diff
from nxtplay.core.world import World


@frozen
class Outcome:
    """How a task went on its host. `status`: ok, changed, unknown (only in a check), failed.

    `result` is what the task registers; in a check it may be incomplete, then `unknown` says why and stands for every other field.
    """

    status: str
    result: dict[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    reason: str = ""  # why it was due, for actions; why it failed
    unknown: Optional[Unknown] = None


def converge(module: Module, reader: Reader, world: World, permit: Optional[Host], *, doubt: Optional[Unknown] = None) -> Outcome:
    """Bring `module` about. Without a permit it is planned and foreseen in `world`; with one it is applied and looked at again.

    `doubt` (checks only): it is unknown whether the task will run at all, so what it would change is unknown afterwards; a task
    that would change nothing stays "ok".
    """
    try:
        if isinstance(module, Query):
            return Outcome("ok", module.look(reader))
        if isinstance(module, Action):
            return _act(module, reader, world, permit, doubt)
        assert isinstance(module, Resource)
        return _settle(module, reader, world, permit, doubt)
    except UnknownReached as reached:
        if permit is not None:
            raise
        if isinstance(module, Resource):
            world.foresee(_key(module, reader), reached.unknown)
        return Outcome("unknown", unknown=reached.unknown)
    except Failed as failed:
        act = None if permit is not None else doubt if doubt is not None else reader.pending_act()
        if act is not None:  # what it misses may be what that act would have brought
            return Outcome("unknown", unknown=Unknown(f"{act.reason}; as things are this would fail: {failed.message}"))
        return Outcome("failed", {**failed.result, "msg": failed.message}, reason=failed.message)


def _key(resource: Resource[Any], reader: Reader) -> str:
    try:
        return resource.key_on(reader)
    except (UnknownReached, Failed):
        return resource.key()


def _act(action: Action, reader: Reader, world: World, permit: Optional[Host], doubt: Optional[Unknown]) -> Outcome:
    reason = action.due(reader)
    if reason is None:
        return Outcome("ok", action.idle(reader))
    if permit is None:
        for key, state in action.foresee(reader):
            world.foresee(key, state if doubt is None else doubt)
        unknown = Unknown(f"{action.called()} was not run") if doubt is None else doubt
        world.foresee(f"act:{action.called()}", unknown)
        return Outcome("changed" if action.certain() and doubt is None else "unknown", reason=reason, unknown=unknown)
    result = action.perform(permit)
    changed = result.pop("changed", True)
    return Outcome("changed" if changed else "ok", result, reason=reason)


def _settle(resource: Resource[Any], reader: Reader, world: World, permit: Optional[Host], doubt: Optional[Unknown]) -> Outcome:
    if permit is not None:
        resource.refresh(permit)
    before = resource.observe(reader)
    after = resource.desired(reader, before)
    plan: Plan[Any] = Plan(before, after, diff(before, after))
    reason = resource.due(reader, plan)
    if permit is None:
        return _foresee(resource, reader, world, plan, reason, doubt)
    if plan:
        resource.apply(permit, plan)
        found = resource.observe(reader)
        left = diff(found, plan.after if resource.edits else resource.desired(reader, found))
        if resource.edits:
            left = tuple(change for change in left if not change.unknown)  # what the plan left open has come by now
        if left:
            names = ", ".join(str(change) for change in left)
            message = f"not converged: after the change a second look still finds {names} different"
            return Outcome("failed", {"msg": message}, (*left,), reason=message)
    else:
        found = before
    acted = False
    if reason is not None:
        acted = resource.perform(permit, plan) is not False or isinstance(reason, str)
        found = resource.observe(reader)
    changes = plan.changes
    if resource.edits and not plan.certain and not diff(before, found):
        changes = ()  # what could not be foreseen came out as it was
    status = "changed" if changes or acted else "ok"
    return Outcome(status, {**resource.result(before, found), **permit.noted}, changes, _text(reason) if acted else "")


def _text(reason: Union[str, Unknown, None]) -> str:
    return reason.reason if isinstance(reason, Unknown) else reason or ""


def _foresee(
    resource: Resource[Any],
    reader: Reader,
    world: World,
    plan: Plan[Any],
    reason: Union[str, Unknown, None],
    doubt: Optional[Unknown],
) -> Outcome:
    unknown: Optional[Unknown] = None
    if plan.certain or isinstance(reason, str):
        status = "changed"
    elif isinstance(reason, Unknown):
        status, unknown = "unknown", reason
    elif plan:
        status = "unknown"
        first = next(c for c in plan.changes if c.unknown)
        unknown = first.after if isinstance(first.after, Unknown) else first.before
    else:
        status = "ok"
    if plan:
        world.foresee(resource.key_on(reader), plan.after if doubt is None else doubt)
    if plan or reason is not None:
        for key, state in resource.also_foresee(reader, plan):
            world.foresee(key, state if doubt is None else doubt)
    if doubt is not None and status != "ok":
        return Outcome("unknown", {}, plan.changes, _text(reason), doubt)
    try:
        result = resource.result(plan.before, plan.after)
    except UnknownReached as reached:
        result, unknown = {}, reached.unknown
    return Outcome(status, result, plan.changes, _text(reason), unknown)
