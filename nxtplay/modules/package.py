"""package: packages by whatever manager the host has."""

from __future__ import annotations

from typing import Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import arg
from nxtplay.modules import apt
from nxtplay.modules._packages import Packages


class Package(apt.Apt):
    """Install or remove packages; on Debian and its kin by apt, whose arguments it takes."""

    use: str = arg("auto", help="Which manager; auto finds it.")
    enablerepo: list[str] = arg(default_factory=list, help="Of dnf alone: repositories to use besides.")
    disablerepo: list[str] = arg(default_factory=list, help="Of dnf alone: repositories to leave out.")
    disable_gpg_check: bool = arg(False, help="Of dnf and zypper alone: take packages nobody signed.")
    exclude: list[str] = arg(default_factory=list, help="Of dnf alone: packages to leave out.")

    def observe(self, host: Reader) -> Optional[Packages]:
        for name in ("enablerepo", "disablerepo", "disable_gpg_check", "exclude"):
            if getattr(self, name):
                raise Failed(f"{name}: apt has no such thing; give it on other systems only (when, or omit)")
        if self.use not in ("auto", "apt", "ansible.builtin.apt"):
            raise Failed(f"use: {self.use} is not supported yet; apt is")
        if not host.which("apt-get"):
            raise Failed("no package manager that this version knows (apt) on this host")
        return super().observe(host)
