"""What plays, roles and blocks hand down: the keywords of one more level merged under those above it."""

from __future__ import annotations

import dataclasses
from typing import Any

from nxtplay.playbook.model import Located, Shared, YamlList, YamlMap

_BECOME = {"become": "become", "become_user": "user", "become_method": "method", "become_flags": "flags", "become_exe": "exe"}

# the nearest wins
_NEAREST = frozenset(
    "connection remote_user port no_log ignore_errors ignore_unreachable check_mode diff run_once any_errors_fatal throttle timeout "
    "debugger batch delegate_to delegate_facts".split()
)


def located(raw: YamlMap, key: str) -> Located | None:
    """The value of a keyword with its place; None when it was not said or said to be nothing."""
    value = raw.get(key)
    return None if value is None else Located(value, raw.values_at[key])


def each(raw: YamlMap, key: str) -> tuple[Located, ...]:
    """One value or the items of a list, each with its place; empty values are left out."""
    value = raw.get(key)
    if isinstance(value, YamlList):
        return tuple(Located(item, place) for item, place in zip(value, value.items_at, strict=True) if item is not None)
    return () if value is None or value == "" else (Located(value, raw.values_at[key]),)


def words(raw: YamlMap, key: str) -> tuple[Located, ...]:
    """`each`, and text is split at commas."""
    found = []
    for one in each(raw, key):
        parts = one.value.split(",") if isinstance(one.value, str) and "{" not in one.value else [one.value]
        found += [Located(part.strip() if isinstance(part, str) else part, one.span) for part in parts]
    return tuple(one for one in found if one.value != "")


def inherit(above: Shared, raw: YamlMap, *, variables: bool = True) -> Shared:
    """The keywords in force on and below an object: its own merged with those handed down to it.

    Conditions, environment and module_defaults are kept outer first; tags unite; for the rest the nearest wins.
    `vars` are appended unless `variables` is False (a play's and a role's are not handed down as block variables).
    """
    changes: dict[str, Any] = {}
    become: dict[str, Located] = {}
    for key, value in raw.items():
        if value is None:
            continue
        if key in _NEAREST:
            changes[key] = Located(value, raw.values_at[key])
        elif key in _BECOME:
            become[_BECOME[key]] = Located(value, raw.values_at[key])
        elif key == "when":
            changes["when"] = above.when + each(raw, key)
        elif key == "tags":
            changes["tags"] = above.tags | {str(one.value) for one in words(raw, key)}
        elif key == "notify":
            changes["notify"] = each(raw, key)
        elif key == "collections":
            changes["collections"] = tuple(str(one.value) for one in words(raw, key))
        elif key in ("environment", "module_defaults"):
            changes[key] = getattr(above, key) + each(raw, key)
        elif key == "vars" and variables and isinstance(value, YamlMap):
            changes["vars"] = (*above.vars, value)
    if become:
        changes["become"] = dataclasses.replace(above.become, **become)
    return dataclasses.replace(above, **changes) if changes else above
