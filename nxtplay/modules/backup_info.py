"""backup_info: which backups there are, whether they are whole, which one is meant."""

from __future__ import annotations

import datetime
import json
import os
from typing import Any, Literal

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _backup, _files
from nxtplay.modules._backup import BackupSet


class BackupInfo(Query):
    """List the backups of a folder, newest first. With `select`, also find one and hash all of it; a damaged one fails the task."""

    path: Path = arg(help="Folder of the backups.")
    names: list[str] = arg(default_factory=list, help="What the files are called before _YYYYMMDD; unset means any.")
    select: str | None = arg(None, help="The one that is meant: newest (good one), a date, or a stamp.")
    verify: Literal["sizes", "hashes"] = arg("hashes", help="How thoroughly the selected one is looked at.")

    def look(self, host: Reader) -> dict[str, Any]:
        folder = _files.host_path(self.path)
        sets = _backup.sets_in(host, folder, self.names) if host.is_dir(folder) else []
        good = [one for one in sets if one.good]
        out: dict[str, Any] = {
            "backups": [_told(host, folder, one) for one in reversed(sets)],
            "newest_good": _told(host, folder, good[-1]) if good else None,
        }
        if self.select is not None:
            out["selected"] = self._selected(host, folder, sets)
        return out

    def _selected(self, host: Reader, folder: str, sets: list[BackupSet]) -> dict[str, Any]:
        try:
            one = _backup.pick(sets, self.select or "newest")
        except Failed as failed:
            raise Failed(f"{folder}: {failed.message}") from failed
        problem = _backup.damage(host, folder, one) if self.verify == "hashes" else one.problem
        if problem:
            raise Failed(f"backup {one.stamp} in {folder} is not good: {problem}")
        manifest = dict(one.manifest or {})
        artefacts = {entry["kind"]: {**entry, "path": os.path.join(folder, entry["name"])} for entry in manifest.get("artefacts", ())}
        return {**_told(host, folder, one), "manifest": manifest, "artefacts": artefacts}


def _made(one: BackupSet) -> datetime.datetime:
    """When it was verified, as its manifest says; else what its name says."""
    try:
        return datetime.datetime.strptime((one.manifest or {})["created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    except (KeyError, ValueError, TypeError):
        return one.when.astimezone()


def _told(host: Reader, folder: str, one: BackupSet) -> dict[str, Any]:
    age = datetime.datetime.now(datetime.timezone.utc) - _made(one)
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in one.files if os.path.isfile(os.path.join(folder, name)))
    proven = None
    for name in one.files:
        if name.endswith("." + _backup.PROVEN):
            try:
                proven = json.loads(host.read(os.path.join(folder, name)))
            except (ValueError, UnknownReached):
                proven = None
    return {
        "stamp": one.stamp,
        "date": _made(one).astimezone().strftime("%Y-%m-%d %H:%M"),
        "age_hours": round(age.total_seconds() / 3600, 1),
        "size": size,
        "files": list(one.files),
        "good": one.good,
        "problem": one.problem,
        "proven": proven,
    }
