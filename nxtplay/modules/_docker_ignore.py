"""Which files of a build context count: .dockerignore as the engine's own clients read it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Pattern, Sequence


@dataclass(frozen=True)
class Rule:
    excludes: bool
    regex: Pattern[str]
    text: str


def parse(text: str) -> tuple[Rule, ...]:
    """The rules in order; a later match overrides an earlier one. Raises ValueError naming the line that is no pattern."""
    rules = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        excludes = not pattern.startswith("!")
        pattern = pattern if excludes else pattern[1:].strip()
        if not pattern:
            raise ValueError(f"line {number}: '!' without a pattern")
        pattern = _clean(pattern)
        try:
            rules.append(Rule(excludes, re.compile(_regex(pattern), re.DOTALL), pattern))
        except (re.error, IndexError):
            raise ValueError(f"line {number}: '{pattern}' is no pattern") from None
    return tuple(rules)


def _clean(pattern: str) -> str:
    cleaned = posixpath.normpath(pattern)
    if cleaned.startswith("//"):
        cleaned = cleaned[1:]
    return cleaned[1:] if len(cleaned) > 1 and cleaned.startswith("/") else cleaned


def _regex(pattern: str) -> str:
    """`*` and `?` stay within one name, `**` crosses folders, [...] is a set, a backslash takes the next sign as it is."""
    out, i = "", 0
    while i < len(pattern):
        sign = pattern[i]
        if pattern.startswith("**", i):
            i += 2
            if pattern.startswith("/", i):
                i += 1
            out += ".*" if i >= len(pattern) else "(?:.*/)?"
            continue
        if sign == "*":
            out += "[^/]*"
        elif sign == "?":
            out += "[^/]"
        elif sign == "\\":
            i += 1
            out += re.escape(pattern[i])
        elif sign == "[":
            end = pattern.index("]", i + 2) if "]" in pattern[i + 2 :] else -1
            if end < 0:
                raise re.error("set without an end")
            inner = pattern[i + 1 : end]
            inner = "^" + inner[1:] if inner.startswith("^") else inner
            out += f"[{inner}]"
            i = end
        else:
            out += re.escape(sign)
        i += 1
    return f"^{out}$"


def is_ignored(rules: Sequence[Rule], path: str) -> bool:
    """Whether `path` (relative, with /) stays out; a rule that matches a folder holds for all below it."""
    parts = path.split("/")
    candidates = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    ignored = False
    for rule in rules:
        if rule.excludes == ignored:
            continue
        if any(rule.regex.match(c) for c in reversed(candidates)):
            ignored = rule.excludes
    return ignored


def may_skip(rules: Sequence[Rule], folder: str) -> bool:
    """Whether nothing below an ignored folder can be taken back in by a `!` rule, so that it need not be walked."""
    return not any(
        not r.excludes and (r.text.startswith(folder + "/") or re.search(r"[*?\[]", r.text.split("/")[0]) or _shares_start(r.text, folder))
        for r in rules
    )


def _shares_start(pattern: str, folder: str) -> bool:
    """Whether a pattern with wildcards may lie below the folder."""
    for want, have in zip(pattern.split("/"), folder.split("/")):
        if re.search(r"[*?\[\\]", want):
            return True
        if want != have:
            return False
    return True
