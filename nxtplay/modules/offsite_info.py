"""offsite_info: which backups are somewhere else."""

from __future__ import annotations

import datetime
from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules import _backup, _offsite
from nxtplay.modules._backup import BackupSet


class OffsiteInfo(_offsite.OffsiteLogin, Query):
    """List the backup files at a place off the host, by stamp; with `select`, find the one that is meant. Nothing is fetched."""

    names: list[str] = arg(default_factory=list, help="What the files are called before _YYYYMMDD; unset means any.")
    select: str | None = arg(None, help="newest, a date, or a stamp. Only backups whose manifest is there count.")

    def look(self, host: Reader) -> dict[str, Any]:
        found: dict[str, list[str]] = {}
        for name in _offsite.place(self, host).names():
            match = _backup.NAME.match(name)
            if match and _backup.parse_stamp(match["stamp"]) and (not self.names or match["label"] in self.names):
                found.setdefault(match["stamp"], []).append(name)
        sets = sorted((_as_set(stamp, names) for stamp, names in found.items()), key=lambda one: one.when)
        out: dict[str, Any] = {"backups": [{"stamp": one.stamp, "files": list(one.files), "good": one.good} for one in reversed(sets)]}
        if self.select is not None:
            try:
                one = _backup.pick(sets, self.select)
            except Failed as failed:
                raise Failed(f"{self.url}: {failed.message}") from failed
            if one.problem:
                raise Failed(f"backup {one.stamp} at {self.url} is not good: {one.problem}")
            out["selected"] = {"stamp": one.stamp, "files": list(one.files)}
        return out


def _as_set(stamp: str, names: list[str]) -> BackupSet:
    whole = any(name.endswith("." + _backup.MANIFEST) for name in names)
    when = _backup.parse_stamp(stamp) or datetime.datetime.min
    return BackupSet(stamp, when, tuple(sorted(names)), problem="" if whole else "its manifest is not there")
