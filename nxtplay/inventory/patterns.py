"""Patterns: which hosts `web:&prod:!web1`, `~db\\d+`, `web[0:2]` and `@file` mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate

from nxtplay.errors import Diagnostic, InventoryError

_SUBSCRIPT = re.compile(r"^(.+)\[(?:(-?\d+)|(\d*)[:-](-?\d*))\]$")


class Matcher:
    """Looks patterns up in the members of groups; remembers what single words mean."""

    def __init__(self, members: Mapping[str, Sequence[str]], *, implicit: Sequence[str] = ()) -> None:
        self._members = members
        self._known = frozenset(members["all"])
        self._implicit = implicit
        self._found: dict[str, list[str]] = {}

    def hosts(self, pattern: str | Sequence[str], limit: str | None = None) -> list[str]:
        found = self._combined(words(pattern))
        if limit:
            allowed = set(self._combined(words(limit)))
            found = [name for name in found if name in allowed]
        return found

    def unmatched(self, pattern: str | Sequence[str]) -> list[str]:
        parts = [word for word in words(pattern) if word not in ("all", "*") and not self._is_group(word)]
        return [word for word in parts if not self._word(word.lstrip("&!"))]

    def _is_group(self, word: str) -> bool:
        return word.lstrip("&!").split("[")[0] in self._members

    def _combined(self, parts: Sequence[str]) -> list[str]:
        if not parts:
            return []
        unions = [part for part in parts if part[0] not in "&!"]
        found: dict[str, None] = {}
        for part in unions or ["all"]:
            found.update(dict.fromkeys(self._word(part)))
        for part in parts:
            if part[0] == "&":
                kept = set(self._word(part[1:]))
                found = {name: None for name in found if name in kept}
        for part in parts:
            if part[0] == "!":
                gone = set(self._word(part[1:]))
                found = {name: None for name in found if name not in gone}
        return list(found)

    def _word(self, word: str) -> list[str]:
        if word not in self._found:
            self._found[word] = self._looked_up(word)
        return self._found[word]

    def _looked_up(self, word: str) -> list[str]:
        if word in self._known:
            return [word]
        cut = None if word.startswith("~") else _SUBSCRIPT.match(word)
        if cut is None:
            return self._named(word)
        name, index, first, last = cut.groups()
        hosts = self._named(name)
        if not hosts and (index is None or word not in self._known):
            return self._named(word)  # `w[01]b` is a glob
        if index is not None:
            place = int(index)
            return [hosts[place]] if -len(hosts) <= place < len(hosts) else []
        end = None if last in ("", "-1") else int(last) + 1
        return hosts[int(first or 0) : end]

    def _named(self, word: str) -> list[str]:
        if word in ("all", "*"):
            return list(self._members["all"])
        if word in self._members:
            return list(self._members[word])
        if word in self._known:
            return [word]
        if word in self._implicit:
            return [self._implicit_name(word)]
        if not word.startswith("~") and not re.search(r"[*?\[]", word):
            return []
        expression = _compiled(word)
        out: dict[str, None] = {}
        for group, hosts in self._members.items():
            if expression.match(group):
                out.update(dict.fromkeys(hosts))
        out.update((host, None) for host in self._members["all"] if expression.match(host))
        return list(out)

    def _implicit_name(self, word: str) -> str:
        """`127.0.0.1` means a localhost that the inventory names, else this machine under its usual name."""
        named = [name for name in self._implicit if name in self._known]
        return named[0] if named else "localhost"


def _compiled(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word[1:] if word.startswith("~") else translate(word))
    except re.error as error:
        raise InventoryError(Diagnostic(f"the pattern '{word}' is no regular expression: {error}")) from None


def words(pattern: str | Sequence[str]) -> list[str]:
    """A pattern as its parts; lists may hold patterns. `@file` stands for the lines of that file."""
    out: list[str] = []
    for text in [pattern] if isinstance(pattern, str) else pattern:
        for part in _split(str(text)):
            out.extend(_from_file(part[1:]) if part.startswith("@") else [part])
    return out


def _split(text: str) -> Iterable[str]:
    parts: list[str] = []
    for piece in text.split(","):
        if _is_ipv6(piece.strip().lstrip("&!")):
            parts.append(piece)
        else:
            parts += re.findall(r"(?:\[[^\]]*\]|[^:\[\]]|[\[\]])+", piece)  # colons inside [] belong to a slice
    return [part.strip() for part in parts if part.strip()]


def _is_ipv6(text: str) -> bool:
    if text.count(":") < 2 or not re.fullmatch(r"[0-9a-fA-F:.]+(?:%\w+)?", text):
        return False
    import ipaddress

    try:
        ipaddress.IPv6Address(text.split("%")[0])
    except ValueError:
        return False
    return True


def _from_file(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as stream:
            lines = [line.strip() for line in stream]
    except OSError as error:
        raise InventoryError(Diagnostic(f"cannot read the list of hosts {path}: {(error.strerror or '').lower()}")) from None
    return [word for line in lines if line and not line.startswith("#") for word in _split(line)]
