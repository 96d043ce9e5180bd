"""Declared argument types: how values are coerced, what is wrong with them, how they look as JSON Schema."""

from __future__ import annotations

import sys
import typing
from dataclasses import MISSING, dataclass, fields
from typing import Any, Callable, Mapping, Sequence, Union

from nxtplay.core.modes import is_symbolic_mode
from nxtplay.core.state import Secret, Unknown

TRUE = frozenset(("y", "yes", "on", "1", "true", "t"))
FALSE = frozenset(("n", "no", "off", "0", "false", "f"))


class Mode(str):
    """A permission mode as text: octal ("0644") or symbolic ("u=rw,go=r")."""


class Path(str):
    """A path on the host; `~` is expanded there, as the user who runs the task."""


class Raw:
    """Anything at all, taken as it is."""


class Size(int):
    """Bytes; "512M" and "1g" are understood."""


class Duration(float):
    """Seconds; "1m30s", "500ms" and plain numbers are understood."""


@dataclass(frozen=True)
class Rule:
    """A rule between arguments: kind is exclusive, together, one_of (at least one) or required_if (name, value, the others)."""

    kind: str
    names: tuple[str, ...]
    value: Any = None


@dataclass(frozen=True)
class ArgError:
    """An argument is wrong. `path` leads to it through the args as written: ("ports", 0), ("nmae",)."""

    path: tuple[Any, ...]
    message: str
    hint: str = ""


class ArgErrors(Exception):
    def __init__(self, errors: Sequence[ArgError]) -> None:
        super().__init__("; ".join(e.message for e in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True)
class ArgSpec:
    """One argument: `type` is a resolved annotation (Optional taken off into `optional`)."""

    name: str
    type: Any
    optional: bool
    required: bool
    default: Any
    help: str
    aliases: tuple[str, ...]
    key: bool
    secret: bool
    choices: tuple[str, ...]


def _resolve(annotation: Any, namespace: dict[str, Any]) -> Any:
    """The type that an annotation names; `A | None` means Optional[A], on Python 3.9 too."""
    if not isinstance(annotation, str):
        return annotation
    if annotation.endswith(" | None"):
        return typing.Optional[_resolve(annotation[: -len(" | None")], namespace)]
    return eval(annotation if "|" not in annotation else _without_bars(annotation), {**namespace, "__Union__": Union})


def _without_bars(annotation: str) -> str:
    """`list[A | B]` as `list[__Union__[A, B]]`."""
    import ast  # an agent's start is too short for it

    class Unions(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> Any:
            self.generic_visit(node)
            if not isinstance(node.op, ast.BitOr):
                return node
            pair = ast.Tuple(elts=[node.left, node.right], ctx=ast.Load())
            return ast.Subscript(value=ast.Name(id="__Union__", ctx=ast.Load()), slice=pair, ctx=ast.Load())

    return ast.unparse(Unions().visit(ast.parse(annotation, mode="eval")))


def specs_of(cls: type) -> dict[str, ArgSpec]:
    """The ArgSpecs of an Args class, in the order written."""
    annotations: dict[str, tuple[Any, dict[str, Any]]] = {}
    for base in reversed(cls.__mro__):
        namespace = vars(sys.modules[base.__module__])
        for name, annotation in base.__dict__.get("__annotations__", {}).items():
            annotations[name] = (annotation, namespace)
    specs = {}
    for f in fields(cls):
        if not f.metadata.get("arg"):
            continue
        annotation = _resolve(*annotations[f.name])
        members = [a for a in typing.get_args(annotation) if a is not type(None)]
        optional = typing.get_origin(annotation) is Union and len(members) < len(typing.get_args(annotation))
        if optional:
            annotation = members[0] if len(members) == 1 else Union[tuple(members)]
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        m = f.metadata
        specs[f.name] = ArgSpec(
            name=f.name.rstrip("_"),
            type=annotation,
            optional=optional,
            required=bool(m.get("required")),
            default=default,
            help=m["help"],
            aliases=m["aliases"],
            key=m["key"],
            secret=m["secret"] or annotation is Secret,
            choices=m["choices"],
        )
    return specs


def near(word: str, known: typing.Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


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
            errors.append(ArgError((*at, name), f"unknown argument '{name}'", near(str(name), spellings) or _legal(specs)))
            continue
        if field_name in given:
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
        converted, wrong = coerce(value, spec.type, (*at, name), is_template)
        errors += wrong
        if not wrong and spec.choices:
            errors += _check_choices(converted, spec, (*at, name), is_template)
        if not wrong:
            values[field_name] = Secret(converted) if spec.secret and isinstance(converted, str) else converted
    for field_name, spec in specs.items():
        if spec.required and field_name not in given:
            errors.append(ArgError(at, f"missing required argument '{spec.name}'", spec.help))
    errors += _check_rules(cls, values, given, at, is_template)
    return values, errors


def _legal(specs: Mapping[str, ArgSpec]) -> str:
    return "legal are: " + ", ".join(sorted(spec.name for spec in specs.values()))


def _check_choices(value: Any, spec: ArgSpec, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [
        ArgError(at, f"'{item}' is not one of {', '.join(spec.choices)}", near(str(item), spec.choices))
        for item in items
        if item not in spec.choices and not is_template(item)
    ]


def _check_rules(
    cls: type, values: Mapping[str, Any], given: Mapping[str, str], at: tuple[Any, ...], is_template: Callable[[object], bool]
) -> list[Any]:
    errors = []
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    for rule in cls.rules:  # type: ignore[attr-defined]
        names = rule.names
        left_open = [n for n in names if is_template(values.get(n)) and "omit" in str(values[n])]  # such a template may mean: not given
        there = [n for n in names if n in given and n not in left_open]
        said = ", ".join(f"'{n.rstrip('_')}'" for n in names)
        if rule.kind == "exclusive" and len(there) > 1:
            errors.append(ArgError((*at, given[there[1]]), f"{said} exclude each other; give one of them"))
        elif rule.kind == "together" and there and len(there) + len(left_open) < len(names):
            errors.append(ArgError((*at, given[there[0]]), f"{said} go together; give all of them"))
        elif rule.kind == "one_of" and not there and not left_open:
            errors.append(ArgError(at, f"one of {said} is required"))
        elif rule.kind == "required_if":
            deciding = values.get(names[0], specs[names[0]].default)
            wanted = rule.value if isinstance(rule.value, tuple) else (rule.value,)
            if is_template(deciding) or isinstance(deciding, Unknown) or deciding not in wanted:
                continue
            for name in names[1:]:
                if name not in given:
                    errors.append(ArgError(at, f"'{name.rstrip('_')}' is required when {names[0]} is {deciding}"))
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
            return None, [_wrong(value, "a mapping", at)]
        inner, errors = _decode(wanted, value, is_template, at)
        return (value if errors or _has_template(value, is_template) else wanted(**inner)), errors
    return _SCALARS[wanted](value, at)


def _has_template(value: Any, is_template: Callable[[object], bool]) -> bool:
    if isinstance(value, Mapping):
        return any(_has_template(v, is_template) for v in value.values())
    if isinstance(value, list):
        return any(_has_template(v, is_template) for v in value)
    return is_template(value)


def _wrong(value: Any, expected: str, at: tuple[Any, ...], hint: str = "") -> Any:
    found = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    kind = next((text for t, text in found.items() if isinstance(value, t)), type(value).__name__)
    shown = "" if isinstance(value, (list, Mapping, Secret)) else f" {value!r}"
    return ArgError(at, f"'{at[-1] if at else ''}' takes {expected}, found {kind}{shown}", hint)


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
    return None, [ArgError(at, f"'{at[-1]}' cannot be '{value}'", hint)]


def _is_one(value: Any, item: Any) -> bool:
    """Whether it is a single entry where a list is wanted: a number, or a mapping for a nested class."""
    if isinstance(value, Mapping):
        return isinstance(item, type) and hasattr(item, "specs")
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _list(value: Any, item: Any, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if not isinstance(value, Secret) else [value]
        value = [part for part in value if part]
    elif _is_one(value, item):
        value = [value]
    elif isinstance(value, (tuple, set)):
        value = list(value)
    if not isinstance(value, list):
        return None, [_wrong(value, "a list", at)]
    out, errors = [], []
    for index, element in enumerate(value):
        converted, wrong = coerce(element, item, (*at, index), is_template)
        out.append(converted)
        errors += wrong
    return out, errors


def _dict(value: Any, item: Any, at: tuple[Any, ...], is_template: Callable[[object], bool]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("{"):
            import json

            try:
                value = json.loads(text)
            except ValueError as error:
                return None, [_wrong(value, "a mapping", at, f"it looks like JSON but is not: {error}")]
        elif "=" in text:
            value = dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
    if not isinstance(value, Mapping):
        return None, [_wrong(value, "a mapping", at)]
    out, errors = {}, []
    for name, element in value.items():
        converted, wrong = coerce(element, item, (*at, name), is_template) if element is not None else (None, [])
        out[str(name)] = converted
        errors += wrong
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


def _bool(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, bool):
        return value, []
    word = str(value).strip().lower()
    if word in TRUE or (isinstance(value, float) and value == 1.0):
        return True, []
    if word in FALSE or (isinstance(value, float) and value == 0.0):
        return False, []
    return None, [_wrong(value, "true or false", at)]


def _int(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, bool):
        return None, [_wrong(value, "a whole number", at)]
    try:
        if isinstance(value, float) and value != int(value):
            raise ValueError
        return int(value if not isinstance(value, str) else value.strip()), []
    except (TypeError, ValueError):
        return None, [_wrong(value, "a whole number", at)]


def _float(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value), []
    except (TypeError, ValueError):
        return None, [_wrong(value, "a number", at)]


def _str(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        return value, []
    if isinstance(value, bool):
        return str(value), []
    if isinstance(value, (int, float)):
        return str(value), []
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape"), []
    if isinstance(value, (list, Mapping)):
        return None, [_wrong(value, "text", at, "quote it, or give one value")]
    return str(value), []


def _mode(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, int) and not isinstance(value, bool):
        as_written = f"{value:o}"
        # 0644 reaches us as 420, so digits alone prove nothing; 512 to 777 would be modes with the sticky bit and odd rights (01204)
        if all(c in "01234567" for c in str(value)) and (512 <= value <= 777 or value in (444, 500)):
            return None, [
                ArgError(at, f"mode {value} is a decimal number: it would mean {as_written} in octal", f"write '0{value}' with quotes")
            ]
        if value > 0o7777 or value < 0:
            return None, [ArgError(at, f"mode {value} is no permission mode", "write it as text, such as '0644'")]
        return Mode(f"{value:04o}"), []
    text = str(value).strip()
    if text.startswith("0o"):
        text = text[2:]
    if text == "preserve" or (text and len(text) <= 5 and all(c in "01234567" for c in text)) or (text and is_symbolic_mode(text)):
        return Mode(text), []
    return None, [ArgError(at, f"mode '{value}' is neither octal nor symbolic", "such as '0644' or 'u=rw,go=r'")]


_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3, "gb": 1024**3, "t": 1024**4, "tb": 1024**4}


def _size(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text = str(value).strip().lower().replace("ib", "b")
    number = text.rstrip("bkmgt")
    try:
        return Size(float(number) * _UNITS[text[len(number) :].strip()]), []
    except (ValueError, KeyError):
        return None, [_wrong(value, "a size such as 512M", at)]


def _duration(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    import re

    text = str(value).strip()
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|h|m|s|d)", text)
    if parts and "".join(a + b for a, b in parts) == text.replace(" ", ""):
        factor = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
        return Duration(sum(float(n) * factor[u] for n, u in parts)), []
    try:
        return Duration(float(text)), []
    except ValueError:
        return None, [_wrong(value, "a duration such as 1m30s", at)]


def _path(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text, errors = _str(value, at)
    return (Path(text) if not errors else None), errors


def _secret(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text, errors = _str(value, at)
    return (Secret(text) if not errors else None), errors


_SCALARS: dict[Any, Callable[[Any, tuple[Any, ...]], tuple[Any, list[Any]]]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Mode: _mode,
    Path: _path,
    Secret: _secret,
    Size: _size,
    Duration: _duration,
}


def json_schema(cls: type) -> dict[str, Any]:
    """The arguments as JSON Schema, templates allowed anywhere."""
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    properties = {}
    for spec in specs.values():
        entry = {"description": spec.help, **schema_of(spec.type)}
        if spec.default not in (None, MISSING) and isinstance(spec.default, (str, int, bool, float)):
            entry["default"] = spec.default
        for spelling in (spec.name, *spec.aliases):
            properties[spelling] = entry
    required = [spec.name for spec in specs.values() if spec.required and not spec.aliases]
    return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}


_TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}


def schema_of(wanted: Any) -> dict[str, Any]:
    origin = typing.get_origin(wanted)
    if origin is typing.Literal:
        return {"anyOf": [{"enum": list(typing.get_args(wanted))}, _TEMPLATE]}
    if origin is list:
        return {"anyOf": [{"type": "array", "items": schema_of(typing.get_args(wanted)[0])}, {"type": ["string", "number", "null"]}]}
    if origin is dict:
        return {"anyOf": [{"type": "object"}, {"type": ["string", "null"]}]}
    if origin is Union:
        return {"anyOf": [schema_of(m) for m in typing.get_args(wanted)]}
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        return {"anyOf": [json_schema(wanted), _TEMPLATE]}
    if wanted is bool:
        return {"anyOf": [{"type": "boolean"}, {"type": ["string", "integer"]}]}
    if wanted in (int, float, Size, Duration):
        return {"type": ["number", "string"]}
    if wanted in (str, Path, Mode, Secret):
        return {"type": ["string", "number", "boolean", "null"]}
    return {}


def type_name(wanted: Any) -> str:
    """The type in words, for `nxtplay doc`."""
    origin = typing.get_origin(wanted)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(c) for c in typing.get_args(wanted))
    if origin is list:
        return f"list of {type_name(typing.get_args(wanted)[0])}"
    if origin is dict:
        return "mapping"
    if origin is Union:
        return " or ".join(sorted(type_name(m) for m in typing.get_args(wanted)))  # Python keeps the order of whoever wrote it first
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        return "mapping of " + ", ".join(spec.name for spec in wanted.specs().values())
    names: Mapping[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text", Raw: "anything", Any: "anything"}
    return names.get(wanted, getattr(wanted, "__name__", str(wanted)).lower())


