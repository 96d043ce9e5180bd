"""Text for terminals: colours, widths, durations, data as an outline. No escape code of the outside world survives `clean`."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from nxtplay.events import plain

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

LABEL = 100  # columns for the name of a loop's item
_CODES = {
    "ok": "32",
    "changed": "33",
    "skipped": "36",
    "unknown": "35",
    "failed": "31",
    "unreachable": "31",
    "ignored": "36",
    "rescued": "33",
    "title": "1",
    "faint": "2",
    "added": "32",
    "removed": "31",
    "place": "36",
    "warning": "35",
}


class Style:
    """Puts colours on, or leaves text alone where there are none."""

    def __init__(self, *, colours: bool) -> None:
        self.colours = colours

    def __call__(self, kind: str, text: str) -> str:
        """The text as a `kind`: a status, or title, faint, added, removed, place, warning."""
        code = _CODES.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code and text else text


def wants_colours(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """As terminals and CI systems agreed: NO_COLOR off, FORCE_COLOR on, otherwise colours on a terminal that knows them."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") != "0":
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def is_live(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether lines may be redrawn there: a terminal that somebody watches."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb" and not environ.get("CI")


def clean(text: str) -> str:
    """Without escape sequences and control characters; of a line redrawn by carriage returns only its last state is left."""
    if text.isascii() and text.isprintable():
        return text
    lines = _ESCAPES.sub("", text.replace("\r\n", "\n")).split("\n")
    return "\n".join(_CONTROLS.sub("", line.rstrip("\r").rpartition("\r")[2]) for line in lines).replace("\t", "    ")


def width(text: str) -> int:
    """Columns on a screen."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """The text in at most `columns` columns, with … where something is missing."""
    if width(text) <= columns:
        return text
    out, used = [], 0
    for character in text:
        used += width(character)
        if used > columns - 1:
            break
        out.append(character)
    return "".join(out).rstrip() + "…" if columns > 0 else ""


def one_line(text: str) -> str:
    """The text's first line that says something, cleaned."""
    return next((line.strip() for line in clean(text).splitlines() if line.strip()), "")


def duration(seconds: float) -> str:
    """`0.3s`, `12s`, `2m05s`, `1h02m`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def count(number: int, one: str, many: str = "") -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def outline(value: Any, indent: int = 0) -> Iterator[str]:
    """Data as indented lines in the manner of YAML, for reading."""
    pad = "  " * indent
    value = plain(value)
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{pad}{clean(str(key))}:", item, indent)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _entry(f"{pad}-", item, indent)
    else:
        yield from (f"{pad}{line}" for line in _scalar(value).split("\n"))


def _entry(head: str, item: Any, indent: int) -> Iterator[str]:
    if (isinstance(item, (dict, list)) and item) or (isinstance(item, str) and "\n" in item.rstrip("\n")):
        inner = list(outline(item, indent + 1))
        if head.endswith("-"):  # a mapping in a list starts on the dash's line
            yield f"{head} {inner[0].lstrip()}"
            yield from inner[1:]
        else:
            yield head if not isinstance(item, str) else f"{head} |"
            yield from inner
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return clean(value).rstrip("\n") or '""'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
