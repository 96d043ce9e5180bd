"""Which files of a tree count: patterns as rsync reads them, and .gitignore files as git does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Optional, Sequence


@dataclass(frozen=True)
class Pattern:
    """One rule. `base` is the folder below the root ("" for the root itself) that it is written for."""

    text: str
    includes: bool = False
    base: str = ""

    def matches(self, path: str, is_folder: bool) -> bool:
        """Whether it speaks of the path (relative to the root, with /)."""
        if self.base and not path.startswith(self.base + "/"):
            return False
        text = self.text
        if text.endswith("/***"):  # the folder and all that is below it
            both = Pattern(text[:-3], base=self.base), Pattern(text[:-1], base=self.base)
            return any(one.matches(path, is_folder) for one in both)
        if text.endswith("/"):
            if not is_folder:
                return False
            text = text[:-1]
        below = path[len(self.base) + 1 :] if self.base else path
        if text.startswith("/"):
            return bool(_compiled(text[1:]).fullmatch(below))
        if "/" in text or "**" in text:
            return bool(re.fullmatch("(?:.*/)?" + _regex(text), below, re.DOTALL))
        return bool(_compiled(text).fullmatch(below.rpartition("/")[2]))


_known: dict[str, "re.Pattern[str]"] = {}


def _compiled(text: str) -> "re.Pattern[str]":
    if text not in _known:
        _known[text] = re.compile(_regex(text), re.DOTALL)
    return _known[text]


def _regex(text: str) -> str:
    """`*` and `?` stay within one name, `**` crosses folders, [...] is a set, a backslash takes the next sign as it is."""
    out, i = "", 0
    while i < len(text):
        sign = text[i]
        if text.startswith("**/", i):
            out, i = out + "(?:.*/)?", i + 3
        elif text.startswith("**", i):
            out, i = out + ".*", i + 2
        elif sign == "[" and "]" in text[i + 2 :]:
            end = text.index("]", i + 2)
            inner = text[i + 1 : end].replace("\\", "\\\\")
            out, i = out + "[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]", end + 1
        else:
            if sign == "\\" and i + 1 < len(text):
                i += 1
                sign = re.escape(text[i])
            else:
                sign = {"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign))
            out, i = out + sign, i + 1
    return out


def excluded(rules: Sequence[Pattern], path: str, is_folder: bool) -> bool:
    """Whether the path stays out: the first rule that matches it decides. What is below an excluded folder is not asked for."""
    found = next((rule for rule in rules if rule.matches(path, is_folder)), None)
    return found is not None and not found.includes


def of_gitignore(lines: Iterable[str], base: str) -> list[Pattern]:
    """The rules of a .gitignore in the folder `base`. There the last match decides, here the first: so they are turned round."""
    rules = []
    for line in lines:
        text = line.rstrip("\n").rstrip()
        if not text or text.startswith("#"):
            continue
        includes = text.startswith("!")
        text = text[1:] if includes else text
        if "/" in text.rstrip("/") and not text.startswith(("/", "**/")):
            text = "/" + text  # git anchors every pattern that has a slash within
        rules.append(Pattern(text, includes, base))
    return rules[::-1]


def of_rule(text: str) -> Optional[Pattern]:
    """A rule of rsync's --filter: `- PATTERN`, `+ PATTERN` and their long names; None for one that means something else."""
    word, _, pattern = text.partition(" ") if " " in text else text.partition("_")
    kind = {"-": False, "exclude": False, "+": True, "include": True}.get(word.rstrip(","))
    return Pattern(pattern.strip(), kind) if kind is not None and pattern.strip() else None
