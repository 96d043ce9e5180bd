"""archive."""

from __future__ import annotations

import tarfile
import zipfile

from .harness import Case

TREE = {"d/a": "one\n", "d/sub/b": ("two\n", 0o600), "d/l": "-> a", "d/e": None}


def _packed(root: str) -> None:
    with tarfile.open(f"{root}/d.tgz", "w:gz") as archive:
        archive.add(f"{root}/d", "d")


def _packed_before(root: str) -> None:
    _packed(root)
    with open(f"{root}/d/a", "w") as stream:
        stream.write("another\n")


def _zipped_file(root: str) -> None:
    with zipfile.ZipFile(f"{root}/f.zip", "w") as archive:
        archive.write(f"{root}/f", "f")


CASES = [
    Case("archive", {"path": "{root}/d", "dest": "{root}/d.tgz"}, TREE, expect="changed"),
    Case("archive", {"path": "{root}/d", "dest": "{root}/d.tgz"}, TREE, setup=_packed, expect="ok", name="archive-already"),
    Case("archive", {"path": "{root}/d", "dest": "{root}/d.tgz"}, TREE, setup=_packed_before, expect="changed", name="archive-of-before"),
    Case("archive", {"path": "{root}/d", "dest": "{root}/d.tgz", "mode": "0600"}, TREE, setup=_packed, expect="changed"),
    Case("archive", {"path": ["{root}/d/*"], "dest": "{root}/d.txz", "format": "xz", "exclude_path": ["{root}/d/sub"]}, TREE),
    Case("archive", {"path": "{root}/d/", "dest": "{root}/d.zip", "format": "zip"}, TREE, expect="changed"),
    Case("archive", {"path": "{root}/d", "dest": "{root}/d/own.tar", "format": "tar", "exclusion_patterns": ["*/b"]}, TREE),
    Case("archive", {"path": "{root}/d"}, {**TREE, "d.gz": "no archive"}, expect="changed"),
    Case("archive", {"path": "{root}/d", "remove": True}, TREE, expect="changed"),
    Case("archive", {"path": "{root}/d", "dest": "{root}/d.tgz", "remove": True}, TREE, setup=_packed, expect="changed"),
    Case("archive", {"path": "{root}/f"}, {"f": "text\n"}, expect="changed"),
    Case("archive", {"path": "{root}/f", "format": "bz2", "force_archive": True}, {"f": "text\n"}, expect="changed"),
    Case("archive", {"path": "{root}/f", "format": "zip"}, {"f": "text\n"}, setup=_zipped_file, expect="ok", name="archive-zip-already"),
    Case("archive", {"path": "{root}/f"}, expect="ok"),
    Case("archive", {"path": "{root}/*.log", "dest": "{root}/x.gz"}, expect="failed"),
    Case("archive", {"path": ["{root}/f", "{root}/g"]}, {"f": "text\n"}, expect="failed"),
    Case("archive", {"path": "{root}/f", "dest": "{root}/d"}, {"f": "text\n", "d": None}, expect="failed"),
]
