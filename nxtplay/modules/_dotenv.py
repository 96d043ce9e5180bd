"""Files of KEY=value lines, as Docker Compose and shells read them: parsing, writing, keeping comments and order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional

NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=(.*)$", re.DOTALL)
# A variable that is called so holds a secret.
SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|(?:^|_)KEYS?(?:_|$)|APIKEY|AUTH|CREDENTIAL|PRIVATE|DSN", re.IGNORECASE)
PLAIN = re.compile(r"^[A-Za-z0-9_./:@%+,=-]*$")


@dataclass(frozen=True)
class Entry:
    """One line (or several, inside quotes). `name` is None for comments, empty lines and what cannot be read."""

    line: int
    text: str
    name: Optional[str] = None
    value: str = ""
    problem: str = ""


def parse(text: str) -> list[Entry]:
    """Every line of the file in its order."""
    out: list[Entry] = []
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    i = 0
    while i < len(lines):
        start, line = i, lines[i]
        i += 1
        bare = line.strip()
        if not bare or bare.startswith("#"):
            out.append(Entry(start + 1, line))
            continue
        found = NAME.match(line.rstrip("\r\n"))
        if not found:
            out.append(Entry(start + 1, line, problem="no KEY=value"))
            continue
        raw = found.group(2).strip()
        quote = raw[:1] if raw[:1] in ("'", '"') else ""
        if quote:
            while not _closed(raw, quote) and i < len(lines):
                line += lines[i]
                raw += "\n" + lines[i].rstrip("\r\n")
                i += 1
            if not _closed(raw, quote):
                out.append(Entry(start + 1, line, found.group(1), problem=f"the quote {quote} is not closed"))
                continue
        out.append(Entry(start + 1, line, found.group(1), _value(raw, quote)))
    return out


def _closed(raw: str, quote: str) -> bool:
    return re.match(r"'[^']*'" if quote == "'" else r'"(?:[^"\\]|\\.)*"', raw, re.DOTALL) is not None


def _value(raw: str, quote: str) -> str:
    if quote == "'":
        return raw[1 : raw.index("'", 1)]
    if quote == '"':
        found = re.match(r'"((?:[^"\\]|\\.)*)"', raw, re.DOTALL)
        assert found
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m.group(1), m.group(1)), found.group(1), flags=re.DOTALL)
    return re.split(r"\s#", raw, maxsplit=1)[0].strip()


def values(entries: list[Entry]) -> dict[str, str]:
    """Names to values; the last line of a name counts."""
    return {e.name: e.value for e in entries if e.name is not None and not e.problem}


def quoted(value: str) -> str:
    """The value as it is written behind the equals sign: bare, or in quotes inside which nothing is expanded."""
    if PLAIN.match(value):
        return value
    if "'" not in value and "\n" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value).replace("\n", "\\n") + '"'


def with_values(text: str, wanted: Mapping[str, str]) -> str:
    """The text with those names set, each where it stands; new ones at the end. What already holds stays byte for byte."""
    entries = parse(text)
    there = {e.name: i for i, e in enumerate(entries) if e.name is not None}
    pieces = [e.text for e in entries]
    for name, value in wanted.items():
        line = f"{name}={quoted(value)}\n"
        if name not in there:
            if pieces and not pieces[-1].endswith("\n"):
                pieces[-1] += "\n"
            pieces.append(line)
        elif entries[there[name]].problem or entries[there[name]].value != value:
            pieces[there[name]] = line
    return "".join(pieces)


def without(text: str, names: set[str]) -> str:
    """The text without the lines of those names."""
    return "".join(e.text for e in parse(text) if e.name not in names)
