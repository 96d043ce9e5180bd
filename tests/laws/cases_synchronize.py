"""synchronize."""

from __future__ import annotations

import os

from .harness import Case

TREE = {"t/a/b": "1", "t/c": ("2", 0o755), "t/l": "-> c", "t/e": None}


def _old(root: str) -> None:
    os.utime(f"{root}/c", (1, 1))


CASES = [
    Case("synchronize", {"src": "t/", "dest": "{root}"}, files=TREE, expect="changed"),
    Case("synchronize", {"src": "t", "dest": "{root}/n/m"}, files=TREE, expect="changed"),
    Case("synchronize", {"src": "t/", "dest": "{root}"}, {"a/b": "old", "c": "2", "x": "x"}, TREE, expect="changed", setup=_old),
    Case("synchronize", {"src": "t/", "dest": "{root}", "archive": False, "recursive": True}, {"a/b": "1", "c": "2"}, TREE),
    Case("synchronize", {"src": "t/", "dest": "{root}", "times": False, "checksum": True}, {"c": ("2", 0o600), "l": "-> x"}, TREE),
    Case("synchronize", {"src": "t/", "dest": "{root}", "delete": True}, {"x/y": "1", "a/z": "2", "l": None}, TREE, expect="changed"),
    Case("synchronize", {"src": "t/", "dest": "{root}", "delete": True}, {"a": "file", "c/d": "folder"}, TREE, expect="changed"),
    Case("synchronize", {"src": "t/", "dest": "{root}"}, {"c/d": "folder"}, TREE, expect="failed"),
    Case(
        "synchronize",
        {"src": "t/", "dest": "{root}", "delete": True, "exclude": ["kept", "*.log", "/a/"]},
        {"x/kept": "k", "x/y": "1", "a/q": "stays", "z.log": "stays", "w/v": ""},
        {**TREE, "t/new.log": "not sent"},
        expect="changed",
    ),
    Case(
        "synchronize",
        {"src": "t/", "dest": "{root}", "gitignore": True, "delete": True, "rsync_opts": ["--chmod=D750,F640", "--chown=1234:1235"]},
        {"dist/x": "stays", "gone": ""},
        {
            "t/.gitignore": "dist/\n*.o\n!keep.o\n",
            "t/dist/y": "no",
            "t/a.o": "no",
            "t/keep.o": "yes",
            "t/s/.gitignore": "/own\n",
            "t/s/own": "no",
        },
        expect="changed",
    ),
    Case("synchronize", {"src": "t/", "dest": "{root}", "existing_only": True}, {"c": "old"}, TREE, expect="changed"),
    Case("synchronize", {"src": "t/", "dest": "{root}", "existing_only": True}, {"q": ""}, {"t/a/b": "1"}, expect="ok"),
    Case("synchronize", {"src": "t/", "dest": "{root}", "copy_links": True}, files=TREE, expect="changed"),
    Case("synchronize", {"src": "t/", "dest": "{root}", "dirs": True}, files=TREE),
    Case("synchronize", {"src": "t/c", "dest": "{root}/f"}, files=TREE, expect="changed"),
    Case("synchronize", {"src": "t/c", "dest": "{root}/d"}, {"d": None}, files=TREE, expect="changed"),
    Case("synchronize", {"src": "t/c", "dest": "{root}/f", "checksum": True, "times": False}, {"f": ("2", 0o755)}, TREE, expect="ok"),
    Case("synchronize", {"src": "t/", "dest": "{root}/f"}, {"f": "file"}, TREE, expect="failed"),
    Case("synchronize", {"src": "none/", "dest": "{root}"}, files=TREE, expect="failed"),
    Case("synchronize", {"src": "t/", "dest": "{root}", "rsync_opts": ["--backup"]}, files=TREE, expect="failed"),
    Case("synchronize", {"src": "t/", "dest": "{root}"}, files={"t/big": b"x" * 200_000}, expect="changed", name="synchronize-blob"),
]
