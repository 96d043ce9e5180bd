"""Words of the language that are carried out on the controller: debug, set_fact, assert and their kind.

Each takes (dispatch, task, host, scope, rendered args, doubt) and gives an Attempt. `doubt` is the Unknown that says why a check cannot
tell whether the task runs at all.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any

from nxtplay.core.state import Unknown, UnknownReached, find_unknown, public
from nxtplay.engine import result as result_
from nxtplay.engine.attempt import Attempt
from nxtplay.engine.connections import as_bool
from nxtplay.engine.dispatch import Dispatch
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.restart import reboot, wait_for_connection
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import TaskScope
from nxtplay.engine.walk import Signal
from nxtplay.errors import Diagnostic, Span, TemplateError, UndefinedVariable, VariableError, did_you_mean
from nxtplay.inventory.names import with_port
from nxtplay.playbook.keywords import is_identifier
from nxtplay.playbook.model import Task
from nxtplay.template.render import Templates
from nxtplay.template.values import Unsafe, is_template, unwrapped


def _in_doubt(doubt: Unknown) -> Attempt:
    return Attempt("unknown", PartialResult({"failed": False, "changed": False}, doubt), reason=doubt.reason)


def _shown(templates: Templates, expression: str, scope: TaskScope, span: Span | None, errors: list[str]) -> Any:
    """The value of an expression; what is undefined inside it is told in its place."""
    try:
        return templates.evaluate(expression, scope, span=span)
    except UndefinedVariable as error:
        try:
            keys = templates.evaluate(f"({expression}) | list if ({expression}) is mapping else ({expression}) | length", scope)
        except TemplateError:
            errors.append(error.diagnostics[0].message)
            return f"<< error {len(errors)} - {errors[-1]} >>"

    def part(key: Any) -> Any:
        return _shown(templates, f"({expression})[{key!r}]", scope, span, errors)

    return [part(index) for index in range(keys)] if isinstance(keys, int) else {key: part(key) for key in keys}


def _variable(templates: Templates, task: Task, var: Any, scope: TaskScope) -> dict[str, Any]:
    """What `var` stands for, under its own name. A name that a template brought has to stand in a file of ours."""
    span = task.args.values_at.get("var", task.module_span)
    if isinstance(var, Unknown):
        raise UnknownReached(var)
    written = task.args.get("var")
    if not isinstance(written, str) and written is not None:
        raise TemplateError(Diagnostic(f"{written!r} is not a string and conversion is not allowed", span, "name a variable, or use `msg`"))
    if not isinstance(var, str):  # `var: "{{ mapping }}"`: it is there already
        return {str(written): var}
    if written != var or is_template(written):
        templates.at_second_hand(var, scope, span=span)
    if isinstance(written, Unsafe):
        told = "untrusted template or expression: what is !unsafe names no variable"
        raise TemplateError(Diagnostic(told, span, "leave !unsafe out"))
    errors: list[str] = []
    value = _shown(templates, var, scope, span, errors)
    warnings = {"warnings": [f"error {number} - {error}" for number, error in enumerate(errors, 1)]} if errors else {}
    return {**warnings, var: value}


def debug(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    if int(args.get("verbosity", 0)) > dispatch.options.verbosity:
        told = {"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."}
        return Attempt("skipped", told, reason="shown from a higher verbosity on")
    if "var" in args:
        return Attempt("ok", {"changed": False, "failed": False, **_variable(dispatch.templates, task, args["var"], scope)}, reason="var")
    message = args.get("msg", "Hello world!")
    result = {"changed": False, "failed": False, "msg": message}
    unknown = find_unknown(message)
    unknown = doubt if unknown is None else unknown
    return Attempt("ok", result) if unknown is None else Attempt("unknown", result, reason=unknown.reason)


def set_fact(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    cacheable = as_bool(args.pop("cacheable", False))
    if not args:
        raise TemplateError(Diagnostic("set_fact needs at least one key/value pair", task.module_span))
    values = {dispatch.templates.render(name, scope): value if doubt is None else doubt for name, value in args.items()}
    for name in values:
        if not isinstance(name, str) or not is_identifier(name):
            of_type = "" if isinstance(name, str) else f" of type {type(name).__name__!r}"
            raise TemplateError(Diagnostic(f"Invalid variable name '{name}'{of_type}", task.args.keys_at.get(name)))
    receiver = dispatch.facts_receiver(task, host, scope)
    receiver.set_facts.update(values)
    if cacheable:
        receiver.cached_facts.update(values)
        receiver.facts.update(values)
    return Attempt(
        "ok", {"changed": False, "failed": False, "ansible_facts": values}, everywhere=lambda other: other.set_facts.update(values)
    )


def assert_(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    that = task.args["that"] if "that" in task.args else args.get("that")
    conditions = that if isinstance(that, list) else [that]
    if isinstance(that, str) and unwrapped(that) is not None:
        at = task.args.values_at.get("that")
        rendered = dispatch.templates.render(that, scope, span=at)
        brought = rendered if isinstance(rendered, list) else [rendered]
        conditions = [dispatch.templates.at_second_hand(one, scope, span=at) if isinstance(one, str) else one for one in brought]
    for number, condition in enumerate(conditions):
        places = getattr(that, "items_at", [])
        span = places[number] if number < len(places) else task.args.values_at.get("that")
        held = dispatch.templates.test([condition], scope, span=span)
        if isinstance(held, Unknown):
            return Attempt("unknown", {"changed": False, "failed": False, "msg": f"unknown: {held.reason}"}, reason=held.reason)
        if not held:
            message = args.get("fail_msg", args.get("msg", "Assertion failed"))
            result = {"changed": False, "failed": True, "assertion": condition, "evaluated_to": False, "msg": message}
            values = _values_in(dispatch, condition, scope)
            reason = f"{_text(message)}: `{condition}` is false" + (f" ({values})" if values else "")
            return _in_doubt(doubt) if doubt is not None else Attempt("failed", result, reason=reason, span=span)
    return Attempt("ok", {"changed": False, "failed": False, "msg": args.get("success_msg", "All assertions passed")})


def _values_in(dispatch: Dispatch, condition: Any, scope: TaskScope) -> str:
    """The values of the names in a failed condition, for people."""
    if not isinstance(condition, str):
        return ""
    from nxtplay.template.names import names

    shown: list[str] = []
    for name in dict.fromkeys(name for name, _ in names(condition, expression=True).used):
        if name in scope and len(shown) < 5:
            try:
                text = repr(public(dispatch.templates.evaluate(name, scope)))
            except TemplateError:
                continue
            shown.append(f"{name} = {text if len(text) <= 80 else text[:77] + '...'}")
    return ", ".join(shown)


def fail(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    if doubt is not None:
        return _in_doubt(doubt)
    message = _text(args.get("msg", "Failed as requested from task"))
    return Attempt("failed", result_.failed(message), reason=message)


def include_vars(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    given = {**args, "ignore_unknown_extensions": as_bool(args.get("ignore_unknown_extensions", False))}
    try:
        values, files = dispatch.scopes.read_vars(task, given)
    except VariableError as error:
        message = error.diagnostics[0].message
        told = {**result_.failed(message), "message": message, "ansible_facts": {}, "ansible_included_var_files": []}
        return Attempt("failed", told, reason=message, span=error.diagnostics[0].span or task.span, diagnostics=tuple(error.diagnostics))
    if args.get("hash_behaviour") == "merge":
        values = dispatch.scopes.over(scope, values)
    if doubt is not None:
        values = dict.fromkeys(values, doubt)
    host.included.update(values)
    result = {"changed": False, "failed": False, "ansible_facts": dict(values), "ansible_included_var_files": files}
    return Attempt("ok", result, everywhere=lambda other: other.included.update(values))


def add_host(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    name = args.pop("name", None) or args.pop("hostname", None) or args.pop("host", None)
    if not name:
        raise TemplateError(Diagnostic("name, host or hostname needs to be provided", task.module_span, "add `name:`"))
    groups = args.pop("groups", None) or args.pop("groupname", None) or args.pop("group", None) or []
    groups = [g.strip() for g in groups.split(",")] if isinstance(groups, str) else list(groups)
    if doubt is not None:
        return _in_doubt(doubt)
    name, port = with_port(str(name))
    args = args if port is None else {**args, "ansible_ssh_port": port}
    changed = dispatch.scopes.add_host(name, groups, args)
    result = {"changed": changed, "failed": False, "add_host": {"host_name": name, "groups": groups, "host_vars": args}}
    return Attempt("changed" if changed else "ok", result)


def group_by(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    key = str(args.get("key", "")).replace(" ", "-")
    if not key:
        raise TemplateError(Diagnostic("the 'key' param is required when using group_by", task.module_span))
    if doubt is not None:
        return _in_doubt(doubt)
    parents = args.get("parents", ["all"])
    parents = [parents] if isinstance(parents, str) else list(parents)
    changed = dispatch.scopes.add_to_group(host.name, key, [str(p).replace(" ", "-") for p in parents])
    return Attempt("changed" if changed else "ok", {"changed": changed, "failed": False, "add_group": key, "parent_groups": parents})


def pause(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    unit = "minutes" if "minutes" in args else "seconds"
    seconds = float(args.get(unit, 0) or 0) * (60 if unit == "minutes" else 1)
    echo = as_bool(args.get("echo", True))
    result: dict[str, Any] = {"changed": False, "failed": False, "rc": 0, "stdout": "", "stderr": "", "echo": echo, "user_input": ""}
    if dispatch.in_check(task, scope):
        unknown = Unknown("nobody is asked in a check") if args.get("prompt") and unit not in args else None
        return Attempt("ok", PartialResult({**result, "user_input": unknown}, unknown) if unknown else result)
    began, start = time.monotonic(), datetime.datetime.now()
    if unit in args:
        seconds = max(1.0, seconds)
        time.sleep(seconds)
    elif dispatch.ask is not None:
        asked = str(args.get("prompt") or "Press enter to continue, Ctrl+C to interrupt") + ("" if echo else " (output is hidden)")
        result["user_input"] = dispatch.ask(asked, echo)
    else:
        dispatch.note("pause: there is no terminal to ask at; going on", task.span)
    took = time.monotonic() - began
    said = f"Paused for {round(took / 60 if unit == 'minutes' or unit not in args else took, 2)} {unit if unit in args else 'minutes'}"
    result.update(start=str(start), stop=str(datetime.datetime.now()), delta=int(took), stdout=said)
    return Attempt("ok", result, everywhere=lambda other: None)


_META = frozenset(
    "flush_handlers end_play end_host end_batch end_role clear_facts clear_host_errors refresh_inventory reset_connection noop".split()
)


def clear(host: HostRun) -> None:
    """Forget what was gathered of a host."""
    host.facts.clear()
    host.plain_facts.clear()
    host.cached_facts.clear()


def meta(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    what = str(args.get("_raw_params", "")).strip()
    if what not in _META:
        hint = did_you_mean(what, _META) or "legal are: " + ", ".join(sorted(_META))
        raise TemplateError(Diagnostic(f"meta: '{what}' is not known", task.free_form.span if task.free_form else task.span, hint))
    if doubt is not None:
        return _in_doubt(doubt)
    result: dict[str, Any] = {"changed": False, "failed": False, "msg": what}
    if what == "flush_handlers":
        return Attempt("ok", result, signal=Signal.FLUSH)
    if what in ("end_play", "end_host", "end_batch"):
        host.ended = True
        host.gone, host.ends_play = what == "end_host", what == "end_play"
        everywhere = None if what == "end_host" else (lambda other: setattr(other, "ended", True))
        return Attempt("ok", result, signal=Signal.LEFT, everywhere=everywhere)
    if what == "end_role":
        return Attempt("ok", result, signal=Signal.END_ROLE)
    if what == "clear_facts":
        clear(host)
        return Attempt("ok", result, everywhere=clear)
    if what == "clear_host_errors":
        dispatch.scopes.clear_errors()
    elif what == "refresh_inventory":
        dispatch.scopes.refresh_inventory()
    elif what == "reset_connection":
        dispatch.connections.drop(dispatch.target(task, host, scope))
    return Attempt("ok", result)


def set_stats(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    data = args.get("data")
    if not isinstance(data, Mapping):
        span = task.args.values_at.get("data", task.module_span)
        raise TemplateError(Diagnostic("The 'data' option needs to be a dictionary/hash", span))
    wrong = next((name for name in data if not is_identifier(name)), None)
    if wrong is not None:
        raise TemplateError(Diagnostic(f"Invalid variable name '{wrong}'", task.args.values_at.get("data", task.module_span)))
    per_host, aggregate = as_bool(args.get("per_host", False)), as_bool(args.get("aggregate", True))
    dispatch.scopes.add_stats(host.name if per_host else "", dict(data), aggregate=aggregate)
    stats = {"data": dict(data), "per_host": per_host, "aggregate": aggregate}
    return Attempt("ok", {"changed": False, "failed": False, "ansible_stats": stats})


DEEPEST = 100  # includes within includes


def _nested(task: Task, host: HostRun) -> None:
    """An include that comes to itself again and again has to end somewhere."""
    if host.nesting >= DEEPEST:
        hint = "does it include itself without end? A `when` has to stop it"
        raise TemplateError(Diagnostic(f"includes nest more than {DEEPEST} deep", task.span, hint))


def include_tasks(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    _nested(task, host)
    path = args.get("_raw_params") or args.get("file")
    blocks = dispatch.scopes.includes.tasks(task, path, scope, doubt)
    return Attempt("ok", {"changed": False, "failed": False, "include": path, "include_args": {}}, children=blocks)


def include_role(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    _nested(task, host)
    blocks = dispatch.scopes.includes.role(task, args, scope, doubt)
    return Attempt("ok", {"changed": False, "failed": False, "include_args": args}, children=blocks)


def validate_argument_spec(
    dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None
) -> Attempt:
    from nxtplay.engine.argspec import faults, unknown

    context = args.get("validate_args_context") or {}
    options: Any = args.get("argument_spec")
    provided: Any = args.get("provided_arguments") or {}
    if context.get("type") == "role" and task.role is not None and task.role.argument_specs:
        options = task.role.argument_specs[context["argument_spec_name"]].get("options") or {}
    for name, value in (("argument_spec", options), ("provided_arguments", provided)):
        if not isinstance(value, Mapping):
            said = "is required" if value is None else f"takes a mapping, found {value!r}"
            raise TemplateError(Diagnostic(f"'{name}' {said}", task.args.values_at.get(name, task.module_span)))
    given = dict(provided)
    for name, spec in options.items():
        for known in (name, *((spec or {}).get("aliases") or ())):
            if known in scope and known not in given:
                given[known] = dispatch.templates.evaluate(known, scope)
    wrong = [*faults(options, given), *unknown(options, provided)]
    result: dict[str, Any] = {"changed": False, "failed": False, "msg": "The arg spec validation passed", "validate_args_context": context}
    if not wrong:
        return Attempt("ok", result)
    message = "Validation of arguments failed:\n" + "\n".join(wrong)
    result.update(failed=True, msg=message, argument_errors=wrong, argument_spec_data=public(dict(options)))
    return Attempt("failed", result, reason=message, span=task.span)


WORDS = {
    "add_host": add_host,
    "assert": assert_,
    "debug": debug,
    "fail": fail,
    "group_by": group_by,
    "include_role": include_role,
    "include_tasks": include_tasks,
    "include_vars": include_vars,
    "meta": meta,
    "pause": pause,
    "reboot": reboot,
    "set_fact": set_fact,
    "set_stats": set_stats,
    "validate_argument_spec": validate_argument_spec,
    "wait_for_connection": wait_for_connection,
}
_FOR_ALL = frozenset(("end_play", "end_batch", "clear_facts", "clear_host_errors", "refresh_inventory"))


def is_once(task: Task) -> bool:
    """Whether the word runs for the first host of a batch only, whose conditions then decide for all."""
    if task.module == "meta":
        return str(task.free_form.value if task.free_form else task.args.get("order", "")).strip() in _FOR_ALL
    return task.module in ("pause", "add_host")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
