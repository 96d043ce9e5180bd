"""Arguments held against the class of their module."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

from nxtplay.core.resource import check_args
from nxtplay.core.types import ArgError
from nxtplay.errors import Span
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.foreign import is_foreign
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import Task, YamlList, YamlMap
from nxtplay.playbook.modules import COLLECTIONS, GROUPS, canonical, concerns, suggestion
from nxtplay.playbook.words import ARGS

Specs = Callable[[str], Any]

# arguments that Ansible's modules had once: roles keep them in tasks that no longer run anywhere
GONE = {
    "command": ("warn",),
    "fetch": ("validate_md5",),
    "get_url": ("sha256sum",),
    "replace": ("others",),
    "shell": ("warn",),
}


@functools.cache
def registered(module: str) -> Any:
    """The class that declares a module's arguments; None for words that take any and for modules of a `library/`."""
    if module in ARGS:
        return ARGS[module]
    from nxtplay.modules import registry

    try:
        return registry.load(module)
    except KeyError:
        return None


def check_task(task: Task, specs: Specs, found: Findings) -> None:
    """Unknown and missing arguments, wrong types and choices, arguments that exclude each other; templates are taken on trust."""
    cls = specs(task.module)
    if cls is None:
        return
    free = getattr(cls, "free_form", None)
    given = dict(task.args)
    unknown_rest = task.free_form is not None and templated(task.free_form.value)
    if task.free_form is not None and free and free not in given and "_raw_params" not in given:
        given[free] = task.free_form.value
        unknown_rest = False
    elif task.free_form is not None and not unknown_rest and not task.args:
        return
    defaults, certain = _defaults(task)
    for error in check_args(cls, {**defaults, **given}, templated):
        if error.path and error.path[0] in defaults and error.path[0] not in given:
            continue  # reported where the default stands
        if not error.path and (unknown_rest or not certain):
            continue  # what is missing may come from a template
        span = argument_place(task.args, error, task.module_span)
        if error.path == (free,) and task.free_form is not None and free not in task.args:
            span = task.free_form.span
        gone = error.path[:1] and error.path[0] in GONE.get(task.module, ()) and _maybe(task)
        (found.warning if gone else found.error)(f"{task.module}: {error.message}", span, error.hint)


def _maybe(task: Task) -> bool:
    """Whether a task may have nothing to do."""
    return bool(task.shared.when) or task.is_handler or (task.loop is not None and templated(task.loop.value.value))


def _defaults(task: Task) -> tuple[dict[str, Any], bool]:
    """What module_defaults give a task's module, and whether all of them are known."""
    merged: dict[str, Any] = {}
    certain = True
    for one in task.shared.module_defaults:
        if not isinstance(one.value, YamlMap):
            certain = False
            continue
        for key, values in one.value.items():
            certain = certain and (not str(key).startswith("group/") or str(key)[6:] in GROUPS)
            if concerns(str(key), task.module):
                certain = certain and isinstance(values, dict)
                merged.update(values if isinstance(values, dict) else {})
    return merged, certain


def argument_place(args: YamlMap, error: ArgError, fallback: Span) -> Span:
    """The place of a wrong argument: of its name when the name is wrong, else of its value."""
    key = error.message.startswith("unknown argument")
    path = error.path
    value: Any = args
    span = fallback
    for index, step in enumerate(path):
        last = index == len(path) - 1
        if isinstance(value, YamlMap) and step in value:
            places = value.keys_at if last and key else value.values_at
            span = places.get(step, span)
            value = value[step]
        elif isinstance(value, YamlList) and isinstance(step, int) and step < len(value.items_at):
            span = value.items_at[step]
            value = value[step]
        else:
            break
    return span


def check_defaults(task: Task, specs: Specs, known: Collection[str], told: set[Span], found: Findings) -> None:
    """`module_defaults`: modules that exist and arguments that they have; each place once."""
    for one in task.shared.module_defaults:
        if one.span in told or not isinstance(one.value, YamlMap):
            continue
        told.add(one.span)
        for key, values in one.value.items():
            module = canonical(str(key), known)
            word = str(key).removeprefix("group/")
            if module is None and word not in GROUPS and not is_foreign(word, known, COLLECTIONS):
                found.error(f"unknown module '{key}'", one.value.keys_at[key], suggestion(str(key), known))
            cls = specs(module) if module else None
            if cls is None or not isinstance(values, YamlMap):
                continue
            for error in check_args(cls, values, templated):
                if error.path:
                    found.error(f"{module}: {error.message}", argument_place(values, error, values.span or one.span), error.hint)
