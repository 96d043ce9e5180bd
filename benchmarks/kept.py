"""Figures of earlier runs, by tool and version: what a tool took need not be measured again while another one is tuned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from table import Cost


class Kept:
    """A JSON file: tool and version -> title of a line -> its costs, or why there are none. Written after each line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: dict[str, dict[str, list[dict[str, float | int | None]] | str]] = self._read()

    def _read(self) -> Any:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def find(self, tool: str, title: str) -> list[Cost] | str | None:
        """Costs, why it failed, or None: never measured."""
        found = self._all.get(tool, {}).get(title)
        return [Cost(**one) for one in found] if isinstance(found, list) else found  # type: ignore[arg-type]

    def add(self, tool: str, title: str, costs: Sequence[Cost] | str) -> None:
        """Remember, in place of what was known; another run may have added to the file meanwhile."""
        self._all = self._read()
        self._all.setdefault(tool, {})[title] = costs if isinstance(costs, str) else [asdict(one) for one in costs]
        self._path.write_text(json.dumps(self._all, indent=1))
