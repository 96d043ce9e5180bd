"""What a role says about its arguments, held against the values it is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from nxtplay.core.state import Unknown
from nxtplay.errors import TemplateError, did_you_mean
from nxtplay.template.filters_text import human_to_bytes

TRUE = ("yes", "on", "1", "true", "t", "y")
FALSE = ("no", "off", "0", "false", "f", "n")


def faults(options: Mapping[str, Any], given: Mapping[str, Any], *, rules: Mapping[str, Any] | None = None, where: str = "") -> list[str]:
    """Everything wrong with the arguments of one level: missing, of another type, not among the choices, not known (in suboptions).

    `rules` holds mutually_exclusive and its kind, which count for suboptions alone. Values that a check does not know are taken on trust.
    """
    out: list[str] = []
    at = f" found in {where}" if where else ""
    named = {alias: name for name, spec in options.items() for alias in (name, *((spec or {}).get("aliases") or ()))}
    values = {named.get(name, name): value for name, value in given.items()}
    if where:
        out += unknown(options, given, at)
    lacking = sorted(name for name, spec in options.items() if (spec or {}).get("required") and name not in values)
    if lacking:
        out.append(f"missing required arguments: {', '.join(lacking)}{at}")
    for name, spec in options.items():
        value = values.get(name)
        wanted = (spec or {}).get("required") or (spec or {}).get("default") is not None  # nothing at all is no value of its type then
        if name in values and (value is not None or wanted) and not isinstance(value, Unknown):
            out += _value(name, spec or {}, value, f"{where} -> {name}" if where else name)
    return out + _together(rules or {}, values, at)


def unknown(options: Mapping[str, Any], given: Iterable[str], at: str = "") -> list[str]:
    """The arguments that the options do not know."""
    named = {alias: name for name, spec in options.items() for alias in (name, *((spec or {}).get("aliases") or ()))}
    return [f"unsupported parameter '{name}'{at}{_near(name, named)}" for name in sorted(map(str, given)) if name not in named]


def _near(name: str, known: Mapping[str, str]) -> str:
    near = did_you_mean(name, known)
    return f" ({near})" if near else ""


def _value(name: str, spec: Mapping[str, Any], value: Any, where: str) -> list[str]:
    kind = str(spec.get("type") or "str")
    taken = _taken(kind, value)
    if isinstance(taken, Wrong):
        return [f"argument '{name}' is of type {type(value).__name__} and we were unable to convert to {kind}: {taken.why}"]
    choices = spec.get("choices")
    if choices is not None:
        wrong = [one for one in (taken if isinstance(taken, list) else [taken]) if not _among(one, choices)]
        if wrong:
            return [f"value of {name} must be one of: {', '.join(map(str, choices))}, got: {', '.join(map(str, wrong))}"]
    out: list[str] = []
    elements = spec.get("elements")
    if kind == "list" and elements:
        for one in taken:
            inner = _taken(str(elements), one)
            if isinstance(inner, Wrong):
                out.append(
                    f"Elements value for option '{name}' is of type {type(one).__name__} and we were unable to convert "
                    f"to {elements}: {inner.why}"
                )
    options = spec.get("options")
    if isinstance(options, Mapping) and not out:
        for one in taken if isinstance(taken, list) else [taken]:
            if isinstance(one, Mapping):
                out += faults(options, one, rules=spec, where=where)
    return out


class Wrong:
    def __init__(self, why: str) -> None:
        self.why = why


def _among(value: Any, choices: Any) -> bool:
    return value in choices or str(value) in [str(one) for one in choices]


def _taken(kind: str, value: Any) -> Any:
    reader = _READERS.get(kind)
    if reader is None and kind not in _ANYTHING:
        return Wrong("there is no such type")
    if value is None and kind in ("str", "path", "sid"):
        return ""
    return value if reader is None else reader(value)


def _bool(value: Any) -> Any:
    if isinstance(value, bool) or str(value).lower() in (*TRUE, *FALSE):
        return value
    return Wrong(f"'{value}' is neither true nor false")


def _int(value: Any) -> Any:
    try:
        number = int(str(value).strip()) if not isinstance(value, bool) else Wrong("a truth is no number")
    except ValueError:
        return Wrong(f"'{value}' is no whole number")
    return number


def _float(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return Wrong(f"'{value}' is no number")


def _list(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return value.split(",")
    return [value] if isinstance(value, (int, float)) else Wrong(f"{value!r} is no list")


def _dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except ValueError:
            found = dict(part.split("=", 1) for part in value.replace(",", " ").split()) if "=" in value else None
        if isinstance(found, dict):
            return found
    return Wrong(f"{value!r} is no mapping")


def _size(value: Any, *, bits: bool) -> Any:
    if value is None:
        return Wrong("nothing is no size")
    try:
        return human_to_bytes(value, isbits=bits)
    except TemplateError as error:
        return Wrong(error.diagnostics[0].message)


def _json(value: Any) -> Any:
    return value if isinstance(value, (str, Mapping, list, tuple)) else Wrong(f"{value!r} is no JSON text, list or mapping")


_ANYTHING = ("str", "path", "raw", "sid")
_READERS: dict[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "float": _float,
    "list": _list,
    "dict": _dict,
    "json": _json,
    "jsonarg": _json,
    "bytes": partial(_size, bits=False),
    "bits": partial(_size, bits=True),
}


def _together(rules: Mapping[str, Any], values: Mapping[str, Any], at: str) -> list[str]:
    """The rules about several arguments at once."""
    there = {name for name, value in values.items() if value is not None}
    out = []
    for names in rules.get("mutually_exclusive") or ():
        if len(there & set(names)) > 1:
            out.append(f"parameters are mutually exclusive: {'|'.join(names)}{at}")
    for names in rules.get("required_together") or ():
        if there & set(names) and not set(names) <= there:
            out.append(f"parameters are required together: {', '.join(names)}{at}")
    for names in rules.get("required_one_of") or ():
        if not there & set(names):
            out.append(f"one of the following is required: {', '.join(names)}{at}")
    for rule in rules.get("required_if") or ():
        name, value, names, *some = rule
        lacking = [one for one in names if one not in there]
        if name in there and values[name] == value and (len(lacking) == len(names) if some and some[0] else lacking):
            which = "any" if some and some[0] else "all"
            out.append(f"{name} is {value} but {which} of the following are missing: {', '.join(lacking)}{at}")
    for name, names in (rules.get("required_by") or {}).items():
        lacking = [one for one in ([names] if isinstance(names, str) else names) if one not in there]
        if name in there and lacking:
            out.append(f"missing parameter(s) required by '{name}': {', '.join(lacking)}{at}")
    return out
