"""The types of arguments, and how a single value is read as one of them; lists, mappings and unions of them: `decode`."""

from __future__ import annotations

import typing
from typing import Any, Callable, Mapping, Sequence

from nxtplay.core.frozen import frozen
from nxtplay.core.modes import is_symbolic_mode
from nxtplay.core.state import Secret

TRUE = frozenset(("y", "yes", "on", "1", "true", "t"))
FALSE = frozenset(("n", "no", "off", "0", "false", "f"))


class Mode(str):
    """A permission mode as text: octal ("0644") or symbolic ("u=rw,go=r")."""


class Path(str):
    """A path on the host; `~` is expanded there, as the user who runs the task."""


class Raw:
    """Anything at all, taken as it is."""


class Size(int):
    """Bytes; "512M" and "1g" are understood."""


class Duration(float):
    """Seconds; "1m30s", "500ms" and plain numbers are understood."""


@frozen
class ArgError:
    """An argument is wrong. `path` leads to it through the args as written: ("ports", 0), ("nmae",).

    `usual` says the same in the words of Ansible, which playbooks look for in a result's `msg`.
    """

    path: tuple[Any, ...]
    message: str
    hint: str = ""
    usual: str = ""


class ArgErrors(Exception):
    def __init__(self, errors: Sequence[ArgError]) -> None:
        super().__init__("; ".join(e.message for e in errors))
        self.errors = tuple(errors)


def near(word: str, known: typing.Iterable[str]) -> str:
    """ "did you mean 'x'?", or nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def wrong(value: Any, expected: str, at: tuple[Any, ...], hint: str = "") -> Any:
    """The ArgError of a value that is not what was expected."""
    found = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    kind = next((text for t, text in found.items() if isinstance(value, t)), type(value).__name__)
    shown = "" if isinstance(value, (list, Mapping, Secret)) else f" {value!r}"
    name, wanted = at[-1] if at else "", _CALLED.get(expected, expected)
    why = f"The value{shown} is not a valid boolean" if wanted == "bool" else f"{shown.strip() or 'it'} cannot be converted to {wanted}"
    called = "list" if isinstance(value, list) else "dict" if isinstance(value, Mapping) else type(value).__name__
    usual = f"argument '{name}' is of type {called} and we were unable to convert to {wanted}: {why}"
    return ArgError(at, f"'{name}' takes {expected}, found {kind}{shown}", hint, usual)


_CALLED = {"true or false": "bool", "a whole number": "int", "a number": "float", "text": "str", "a list": "list", "a mapping": "dict"}


def _bool(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, bool):
        return value, []
    word = str(value).strip().lower()
    if word in TRUE or (isinstance(value, float) and value == 1.0):
        return True, []
    if word in FALSE or (isinstance(value, float) and value == 0.0):
        return False, []
    return None, [wrong(value, "true or false", at)]


def _int(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, bool):
        return None, [wrong(value, "a whole number", at)]
    try:
        if isinstance(value, float) and value != int(value):
            raise ValueError
        return int(value if not isinstance(value, str) else value.strip()), []
    except (TypeError, ValueError):
        return None, [wrong(value, "a whole number", at)]


def _float(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value), []
    except (TypeError, ValueError):
        return None, [wrong(value, "a number", at)]


def _str(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, str):
        return value, []
    if isinstance(value, bool):
        return str(value), []
    if isinstance(value, (int, float)):
        return str(value), []
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape"), []
    if isinstance(value, (list, Mapping)):
        return None, [wrong(value, "text", at, "quote it, or give one value")]
    return str(value), []


def _mode(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    if isinstance(value, int) and not isinstance(value, bool):
        as_written = f"{value:o}"
        # 0644 reaches us as 420, so digits alone prove nothing; 512 to 777 would be modes with the sticky bit and odd rights (01204)
        if all(c in "01234567" for c in str(value)) and (512 <= value <= 777 or value in (444, 500)):
            return None, [
                ArgError(at, f"mode {value} is a decimal number: it would mean {as_written} in octal", f"write '0{value}' with quotes")
            ]
        if value > 0o7777 or value < 0:
            return None, [ArgError(at, f"mode {value} is no permission mode", "write it as text, such as '0644'")]
        return Mode(f"{value:04o}"), []
    text = str(value).strip()
    if text.startswith("0o"):
        text = text[2:]
    if text in ("", "preserve") or (len(text) <= 5 and all(c in "01234567" for c in text)) or is_symbolic_mode(text):
        return Mode(text), []
    return None, [ArgError(at, f"mode '{value}' is neither octal nor symbolic", "such as '0644' or 'u=rw,go=r'")]


_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3, "gb": 1024**3, "t": 1024**4, "tb": 1024**4}


def _size(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text = str(value).strip().lower().replace("ib", "b")
    number = text.rstrip("bkmgt")
    try:
        return Size(float(number) * _UNITS[text[len(number) :].strip()]), []
    except (ValueError, KeyError):
        return None, [wrong(value, "a size such as 512M", at)]


def _duration(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    import re

    text = str(value).strip()
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|h|m|s|d)", text)
    if parts and "".join(a + b for a, b in parts) == text.replace(" ", ""):
        factor = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
        return Duration(sum(float(n) * factor[u] for n, u in parts)), []
    try:
        return Duration(float(text)), []
    except ValueError:
        return None, [wrong(value, "a duration such as 1m30s", at)]


def _path(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text, errors = _str(value, at)
    return (Path(text) if not errors else None), errors


def _secret(value: Any, at: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    text, errors = _str(value, at)
    return (Secret(text) if not errors else None), errors


SCALARS: dict[Any, Callable[[Any, tuple[Any, ...]], tuple[Any, list[Any]]]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Mode: _mode,
    Path: _path,
    Secret: _secret,
    Size: _size,
    Duration: _duration,
}
