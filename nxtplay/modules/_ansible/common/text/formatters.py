"""`ansible.module_utils.common.text.formatters`, as modules use it."""

from __future__ import annotations

import re
from typing import Any, Optional

SIZE_RANGES = {"Y": 1 << 80, "Z": 1 << 70, "E": 1 << 60, "P": 1 << 50, "T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10, "B": 1}
_WORDS = dict(zip("YZEPTGMK", "yotta zetta exa peta tera giga mega kilo".split()))


def lenient_lowercase(lst: Any) -> list[Any]:
    """The texts of a list in lower case, what is no text as it is."""
    return [value.lower() if hasattr(value, "lower") else value for value in lst]


def human_to_bytes(number: Any, default_unit: Optional[str] = None, isbits: bool = False) -> int:
    """`10M`, `1.5 GB`, `2Kb` as a number of bytes (with `isbits` of bits). ValueError for what is none."""
    found = re.match(r"\s*([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*\Z", str(number))
    if not found:
        raise ValueError(f"human_to_bytes() can't interpret following string: {number}")
    unit = found[2] or default_unit
    if not unit:
        return round(float(found[1]))
    first = unit[0].upper()
    if first not in SIZE_RANGES:
        raise ValueError(f"human_to_bytes() failed to convert {number} (unit = {unit}). The suffix must be one of {', '.join(SIZE_RANGES)}")
    what, letter = ("bit", "b") if isbits else ("byte", "B")
    legal = {what} if first == "B" else {_WORDS[first] + what}
    if len(unit) > 1 and unit != first + letter and unit.lower() not in legal:
        raise ValueError(f"human_to_bytes() failed to convert {number}. Value is not a valid string ({letter} stands for {what}s)")
    return round(float(found[1]) * SIZE_RANGES[first])


def bytes_to_human(size: float, isbits: bool = False, unit: Optional[str] = None) -> str:
    """A number of bytes in the unit given, else in the largest that it fills."""
    name = "bits" if isbits else "Bytes"
    for suffix, limit in SIZE_RANGES.items():
        if (unit is None and size >= limit) or (unit is not None and unit.upper() == suffix[0]):
            break
    else:
        suffix, limit = "B", 1
    return f"{size / limit:.2f} {name if limit == 1 else suffix + name[0]}"
