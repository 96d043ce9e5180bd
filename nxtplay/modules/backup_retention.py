"""backup_retention: old backups, removed by rule."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _backup, _files
from nxtplay.modules._backup import BackupSet, Rules


@dataclass(frozen=True)
class Kept:
    """The files of each backup set in a folder, by stamp."""

    sets: dict[str, tuple[str, ...]]


class BackupRetention(Resource[Kept]):
    """Remove backups that no rule keeps, going by the dates in their names. The newest good one is never removed; nothing is where the
    set named by `verified` is not whole, or where a name is later than the clock."""

    path: Path = arg(help="Folder of the backups.", key=True)
    names: list[str] = arg(default_factory=list, help="What the files are called before _YYYYMMDD; unset means any.", key=True)
    verified: str | None = arg(None, help="Stamp of the backup that has to be whole before any other goes; unset is the newest.")
    keep_days: int = arg(30, help="Keep everything of so many days.")
    keep_last: int = arg(1, help="Keep so many of the newest good ones, however old.")
    keep_daily: int = arg(0, help="Keep the newest of so many days that have one.")
    keep_weekly: int = arg(0, help="Likewise of weeks.")
    keep_monthly: int = arg(0, help="Likewise of months.")
    keep_yearly: int = arg(0, help="Likewise of years.")
    future: Literal["fail", "keep"] = arg("fail", help="What to do about a name that is later than the clock: one of the two is wrong.")

    def observe(self, host: Reader) -> Optional[Kept]:
        negative = [name for name in vars(self) if name.startswith("keep_") and getattr(self, name) < 0]
        if negative:
            raise Failed(f"{negative[0]}: {getattr(self, negative[0])} is less than none; 0 leaves the rule out")
        return Kept({one.stamp: one.files for one in self._sets(host)})

    def desired(self, host: Reader, before: Optional[Kept]) -> Optional[Kept]:
        sets = self._sets(host)
        if not sets:
            return before
        now = datetime.datetime.now()
        ahead = _backup.from_the_future(sets, now)
        if ahead and self.future == "fail":
            raise Failed(
                f"nothing was pruned: {ahead[-1].files[0]} is dated later than the clock ({now:%Y-%m-%d %H:%M}). Was the clock set back? "
                "If the name is wrong, move the file away, or keep it by future: keep (backup_future)"
            )
        self._refuse_unverified(sets)
        rules = Rules(self.keep_days, self.keep_last, self.keep_daily, self.keep_weekly, self.keep_monthly, self.keep_yearly)
        going = {one.stamp for one in _backup.victims(sets, rules, now, [self.verified] if self.verified else [])}
        return Kept({one.stamp: one.files for one in sets if one.stamp not in going})

    def apply(self, host: Host, plan: Plan[Kept]) -> None:
        for name in self._victims(plan.before, plan.after):
            host.remove(os.path.join(_files.host_path(self.path), name))

    def also_foresee(self, host: Reader, plan: Plan[Kept]) -> Sequence[tuple[str, Any]]:
        folder = _files.host_path(self.path)
        return [(_files.file_key(os.path.join(folder, name)), None) for name in self._victims(plan.before, plan.after)]

    def result(self, before: Optional[Kept], after: Optional[Kept]) -> dict[str, Any]:
        return {"victims": self._victims(before, after), "kept": sorted(after.sets) if after else []}

    # -- on the way

    def _sets(self, host: Reader) -> list[BackupSet]:
        return _backup.sets_in(host, _files.host_path(self.path), self.names)

    def _refuse_unverified(self, sets: Sequence[BackupSet]) -> None:
        if self.verified is None:
            if not any(one.good for one in sets):
                raise Failed(f"nothing was pruned: none of the {len(sets)} backups in {self.path} is known to be good")
            return
        found = next((one for one in sets if one.stamp == self.verified), None)
        if found is None or not found.good:
            why = found.problem if found else "it is not there"
            raise Failed(f"nothing was pruned: the backup {self.verified} is not whole: {why}")

    @staticmethod
    def _victims(before: Optional[Kept], after: Optional[Kept]) -> list[str]:
        """File names, the manifest of a set first: what is cut short is not taken for whole."""
        gone = [files for stamp, files in (before.sets if before else {}).items() if after is None or stamp not in after.sets]
        return [name for files in gone for name in sorted(files, key=lambda n: (not n.endswith(_backup.MANIFEST), n))]
