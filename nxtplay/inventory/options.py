"""Options of inventory plugins: which are legal, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span, did_you_mean


def known(entry: Any, options: tuple[str, ...], file: str, kind: str) -> None:
    """Raises InventoryError when this is no mapping of these options."""
    if not isinstance(entry, Mapping):
        raise InventoryError(Diagnostic(f"a mapping was expected, found {entry!r}", Span(file, 1, 1)))
    for name in entry:
        if name not in options:
            hint = did_you_mean(str(name), options) or f"legal are: {', '.join(options)}"
            places = getattr(entry, "keys_at", None) or {}
            raise InventoryError(Diagnostic(f"unknown option '{name}' of {kind}", places.get(name) or Span(file), hint))


def at(mapping: Any, key: Any, file: str) -> Span:
    """Where an option's value stands."""
    places: Mapping[Any, Span] = getattr(mapping, "values_at", None) or {}
    return places.get(key) or Span(file)
