"""The flags of a file that lsattr shows and chattr sets, asked and told of the system."""

from __future__ import annotations

import os
import stat
import struct
from typing import Any, Optional

from nxtplay.core.files import kind_of
from nxtplay.core.host import Failed

GET_FLAGS, SET_FLAGS, GET_VERSION = 0x80086601, 0x40086602, 0x80087601  # ioctl
OURS = "aAcCdDijsStTu"  # what may be set; the others are the file system's own
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


def wanted(path: str, spec: str, *, now: Optional[str] = None) -> str:
    """The flags of a path once `spec` (`+i`, `-i`, `=Ad`, which `Ad` is too) is applied to those it has. Failed where it can have none."""
    operator, letters = (spec[0], spec[1:]) if spec[:1] in "+-=" else ("=", spec)
    strange = sorted(set(letters) - set(OURS))
    if strange or not spec:
        raise Failed(f"attributes: '{spec}' holds {''.join(strange) or 'nothing'}; write +, - or = and letters of {OURS}")
    if now is None:
        flags, version = _asked(path)
        if version is None and os.path.lexists(path):
            raise Failed(f"attributes: {path} can have none: the file system has no flags, or it is a {_kind(path)}")
        now = _letters(flags)
    held = set(now)
    if operator == "=":
        held = (held - set(OURS)) | set(letters)
    else:
        held = held | set(letters) if operator == "+" else held - set(letters)
    return "".join(letter for _, letter, _ in FLAGS if letter in held)


def put(path: str, letters: str) -> None:
    """Give a path these flags."""
    import fcntl

    flags = sum(bit for bit, letter, _ in FLAGS if letter in letters)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            fcntl.ioctl(opened, SET_FLAGS, struct.pack("l", flags))
        finally:
            os.close(opened)
    except OSError as error:
        raise Failed(f"cannot give {path} the attributes {letters or 'none'}: {error.strerror}") from error


def _letters(flags: int) -> str:
    return "".join(letter for bit, letter, _ in FLAGS if flags & bit)


def _kind(path: str) -> str:
    return kind_of(os.lstat(path).st_mode)


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
