"""hostname: the machine's name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _accounts

FILE = "/etc/hostname"


@dataclass(frozen=True)
class _Name:
    """The name now, and the one after the next start."""

    now: str
    kept: str


class Hostname(Resource[_Name]):
    """Name the machine, now and after the next start."""

    name: str = arg(help="The name.")
    use: str | None = arg(None, help="Of no effect: systemd is asked where it runs, else /etc/hostname is written.")

    def key(self) -> str:
        return "hostname:"

    def observe(self, host: Reader) -> Optional[_Name]:
        foreseen = host.foreseen(self.key())
        if isinstance(foreseen, _Name):
            return foreseen
        kept = host.read(FILE).decode("utf-8", "replace").strip() if host.exists(FILE) else ""
        return _Name(os.uname().nodename, kept)

    def desired(self, host: Reader, before: Optional[_Name]) -> Optional[_Name]:
        if not self.name or len(self.name) > 253 or any(not part or len(part) > 63 for part in self.name.split(".")):
            raise Failed(f"'{self.name}' is no host name")
        after = _Name(self.name, self.name)
        if after != before and os.geteuid() != 0:
            raise Failed(_accounts.LOCAL_FAILURE.replace("users and groups", "the host name"))
        return after

    def apply(self, host: Host, plan: Plan[_Name]) -> None:
        if os.path.isdir("/run/systemd/system") and host.which("hostnamectl"):
            host.run(["hostnamectl", "set-hostname", self.name], check=True)
            return
        if plan.changed("kept"):
            host.write(FILE, self.name.encode() + b"\n", mode=0o644)
        if plan.changed("now"):
            host.run(["hostname", self.name], check=True)

    def result(self, before: Optional[_Name], after: Optional[_Name]) -> dict[str, Any]:
        facts = {"ansible_hostname": self.name.split(".")[0], "ansible_nodename": self.name}
        return {"name": self.name, "ansible_facts": facts}
