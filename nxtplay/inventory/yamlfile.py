"""The YAML (and JSON) format of inventories: groups with hosts, vars and children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span, did_you_mean
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.names import expanded, with_port

_KEYS = ("hosts", "vars", "children")


def fill(data: Any, file: str, draft: Draft) -> None:
    """Reads the value of a YAML inventory into the draft. Raises InventoryError with the place of what is wrong."""
    if data is None:
        return
    if not isinstance(data, Mapping):
        raise InventoryError(
            Diagnostic(
                "an inventory in YAML is a mapping of groups",
                getattr(data, "span", None) or Span(file, 1, 1),
                "start with `all:` and `hosts:` below it",
            )
        )
    for name, content in data.items():
        _group(str(name), content, draft, _at(data, "keys_at", name, file), file)


def _group(name: str, content: Any, draft: Draft, span: Span, file: str) -> None:
    group = draft.group(name, span)
    if content is None:
        return
    if not isinstance(content, Mapping):
        raise InventoryError(Diagnostic(f"the group '{name}' should hold hosts:, vars: or children:", span))
    for key, value in content.items():
        at = _at(content, "keys_at", key, file)
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or "a group holds hosts:, vars: and children:"
            draft.warn(f"'{key}' in the group '{name}' is passed over", at, hint)
        elif value is None:
            continue
        elif isinstance(value, str) and key == "hosts":
            _host(value, None, name, draft, at)
        elif not isinstance(value, Mapping):
            found = "a list" if isinstance(value, list) else repr(value)
            hint = f"write each {'host' if key == 'hosts' else 'name'} with a colon behind it"
            raise InventoryError(Diagnostic(f"{key}: of the group '{name}' should be a mapping, found {found}", at, hint))
        elif key == "vars":
            group.variables.update_from(value, at)
        elif key == "children":
            for child, inner in value.items():
                place = _at(value, "keys_at", child, file)
                _group(str(child), inner, draft, place, file)
                group.children.setdefault(str(child), place)
        else:
            for host, variables in value.items():
                _host(str(host), variables, name, draft, _at(value, "keys_at", host, file))


def _host(written: str, variables: Any, group: str, draft: Draft, span: Span) -> None:
    name, port = with_port(written)
    if variables is not None and not isinstance(variables, Mapping):
        message = f"the host '{name}' should hold variables, found {variables!r}"
        raise InventoryError(Diagnostic(message, span, "write `name: value` below it"))
    for each in expanded(name, span):
        host = draft.host(each, span)
        if port is not None:
            host.variables.put("ansible_port", port, span)
        if variables:
            host.variables.update_from(variables, span)
        draft.groups[group].hosts[each] = None


def _at(mapping: Any, table: str, key: Any, file: str) -> Span:
    places: Mapping[Any, Span] = getattr(mapping, table, None) or {}
    return places.get(key) or Span(file)
