"""Settings of a server: a value in any unit brought to the one form that pg_settings has it in."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed
from nxtplay.core.types import FALSE, TRUE

MEMORY = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
TIME = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}
_NUMBER = re.compile(r"^\s*([-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+))\s*([a-zA-Z]*)\s*$")


def normal(value: str, row: Mapping[str, Any]) -> str:
    """The value as pg_settings.setting would show it; `row` has name, vartype, unit, enumvals, min_val, max_val.

    Raises Failed where the setting cannot have it.
    """
    kind = row["vartype"]
    if kind == "bool":
        return _bool(value, row)
    if kind == "enum":
        word = next((word for word in row["enumvals"] if word.lower() == value.strip().lower()), None)
        if word is None and _alias(value, row["enumvals"]) is None:
            raise Failed(f"{row['name']}: '{value}' is none of {', '.join(row['enumvals'])}")
        return str(word if word is not None else _alias(value, row["enumvals"]))
    if kind in ("integer", "real"):
        return _number(value, row)
    return value


def spelled(value: str) -> str:
    """The value with its unit of memory as the server writes it: it reads 12MB, and not 12mb."""
    found = re.fullmatch(r"(\d+)\s*([kmgt]?b)", value, re.IGNORECASE)
    unit = next((unit for unit in MEMORY if found and unit.lower() == found[2].lower()), None)
    return f"{found[1]}{unit}" if found and unit else value


def pretty(value: Optional[str], unit: Optional[str]) -> Optional[str]:
    """A value in the server's own unit as SHOW writes it: in the largest unit that leaves a whole number."""
    base = re.fullmatch(r"(\d*)(\w+)", unit or "")
    table = next((table for table in (MEMORY, TIME) if base and base[2] in table), None)
    if value is None or base is None or table is None or float(value) <= 0:
        return value
    number = float(value) * int(base[1] or 1) * table[base[2]]
    for name, factor in sorted(table.items(), key=lambda item: -item[1]):
        if number >= factor and round(number / factor, 6).is_integer():
            return f"{number / factor:.0f}{name}"
    return f"{value}{unit}"


def measured(value: Optional[str], unit: Optional[str]) -> dict[str, Any]:
    """A value in the server's own unit, memory in bytes, as postgresql_set tells it."""
    if unit in ("kB", "MB") and value is not None:
        return {"value": int(value) * MEMORY[unit] if int(value) > 0 else value, "unit": "b"}
    return {"value": value, "unit": unit}


def _bool(value: str, row: Mapping[str, Any]) -> str:
    word = value.strip().lower()
    if word in TRUE:
        return "on"
    if word in FALSE:
        return "off"
    raise Failed(f"{row['name']}: '{value}' is neither on nor off")


def _alias(value: str, words: Any) -> Optional[str]:
    """Enumerations whose values include on and off take yes, true, 1 ... as well."""
    word = value.strip().lower()
    return next((w for w, alike in (("on", TRUE), ("off", FALSE)) if w in words and word in alike), None)


def _number(value: str, row: Mapping[str, Any]) -> str:
    found = _NUMBER.match(value)
    if not found:
        raise Failed(f"{row['name']}: '{value}' is no number")
    digits, unit = found[1], found[2]
    number = float(int(digits, 16)) if digits.lower().startswith("0x") else float(digits)
    if unit:
        number *= _factor(unit, row)
    if row["vartype"] == "integer":
        number = float(round(number))
    if not float(row["min_val"]) <= number <= float(row["max_val"]):
        raise Failed(f"{row['name']}: {value} is outside of {row['min_val']} .. {row['max_val']} {row['unit'] or ''}".rstrip())
    return str(int(number)) if row["vartype"] == "integer" else f"{number:g}"


def _factor(unit: str, row: Mapping[str, Any]) -> float:
    base = row["unit"]
    matched = re.match(r"^(\d*)(\w+)$", base or "")
    for table in (MEMORY, TIME):
        if matched and matched[2] in table:
            if unit not in table:
                raise Failed(f"{row['name']}: '{unit}' is no unit for it; legal are: {', '.join(table)}")
            return table[unit] / (table[matched[2]] * int(matched[1] or 1))
    raise Failed(f"{row['name']}: takes no unit, found '{unit}'")
