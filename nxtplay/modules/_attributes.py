"""The flags of a file that lsattr shows, asked of the system."""

from __future__ import annotations

import os
import stat
import struct
from typing import Any, Optional

GET_FLAGS, GET_VERSION = 0x80086601, 0x80087601  # ioctl
FLAGS = (
    (0x1, "s", "zero"),
    (0x2, "u", "undelete"),
    (0x8, "S", "synchronous"),
    (0x10000, "D", "dirsync"),
    (0x10, "i", "immutable"),
    (0x20, "a", "append"),
    (0x40, "d", "nodump"),
    (0x80, "A", "noatime"),
    (0x4, "c", "compressed"),
    (0x800, "E", "encrypted"),
    (0x4000, "j", "journalled"),
    (0x1000, "I", "indexed"),
    (0x8000, "t", "notail"),
    (0x20000, "T", "blockroot"),
    (0x80000, "e", "extents"),
    (0x800000, "C", "nocow"),
    (0x10000000, "N", "inline"),
)


def attributes(path: str) -> dict[str, Any]:
    """attr_flags, attributes and version; none of them where the file system or the kind of the file has no flags."""
    flags, version = _asked(path)
    held = [(letter, name) for bit, letter, name in FLAGS if flags & bit]
    return {"attr_flags": "".join(letter for letter, _ in held), "attributes": [name for _, name in held], "version": version}


def _asked(path: str) -> tuple[int, Optional[str]]:
    try:
        import fcntl

        if stat.S_IFMT(os.lstat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            return 0, None
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except (ImportError, OSError):
        return 0, None
    try:
        flags, version = (struct.unpack("l", fcntl.ioctl(opened, what, bytes(8)))[0] for what in (GET_FLAGS, GET_VERSION))
    except OSError:
        return 0, None
    finally:
        os.close(opened)
    return flags & 0xFFFFFFFF, str(version & 0xFFFFFFFF)
