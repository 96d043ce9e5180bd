"""timezone: where the machine's clock is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, one_of
from nxtplay.core.state import Plan

ZONES = "/usr/share/zoneinfo/"
LINK, NAME, CLOCK = "/etc/localtime", "/etc/timezone", "/etc/adjtime"


@dataclass(frozen=True)
class _Zone:
    """By the link, by the name that Debian keeps besides (None where it keeps none), and what the hardware clock shows."""

    name: str
    kept: Optional[str]
    hwclock: str


class Timezone(Resource[_Zone]):
    """The zone of the local time, and whether the hardware clock shows it."""

    rules = (one_of("name", "hwclock"),)

    name: str | None = arg(None, help="The zone, such as Europe/Berlin.")
    hwclock: Literal["local", "UTC"] | None = arg(None, help="What the hardware clock shows.", aliases=["rtc"])

    def key(self) -> str:
        return "timezone:"

    def observe(self, host: Reader) -> Optional[_Zone]:
        link = host.stat(LINK)
        target = os.path.join("/etc", link.target) if link is not None and link.target else ""
        kept = host.read(NAME).decode().strip() if host.exists(NAME) else None
        shown = host.read(CLOCK).decode().split() if host.exists(CLOCK) else []
        found = os.path.normpath(target)
        zone = found[len(ZONES) :] if found.startswith(ZONES) else kept if link is not None and kept else "UTC" if link is None else ""
        return _Zone(zone, kept, "local" if "LOCAL" in shown else "UTC")

    def desired(self, host: Reader, before: Optional[_Zone]) -> Optional[_Zone]:
        assert before is not None
        name = self.name if self.name is not None else before.name
        debian = before.kept is not None or host.exists("/etc/debian_version")
        kept = name if debian and self.name is not None else before.kept
        after = _Zone(name, kept, self.hwclock or before.hwclock)
        if after != before:
            if self.name is not None and not host.exists(ZONES + name):
                raise Failed(f"no time zone '{name}' on this host" if host.is_dir(ZONES) else "no time zones on this host: install tzdata")
            if os.geteuid() != 0:
                raise Failed("only root may set the time zone (try become: true)")
        return after

    def apply(self, host: Host, plan: Plan[_Zone]) -> None:
        assert plan.after is not None
        if plan.changed("name"):
            temporary = LINK + ".nxtplay"
            host.remove(temporary)
            os.symlink(ZONES + plan.after.name, temporary)
            os.rename(temporary, LINK)
        if plan.changed("kept"):
            host.write(NAME, f"{plan.after.kept}\n".encode(), mode=0o644)
        if plan.changed("hwclock"):
            host.write(CLOCK, self._adjtime(host).encode(), mode=0o644)

    def also_foresee(self, host: Reader, plan: Plan[_Zone]) -> Sequence[tuple[str, Any]]:
        assert plan.after is not None
        out: list[tuple[str, Any]] = []
        if plan.changed("name"):
            out.append((f"file:{LINK}", FileState("link", mode=0o777, uid=0, gid=0, target=ZONES + plan.after.name, path=LINK)))
        for path, attribute, text in ((NAME, "kept", f"{plan.after.kept}\n"), (CLOCK, "hwclock", self._adjtime(host))):
            if plan.changed(attribute):
                now = host.stat(path) or FileState("file", mode=0o644, uid=0, gid=0, path=path)
                out.append((f"file:{path}", FileState("file", now.mode, now.uid, now.gid, Content.of(text.encode()), path=path)))
        return out

    def result(self, before: Optional[_Zone], after: Optional[_Zone]) -> dict[str, Any]:
        return {"diff": {}} if after is None else {"name": after.name, "hwclock": after.hwclock}

    def _adjtime(self, host: Reader) -> str:
        lines = host.read(CLOCK).decode().splitlines()[:2] if host.exists(CLOCK) else []
        lines += ["0.0 0 0", "0"][len(lines) :]
        return "\n".join([*lines, "LOCAL" if self.hwclock == "local" else "UTC"]) + "\n"
