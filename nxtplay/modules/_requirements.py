"""What a package of Python is asked for to be: names and bounds of versions, as pip reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*((?:[<>=!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*)\Z")
_BOUND = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*([\w.*+!-]+)")
_STAGES = {"a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, "preview": -1}
_VERSION = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)[._-]?(?:(a|alpha|b|beta|c|rc|pre|preview)[._-]?(\d*))?(?:[._-]?(post|rev|r)[._-]?(\d*)|-(\d+))?"
    r"[._-]?(?:(dev)[._-]?(\d*))?(?:\+([\w.]+))?\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Requirement:
    """One package; `name` is normalised, and empty for what only pip understands (an address, a path, a marker)."""

    name: str
    text: str
    bounds: tuple[tuple[str, str], ...] = ()

    def met_by(self, version: Optional[str]) -> bool:
        return version is not None and all(_within(version, operator, bound) for operator, bound in self.bounds)


def requirement(text: str) -> Requirement:
    found = _REQUIREMENT.match(text)
    if not found:
        return Requirement("", text.strip())
    bounds = tuple(_BOUND.findall(found[3]))
    return Requirement(re.sub(r"[-_.]+", "-", found[1]).lower(), text.strip(), bounds)


def requirements(host: Reader, path: str) -> list[Requirement]:
    """Those of a file. A file that names others, or options, holds something that only pip understands."""
    if not host.exists(path):
        raise Failed(f"requirements: no file {path} on this host")
    lines = host.read(path).decode("utf-8", "replace").splitlines()
    plain = [re.sub(r"(^|\s)#.*", "", line).strip() for line in lines]
    return [requirement(line) for line in plain if line]


def _within(version: str, operator: str, bound: str) -> bool:
    if operator == "===":
        return version == bound
    if bound.endswith(".*"):
        release = _key(bound[:-2])[1]
        same = (_key(version)[1] + (0,) * len(release))[: len(release)] == release
        return same if operator == "==" else not same
    if operator == "~=":
        return _key(version) >= _key(bound) and _within(version, "==", bound.rpartition(".")[0] + ".*")
    mine, other = _key(version), _key(bound)
    if "+" not in bound:
        mine = (*mine[:-1], other[-1])  # a local version counts only where one is asked for
    order = (mine > other) - (mine < other)
    return {"==": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[operator]


def _key(version: str) -> tuple[Any, ...]:
    """What versions are ordered by; the release without the zeros at its end."""
    found = _VERSION.match(version.strip())
    if not found:
        return (0, (), 0, 0, 0, 0, version)
    epoch, release, stage, stage_number, post, post_number, bare_post, dev, dev_number, local = found.groups()
    numbers = [int(part) for part in release.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    before = _STAGES[stage.lower()] if stage else (-4 if dev and not post and bare_post is None else 0)
    after = int(post_number or bare_post or 0) + 1 if post or bare_post is not None else 0
    last = int(dev_number or 0) - 10**9 if dev else 0
    return (int(epoch or 0), tuple(numbers), before, int(stage_number or 0), after, last, local or "")
