"""Variables in Compose files and .env files."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, Optional

from nxtplay.modules._compose.source import Document, Override, Path

NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class BadTemplate(Exception):
    """The text cannot be interpolated; the message says why."""


Lookup = Callable[[str], Optional[str]]


def substitute(text: str, lookup: Lookup, missing: Callable[[str], None] = lambda _: None) -> str:
    """`$NAME`, `${NAME}`, `${NAME:-d}`, `-`, `:?`, `?`, `:+`, `+`, nested, and `$$` for a plain `$`. `missing` hears of variables
    that are not set and have no default. Raises BadTemplate."""
    out, i = [], 0
    while True:
        at = text.find("$", i)
        if at < 0:
            out.append(text[i:])
            return "".join(out)
        out.append(text[i:at])
        if text.startswith("$$", at):
            out.append("$")
            i = at + 2
            continue
        if text.startswith("${", at):
            end = _closing(text, at + 2)
            out.append(_braced(text[at + 2 : end], lookup, missing))
            i = end + 1
            continue
        found = NAME.match(text, at + 1)
        if not found:
            raise BadTemplate(f"'$' in {text!r} starts no variable; write '$$' for a plain dollar sign")
        out.append(_plain(found.group(), lookup, missing))
        i = found.end()


def _closing(text: str, start: int) -> int:
    depth, i = 1, start
    while i < len(text):
        if text.startswith("${", i):
            depth += 1
            i += 2
            continue
        if text[i] == "}":
            depth -= 1
            if not depth:
                return i
        i += 1
    raise BadTemplate(f"'${{' in {text!r} has no closing brace")


def _plain(name: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        missing(name)
        return ""
    return value


def _braced(inner: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    found = NAME.match(inner)
    if not found:
        raise BadTemplate(f"'${{{inner}}}' names no variable")
    name, rest = found.group(), inner[found.end() :]
    if not rest:
        return _plain(name, lookup, missing)
    operator = next((o for o in _OPERATORS if rest.startswith(o)), None)
    if operator is None:
        raise BadTemplate(f"'${{{inner}}}': unexpected {rest[:1]!r} after the name; the forms are :- - :? ? :+ +")
    word = rest[len(operator) :]
    value = lookup(name)
    there = value is not None and (value != "" or not operator.startswith(":"))
    kind = operator[-1]
    if kind == "-":
        return value if there and value is not None else substitute(word, lookup, missing)
    if kind == "+":
        return substitute(word, lookup, missing) if there else ""
    if there and value is not None:
        return value
    said = substitute(word, lookup, missing)
    state = "is not set" if value is None else "is empty"
    raise BadTemplate(f"required variable {name} {state}" + (f": {said}" if said else ""))


def document(doc: Document, environ: Mapping[str, str]) -> Any:
    """The document's data with variables put in; faults and missing variables are noted in it."""

    def walk(value: Any, at: Path) -> Any:
        if isinstance(value, str) and "$" in value:
            try:
                return substitute(value, environ.get, lambda name: note(name, at))
            except BadTemplate as error:
                doc.wrong(at, str(error))
                return ""
        if isinstance(value, dict):
            return {key: walk(item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*at, index)) for index, item in enumerate(value)]
        if isinstance(value, Override):
            return Override(walk(value.value, at))
        return value

    def note(name: str, at: Path) -> None:
        doc.warnings.append(f"{doc.place(at)}: variable {name} is not set and becomes an empty text")

    return walk(doc.data, ())


# -- .env files ------------------------------------------------------------------------------------------------------

_ASSIGN = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.\[\]-]*)[ \t]*(?:([=:])[ \t]*|(?=\n|$|#))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b", "a": "\a", "v": "\v", '"': '"', "\\": "\\", "$": "$"}


def env_file(text: str, file: str, environ: Mapping[str, str]) -> dict[str, Optional[str]]:
    """Variables of a .env file in order; None for a name without a value (taken from the environment by whoever asks).

    Single quotes take everything literally, double quotes know \\n and variables and may span lines, without quotes ` #` begins a
    comment. Raises BadTemplate naming file and line.
    """
    found: dict[str, Optional[str]] = {}
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    i = 0

    def lookup(name: str) -> Optional[str]:
        return environ.get(name) if name in environ else found.get(name)

    while i < len(text):
        line_end = text.find("\n", i)
        line_end = len(text) if line_end < 0 else line_end
        stripped = text[i:line_end].strip()
        if not stripped or stripped.startswith("#"):
            i = line_end + 1
            continue
        line = text.count("\n", 0, i) + 1
        match = _ASSIGN.match(text, i)
        if not match or match.end(1) > line_end:
            raise BadTemplate(f"{file}:{line}: '{stripped.split('=')[0][:40]}' is no variable name")
        name = match.group(1)
        if match.group(2) is None:
            found[name] = environ.get(name)
            i = line_end + 1
            continue
        start = match.end() if match.end() <= line_end else line_end
        try:
            found[name], i = _env_value(text, start, line_end, lookup)
        except BadTemplate as error:
            raise BadTemplate(f"{file}:{line}: {error}") from None
    return found


def _unescape(found: "re.Match[str]") -> str:
    sign = found.group(1)
    return "$$" if sign == "$" else _ESCAPES.get(sign, "\\" + sign)


def _env_value(text: str, start: int, line_end: int, lookup: Lookup) -> tuple[str, int]:
    quote = text[start : start + 1]
    if quote in ("'", '"') and start < line_end:
        end = start + 1
        while end < len(text) and text[end] != quote:
            end += 2 if text[end] == "\\" and quote == '"' else 1
        if end >= len(text):
            raise BadTemplate("a quote is not closed")
        inner = text[start + 1 : end]
        rest_end = text.find("\n", end)
        rest_end = len(text) if rest_end < 0 else rest_end
        if quote == "'":
            return inner, rest_end + 1
        # an escaped dollar has to survive the substitution
        return substitute(re.sub(r"\\(.)", _unescape, inner, flags=re.DOTALL), lookup), rest_end + 1
    raw = text[start:line_end]
    comment = re.search(r"(?:^|\s)#", raw)
    raw = raw[: comment.start()] if comment else raw
    return substitute(raw.strip(), lookup), line_end + 1
