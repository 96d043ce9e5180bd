"""backup_retention, backup_manifest, backup_info, lock, offsite_copy, file_crypt: those that need no server."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Sequence

from .harness import Case


def stamp(days_ago: int) -> str:
    return f"{datetime.date.today() - datetime.timedelta(days=days_ago):%Y%m%d}"


def sets(*ages: int, cut_short: Sequence[int] = ()) -> Callable[[str], None]:
    """Backups of so many days ago, good ones but for those that are cut short."""

    def plant(root: str) -> None:
        for age in ages:
            name = f"nxtbus_{stamp(age)}"
            data = f"dump of {age} days ago".encode()
            with open(f"{root}/{name}.dump", "wb") as stream:
                stream.write(data)
            entry = {"name": f"{name}.dump", "kind": "postgresql", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            if age not in cut_short:
                with open(f"{root}/{name}.manifest.json", "w", encoding="utf-8") as file:
                    json.dump({"version": 1, "artefacts": [entry]}, file)

    return plant


MONTH_AND_A_HALF = [age for age in range(45) if age not in (7, 8, 20, 33)]  # with gaps
PASSPHRASE = "correct horse battery"
MANIFEST = {"path": "{root}/nxtbus_20251113.manifest.json"}
DUMP = {"path": "{root}/nxtbus_20251113.dump", "kind": "postgresql"}
GOOD = hashlib.sha256(b"data").hexdigest()

CASES = [
    Case("backup_retention", {"path": "{root}"}, setup=sets(*MONTH_AND_A_HALF), expect="changed", name="retention-45-days"),
    Case("backup_retention", {"path": "{root}"}, setup=sets(0, 1, 2), expect="ok", name="retention-nothing-old"),
    Case("backup_retention", {"path": "{root}"}, expect="ok", name="retention-nothing-at-all"),
    Case("backup_retention", {"path": "{root}", "keep_days": -1}, setup=sets(1, 2), expect="failed", name="retention-less-than-none"),
    Case("backup_retention", {"path": "{root}/none"}, expect="failed", name="retention-no-folder"),
    Case("backup_retention", {"path": "{root}"}, setup=sets(200, 100), expect="changed", name="retention-newest-good-stays"),
    Case("backup_retention", {"path": "{root}"}, setup=sets(200, 100, cut_short=[200, 100]), expect="failed", name="retention-none-good"),
    Case("backup_retention", {"path": "{root}"}, setup=sets(45, 3, -2), expect="failed", name="retention-future"),
    Case("backup_retention", {"path": "{root}", "future": "keep"}, setup=sets(45, 3, -2), expect="changed", name="retention-future-kept"),
    Case(
        "backup_retention",
        {"path": "{root}", "verified": stamp(0)},
        setup=sets(45, 3, 0, cut_short=[0]),
        expect="failed",
        name="retention-new-one-not-verified",
    ),
    Case("backup_retention", {"path": "{root}", "verified": stamp(0)}, setup=sets(45, 3), expect="failed", name="retention-no-new-one"),
    Case(
        "backup_retention",
        {"path": "{root}", "keep_days": 7, "keep_weekly": 3, "keep_monthly": 2},
        setup=sets(*MONTH_AND_A_HALF),
        expect="changed",
        name="retention-weeks-and-months",
    ),
    Case("backup_manifest", {**MANIFEST, "artefacts": [DUMP]}, {"nxtbus_20251113.dump": "data"}, expect="changed", name="manifest"),
    Case("backup_manifest", {**MANIFEST, "artefacts": [DUMP]}, expect="failed", name="manifest-without-its-file"),
    Case("backup_manifest", {**MANIFEST, "artefacts": [DUMP]}, {"nxtbus_20251113.dump": ""}, expect="failed", name="manifest-empty-file"),
    Case(
        "backup_manifest",
        {**MANIFEST, "artefacts": [{**DUMP, "sha256": GOOD}]},
        {"nxtbus_20251113.dump": "data"},
        expect="changed",
        name="manifest-hash",
    ),
    Case(
        "backup_manifest",
        {**MANIFEST, "artefacts": [{**DUMP, "sha256": GOOD}]},
        {"nxtbus_20251113.dump": "Data"},
        expect="failed",
        name="manifest-flipped",
    ),
    Case(
        "backup_manifest",
        {"path": f"{{root}}/nxtbus_{stamp(0)}.manifest.json", "artefacts": [{**DUMP, "path": "{root}/x"}]},
        {"x": "short"},
        setup=sets(4, 3, 2, 1),
        expect="failed",
        name="manifest-shrunk",
    ),
    Case("backup_info", {"path": "{root}", "select": "newest"}, setup=sets(3, 2), expect="ok", name="info"),
    Case("backup_info", {"path": "{root}", "select": "newest"}, expect="failed", name="info-none"),
    Case("backup_info", {"path": "{root}/none"}, expect="ok", name="info-no-folder"),
    Case("lock", {"path": "{root}/lock"}, expect="changed", name="lock"),
    Case("lock", {"path": "{root}/none/lock"}, expect="failed", name="lock-nowhere"),
    Case("lock", {"path": "{root}/lock", "state": "absent"}, expect="ok", name="lock-absent"),
    Case(
        "offsite_copy", {"path": "{root}/a", "files": ["x", "y"], "url": "{root}/b"}, {"a/x": "1", "a/y": "2", "b": None}, expect="changed"
    ),
    Case("offsite_copy", {"path": "{root}/a", "files": ["x"], "url": "{root}/b"}, {"a/x": "1", "b/x": "1"}, expect="ok"),
    Case("offsite_copy", {"path": "{root}/a", "files": ["x"], "url": "{root}/b"}, {"a/x": "1", "b/x": "other"}, expect="changed"),
    Case("offsite_copy", {"path": "{root}/a", "files": ["x"], "url": "{root}/b"}, {"a/x": "1"}, expect="failed", name="copy-not-mounted"),
    Case("offsite_copy", {"path": "{root}/a", "files": ["x"], "url": "{root}/b"}, {"a": None, "b": None}, expect="failed", name="none"),
    Case(
        "offsite_copy",
        {"path": "{root}/a", "files": ["x"], "url": "{root}/b", "direction": "pull"},
        {"a": None, "b/x": "1"},
        expect="changed",
        name="copy-pull",
    ),
    Case(
        "offsite_copy",
        {"path": "{root}/a", "files": ["x"], "url": "{root}/b", "state": "absent"},
        {"a/x": "1", "b/x": "1"},
        expect="changed",
        name="copy-absent",
    ),
    Case("offsite_info", {"url": "{root}", "select": "newest"}, setup=sets(3, 2, cut_short=[2]), expect="ok", name="offsite-info"),
    Case("file_crypt", {"operation": "check", "passphrase": PASSPHRASE}, expect="ok", name="crypt-check"),
    Case("file_crypt", {"operation": "check", "passphrase": "short"}, expect="failed", name="crypt-check-short"),
    Case("file_crypt", {"src": "{root}/a", "dest": "{root}/b", "passphrase": PASSPHRASE}, {"a": "x"}, expect="changed", name="encrypt"),
    Case(
        "file_crypt",
        {"src": "{root}/a", "dest": "{root}/b", "passphrase": PASSPHRASE, "method": "gpg"},
        {"a": "x"},
        expect="changed",
        name="encrypt-gpg",
    ),
    Case("file_crypt", {"src": "{root}/a", "dest": "{root}/b", "passphrase": PASSPHRASE}, expect="failed", name="encrypt-nothing"),
    Case("file_crypt", {"src": "{root}/a", "dest": "{root}/b"}, {"a": "x"}, expect="failed", name="encrypt-no-key"),
]
