"""The TOML format of inventories: `[group.hosts]`, `[group.vars]`, and `children = [...]` of a group."""

from __future__ import annotations

import tomllib
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span
from nxtplay.inventory import yamlfile
from nxtplay.inventory.draft import Draft


def fill(text: str, file: str, draft: Draft) -> None:
    """Reads a TOML inventory into the draft. Raises InventoryError."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(Diagnostic(f"not TOML: {error}", Span(file))) from None
    for group in data.values():
        if isinstance(group, dict) and isinstance(group.get("children"), list):
            group["children"] = dict.fromkeys(group["children"])
    yamlfile.fill(data, file, draft)
