"""acl."""

from __future__ import annotations

import os
import struct

from .harness import Case

JOE = {"etype": "user", "entity": "nobody", "permissions": "rw"}


def _listed(root: str) -> None:
    """a: nobody may read and write, by a mask that lets through reading alone."""
    entries = [(1, 6, -1), (2, 6, 65534), (4, 4, -1), (16, 4, -1), (32, 0, -1)]  # tag, permissions, id
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(f"{root}/a", "system.posix_acl_access", data)


CASES = [
    Case("acl", {"path": "{root}/a"}, {"a": "x"}, expect="ok"),
    Case("acl", {"path": "{root}/a", "state": "present", **JOE}, {"a": "x"}, expect="changed"),
    Case("acl", {"path": "{root}/a", "state": "present", "entry": "g:daemon:r"}, {"a": "x"}, expect="changed", setup=_listed),
    Case("acl", {"path": "{root}/a", "state": "present", "entry": "mask::r"}, {"a": "x"}, expect="ok", setup=_listed),
    Case("acl", {"path": "{root}/a", "state": "absent", "entry": "user:nobody"}, {"a": "x"}, expect="changed", setup=_listed),
    Case("acl", {"path": "{root}/a", "state": "absent", "etype": "user", "entity": "daemon"}, {"a": "x"}, expect="ok"),
    Case("acl", {"path": "{root}/a", "state": "present", "default": True, **JOE}, {"a": "x"}, expect="failed"),
    Case("acl", {"path": "{root}/a", "state": "present", "entry": "user:no-such:r"}, {"a": "x"}, expect="failed"),
    Case("acl", {"path": "{root}/none", "state": "present", **JOE}, expect="failed"),
    Case("acl", {"path": "{root}/d", "state": "present", "entry": "default:user:nobody:rwX"}, {"d": None}, expect="changed"),
    Case(
        "acl",
        {"path": "{root}/d", "state": "present", "recursive": True, "etype": "group", "entity": "daemon", "permissions": "rX"},
        {"d/e": "x", "d/f/g": ("x", 0o755), "d/l": "-> e"},
        expect="changed",
    ),
]
