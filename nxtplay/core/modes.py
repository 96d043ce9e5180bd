"""Permission modes: octal text, chmod's symbolic language."""

from __future__ import annotations

import re


def octal(mode: int) -> str:
    return f"{mode:04o}"


_SYMBOLIC = re.compile(r"^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$")


def is_symbolic_mode(text: str) -> bool:
    return bool(_SYMBOLIC.match(text))


def apply_symbolic_mode(text: str, mode: int, *, is_directory: bool, umask: int) -> int:
    """chmod's symbolic language on a mode (`u+x,go-w`, `a=rX`, `g=u`)."""
    for clause in text.split(","):
        matched = re.match(r"^([ugoa]*)(.*)$", clause)
        assert matched
        who, rest = matched.group(1), matched.group(2)
        masked = not who
        classes = set("ugo" if not who or "a" in who else who)
        for operator, permissions in re.findall(r"([-+=])([rwxXstugo]*)", rest):
            mode = _apply_one(mode, classes, operator, permissions, is_directory=is_directory, umask=umask if masked else 0)
    return mode


def _apply_one(mode: int, classes: set[str], operator: str, permissions: str, *, is_directory: bool, umask: int) -> int:
    shift = {"u": 6, "g": 3, "o": 0}
    bits = 0
    for c in classes:
        for p in permissions:
            if p in "ugo":
                bits |= ((mode >> shift[p]) & 7) << shift[c]
            elif p in "rwx":
                bits |= {"r": 4, "w": 2, "x": 1}[p] << shift[c]
            elif p == "X" and (is_directory or mode & 0o111):
                bits |= 1 << shift[c]
            elif p == "s" and c in "ug":
                bits |= 0o4000 if c == "u" else 0o2000
            elif p == "t":
                bits |= 0o1000
    bits &= ~umask
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    cleared = mode
    for c in classes:
        cleared &= ~(7 << shift[c])
        cleared &= ~{"u": 0o4000, "g": 0o2000, "o": 0}[c] if not is_directory or "s" in permissions else ~0
    return cleared | bits
