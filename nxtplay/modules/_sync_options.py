"""The options of rsync that `synchronize` follows, read from `rsync_opts`."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional, Sequence

from nxtplay.core.host import Failed
from nxtplay.modules import _filters
from nxtplay.modules._filters import Pattern


@dataclass(frozen=True)
class Options:
    """What is to be kept of each file, and what is left out."""

    recursive: bool = True
    links: bool = True
    copy_links: bool = False
    perms: bool = True
    times: bool = True
    owner: bool = True
    group: bool = True
    checksum: bool = False
    existing_only: bool = False
    delete: bool = False
    delete_excluded: bool = False
    chmod: Optional[str] = None
    chown: Optional[str] = None  # USER:GROUP
    gitignore: bool = False
    rules: tuple[Pattern, ...] = field(default=())
    link_dest: tuple[str, ...] = ()


_SWITCHES: dict[str, dict[str, Any]] = {
    "archive": {"recursive": True, "links": True, "perms": True, "times": True, "owner": True, "group": True},
    "recursive": {"recursive": True},
    "links": {"links": True},
    "copy-links": {"copy_links": True},
    "perms": {"perms": True},
    "times": {"times": True},
    "owner": {"owner": True},
    "group": {"group": True},
    "checksum": {"checksum": True},
    "existing": {"existing_only": True},
    "delete": {"delete": True},
    "del": {"delete": True},
    "delete-before": {"delete": True},
    "delete-during": {"delete": True},
    "delete-delay": {"delete": True},
    "delete-after": {"delete": True},
    "delete-excluded": {"delete": True, "delete_excluded": True},
}
_LETTERS = {"a": "archive", "r": "recursive", "l": "links", "L": "copy-links", "p": "perms", "t": "times", "o": "owner", "g": "group",
            "c": "checksum"}  # fmt: skip
# They say how rsync goes about it, and nothing about what is there in the end.
_IDLE = frozenset(
    "verbose quiet human-readable stats progress itemize-changes compress whole-file partial inplace delay-updates numeric-ids "
    "no-motd omit-dir-times protect-args mkpath info out-format timeout contimeout bwlimit compress-level partial-dir temp-dir".split()
)
_IDLE_LETTERS = frozenset("vqhizWPOsS")
_VALUES = frozenset(
    "exclude include filter chmod chown link-dest timeout contimeout bwlimit info out-format compress-level partial-dir temp-dir".split()
)
_NAMED = "--exclude, --include, --filter, --delete-excluded, --chmod, --chown, --no-perms, --copy-links"
_GITIGNORE = (":-_.gitignore", ":- .gitignore", "dir-merge,-_.gitignore", "dir-merge,- .gitignore")


def read(words: Sequence[str], base: Options) -> Options:
    """`base` as the options change it. Failed for one that would have an effect that is not had here."""
    options = base
    for name, value in _pairs([part for word in words for part in (shlex.split(word) if word.startswith("-") else [word])]):
        if name in ("exclude", "include"):
            options = dataclasses.replace(options, rules=(*options.rules, Pattern(value, name == "include")))
        elif name == "filter" and value in _GITIGNORE:
            options = dataclasses.replace(options, gitignore=True)
        elif name == "filter":
            rule = _filters.of_rule(value)
            if rule is None:
                raise Failed(f"rsync_opts: the filter '{value}' is not followed here; '- PATTERN', '+ PATTERN' and ':- .gitignore' are")
            options = dataclasses.replace(options, rules=(*options.rules, rule))
        elif name == "link-dest":
            options = _with(options, link_dest=(*options.link_dest, value))
        elif name in ("chmod", "chown"):
            options = _with(options, **{name: value})
        elif name.startswith("no-") and name[3:] in _SWITCHES and len(_SWITCHES[name[3:]]) == 1:
            options = _with(options, **dict.fromkeys(_SWITCHES[name[3:]], False))
        elif name in _SWITCHES:
            options = _with(options, **_SWITCHES[name])
        elif name not in _IDLE:
            raise Failed(f"rsync_opts: --{name} is not followed here; among those that are: {_NAMED}")
    return options


def _with(options: Options, **given: Any) -> Options:
    return dataclasses.replace(options, **given)


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Long names with their values ("" where an option has none)."""
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in _VALUES and not equals and left:
                value = left.pop(0)
            yield name, value
        elif word == "-f" and left:
            yield "filter", left.pop(0)
        elif word.startswith("-"):
            for letter in word[1:]:
                if letter in _LETTERS:
                    yield _LETTERS[letter], ""
                elif letter not in _IDLE_LETTERS:
                    raise Failed(f"rsync_opts: -{letter} is not followed here")
        else:
            raise Failed(f"rsync_opts: '{word}' is no option")
