"""What is said about values that are not there, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nxtplay.errors import Diagnostic, NxtplayError, Span, TemplateError, UndefinedVariable, did_you_mean
from nxtplay.template.values import keys_of


def undefined_name(name: str, known: Iterable[str]) -> UndefinedVariable:
    hint = did_you_mean(name, known)
    hint = hint or "define it, or give a value with `| default(...)`"
    return UndefinedVariable(Diagnostic(f"'{name}' is undefined", hint=hint), name=name)


def no_such_key(expression: str, value: Any, key: Any) -> UndefinedVariable:
    keys = keys_of(value)
    shown = f"`{expression}`" if expression else "the value"
    if isinstance(value, Mapping):
        listed = ", ".join(keys[:12]) + (", ..." if len(keys) > 12 else "") if keys else "none"
        message, hint = f"{shown} has no attribute '{key}'; keys: {listed}", did_you_mean(str(key), keys)
    elif isinstance(value, (list, tuple)) and isinstance(key, int):
        message, hint = f"{shown} has no item {key}; it has {len(value)}", ""
    else:
        message, hint = f"{shown} is {described(value)}, it has no attribute '{key}'", ""
    return UndefinedVariable(Diagnostic(message, hint=hint), name=str(key))


def described(value: Any) -> str:
    """What a value is, in a reader's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    for kind, word in ((str, "a text"), (int, "a number"), (float, "a number"), (Mapping, "a dict"), (list, "a list"), (tuple, "a list")):
        if isinstance(value, kind):
            return word
    return f"a {type(value).__name__}"


def reraise(error: NxtplayError) -> TemplateError:
    """An error from below (a vault, a file) as a TemplateError, its diagnostics kept."""
    return error if isinstance(error, TemplateError) else TemplateError(*error.diagnostics)


def located(error: TemplateError, span: Span | None, role: str) -> TemplateError:
    """The error with one more place: its own place when it had none, else a note on who needed it."""
    first, *rest = error.diagnostics
    if first.span is None:
        first = replace(first, span=span, notes=first.notes if span else (*first.notes, (role, None)) if "'" in role else first.notes)
    elif span is not None and span != first.span:
        first = replace(first, notes=(*first.notes, (role, span)))
    else:
        return error
    if isinstance(error, UndefinedVariable):
        return UndefinedVariable(first, name=error.name)
    return TemplateError(first, *rest)
