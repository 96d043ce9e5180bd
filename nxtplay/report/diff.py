"""What changed, for people: a few words, or the lines that differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from nxtplay.core.state import Change, Secret, Unknown, public
from nxtplay.events import plain
from nxtplay.report.text import clean, fit, one_line, outline

STYLES = {"+": "added", "-": "removed", "@": "place"}  # by a line's first sign
MASKED = "********"
LONGEST = 5000  # lines of a text that are compared; beyond, only the sizes are told


def summary(changes: Sequence[Change], columns: int = 100) -> str:
    """The changes in one line: `mode 0644 → 0600, content +3 -1`."""
    said = ", ".join(_words(change) for change in changes)
    return fit(one_line(said), columns)


def _words(change: Change) -> str:
    name = str(change)
    if not change.path:
        return {(True, False): "created", (False, True): "removed"}.get((change.before is None, change.after is None), "changed")
    if isinstance(change.after, Unknown) or isinstance(change.before, Unknown):
        return f"{name} (known after the run)"
    before, after = _shown(change, change.before), _shown(change, change.after)
    if _is_text(before) or _is_text(after):
        if isinstance(before, (str, type(None))) and isinstance(after, (str, type(None))):
            added, removed = _counted(before or "", after or "")
            return f"{name} +{added} -{removed}"
        return name
    if before == after or isinstance(before, (dict, list)) or isinstance(after, (dict, list)):
        return name
    return f"{name} {_short(before)} → {_short(after)}"


def _short(value: Any) -> str:
    return "(none)" if value is None else fit(one_line(str(value)) or '""', 30)


def unified(changes: Sequence[Change], name: str = "") -> Iterator[str]:
    """The changes as lines of a unified diff; attributes that are no text as `- key: before` and `+ key: after`.

    `name` heads the texts (a path); lines carry no escape codes.
    """
    for change in changes:
        before, after = _shown(change, change.before), _shown(change, change.after)
        if not change.path and (isinstance(before, dict) or isinstance(after, dict)):
            yield from _whole(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}, name)
        elif _is_text(before) or _is_text(after):
            yield from _texts(before, after, f"{name} ({change})" if name else str(change))
        else:
            yield from _attribute(str(change), before, after)


def _whole(before: dict[str, Any], after: dict[str, Any], name: str) -> Iterator[str]:
    """A state that appears, disappears or changes its kind."""
    for key in [*after, *(k for k in before if k not in after)]:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key == "content" and isinstance(old, (str, type(None))) and isinstance(new, (str, type(None))):
            yield from _texts(old, new, f"{name} ({key})" if name else key)
        else:
            yield from _attribute(key, _octal(key, old), _octal(key, new))


def _attribute(name: str, before: Any, after: Any) -> Iterator[str]:
    for sign, value in (("-", before), ("+", after)):
        if value is None:
            continue
        lines = list(outline({name: value}))
        yield from (f"{sign} {line}" for line in lines)


def _texts(before: Any, after: Any, name: str) -> Iterator[str]:
    if not (isinstance(before, (str, type(None))) and isinstance(after, (str, type(None)))):
        yield from _attribute(name, before, after)
        return
    old, new = (before or "").splitlines(), (after or "").splitlines()
    if len(old) > LONGEST or len(new) > LONGEST:
        yield f"  {name}: {len(old)} lines before, {len(new)} after; too long to compare here"
        return
    heads = ("(absent)" if before is None else f"before {name}", "(absent)" if after is None else f"after {name}")
    lines = difflib.unified_diff(old, new, *heads, lineterm="", n=3)
    yield from (clean(line) for line in lines)
    for text, sign in ((before, "-"), (after, "+")):
        other = after if sign == "-" else before
        if text and other is not None and not text.endswith("\n") and (other or "\n").endswith("\n"):
            yield f"\\ no line end at the end of the {'old' if sign == '-' else 'new'} text"


def told(value: Any) -> Iterator[str]:
    """The differences of a result, in the form that Ansible tells them: what is under `before` and `after`, or `prepared`."""
    for one in map(plain, value if isinstance(value, list) else [value]):
        if not isinstance(one, dict):
            continue
        if "before" in one and "after" in one:
            sides = [
                f"{json.dumps(side, indent=4, sort_keys=True)}\n" if isinstance(side, dict) else str(side or "")
                for side in (one["before"], one["after"])
            ]
            heads = [f"{side}: {one[f'{side}_header']}" if one.get(f"{side}_header") else side for side in ("before", "after")]
            yield from _compared(sides[0], sides[1], heads[0], heads[1])
        if one.get("prepared"):
            yield from clean(str(one["prepared"])).splitlines()


def _compared(before: str, after: str, old: str, new: str) -> Iterator[str]:
    first, then = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if len(first) > LONGEST or len(then) > LONGEST:
        yield f"{old}, {new}: {len(first)} lines, then {len(then)}; too long to compare here"
        return
    found = list(difflib.unified_diff(first, then, old, new, n=3))
    for line in found:
        yield clean(line.rstrip("\n"))
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
    if found:
        yield ""


def _counted(before: str, after: str) -> tuple[int, int]:
    """How many lines were added and removed."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) > LONGEST or len(new) > LONGEST:
        return max(0, len(new) - len(old)), max(0, len(old) - len(new))
    added = removed = 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            added, removed = added + d - c, removed + b - a
    return added, removed


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _shown(change: Change, value: Any) -> Any:
    """The value as people read it: masked, modes in octal, contents as text."""
    if isinstance(value, Secret):
        return MASKED
    shown = plain(public(value))
    return _octal(change.path[-1], shown) if change.path else shown


def _octal(name: str, value: Any) -> Any:
    return f"{value:04o}" if name == "mode" and isinstance(value, int) and not isinstance(value, bool) else value
