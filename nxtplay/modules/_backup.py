"""Backup sets: what their names and manifests say, which of them are whole, which of them may go.

A set is all files of one folder that carry one stamp: nxtbus_20251113.dump, redis_20251113.rdb ... Its manifest is written last, after
everything in it was verified, so a set without one was cut short (or was made by something else).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.files import Content
from nxtplay.core.host import Failed, Reader
from nxtplay.core.state import UnknownReached

NAME = re.compile(r"^(?P<label>[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+?)*?)_(?P<stamp>\d{8}(?:_\d{6})?)\.(?P<kind>[A-Za-z0-9.]+)$")
MANIFEST = "manifest.json"
PROVEN = "proven.json"
SLACK = datetime.timedelta(hours=2)  # a clock that went back at the end of summer time is no clock that is wrong


@dataclass(frozen=True)
class BackupSet:
    """Files of one stamp. `problem` says what keeps it from being good; `foreseen` that a check has not seen its manifest yet."""

    stamp: str
    when: datetime.datetime  # local time; a stamp without a time is midnight
    files: tuple[str, ...]
    manifest: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    problem: str = ""
    foreseen: bool = False

    @property
    def good(self) -> bool:
        return not self.problem


def parse_stamp(stamp: str) -> Optional[datetime.datetime]:
    """20251113 or 20251113_020000 as local time; None for what is no date."""
    try:
        return datetime.datetime.strptime(stamp, "%Y%m%d_%H%M%S" if "_" in stamp else "%Y%m%d")
    except ValueError:
        return None


def sets_in(host: Reader, folder: str, labels: Sequence[str] = ()) -> list[BackupSet]:
    """The sets of a folder, oldest first; with `labels`, only files called so. Every manifest is read, sizes are compared."""
    found: dict[str, list[str]] = {}
    for name in host.listdir(folder):
        match = NAME.match(name)
        if match and parse_stamp(match["stamp"]) and (not labels or match["label"] in labels):
            found.setdefault(match["stamp"], []).append(name)
    made = [_set(host, folder, stamp, names) for stamp, names in found.items()]
    return sorted(made, key=lambda one: (one.when, one.stamp))


def _set(host: Reader, folder: str, stamp: str, names: Sequence[str]) -> BackupSet:
    when = parse_stamp(stamp)
    assert when is not None
    files = tuple(sorted(names))
    manifests = [name for name in files if name.endswith("." + MANIFEST)]
    if not manifests:
        return BackupSet(stamp, when, files, problem="it has no manifest: it was cut short, or not made by this playbook")
    path = os.path.join(folder, manifests[0])
    try:
        document = json.loads(host.read(path))
        artefacts = {entry["name"]: int(entry["size"]) for entry in document["artefacts"] if str(entry["sha256"]) and str(entry["kind"])}
    except UnknownReached:
        return BackupSet(stamp, when, files, foreseen=True)
    except (ValueError, KeyError, TypeError):
        return BackupSet(stamp, when, files, problem=f"its manifest {manifests[0]} cannot be read")
    for name, size in artefacts.items():
        if name not in files:  # nor does anything count that lies elsewhere
            return BackupSet(stamp, when, files, document, f"{name} is missing")
        if _is_foreseen(host, os.path.join(folder, name)):
            continue
        live = os.path.getsize(os.path.join(folder, name))
        if live != size:
            return BackupSet(stamp, when, files, document, f"{name} has {live} bytes, {size} when it was made")
    return BackupSet(stamp, when, files, document)


def _is_foreseen(host: Reader, path: str) -> bool:
    """Whether the file is there only once the tasks before have run."""
    return host.has_foreseen("file:" + host.canonical(path))


def hash_file(path: str) -> tuple[str, int]:
    """(sha256, size) of a file, read in pieces."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as stream:
            while True:
                piece = stream.read(1 << 20)
                if not piece:
                    return digest.hexdigest(), size
                digest.update(piece)
                size += len(piece)
    except OSError as error:
        raise Failed(f"cannot read {path}: {error.strerror}") from error


def damage(host: Reader, folder: str, one: BackupSet) -> str:
    """What hashing every file of a set brings to light; "" where all is as its manifest says. Of a file that a check foresees, the hash
    that it will have is compared, where that is known."""
    if one.problem or one.manifest is None:
        return one.problem
    for entry in one.manifest["artefacts"]:
        path = os.path.join(folder, entry["name"])
        if _is_foreseen(host, path):
            state = host.stat(path)
            found = state.content.sha256 if state and isinstance(state.content, Content) else entry["sha256"]
        else:
            found, _ = hash_file(path)
        if found != entry["sha256"]:
            return f"{entry['name']} is damaged: its sha256 is {found[:12]}…, {entry['sha256'][:12]}… when it was made"
    return ""


def pick(sets: Sequence[BackupSet], wanted: str) -> BackupSet:
    """`newest` (good one), a stamp, or a date (then the last good set of that day). Failed with what there is."""
    good = [one for one in sets if one.good]
    if not sets:
        raise Failed("there is no backup at all")
    if wanted in ("", "newest", "latest"):
        if not good:
            raise Failed(f"none of the {len(sets)} backups is good; the newest, {sets[-1].stamp}: {sets[-1].problem}")
        return good[-1]
    exact = [one for one in sets if one.stamp == wanted]
    day = wanted.replace("-", "")
    same = exact or [one for one in good if one.stamp[:8] == day] or [one for one in sets if one.stamp[:8] == day]
    if not same:
        near = ", ".join(one.stamp for one in good[-5:]) or "none"
        raise Failed(f"there is no backup '{wanted}'; the last good ones are {near} (a stamp, a date, or newest)")
    return same[-1]


# -- retention -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """What to keep: everything younger than `days`, the newest `last`, and the newest of each of so many days, weeks, months, years."""

    days: int = 30
    last: int = 1
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0


def from_the_future(sets: Sequence[BackupSet], now: datetime.datetime) -> list[BackupSet]:
    """Sets whose name is later than the clock."""
    return [one for one in sets if one.when > now + SLACK]


def victims(sets: Sequence[BackupSet], rules: Rules, now: datetime.datetime, protect: Sequence[str] = ()) -> list[BackupSet]:
    """The sets that no rule keeps, oldest first. Days are counted from names, not from file times; only days that have a backup count, so a
    gap costs none. The newest good set and those of `protect` are never among them, nor is one from the future."""
    good = [one for one in sets if one.good]
    kept = set(protect) | {one.stamp for one in good[-max(rules.last, 1) :]}
    kept |= {one.stamp for one in sets if one.when.date() >= now.date() - datetime.timedelta(days=rules.days)}
    periods = ((rules.daily, "%Y%m%d"), (rules.weekly, "%G%V"), (rules.monthly, "%Y%m"), (rules.yearly, "%Y"))
    for count, form in periods:
        newest: dict[str, str] = {}
        for one in good:  # oldest first, so the last of a period stays
            newest[one.when.strftime(form)] = one.stamp
        kept |= {newest[period] for period in sorted(newest)[-count:]} if count else set()
    if not good:  # nothing is known to be good, so nothing goes
        return []
    return [one for one in sets if one.stamp not in kept]
