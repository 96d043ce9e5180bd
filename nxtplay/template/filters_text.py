"""Filters on text: regular expressions, quoting, sizes, times, comments."""

from __future__ import annotations

import datetime
import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nxtplay.errors import TemplateError


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def text(value: Any) -> str:
    """A value as text; what is text already keeps its class."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else str(value)


def regex_replace(
    value: Any,
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    out, times = re.compile(text(pattern), _flags(ignorecase, multiline)).subn(replacement, text(value), count=count)
    if mandatory_count and mandatory_count != times:
        raise TemplateError(f"'{pattern}' should match {mandatory_count} times, it matches {times} times in '{value}'")
    return out


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    """The match, or the list of the groups asked for (`\\\\1`, `\\\\g<name>`); None when nothing matches."""
    wanted: list[Any] = []
    for group in groups:
        named, numbered = re.match(r"\\g<(\S+)>", group), re.match(r"\\(\d+)", group)
        if named:
            wanted.append(named.group(1))
        elif numbered:
            wanted.append(int(numbered.group(1)))
        else:
            raise TemplateError(f"regex_search: '{group}' is no group; write '\\\\1' or '\\\\g<name>'")
    found = re.compile(pattern, _flags(ignorecase, multiline)).search(text(value))
    if found is None:
        return None
    return [found.group(group) for group in wanted] if wanted else found.group()


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return [list(m) if isinstance(m, tuple) else m for m in re.findall(pattern, text(value), _flags(ignorecase, multiline))]


def regex_escape(value: Any, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(text(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", text(value))
    raise TemplateError(f"regex_escape: re_type is '{re_type}', expected python or posix_basic")


def quote(value: Any) -> str:
    return shlex.quote("" if value is None else text(value))


def split(value: Any, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    return text(value).split(separator, maxsplit)


_SCALES = {"Y": 1 << 80, "Z": 1 << 70, "E": 1 << 60, "P": 1 << 50, "T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10, "B": 1}


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    size = float(size) if isinstance(size, str) else size
    word = "bits" if isbits else "Bytes"
    letter, scale = "", 1
    for letter, scale in _SCALES.items():
        if (unit is None and size >= scale) or (unit is not None and unit.upper() == letter):
            break
    if letter != "B":
        word = letter + word[0]
    return f"{float(size) / scale:.2f} {word}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    found = re.match(r"^\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)?", str(size))
    if found is None:
        raise TemplateError(f"human_to_bytes: '{size}' is no size; write a number and a unit, such as 10 MB")
    unit = found.group(2) or default_unit
    if not unit:
        return round(float(found.group(1)))
    scale = _SCALES.get(unit[0].upper())
    rest = unit[1:]
    small = "b" if isbits else "B"
    full = ("bit", "bits") if isbits else ("byte", "bytes")
    plain = unit.upper() == "B" or unit.lower() in full
    if scale is None or not (plain or not rest or rest == small or (unit[0].upper() != "B" and rest.lower() in full)):
        kind = "bits" if isbits else "bytes"
        raise TemplateError(f"human_to_bytes: '{unit}' is no unit of {kind}; write one of K{small} M{small} G{small} T{small}")
    return round(float(found.group(1)) * (1 if plain else scale))


def strftime(string_format: str, second: Any = None, utc: bool = False) -> str:
    if second is not None:
        try:
            second = float(second)
        except (TypeError, ValueError):
            raise TemplateError(f"strftime: '{second}' is no number of seconds since 1970") from None
    return time.strftime(string_format, (time.gmtime if utc else time.localtime)(second))


def to_datetime(value: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:
    return datetime.datetime.strptime(value, format)


_STYLES: dict[str, dict[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """The text as a comment. A prefix and a postfix line (decoration alone) stand around it unless their counts say otherwise."""
    if style not in _STYLES:
        raise TemplateError(f"comment: there is no style '{style}'; there are {', '.join(_STYLES)}")
    look: dict[str, Any] = {"newline": "\n", "prefix_count": 1, "postfix_count": 1, "beginning": "", "end": "", **_STYLES[style]}
    edge = options.get("decoration", look["decoration"])
    look.update({"prefix": edge.rstrip(), "postfix": edge.rstrip(), **options})
    newline, decoration = look["newline"], look["decoration"]
    inner = decoration + text(value).replace(newline, newline + decoration)
    body = inner.replace(decoration + newline, decoration.rstrip() + newline)
    before = look["prefix"] if look["prefix"] in ("", newline) else look["prefix"] + newline  # a line of its own, where there is one
    lines = [before * int(look["prefix_count"]) + body] + [look["postfix"]] * int(look["postfix_count"])
    if look["beginning"]:
        lines.insert(0, look["beginning"])
    if look["end"]:
        lines.append(look["end"])
    return str(newline.join(lines))


def urlsplit(value: Any, query: str = "") -> Any:
    from urllib.parse import urlsplit as split_url

    found = split_url(text(value))
    parts = {
        name: getattr(found, name) for name in ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")
    }
    if not query:
        return parts
    if query not in parts:
        raise TemplateError(f"urlsplit: there is no part '{query}'; there are {', '.join(parts)}")
    return parts[query]


def urldecode(value: Any) -> str:
    from urllib.parse import unquote_plus

    return unquote_plus(text(value))


def urlencode(value: Any) -> str:
    from urllib.parse import quote as quote_url
    from urllib.parse import quote_plus

    if isinstance(value, str) or not isinstance(value, Iterable):
        return quote_url(text(value), safe="/")
    pairs = value.items() if isinstance(value, Mapping) else value
    return "&".join(f"{quote_plus(text(k))}={quote_plus(text(v))}" for k, v in pairs)


FILTERS: dict[str, Callable[..., Any]] = {
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "regex_findall": regex_findall,
    "regex_escape": regex_escape,
    "quote": quote,
    "split": split,
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "strftime": strftime,
    "to_datetime": to_datetime,
    "comment": comment,
    "urlsplit": urlsplit,
    "urldecode": urldecode,
    "urlencode": urlencode,
}
