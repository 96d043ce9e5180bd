"""locale_gen: locales that programs can use."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan

GEN, SUPPORTED = "/etc/locale.gen", "/usr/share/i18n/SUPPORTED"


@dataclass(frozen=True)
class _Locales:
    """Those spoken of, each with whether it is there."""

    there: dict[str, bool]


class LocaleGen(Resource[_Locales]):
    """Have locales generated, or not."""

    name: list[str] = arg(help="Locales, such as de_DE.UTF-8.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether they can be used.")

    def observe(self, host: Reader) -> Optional[_Locales]:
        program = host.which("locale-gen")
        if program is None or not host.exists(GEN):
            raise Failed("no locale-gen on this host: install the package locales")
        done = host.look(["locale", "-a"])
        made = {_plain(line) for line in done.stdout.split()}
        asked = {_plain(_parts(line)[0]) for line in self._text(host).splitlines() if line.strip() and not line.startswith("#")}
        foreseen = host.foreseen_under("locale_gen:").values()
        there = {name: _plain(name) in made and _plain(name) in asked for name in self.name}
        for state in foreseen:
            there.update({name: yes for name, yes in state.there.items() if name in there} if isinstance(state, _Locales) else {})
        return _Locales(there)

    def desired(self, host: Reader, before: Optional[_Locales]) -> Optional[_Locales]:
        assert before is not None
        after = _Locales(dict.fromkeys(self.name, self.state == "present"))
        if after == before:
            return before
        if os.geteuid() != 0:
            raise Failed("only root may generate locales (try become: true)")
        for name in self.name if self.state == "present" else ():
            self._supported(host, name)
        return after

    def apply(self, host: Host, plan: Plan[_Locales]) -> None:
        host.write(GEN, self._edited(host).encode())
        host.run([host.which("locale-gen") or "locale-gen"], check=True)

    def also_foresee(self, host: Reader, plan: Plan[_Locales]) -> Sequence[tuple[str, Any]]:
        now = host.stat(GEN)
        if now is None:
            return []
        return [(f"file:{GEN}", FileState("file", now.mode, now.uid, now.gid, Content.of(self._edited(host).encode()), path=GEN))]

    def result(self, before: Optional[_Locales], after: Optional[_Locales]) -> dict[str, Any]:
        return {"name": list(self.name), "mechanism": "glibc"}

    def _text(self, host: Reader) -> str:
        return host.read(GEN).decode("utf-8", "replace")

    def _supported(self, host: Reader, name: str) -> str:
        """The line of a locale: its name and its encoding. Failed for one that there is not."""
        lines = host.read(SUPPORTED).decode().splitlines() if host.exists(SUPPORTED) else []
        lines += [line.lstrip("# ") for line in self._text(host).splitlines()]
        for line in lines:
            if _plain(_parts(line)[0]) == _plain(name):
                return line.strip()
        raise Failed(f"there is no locale '{name}'")

    def _edited(self, host: Reader) -> str:
        """/etc/locale.gen with the locales, their lines no longer (or again) commented out."""
        lines = self._text(host).splitlines()
        for name in self.name:
            places = [i for i, line in enumerate(lines) if _plain(_parts(line.lstrip("# "))[0]) == _plain(name)]
            if self.state == "absent":
                for place in places:
                    lines[place] = "# " + lines[place].lstrip("# ")
            elif places:
                lines[places[0]] = lines[places[0]].lstrip("# ")
            else:
                lines.append(self._supported(host, name))
        return "".join(f"{line}\n" for line in lines)


def _parts(line: str) -> list[str]:
    return line.split() or [""]


def _plain(name: str) -> str:
    """A locale's name as `locale -a` writes it: de_DE.utf8."""
    base, dot, rest = name.partition(".")
    code, at, modifier = rest.partition("@")
    return base + dot + re.sub(r"[^a-z0-9]", "", code.lower()) + at + modifier
