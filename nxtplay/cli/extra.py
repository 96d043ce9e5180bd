"""`-e`: extra variables from the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from nxtplay.errors import Diagnostic, Span, UsageError

WHERE = "-e"


def extra_vars(given: Sequence[str], read: Callable[[str], Any]) -> dict[str, Any]:
    """The variables, later ones winning: `@file` (read by `read(path)`), JSON or YAML mappings, or `name=value` words, whose values
    are always text. Raises UsageError."""
    found: dict[str, Any] = {}
    for text in given:
        stripped = text.strip()
        if not stripped:  # a variable of a script that is empty
            continue
        if stripped.startswith("@"):
            found.update(_mapping(read(os.path.expanduser(stripped[1:])), stripped))
        elif stripped.startswith(("{", "[")) or (":" in stripped and "=" not in stripped.partition(":")[0]):
            from nxtplay.playbook.source import parse

            found.update(_mapping(parse(text, WHERE), text))
        else:
            found.update(_words(stripped))
    return found


def _mapping(value: Any, text: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else repr(value)
        raise UsageError(Diagnostic(f"-e {text}: expected variables, found {found}", hint="write -e name=value, or -e @file"))
    return value


def _words(text: str) -> dict[str, str]:
    from nxtplay.playbook.split import split_pairs

    pairs, rest, _ = split_pairs(text, Span(WHERE, 1, 1))
    if rest.strip() or not pairs:
        raise UsageError(
            Diagnostic(f"-e {text}: '{rest.strip() or text}' is no variable", hint="write -e name=value, -e '{\"name\": 1}' or -e @file")
        )
    return {str(name): str(value) for name, value in pairs.items()}
