"""The language as JSON Schema, for editors: made of the keyword table and the modules' classes, never used by a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nxtplay.playbook import schema_types
from nxtplay.playbook.keywords import (
    BLOCK,
    HANDLER,
    IMPORT,
    LOOKUPS,
    LOOP_CONTROL,
    PLAY,
    PROMPT,
    ROLE,
    TASK,
    Keyword,
    legal,
)
from nxtplay.playbook.lint_args import Specs, registered

_TEMPLATE = {"type": "string", "pattern": r"\{[{%#]"}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_TASKS = {"type": ["array", "null"], "items": {"$ref": "#/definitions/item"}}
_EXPRESSIONS = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}
_MAPPING = {"anyOf": [{"type": ["object", "null"]}, _TEMPLATE]}

_KINDS: dict[str, Any] = {
    "once": {"anyOf": [{"type": ["boolean", "null"]}, {"enum": ["yes", "no", "on", "off", "true", "false", "play", 0, 1]}, _TEMPLATE]},
    "bool": {"anyOf": [{"type": ["boolean", "null"]}, {"enum": ["yes", "no", "on", "off", "true", "false", 0, 1]}, _TEMPLATE]},
    "int": {"anyOf": [{"type": ["integer", "null"]}, {"type": "string", "pattern": r"^\d+$"}, _TEMPLATE]},
    "number": {"anyOf": [{"type": ["number", "null"]}, {"type": "string", "pattern": r"^\d+(\.\d+)?%?$"}, _TEMPLATE]},
    "text": _SCALAR,
    "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "naming": _SCALAR,
    "words": _EXPRESSIONS,
    "texts": _EXPRESSIONS,
    "exprs": _EXPRESSIONS,
    "expr": _SCALAR,
    "vars": {"type": ["object", "null"], "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
    "map": _MAPPING,
    "maps": {"anyOf": [_MAPPING, {"type": "array", "items": _MAPPING}]},
    "list": {},
    "tasks": _TASKS,
    "roles": {"type": ["array", "null"], "items": {"$ref": "#/definitions/role"}},
    "prompts": {"type": "array", "items": {"$ref": "#/definitions/prompt"}},
    "serial": {"anyOf": [{"type": ["integer", "string"]}, {"type": "array", "items": {"type": ["integer", "string"]}}]},
    "any": {},
    "control": {"$ref": "#/definitions/loop_control"},
    "action": {"type": ["string", "object"]},
}


def json_schema(modules: Iterable[str], specs: Specs = registered) -> dict[str, Any]:
    """The schema of a playbook file; `#/definitions/tasks` is that of a file of tasks."""
    actions = {spelling: _arguments(specs(module)) for module in sorted(modules) for spelling in _spellings(module)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "nxtplay playbook",
        "type": "array",
        "items": {"if": _has("import_playbook"), "then": {"$ref": "#/definitions/import"}, "else": {"$ref": "#/definitions/play"}},
        "definitions": {
            "play": {**_object(legal(PLAY)), "required": ["hosts"]},
            "import": {**_object(legal(IMPORT)), "required": ["import_playbook"]},
            "role": {"anyOf": [{"type": "string"}, {"type": "object", "properties": _properties(legal(ROLE))}]},
            "block": {**_object(legal(BLOCK)), "required": ["block"]},
            "task": _acting(legal(TASK), actions),
            "handler": _acting(legal(HANDLER), actions),
            "item": {"if": _has("block"), "then": {"$ref": "#/definitions/block"}, "else": {"$ref": "#/definitions/task"}},
            "tasks": _TASKS,
            "loop_control": _object(LOOP_CONTROL),
            "prompt": {**_object(PROMPT), "required": ["name"]},
        },
    }


def _has(key: str) -> dict[str, Any]:
    return {"type": "object", "required": [key]}


def _properties(keywords: dict[str, Keyword]) -> dict[str, Any]:
    out = {}
    for name, keyword in keywords.items():
        value = _KINDS[keyword.kind]
        if keyword.choices:
            value = {"anyOf": [{"enum": list(keyword.choices)}, _TEMPLATE]}
        if name == "handlers":
            value = {"type": ["array", "null"], "items": {"$ref": "#/definitions/handler"}}
        out[name] = {"description": keyword.help, **value}
    return out


def _object(keywords: dict[str, Keyword]) -> dict[str, Any]:
    return {"type": "object", "properties": _properties(keywords), "additionalProperties": False}


def _acting(keywords: dict[str, Keyword], actions: dict[str, Any]) -> dict[str, Any]:
    loops = {f"with_{lookup}": {"description": f"A loop over the lookup '{lookup}'."} for lookup in sorted(LOOKUPS)}
    return {"type": "object", "properties": {**_properties(keywords), **loops, **actions}, "additionalProperties": False}


def _spellings(module: str) -> tuple[str, str]:
    collections = {"docker_": "community.docker", "postgresql_": "community.postgresql", "redis": "community.general"}
    collection = next((name for start, name in collections.items() if module.startswith(start)), "ansible.builtin")
    return module, f"{collection}.{module}"


def _arguments(cls: Any) -> dict[str, Any]:
    if cls is None:
        return {}
    schema = schema_types.arguments(cls)
    return {"description": (cls.__doc__ or "").strip().split("\n")[0], "anyOf": [schema, {"type": ["string", "null"]}]}
