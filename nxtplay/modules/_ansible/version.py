"""`ansible.module_utils.compat.version`: versions that compare part by part, as the standard library had them once."""

from __future__ import annotations

import functools
import re
from typing import Any


@functools.total_ordering
class Version:
    """A version made of numbers and words; numbers compare as numbers."""

    def __init__(self, vstring: str = "") -> None:
        self.vstring = str(vstring)
        self.version: list[Any] = self.parts(self.vstring)

    def parts(self, text: str) -> list[Any]:
        """What is compared."""
        found = [part for part in re.split(r"(\d+|[a-z]+|\.)", text) if part and part != "."]
        return [int(part) if part.isdigit() else part for part in found]

    def _other(self, other: Any) -> Any:
        return other.version if isinstance(other, Version) else type(self)(str(other)).version

    def __eq__(self, other: object) -> bool:
        return bool(self.version == self._other(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.version < self._other(other))

    def __hash__(self) -> int:
        return hash(tuple(self.version))

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self.vstring!r})"


class LooseVersion(Version):
    """Any text that holds a version."""


class StrictVersion(Version):
    """Two or three numbers, an `aN` or `bN` behind them where it comes before that version."""

    def parts(self, text: str) -> list[Any]:
        found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", text)
        if found is None:
            raise ValueError(f"invalid version number '{text}'")
        numbers = [int(found[1]), int(found[2]), int(found[3] or 0)]
        return [*numbers, *((found[4], int(found[5])) if found[4] else ("final", 0))]
