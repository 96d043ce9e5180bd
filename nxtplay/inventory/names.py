"""Names as inventories write them: ranges, ports, values."""

from __future__ import annotations

import ast
import itertools
import math
import re
import string
from functools import lru_cache
from typing import Any

from nxtplay.errors import Diagnostic, InventoryError, Span

MOST = 100_000  # hosts that one name with ranges may stand for
_RANGE = re.compile(r"\[([0-9]*|[a-zA-Z]*):([0-9]+|[a-zA-Z]+)(?::([0-9]+))?\]")
_PORT = re.compile(r"^\[([0-9a-fA-F:.%\w]+)\](?::(\d+))?$|^([^:]+):(\d+)$")


def expanded(name: str, span: Span | None = None) -> list[str]:
    """Every name a range stands for: `web[01:03]`, `db-[a:f]`, `x[1:9:2]`; both ends belong to it. InventoryError for a wrong range."""
    if "[" not in name:
        return [name]
    parts: list[list[str]] = []
    position = 0
    for found in _RANGE.finditer(name):
        parts += [[name[position : found.start()]], _between(found, name, span)]
        position = found.end()
    if not parts:
        return [name]
    parts.append([name[position:]])
    if math.prod(map(len, parts)) > MOST:
        raise _too_many(name, span)
    return ["".join(row) for row in itertools.product(*parts)]


def _too_many(name: str, span: Span | None) -> InventoryError:
    return InventoryError(Diagnostic(f"'{name[:80]}' stands for more than {MOST:,} hosts", span, "is an end of the range mistyped?"))


def _between(found: re.Match[str], name: str, span: Span | None) -> list[str]:
    if max(map(len, filter(None, found.groups()))) > 9:
        raise _too_many(name, span)
    begin, end, step = found.group(1) or "0", found.group(2), int(found.group(3) or 1)
    if begin.isdigit() and end.isdigit():
        if len(begin) > 1 and begin[0] == "0" and len(begin) != len(end):
            raise InventoryError(Diagnostic(f"the range in '{name}' has ends of different length", span, "write for example [01:20]"))
        width = len(begin) if len(begin) > 1 and begin[0] == "0" else 0
        numbers = range(int(begin), int(end) + 1, step or 1)
        if len(numbers) > MOST:
            raise _too_many(name, span)
        out = [str(value).rjust(width, "0") for value in numbers]
    elif begin in string.ascii_letters and end in string.ascii_letters and begin and end:
        first, last = string.ascii_letters.index(begin), string.ascii_letters.index(end)
        out = list(string.ascii_letters[first : last + 1 : step or 1])
    else:
        raise InventoryError(Diagnostic(f"the range '{found.group()}' in '{name}' cannot be read", span, "write [1:20], [01:20] or [a:f]"))
    if not out:
        raise InventoryError(Diagnostic(f"the range '{found.group()}' in '{name}' holds nothing", span, "write the lower end first"))
    return out


def with_port(name: str) -> tuple[str, int | None]:
    """A host as written to its name and port: `web:2222`, `[::1]:22`. An IPv6 address without brackets has no port."""
    if ":" not in name:
        return name, None
    found = _PORT.match(_RANGE.sub(lambda m: m.group().replace(":", "\0"), name).replace("\0", "\1"))
    if found is None:
        return name, None
    if found.group(1) is not None:
        return found.group(1), int(found.group(2)) if found.group(2) else None
    return found.group(3).replace("\1", ":"), int(found.group(4))


_WORD = re.compile(r"[A-Za-z_/~@][\w./:@+~-]*|\d+(?:\.\d+){2,}|[^'\"\[{(\d\s+.TFN-].*", re.DOTALL)


@lru_cache(maxsize=4096)
def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def value_of(text: str) -> Any:
    """A value as an INI inventory means it: a Python literal where it is one (80, 1.5, True, [1, 2], 'text'), else the text itself."""
    if text == "set()":
        return []
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    if (_WORD.fullmatch(text) and text[:2] not in ("b'", 'b"', "u'", 'u"', "r'", 'r"', "b[")) or not text:
        return text
    found = _literal(text)
    if isinstance(found, bytes):
        return found.decode("utf-8", "replace")
    if isinstance(found, complex) or found is ...:  # what no variable can be
        return text
    return _plain(_literal.__wrapped__(text)) if isinstance(found, (list, tuple, dict, set)) else found


def _plain(value: Any) -> Any:
    """Tuples and sets as the lists that variables are made of."""
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
