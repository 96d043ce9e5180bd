"""Inventory scripts: programs that print groups and hosts as JSON when called with --list."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span
from nxtplay.inventory.draft import Draft
from nxtplay.template.values import marked


def fill(path: str, draft: Draft) -> None:
    """Runs the script and reads what it prints into the draft. Raises InventoryError."""
    data = _asked(path, "--list")
    meta = data.pop("_meta", None)
    span = Span(path)
    named: dict[str, None] = {}
    for name, content in data.items():
        _group(str(name), content, draft, span, named)
    if isinstance(meta, Mapping) and isinstance(meta.get("hostvars"), Mapping):
        variables = {str(host): values for host, values in meta["hostvars"].items()}
    else:
        variables = {host: _asked(path, "--host", host) for host in named}
    for host, values in variables.items():
        if isinstance(values, Mapping):
            draft.host(host, span).variables.update_from(values, span)


def _group(name: str, content: Any, draft: Draft, span: Span, named: dict[str, None]) -> None:
    group = draft.group(name, span)
    if isinstance(content, list):
        content = {"hosts": content}
    if not isinstance(content, Mapping):
        raise InventoryError(Diagnostic(f"the script's group '{name}' should be a list of hosts or an object", span))
    if not {"hosts", "vars", "children"} & set(content) and content:
        content = {"hosts": [name], "vars": content}  # an old form: the group is a host
    for host in content.get("hosts") or []:
        draft.host(str(host), span)
        named[str(host)] = None
        group.hosts[str(host)] = None
    group.variables.update_from(content.get("vars") or {}, span)
    for child in content.get("children") or []:
        draft.group(str(child), span)
        group.children.setdefault(str(child), span)


def _asked(path: str, *arguments: str) -> dict[str, Any]:
    try:
        done = subprocess.run([os.path.abspath(path), *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        message = f"cannot run the inventory script: {(error.strerror or str(error)).lower()}"
        raise InventoryError(Diagnostic(message, Span(path), "does it start with a #! line?")) from None
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip()[-400:]
        message = f"the inventory script ended with exit code {done.returncode}" + (f": {told}" if told else "")
        raise InventoryError(Diagnostic(message, Span(path)))
    try:
        data = json.loads(done.stdout or b"{}")
    except ValueError as error:
        raise InventoryError(Diagnostic(f"the inventory script printed no JSON: {error}", Span(path))) from None
    if not isinstance(data, dict):
        raise InventoryError(Diagnostic("the inventory script should print a JSON object", Span(path)))
    found: dict[str, Any] = marked(data)
    return found
