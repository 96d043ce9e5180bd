"""alternatives: which of several programs a common name leads to, by update-alternatives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path

Slave = tuple[str, str, str]  # name, link, path
FOLDER = "/etc/alternatives"


class _Subcommand(Args):
    """What follows the choice: a manual page, a tool of the same package."""

    name: str = arg(help="Its name.")
    path: Path = arg(help="The file.")
    link: Path = arg(help="The common path.")


@dataclass(frozen=True)
class _Choice:
    """What the arguments speak of; None for the rest."""

    priority: Optional[int] = None  # None: it is no alternative
    subcommands: Optional[tuple[Slave, ...]] = None
    value: Optional[str] = None
    mode: Optional[str] = None


@dataclass(frozen=True)
class _Group:
    """All that is known under one name."""

    link: str
    mode: str
    value: str
    links: dict[str, str]  # of subcommands
    priorities: dict[str, int]
    slaves: dict[str, dict[str, str]]  # alternative -> subcommand -> path


class Alternatives(Resource[_Choice]):
    """An alternative, and whether it is the one that is chosen."""

    name: str = arg(help="The common name, such as java.", key=True)
    path: Path | None = arg(None, help="The program that it shall lead to.", key=True)
    family: str | None = arg(None, help="Of no use on Debian, whose update-alternatives has no families.")
    link: Path | None = arg(None, help="The common path, such as /usr/bin/java; needed for a new name.")
    priority: int | None = arg(None, help="Which one is chosen by itself: the highest; 50 for a new one.")
    state: Literal["present", "absent", "selected", "auto"] = arg(
        "selected", help="Known; not; known and chosen; known and the choice left to the priorities."
    )
    subcommands: list[_Subcommand] | None = arg(None, help="What follows the choice.", aliases=["slaves"])

    def observe(self, host: Reader) -> Optional[_Choice]:
        if self.path is None or self.family is not None:
            raise Failed("path is needed; there are no families here")
        if host.has_foreseen(self.key()):
            found: Optional[_Choice] = host.foreseen(self.key())
            return found
        group = self._group(host)
        if group is None:
            return _Choice()
        path = str(self.path)
        slaves = tuple((name, group.links[name], where) for name, where in sorted(group.slaves.get(path, {}).items()))
        return _Choice(
            group.priorities.get(path),
            slaves if self.subcommands is not None and path in group.priorities else None,
            group.value if self.state == "selected" else None,
            group.mode if self.state == "auto" else None,
        )

    def desired(self, host: Reader, before: Optional[_Choice]) -> Optional[_Choice]:
        assert before is not None
        if self.state == "absent":
            return _Choice()
        if before.priority is None:
            if self.link is None and self._group(host) is None:
                raise Failed(f"link is needed: where shall {self.name} be found?")
            if not host.exists(str(self.path)):
                raise Failed(f"path: {self.path} does not exist")
        known = before.priority if before.priority is not None else 50
        return _Choice(
            known if self.priority is None else self.priority,
            None if self.subcommands is None else tuple(sorted((one.name, str(one.link), str(one.path)) for one in self.subcommands)),
            str(self.path) if self.state == "selected" else None,
            "auto" if self.state == "auto" else None,
        )

    def apply(self, host: Host, plan: Plan[_Choice]) -> None:
        after, path = plan.after, str(self.path)
        assert after is not None
        if after.priority is None:
            self._do(host, "--remove", self.name, path)
            return
        chosen = self._value(host)
        if plan.changed("priority") or plan.changed("subcommands"):
            group = self._group(host)
            link = str(self.link) if self.link is not None else group.link if group is not None else ""
            slaves = after.subcommands if after.subcommands is not None else self._slaves(group)
            words = [word for name, where, target in slaves for word in ("--slave", where, name, target)]
            self._do(host, "--install", link, self.name, path, str(after.priority), *words)
        if self.state == "selected" and chosen != path:  # by name, also what the priorities just chose: so it stays chosen
            self._do(host, "--set", self.name, path)
        if self.state == "auto":
            self._do(host, "--auto", self.name)

    def also_foresee(self, host: Reader, plan: Plan[_Choice]) -> Sequence[tuple[str, Any]]:
        later = Unknown(f"what {self.name} leads to is chosen among the alternatives")
        place = f"{FOLDER}/{self.name}"
        target: Any = str(self.path) if self.state == "selected" else later
        out: list[tuple[str, Any]] = [(f"file:{place}", FileState("link", mode=0o777, uid=0, gid=0, target=target, path=place))]
        if self.state == "absent":
            out = [(f"file:{place}", later)]
        elif self.link is not None:
            link = os.path.normpath(self.link)
            out.append((f"file:{link}", FileState("link", mode=0o777, uid=0, gid=0, target=place, path=link)))
        return out

    # -- update-alternatives

    def _slaves(self, group: Optional[_Group]) -> list[Slave]:
        held = group.slaves.get(str(self.path), {}) if group is not None else {}
        return [(name, group.links[name], where) for name, where in held.items()] if group is not None else []

    def _value(self, host: Reader) -> str:
        group = self._group(host)
        return group.value if group is not None else ""

    def _group(self, host: Reader) -> Optional[_Group]:
        done = host.look([_program(host), "--query", self.name])
        return _parsed(done.stdout) if done.rc == 0 else None

    def _do(self, host: Host, *words: str) -> None:
        done: Completed = host.run([_program(host), *words])
        if done.rc != 0:
            raise Failed(f"update-alternatives: {(done.stderr or done.stdout).strip()}", rc=done.rc)


def _program(host: Reader) -> str:
    found = host.which("update-alternatives")
    if found is None:
        raise Failed("no update-alternatives on this host")
    return found


def _parsed(text: str) -> _Group:
    """Paragraphs of fields; under `Slaves:` a line for each, a name and a path."""
    head, *others = [_fields(part) for part in re.split(r"\n\s*\n", text.strip())]
    links = {name: where for name, _, where in (line.partition(" ") for line in head.get("Slaves", []))}
    priorities, slaves = {}, {}
    for one in others:
        path = one["Alternative"][0]
        priorities[path] = int(one["Priority"][0])
        slaves[path] = {name: where for name, _, where in (line.partition(" ") for line in one.get("Slaves", []))}
    return _Group(head["Link"][0], head["Status"][0], head.get("Value", [""])[0], links, priorities, slaves)


def _fields(paragraph: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith(" "):
            out[name].append(line.strip())
        else:
            name, _, value = line.partition(":")
            out[name] = [value.strip()] if value.strip() else []
    return out
