"""Kinds of values in Compose files: how each is read from its short and long forms, merged, and tidied."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional

from nxtplay.modules._compose.source import Document, Override, Path, Reset, did_you_mean, dotted


@dataclass(frozen=True)
class Place:
    """Where relative paths lead and what `~` and unset values are."""

    base: str
    environ: Mapping[str, str]


Read = Callable[[Any, Path, Document, Place], Any]


@dataclass(frozen=True)
class Kind:
    """`read` gives the canonical value; `merge` is deep, replace, append or driver; `keep` keeps values such as false and 0 that would
    else be left out of the result; `index` names what makes two items of a list the same (the later one wins)."""

    read: Read
    merge: str = "deep"
    keep: bool = False
    index: Optional[Callable[[Any], Any]] = None
    fields: Mapping[str, Kind] = field(default_factory=dict)  # of a mapping with known keys
    item: Optional[Kind] = None  # of lists, and of mappings with free keys


# -- plain values ----------------------------------------------------------------------------------------------------


def said(value: Any) -> str:
    if isinstance(value, bool):
        return f"true or false ({str(value).lower()})"
    if value is None:
        return "nothing"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else f"{value!r}"


def number_text(value: Any) -> str:
    """A number as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _wrong(doc: Document, at: Path, expected: str, value: Any) -> None:
    doc.wrong(at, f"{dotted(at)} takes {expected}, found {said(value)}")


def _text(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, str) or value is None:
        return value
    doc.wrong(at, f"{dotted(at)} takes text, found {said(value)}", "quote it" if not isinstance(value, (list, dict)) else "")
    return None


def _loose(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, (bool, int, float)):
        return number_text(value)
    return _text(value, at, doc, place)


def _bool(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    word = str(value).lower()
    if isinstance(value, str) and word in ("true", "y", "yes", "on", "1"):
        return True
    if isinstance(value, str) and word in ("false", "n", "no", "off", "0"):
        return False
    _wrong(doc, at, "true or false", value)
    return None


def _int(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        if isinstance(value, float) and value == int(value):
            return int(value)
        return int(value, 0) if isinstance(value, str) else int("x")
    except ValueError:
        _wrong(doc, at, "a whole number", value)
        return None


def _float(value: Any, at: Path, doc: Document, place: Place) -> Any:
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value) if value is not None else None
    except (TypeError, ValueError):
        _wrong(doc, at, "a number", value)
        return None
    return int(found) if found is not None and found == int(found) else found


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def size(text: str) -> int:
    """Bytes of `512M`, `1.5gb`, `64`. Raises ValueError."""
    found = re.match(r"^(\d+(?:\.\d+)?)\s*([bkmgtp])?(?:i?b)?$", text.strip().lower())
    if not found:
        if text.strip() == "-1":
            return -1
        raise ValueError(text)
    return int(float(found.group(1)) * _UNITS[found.group(2) or ""])


def _size(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise ValueError
        return str(size(str(int(value)) if isinstance(value, float) else str(value)))
    except ValueError:
        _wrong(doc, at, "a size such as 512M", value)
        return None


_S = 10**9
_UNITS_OF_TIME = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": _S, "m": 60 * _S, "h": 3600 * _S, "d": 86400 * _S, "w": 604800 * _S}


def nanoseconds(text: str) -> int:
    """A duration such as 1m30s. Raises ValueError."""
    if text == "0":
        return 0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        raise ValueError(text)
    return sum(int(float(n) * _UNITS_OF_TIME[u]) if "." in n else int(n) * _UNITS_OF_TIME[u] for n, u in parts)


def duration_text(ns: int) -> str:
    """A duration as Go prints it: 1m30s, 500ms, 1h0m0s."""
    if ns < 10**9:
        for unit, factor in (("ms", 10**6), ("µs", 10**3)):
            if ns >= factor:
                return f"{_trim(ns / factor)}{unit}"
        return f"{ns}ns" if ns else "0s"
    minutes, rest = divmod(ns, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_trim(rest / 10**9)}s"
    return (f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}") if hours or minutes else seconds


def _trim(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _duration(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if value is None:
        return None
    try:
        return duration_text(nanoseconds(value)) if isinstance(value, str) else duration_text(int("x"))
    except ValueError:
        _wrong(doc, at, "a duration such as 30s or 1m30s", value)
        return None


TEXT, LOOSE, BOOL, INT, FLOAT = Kind(_text), Kind(_loose), Kind(_bool), Kind(_int), Kind(_float)
SIZE, DURATION = Kind(_size), Kind(_duration)
KEPT_BOOL, KEPT_INT = Kind(_bool, keep=True), Kind(_int, keep=True)


def choice(*words: str) -> Kind:
    def read(value: Any, at: Path, doc: Document, place: Place) -> Any:
        if value is None or value in words:
            return value
        doc.wrong(at, f"{dotted(at)} cannot be {said(value)}", did_you_mean(value, words) or "legal are: " + ", ".join(words))
        return None

    return Kind(read)


# -- lists and mappings ----------------------------------------------------------------------------------------------


def list_of(item: Kind, *, unique: bool = False, index: Optional[Callable[[Any], Any]] = None, scalar: bool = False) -> Kind:
    """A list; `scalar` lets one value stand for a list of it, `unique` drops repetitions."""

    def read(value: Any, at: Path, doc: Document, place: Place) -> Any:
        if value is None:
            return None
        if scalar and isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            _wrong(doc, at, "a list", value)
            return None
        out = []
        for number, element in enumerate(value):
            found = item.read(element, (*at, number), doc, place)
            out += found if isinstance(found, Several) else [found]
        return out

    return Kind(read, merge="append", index=index or ((lambda v: v) if unique else None), item=item)


class Several(list):  # type: ignore[type-arg]
    """One item of a list that stands for several (a range of ports)."""


def map_of(item: Kind, *, keep: bool = False, listed: Optional[Callable[[str], tuple[str, Any]]] = None) -> Kind:
    """A mapping with free keys; `listed` splits an item where it may be written as a list (`- KEY=value`)."""

    def read(value: Any, at: Path, doc: Document, place: Place) -> Any:
        if value is None:
            return None
        if isinstance(value, list) and listed is not None:
            pairs = {}
            for number, element in enumerate(value):
                if not isinstance(element, (str, int, float)):
                    _wrong(doc, (*at, number), "text such as KEY=value", element)
                    continue
                key, inner = listed(number_text(element) if not isinstance(element, str) else element)
                doc.places.setdefault((*at, key), doc.places.get((*at, number), (0, 0)))
                pairs[key] = inner
            value = pairs
        if not isinstance(value, dict):
            _wrong(doc, at, "a mapping" + (" or a list" if listed else ""), value)
            return None
        return {key: _read(item, element, (*at, key), doc, place) for key, element in value.items()}

    return Kind(read, keep=keep, item=item)


def _split_equals(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    return key, value if equals else None


def _split_label(text: str) -> tuple[str, Any]:
    key, _, value = text.partition("=")
    return key, value


def _or_empty(value: Any, at: Path, doc: Document, place: Place) -> Any:
    found = _loose(value, at, doc, place)
    return "" if found is None else found


STRINGS = list_of(LOOSE)
UNIQUE = list_of(LOOSE, unique=True)
ONE_OR_MORE = list_of(LOOSE, scalar=True, unique=True)
ENVIRONMENT = map_of(Kind(_loose, keep=True), listed=_split_equals)
MAPPING = map_of(Kind(_or_empty, keep=True), listed=_split_label)


def _read(kind: Kind, value: Any, at: Path, doc: Document, place: Place) -> Any:
    """Read through `!override` and `!reset`."""
    if isinstance(value, Reset):
        return value
    if isinstance(value, Override):
        return Override(kind.read(value.value, at, doc, place))
    return kind.read(value, at, doc, place)


read = _read


def struct(fields: Mapping[str, Kind], *, keep: bool = False, short: Optional[Read] = None, what: str = "key", merge: str = "deep") -> Kind:
    """A mapping with known keys, in the order in which Compose writes them; `short` reads what is no mapping."""

    def read_struct(value: Any, at: Path, doc: Document, place: Place) -> Any:
        if value is None and short is None:
            return None
        if not isinstance(value, dict):
            if short is not None:
                return short(value, at, doc, place)
            _wrong(doc, at, "a mapping", value)
            return None
        out: dict[str, Any] = {}
        for key, element in value.items():
            if key.startswith("x-"):
                continue
            if key not in fields:
                legal = "legal are: " + ", ".join(sorted(fields)) if len(fields) < 16 else ""
                where = f" in {dotted(at)}" if at else ""
                doc.wrong((*at, key), f"unknown {what} '{key}'{where}", did_you_mean(key, fields) or legal)
                continue
            found = _read(fields[key], element, (*at, key), doc, place)
            if found is not None or fields[key].keep:
                out[key] = found
        return out

    return Kind(read_struct, merge=merge, keep=keep, fields=fields)


def shell(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """A command: words as the shell would split them, or a list."""
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            doc.wrong(at, f"{dotted(at)}: {str(error).lower()}")
            return None
    if isinstance(value, list):
        return [_loose(v, (*at, n), doc, place) for n, v in enumerate(value)]
    if value is not None:
        _wrong(doc, at, "text or a list", value)
    return None


SHELL = Kind(shell, merge="replace", keep=True)


def absolute(text: str, place: Place) -> str:
    if text.startswith("~"):
        home = place.environ.get("HOME") or os.path.expanduser("~")
        text = home + text[1:]
    return os.path.normpath(os.path.join(place.base, text))


def _path(value: Any, at: Path, doc: Document, place: Place) -> Any:
    found = _text(value, at, doc, place)
    return absolute(found, place) if found else found


PATH = Kind(_path)


# -- merging and tidying ---------------------------------------------------------------------------------------------


def merge(kind: Kind, below: Any, above: Any) -> Any:
    """What two files say together; `above` is the later one."""
    if isinstance(above, Override):
        return above.value
    if isinstance(above, Reset) or above is None:
        return None if isinstance(above, Reset) else below
    if below is None or isinstance(below, Reset) or kind.merge == "replace":
        return above
    if isinstance(below, Override):
        below = below.value
    if isinstance(below, dict) and isinstance(above, dict):
        if kind.merge == "driver" and below.get("driver") and above.get("driver") not in (None, below["driver"]):
            return above  # options belong to their driver
        out = dict(below)
        for key, value in above.items():
            inner = kind.fields.get(key) or kind.item or TEXT
            if isinstance(value, Reset):
                out.pop(key, None)
            elif value is None and not inner.fields:
                out[key] = None if key not in out or inner.keep else out[key]
            else:
                out[key] = merge(inner, out.get(key), value)
        return out
    if isinstance(below, list) and isinstance(above, list):
        return unify(kind, [*below, *above])
    return above


def unify(kind: Kind, items: list[Any]) -> list[Any]:
    """Items that stand for the same thing once, the later one in the place of the first."""
    if kind.index is None:
        return items
    seen: dict[Any, int] = {}
    out: list[Any] = []
    for element in items:
        name = kind.index(element)
        if name in seen:
            out[seen[name]] = element
        else:
            seen[name] = len(out)
            out.append(element)
    return out


def plain(value: Any) -> Any:
    """The value without the marks of `!override` and `!reset`."""
    if isinstance(value, Override):
        return plain(value.value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if not isinstance(v, Reset)}
    if isinstance(value, list):
        return [plain(v) for v in value if not isinstance(v, Reset)]
    return value


def tidy(kind: Kind, value: Any) -> Any:
    """Known keys in their order, empty ones left out; free keys sorted."""
    if isinstance(value, dict) and kind.fields:
        out = {}
        for name, inner in kind.fields.items():
            if name not in value:
                continue
            held = tidy(inner, value[name])
            if inner.keep or held not in ("", 0, None, [], {}) or (held is False and inner.keep):
                out[name] = held
        return out
    if isinstance(value, dict):
        return {key: tidy(kind.item, value[key]) if kind.item else value[key] for key in sorted(value)}
    if isinstance(value, list) and kind.item is not None:
        return [tidy(kind.item, element) for element in unify(kind, value)]
    return value
