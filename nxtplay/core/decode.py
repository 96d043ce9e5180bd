"""Arguments as written to values of their declared types; everything that is wrong with them, at once."""

from __future__ import annotations

import typing
from typing import Any, Callable, Mapping, Sequence, Union

from nxtplay.core.spec import ArgSpec
from nxtplay.core.state import Secret, Unknown, find_unknown
from nxtplay.core.types import FALSE, SCALARS, TRUE, ArgError, Raw, near, wrong


def _names(specs: Mapping[str, ArgSpec]) -> dict[str, str]:
    """Every spelling of an argument to its field."""
    out = {}
    for field_name, spec in specs.items():
        for spelling in (spec.name, *spec.aliases):
            out[spelling] = field_name
    return out


def check(cls: type, args: Mapping[str, Any], is_template: Callable[[object], bool]) -> list[Any]:
    """See resource.check_args."""
    return _decode(cls, args, is_template, ())[1]


def decode(cls: type, args: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Field values and everything that is wrong."""
    return _decode(cls, args, lambda _: False, ())


def as_texts(cls: type, args: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, and where one takes text and a template gave a list or a mapping, its text, as Ansible has it. One that is `written`
    as such is left, and refused: there it is a slip."""
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    spellings = _names(specs)
    out = dict(args)
    for name, value in args.items():
        by_template = isinstance(value, (list, Mapping)) and isinstance(written.get(name), str)
        if by_template and name in spellings and specs[spellings[name]].type is str:
            out[name] = find_unknown(value) or str(value)
    return out


def _decode(
    cls: type, args: Mapping[str, Any], is_template: Callable[[object], bool], at: tuple[Any, ...]
) -> tuple[dict[str, Any], list[Any]]:
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    spellings = _names(specs)
    values: dict[str, Any] = {}
    errors: list[Any] = []
    given: dict[str, str] = {}  # field -> as it was spelled
    for name, value in args.items():
        field_name = spellings.get(name)
        if field_name is None:
            hint = near(str(name), spellings) or _legal(specs)
            errors.append(ArgError((*at, name), f"unknown argument '{name}'", hint, f"Unsupported parameters: {name}"))
            continue
        if field_name in given and not (_may_be_omitted(value, is_template) or _may_be_omitted(args[given[field_name]], is_template)):
            errors.append(ArgError((*at, name), f"'{name}' and '{given[field_name]}' are the same argument; give one of them"))
            continue
        given[field_name] = name
        spec = specs[field_name]
        if value is None:  # the same as not given
            if spec.required:
                errors.append(ArgError((*at, name), f"'{name}' is required but empty"))
            else:
                del given[field_name]
            continue
        if is_template(value) or isinstance(value, Unknown):
            values[field_name] = value
            continue
        converted, faults = coerce(value, spec.type, (*at, name), is_template)
        errors += faults
        if not faults and spec.choices:
            errors += _check_choices(converted, spec, (*at, name), is_template)
        if not faults:
            values[field_name] = Secret(converted) if spec.secret and isinstance(converted, str) else converted
    for field_name, spec in specs.items():
        if spec.required and field_name not in given:
            free = spec.name == getattr(cls, "free_form", None)
            usual = f"one of the following is required: {spec.name}, _raw_params" if free else f"missing required arguments: {spec.name}"
            errors.append(ArgError(at, f"missing required argument '{spec.name}'", spec.help, usual))
    errors += _check_rules(cls, values, given, at, is_template)
    return values, errors


def _legal(specs: Mapping[str, ArgSpec]) -> str:
    return "legal are: " + ", ".join(sorted(spec.name for spec in specs.values()))


def _check_choices(value: Any, spec: ArgSpec, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [
        ArgError(at, f"'{item}' is not one of {', '.join(spec.choices)}", near(str(item), spec.choices), _not_among(item, spec.choices, at))
        for item in items
        if item not in spec.choices and not is_template(item)
    ]


def _not_among(value: Any, choices: Sequence[Any], at: tuple[Any, ...]) -> str:
    return f"value of {at[-1]} must be one of: {', '.join(map(str, choices))}, got: {value}"


def _may_be_omitted(value: Any, is_template: Callable[[object], bool]) -> bool:
    """Whether a template may mean that the argument is not given."""
    return is_template(value) and "omit" in str(value)


def _check_rules(
    cls: type, values: Mapping[str, Any], given: Mapping[str, str], at: tuple[Any, ...], is_template: Callable[[object], bool]
) -> list[Any]:
    errors = []
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    for rule in cls.rules:  # type: ignore[attr-defined]
        names = rule.names
        left_open = [n for n in names if _may_be_omitted(values.get(n), is_template)]
        there = [n for n in names if n in given and n not in left_open]
        plain = [n.rstrip("_") for n in names]
        said, listed = ", ".join(f"'{n}'" for n in plain), ", ".join(plain)
        if rule.kind == "exclusive" and len(there) > 1:
            usual = f"parameters are mutually exclusive: {'|'.join(plain)}"
            errors.append(ArgError((*at, given[there[1]]), f"{said} exclude each other; give one of them", usual=usual))
        elif rule.kind == "together" and there and len(there) + len(left_open) < len(names):
            usual = f"parameters are required together: {listed}"
            errors.append(ArgError((*at, given[there[0]]), f"{said} go together; give all of them", usual=usual))
        elif rule.kind == "one_of" and not there and not left_open:
            errors.append(ArgError(at, f"one of {said} is required", usual=f"one of the following is required: {listed}"))
        elif rule.kind == "required_if":
            deciding = values.get(names[0], specs[names[0]].default)
            wanted = rule.value if isinstance(rule.value, tuple) else (rule.value,)
            if is_template(deciding) or isinstance(deciding, Unknown) or deciding not in wanted:
                continue
            for name in names[1:]:
                if name not in given:
                    name = name.rstrip("_")
                    usual = f"{names[0]} is {deciding} but all of the following are missing: {name}"
                    errors.append(ArgError(at, f"'{name}' is required when {names[0]} is {deciding}", usual=usual))
    return errors


def coerce(value: Any, wanted: Any, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    """The value as the declared type, or what is wrong with it."""
    if is_template(value) or isinstance(value, Unknown) or wanted is Any or wanted is Raw:
        return value, []
    origin = typing.get_origin(wanted)
    if origin is typing.Literal:
        return _literal(value, typing.get_args(wanted), at)
    if origin is list:
        return _list(value, typing.get_args(wanted)[0], at, is_template)
    if origin is dict:
        return _dict(value, typing.get_args(wanted)[1], at, is_template)
    if origin is Union:
        return _union(value, typing.get_args(wanted), at, is_template)
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        if not isinstance(value, Mapping):
            return None, [wrong(value, "a mapping", at)]
        inner, errors = _decode(wanted, value, is_template, at)
        return (value if errors or _has_template(value, is_template) else wanted(**inner)), errors
    return SCALARS[wanted](value, at)


def _has_template(value: Any, is_template: Callable[[object], bool]) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(v, is_template) for v in value.values())
    if isinstance(value, list):
        return any(_has_template(v, is_template) for v in value)
    return is_template(value)


def _literal(value: Any, choices: tuple[Any, ...], at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, bool) and value not in choices:  # YAML read `state: on` as a boolean
        value = next((c for c in choices if str(c).lower() in (TRUE if value else FALSE)), str(value))
    if value in choices:
        return value, []
    as_text = next((c for c in choices if str(c) == str(value)), None)
    if as_text is not None:
        return as_text, []
    said = ", ".join(str(c) for c in choices)
    hint = near(str(value), [str(c) for c in choices]) or f"legal are: {said}"
    return None, [ArgError(at, f"'{at[-1]}' cannot be '{value}'", hint, _not_among(value, choices, at))]


def _is_one(value: Any, item: Any) -> bool:
    """Whether it is a single entry where a list is wanted: a number, a bool where anything will do, or a mapping for a nested class."""
    if isinstance(value, Mapping):
        return isinstance(item, type) and hasattr(item, "specs")
    return isinstance(value, (int, float)) and (item is Raw or not isinstance(value, bool))


def _list(value: Any, item: Any, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if not isinstance(value, Secret) else [value]
        value = [part for part in value if part]
    elif _is_one(value, item):
        value = [value]
    elif isinstance(value, (tuple, set)):
        value = list(value)
    if not isinstance(value, list):
        return None, [wrong(value, "a list", at)]
    out, errors = [], []
    for index, element in enumerate(value):
        converted, faults = coerce(element, item, (*at, index), is_template)
        out.append(converted)
        errors += faults
    return out, errors


def _dict(value: Any, item: Any, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            import json

            try:
                value = json.loads(text)
            except ValueError as error:
                return None, [wrong(value, "a mapping", at, f"it looks like JSON but is not: {error}")]
        elif "=" in text:
            value = dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
    if not isinstance(value, Mapping):
        return None, [wrong(value, "a mapping", at)]
    out, errors = {}, []
    for name, element in value.items():
        converted, faults = coerce(element, item, (*at, name), is_template) if element is not None else (None, [])
        out[str(name)] = converted
        errors += faults
    return out, errors


def _union(value: Any, members: tuple[Any, ...], at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    exact = [m for m in members if isinstance(m, type) and type(value) is m]
    containers = [m for m in members if _is_container_for(value, m)]
    errors: list[Any] = []
    for member in [*exact, *containers, *members]:
        converted, errors = coerce(value, member, at, is_template)
        if not errors:
            return converted, []
    return None, errors


def _is_container_for(value: Any, member: Any) -> bool:
    if isinstance(value, list):
        return typing.get_origin(member) is list
    return isinstance(value, Mapping) and (typing.get_origin(member) is dict or hasattr(member, "specs"))
