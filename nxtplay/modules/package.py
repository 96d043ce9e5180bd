"""package: packages by whatever manager the host has."""

from __future__ import annotations

from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, decode
from nxtplay.core.state import Plan
from nxtplay.modules import apt
from nxtplay.modules._packages import Packages


class Package(Resource[Packages]):
    """Install or remove packages; on Debian and its kin by apt."""

    name: list[str] = arg(help="Packages.", aliases=["pkg"], key=True)
    state: Literal["present", "absent", "latest", "installed", "removed"] = arg(help="What they shall be.")
    use: str = arg("auto", help="Which manager; auto finds it.")
    update_cache: bool = arg(False, help="Fetch the package lists first, where they are needed.")

    def observe(self, host: Reader) -> Optional[Packages]:
        return self._by(host).observe(host)

    def refresh(self, host: Host) -> None:
        self._by(host).refresh(host)

    def desired(self, host: Reader, before: Optional[Packages]) -> Optional[Packages]:
        return self._by(host).desired(host, before)

    def apply(self, host: Host, plan: Plan[Packages]) -> None:
        self._by(host).apply(host, plan)

    def also_foresee(self, host: Reader, plan: Plan[Packages]) -> Sequence[tuple[str, Any]]:
        return self._by(host).also_foresee(host, plan)

    def result(self, before: Optional[Packages], after: Optional[Packages]) -> dict[str, Any]:
        return {"packages": {name: state.version if state else None for name, state in (after.versions if after else {}).items()}}

    def _by(self, host: Reader) -> apt.Apt:
        if self.use not in ("auto", "apt", "ansible.builtin.apt"):
            raise Failed(f"use: {self.use} is not supported yet; apt is")
        if not host.which("apt-get"):
            raise Failed("no package manager that this version knows (apt) on this host")
        return decode(apt.Apt, {"name": self.name, "state": self.state, "update_cache": self.update_cache})
