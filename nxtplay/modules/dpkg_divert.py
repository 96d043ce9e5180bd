"""dpkg_divert: where dpkg puts a package's version of a file, so that one's own may stand in its place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files


@dataclass(frozen=True)
class _Diversion:
    divert: str
    holder: str


class DpkgDivert(Resource[_Diversion]):
    """Divert a package's version of a file, or end that."""

    path: Path = arg(help="The file whose place shall be free.", aliases=["name"], key=True)
    state: Literal["present", "absent"] = arg("present", help="Diverted or not.")
    holder: str | None = arg(None, help="The package whose own version is not diverted; LOCAL (none) for a new one.")
    divert: Path | None = arg(None, help="Where packages' versions go; the path with .distrib behind it for a new one.")
    rename: bool = arg(False, help="Move the file that is there, to its new place or back.")
    force: bool = arg(False, help="Replace what is in the way of a renamed file.")

    def observe(self, host: Reader) -> Optional[_Diversion]:
        if host.which("dpkg-divert") is None:
            raise Failed("no dpkg-divert on this host")
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        path = self._path()
        holder = host.look(["dpkg-divert", "--listpackage", path]).stdout.strip()
        return _Diversion(host.look(["dpkg-divert", "--truename", path]).stdout.strip(), holder) if holder else None

    def desired(self, host: Reader, before: Optional[_Diversion]) -> Optional[_Diversion]:
        after = None
        if self.state == "present":
            after = _Diversion(self._divert(before), self.holder or (before.holder if before else "LOCAL"))
        if after != before:
            self._in_the_way(host, before, after)
        return after

    def apply(self, host: Host, plan: Plan[_Diversion]) -> None:
        rename = self.rename and self._place(plan.before) != self._place(plan.after)
        if plan.before is not None:
            self._do(host, "--remove", plan.before, rename)
        if plan.after is not None:
            self._do(host, "--add", plan.after, rename)

    def also_foresee(self, host: Reader, plan: Plan[_Diversion]) -> Sequence[tuple[str, Any]]:
        old, new = self._place(plan.before), self._place(plan.after)
        state = host.stat(old, content=True) if self.rename and old != new else None
        if state is None:
            return []
        return [(f"file:{host.canonical(old)}", None), (f"file:{host.canonical(new)}", dataclasses.replace(state, path=new))]

    def result(self, before: Optional[_Diversion], after: Optional[_Diversion]) -> dict[str, Any]:
        found = after or before
        return {"path": self._path(), "diversion": {"divert": found.divert, "holder": found.holder, "path": self._path()} if found else {}}

    def _path(self) -> str:
        return _files.host_path(self.path)

    def _divert(self, before: Optional[_Diversion]) -> str:
        if self.divert is not None:
            return _files.host_path(self.divert)
        return before.divert if before is not None else self._path() + ".distrib"

    def _place(self, diversion: Optional[_Diversion]) -> str:
        """Where the file of packages is."""
        return self._path() if diversion is None else diversion.divert

    def _in_the_way(self, host: Reader, before: Optional[_Diversion], after: Optional[_Diversion]) -> None:
        old, new = self._place(before), self._place(after)
        if not self.rename or self.force or old == new:
            return
        ways = [new] if before is None or after is None else [self._path(), new]  # from one place to another it goes by the path itself
        blocked = [way for way in ways if host.stat(way) is not None]
        if host.stat(old) is not None and blocked:
            raise Failed(f"{blocked[0]} is in the way of the renamed file; force: true replaces it")

    def _do(self, host: Host, action: str, one: _Diversion, rename: bool) -> None:
        holder = ["--local"] if one.holder == "LOCAL" else ["--package", one.holder]
        old, new = (self._path(), one.divert) if action == "--add" else (one.divert, self._path())
        if rename and self.force and host.exists(old):
            host.remove(new)
        renaming = "--rename" if rename else "--no-rename"
        host.run(["dpkg-divert", renaming, *holder, "--divert", one.divert, action, self._path()], check=True)
