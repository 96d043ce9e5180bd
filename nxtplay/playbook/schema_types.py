"""Argument types as JSON Schema, templates allowed anywhere."""

from __future__ import annotations

import typing
from dataclasses import MISSING
from typing import Any, Union

from nxtplay.core.spec import ArgSpec
from nxtplay.core.state import Secret
from nxtplay.core.types import Duration, Mode, Path, Size

_TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}


def arguments(cls: type) -> dict[str, Any]:
    """The arguments of a class, as an object."""
    specs: dict[str, ArgSpec] = cls.specs()  # type: ignore[attr-defined]
    properties = {}
    for spec in specs.values():
        entry = {"description": spec.help, **of_type(spec.type)}
        if spec.default not in (None, MISSING) and isinstance(spec.default, (str, int, bool, float)):
            entry["default"] = spec.default
        for spelling in (spec.name, *spec.aliases):
            properties[spelling] = entry
    required = [spec.name for spec in specs.values() if spec.required and not spec.aliases]
    return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}


def of_type(wanted: Any) -> dict[str, Any]:
    origin = typing.get_origin(wanted)
    if origin is typing.Literal:
        return {"anyOf": [{"enum": list(typing.get_args(wanted))}, _TEMPLATE]}
    if origin is list:
        return {"anyOf": [{"type": "array", "items": of_type(typing.get_args(wanted)[0])}, {"type": ["string", "number", "null"]}]}
    if origin is dict:
        return {"anyOf": [{"type": "object"}, {"type": ["string", "null"]}]}
    if origin is Union:
        return {"anyOf": [of_type(m) for m in typing.get_args(wanted)]}
    if isinstance(wanted, type) and hasattr(wanted, "specs"):
        return {"anyOf": [arguments(wanted), _TEMPLATE]}
    if wanted is bool:
        return {"anyOf": [{"type": "boolean"}, {"type": ["string", "integer"]}]}
    if wanted in (int, float, Size, Duration):
        return {"type": ["number", "string"]}
    if wanted in (str, Path, Mode, Secret):
        return {"type": ["string", "number", "boolean", "null"]}
    return {}
