"""group: a group of users."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _accounts
from nxtplay.modules._accounts import GroupState


class Group(Resource[GroupState]):
    """Have a group there, or not."""

    rules = (required_if("non_unique", True, "gid"),)

    name: str = arg(help="The group.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether it exists.")
    gid: int | None = arg(None, help="Its number.")
    system: bool = arg(False, help="Take the number from those of system groups, when it is made.")
    force: bool = arg(False, help="Remove it although it is somebody's primary group.")
    local: bool = arg(False, help="Only /etc/group; of no effect here: it always is.")
    non_unique: bool = arg(False, help="The number may belong to another group too.")
    gid_min: int | None = arg(None, help="Lowest number to choose.")
    gid_max: int | None = arg(None, help="Highest number to choose.")

    def observe(self, host: Reader) -> Optional[GroupState]:
        import grp

        if host.has_foreseen(self.key()):
            state = host.foreseen(self.key())
            assert state is None or isinstance(state, GroupState)
            return state
        try:
            return GroupState(grp.getgrnam(self.name).gr_gid)
        except KeyError:
            return None

    def desired(self, host: Reader, before: Optional[GroupState]) -> Optional[GroupState]:
        after = self._wanted(before)
        if after != before:
            _accounts.need_root(host)
        return after

    def _wanted(self, before: Optional[GroupState]) -> Optional[GroupState]:
        import grp

        if self.state == "absent":
            return None
        if self.local and (self.gid_min is not None or self.gid_max is not None):
            raise Failed("gid_min and gid_max are of no use with local: they are for numbers that the system chooses")
        if self.gid is not None and not self.non_unique:
            try:
                other = grp.getgrgid(self.gid).gr_name
            except KeyError:
                other = self.name
            if other != self.name:
                raise Failed(f"gid {self.gid} belongs to the group {other}")
        if before is None:
            return GroupState(self.gid if self.gid is not None else Unknown(f"the system chooses the gid of {self.name}"))
        return before if self.gid is None else dataclasses.replace(before, gid=self.gid)

    def apply(self, host: Host, plan: Plan[GroupState]) -> None:
        if plan.after is None:
            _accounts.change(host, ["groupdel", *(["-f"] if self.force else []), self.name])
            return
        words = ["groupadd" if plan.before is None else "groupmod"]
        if self.gid is not None:
            words += ["-g", str(self.gid), *(["-o"] if self.non_unique else [])]
        if plan.before is None:
            words += ["-r"] if self.system else []
            for name, value in (("GID_MIN", self.gid_min), ("GID_MAX", self.gid_max)):
                words += ["-K", f"{name}={value}"] if value is not None else []
        _accounts.change(host, [*words, self.name])

    def result(self, before: Optional[GroupState], after: Optional[GroupState]) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "state": self.state, "system": self.system}
        return {**out, "gid": after.gid} if after is not None else out
