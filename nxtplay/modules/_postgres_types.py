"""Values on their way into SQL text and out of rows."""

from __future__ import annotations

import datetime
import decimal
import json
import re
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

from nxtplay.core.state import Secret

PLAIN = re.compile("[a-z_][a-z0-9_]*")  # a name of a setting or an option that needs no quotes


class SqlError(Exception):
    """A query's placeholders and its arguments do not fit."""


def identifier(name: str) -> str:
    """One name, quoted whatever it holds."""
    if "\0" in name or not name:
        raise SqlError("a name in SQL must hold at least one character, and no NUL")
    return '"' + name.replace('"', '""') + '"'


def qualified(name: str) -> str:
    """A dotted name (`schema.table`, parts possibly quoted already), each part quoted."""
    return ".".join(identifier(part) for part in split_name(name))


def split_name(name: str) -> list[str]:
    """`a."b.c"` to ["a", "b.c"]."""
    parts = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', name)
    return [(quoted.replace('""', '"') if quoted else plain) for quoted, plain in parts] or [name]


def literal(value: Any) -> str:
    """A value as an SQL literal, safe under either setting of standard_conforming_strings."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, decimal.Decimal)):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, float):
        return f"'{value}'::float8" if value != value or value in (float("inf"), float("-inf")) else f"({value!r})"
    if isinstance(value, (bytes, bytearray)):
        return "'\\x" + bytes(value).hex() + "'::bytea" if value else "''::bytea"
    if isinstance(value, (list, tuple)):
        return literal(_array(value))
    if isinstance(value, Mapping):
        return literal(json.dumps(value))
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return literal(value.isoformat())
    text = str.__str__(value) if isinstance(value, str) else str(value)
    if "\0" in text:
        raise SqlError("PostgreSQL text cannot hold a NUL character")
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def _array(items: Sequence[Any]) -> str:
    """A list as PostgreSQL reads an array out of a text, so that it takes the type of what it is compared with or put into."""
    return "{" + ", ".join(_element(item) for item in items) + "}"


def _element(item: Any) -> str:
    if item is None:
        return "NULL"
    if isinstance(item, (list, tuple)):
        return _array(item)
    if isinstance(item, bool):
        return "t" if item else "f"
    if isinstance(item, (bytes, bytearray)):
        item = "\\x" + item.hex()
    text = json.dumps(item) if isinstance(item, Mapping) else str.__str__(item) if isinstance(item, str) else str(item)
    if re.fullmatch(r"[\w.+-]+", text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_PLACE = re.compile(r"%(?:%|s|\((\w+)\)s|.?)", re.DOTALL)


def interpolate(sql: str, positional: Optional[Sequence[Any]] = None, named: Optional[Mapping[str, Any]] = None) -> str:
    """Put literals in place of %s and %(name)s; without arguments the text stays as it is, per cent signs included."""
    if positional is None and named is None:
        return sql
    waiting = list(positional or ())
    taken = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal taken
        found = match.group(0)
        if found == "%%":
            return "%"
        if found == "%s":
            if taken >= len(waiting):
                raise SqlError(f"the query has more %s than the {len(waiting)} argument(s) given")
            taken += 1
            return literal(waiting[taken - 1])
        if match.group(1) is not None:
            if match.group(1) not in (named or {}):
                raise SqlError(f"the query asks for %({match.group(1)})s; given are: {', '.join(named or {}) or 'none'}")
            return literal((named or {})[match.group(1)])
        raise SqlError(f"'{found}' is no placeholder: write %s or %(name)s, and %% for a per cent sign")

    out = _PLACE.sub(fill, sql)
    if taken < len(waiting):
        raise SqlError(f"{len(waiting)} arguments were given, but the query has {taken} %s")
    return out


# -- out of rows ---------------------------------------------------------------------------------------------------------


def parse_array(text: str, item: Callable[[str], Any] = str) -> list[Any]:
    """PostgreSQL's text form of an array, nested ones too."""
    if text.startswith("["):  # lower bounds other than 1 are written before it
        text = text.partition("=")[2]
    position = 0

    def parse() -> list[Any]:
        nonlocal position
        position += 1
        out: list[Any] = []
        while text[position] != "}":
            if text[position] == "{":
                out.append(parse())
            elif text[position] == '"':
                position += 1
                found = []
                while text[position] != '"':
                    position += text[position] == "\\"
                    found.append(text[position])
                    position += 1
                position += 1
                out.append(item("".join(found)))
            else:
                end = min(i for i in (text.find(",", position), text.find("}", position)) if i >= 0)
                word = text[position:end]
                out.append(None if word == "NULL" else item(word))
                position = end
            position += text[position] == ","
        position += 1
        return out

    return parse()


def _timestamp(text: str) -> str:
    """As datetime.isoformat writes it, which is how Ansible's users know it."""
    out = text.replace(" ", "T", 1)
    return out + ":00" if re.search(r"[+-]\d\d$", out) and "T" in out else out


def _float(text: str) -> Any:
    return float(text)


_INTERVAL = re.compile(r"(?:([-+]?\d+) years? ?)?(?:([-+]?\d+) mons? ?)?(?:([-+]?\d+) days? ?)?(?:([-+]?)(\d+):(\d+):(\d+)(?:\.(\d+))?)?")


def _interval(text: str) -> str:
    """As Python writes a time span, which is how Ansible's users know it; a month has 30 days there, a year 365."""
    found = _INTERVAL.fullmatch(text)
    if not found:
        return text
    years, months, days = (int(found[at] or 0) for at in (1, 2, 3))
    clock = datetime.timedelta(hours=int(found[5] or 0), minutes=int(found[6] or 0), seconds=int(found[7] or 0),
                               microseconds=int((found[8] or "0").ljust(6, "0")))  # fmt: skip
    return str(datetime.timedelta(days=years * 365 + months * 30 + days) + (-clock if found[4] == "-" else clock))


_SCALARS: dict[int, Callable[[str], Any]] = {
    16: lambda text: text == "t",
    20: int,
    21: int,
    23: int,
    26: int,
    700: _float,
    701: _float,
    1700: _float,
    114: json.loads,
    3802: json.loads,
    1114: _timestamp,
    1184: _timestamp,
    1186: _interval,
}
_ARRAYS = {
    1000: 16, 1005: 21, 1007: 23, 1016: 20, 1028: 26, 1021: 700, 1022: 701, 1231: 1700, 199: 114, 3807: 3802, 1115: 1114, 1185: 1184,
    1187: 1186, 1009: 25, 1015: 1043, 1003: 19, 1014: 1042, 1002: 18, 1041: 869, 1182: 1082, 2951: 2950, 1001: 17,
}  # fmt: skip


def convert(text: Optional[str], oid: int) -> Any:
    """A column's text as the Python value its type stands for; types we know nothing of stay text."""
    if text is None:
        return None
    if oid in _SCALARS:
        return _SCALARS[oid](text)
    if oid in _ARRAYS:
        return parse_array(text, _SCALARS.get(_ARRAYS[oid], str))
    return text


def records(columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Optional[str]]]) -> list[dict[str, Any]]:
    """Rows as dicts by column name."""
    return [{name: convert(text, oid) for (name, oid), text in zip(columns, row)} for row in rows]


# -- connection strings --------------------------------------------------------------------------------------------------


def masked(given: Mapping[str, str]) -> dict[str, str]:
    """Connection parameters whose password nobody is shown."""
    return {name: Secret(value) if name == "password" else value for name, value in given.items()}


def conninfo(connection: Mapping[str, str]) -> str:
    """As libpq takes it."""
    quoted = {name: "'" + str.__str__(value).replace("\\", "\\\\").replace("'", "\\'") + "'" for name, value in connection.items()}
    return " ".join(f"{name}={value}" for name, value in sorted(quoted.items()))


def parse_conninfo(text: str) -> dict[str, str]:
    """A libpq connection string's parameters."""
    found = re.findall(r"(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))", text)
    return masked({name: re.sub(r"\\(.)", r"\1", quoted or plain) for name, quoted, plain in found})
