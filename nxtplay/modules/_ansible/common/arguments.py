"""What a module of other people is given, held against what it says about its arguments."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterator

from ..errors import AnsibleFallbackNotFound
from . import validation


class Wrong(Exception):
    """What is wrong with the arguments."""


def env_fallback(*names: str, **_: Any) -> str:
    for name in names:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


class Noted:
    """What reading the arguments brings beside them: warnings, what is going away, and the values that must not be told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.deprecations: list[dict[str, Any]] = []
        self.secrets: set[str] = set()


def read(spec: dict[str, Any], given: dict[str, Any], rules: Any, *, module: str, noted: Noted) -> dict[str, Any]:
    """The arguments as the module's `params`; raises Wrong for the first fault.

    `rules` are mutually_exclusive, required_together, required_one_of, required_if and required_by, in this order.
    """
    return _level(spec, given, rules, module, noted, [], "")


def _level(
    spec: dict[str, Any], given: dict[str, Any], rules: Any, module: str, noted: Noted, within: list[str], where: str
) -> dict[str, Any]:
    """One level of arguments. `within` names the options around it, `where` is the same with places in lists (`a[0].b`)."""
    params = dict(given)
    _aliases(spec, params, where, noted)
    _fallbacks(spec, params)
    for name, one in spec.items():
        if one.get("no_log"):
            noted.secrets.update(_texts([params.get(name), one.get("default")]))
        if name in params and (one.get("removed_in_version") or one.get("removed_at_date")):
            going = {"version": one.get("removed_in_version"), "date": one.get("removed_at_date")}
            noted.deprecations.append(
                deprecation(f"Param '{where}{name}' is deprecated", **going, collection_name=one.get("removed_from_collection"))
            )
    exclusive, together, one_of, required_if, by = rules
    try:
        validation.check_mutually_exclusive(exclusive, params, within)
        params.update({name: one["default"] for name, one in spec.items() if name not in params and one.get("default") is not None})
        validation.check_required_arguments(spec, params, within)
        for name, one in spec.items():
            if name in params and (params[name] is not None or one.get("required") or one.get("default") is not None):
                params[name] = _value(name, one, params[name])
        validation.check_required_together(together, params, within)
        validation.check_required_one_of(one_of, params, within)
        validation.check_required_if(required_if, params, within)
        validation.check_required_by(by, params, within)
    except TypeError as error:
        raise Wrong(str(error)) from None
    for name, one in spec.items():
        params.setdefault(name, None)
        if one.get("options") is not None and (one.get("type") == "dict" or (one.get("type") == "list" and one.get("elements") == "dict")):
            params[name] = _options(name, one, params[name], module, noted, within, where)
    _unsupported(spec, given, module, within)
    return params


def _aliases(spec: dict[str, Any], params: dict[str, Any], where: str, noted: Noted) -> None:
    """Put under its name what came under another; the last one counts."""
    for name, one in spec.items():
        going = {old["name"]: old for old in one.get("deprecated_aliases") or ()}
        for alias in one.get("aliases") or ():
            if alias not in params:
                continue
            if name in params:
                noted.warnings.append(f"Both option {where}{name} and its alias {where}{alias} are set.")
            params[name] = params[alias]
            if alias in going:
                told = {key: going[alias].get(key) for key in ("version", "date", "collection_name")}
                noted.deprecations.append(deprecation(f"Alias '{where}{alias}' is deprecated", **told))


def _fallbacks(spec: dict[str, Any], params: dict[str, Any]) -> None:
    for name, one in spec.items():
        if one.get("fallback") and name not in params:
            take, *options = one["fallback"]
            positional = next((option for option in options if isinstance(option, (list, tuple))), [])
            named = next((option for option in options if isinstance(option, dict)), {})
            with contextlib.suppress(AnsibleFallbackNotFound):
                params[name] = take(*positional, **named)


def deprecation(msg: str, *, version: Any = None, date: Any = None, collection_name: Any = None) -> dict[str, Any]:
    """What a module tells of something that is going away, as it stands in the answer: at a date, or with a version."""
    return {"msg": msg, **({"date": date} if date else {"version": version}), "collection_name": collection_name}


def _value(name: str, one: dict[str, Any], value: Any) -> Any:
    """The value by its type, and among the choices."""
    value = _typed(one.get("type") or "str", value, f"argument '{name}'")
    elements, choices = one.get("elements"), one.get("choices")
    if elements and isinstance(value, list):
        value = [_typed(elements, item, f"Elements value for option '{name}'") for item in value]
    if choices is None:
        return value
    if isinstance(value, list):
        wrong = [str(item) for item in value if item not in choices]
        if wrong:
            raise Wrong(f"value of {name} must be one or more of: {', '.join(map(str, choices))}. Got no match for: {', '.join(wrong)}")
    elif value not in choices:
        value = _chosen(name, value, list(choices))
    return value


def _typed(kind: Any, value: Any, called: str) -> Any:
    try:
        return kind(value) if callable(kind) else validation.TYPES[kind](value)
    except (TypeError, ValueError) as error:
        raise Wrong(f"{called} is of type {type(value).__name__} and we were unable to convert to {kind}: {error}") from None


def _chosen(name: str, value: Any, choices: list[Any]) -> Any:
    """The one choice that means the same: YAML makes a truth of `on` and `no`."""
    same = {"True": validation.TRUE, "False": validation.FALSE}.get(str(value), frozenset())
    meant = [choice for choice in choices if isinstance(choice, (str, int, float)) and choice in same]
    if len(meant) != 1:
        raise Wrong(f"value of {name} must be one of: {', '.join(map(str, choices))}, got: {value}")
    return meant[0]


def _options(name: str, one: dict[str, Any], value: Any, module: str, noted: Noted, within: list[str], where: str) -> Any:
    """What an option holds that has options itself: a mapping, or a list of them."""
    if value is None and one.get("apply_defaults"):
        value = {}
    if value is None:
        return None
    rules = [one.get(rule) for rule in ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")]
    inner = [*within, name]
    if isinstance(value, dict):
        return _level(one["options"], value, rules, module, noted, inner, f"{where}{name}.")
    return [_level(one["options"], item, rules, module, noted, inner, f"{where}{name}[{at}].") for at, item in enumerate(value)]


def _unsupported(spec: dict[str, Any], given: dict[str, Any], module: str, within: list[str]) -> None:
    names = {spelling for name, one in spec.items() for spelling in (name, *(one.get("aliases") or ()))}
    unknown = sorted(str(name) for name in given if name not in names)
    if unknown:
        known = ", ".join(sorted(n + (f" ({', '.join(one['aliases'])})" if one.get("aliases") else "") for n, one in spec.items()))
        dotted = ", ".join(".".join([*within, name]) for name in unknown)
        raise Wrong(f"Unsupported parameters for ({module}) module: {dotted}. Supported parameters include: {known}.")


def _texts(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, as they would be printed."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool) and str(value):
        yield str(value)
