"""stat: what is at a path."""

from __future__ import annotations

import hashlib
import os
import re
import stat as stat_
from typing import Any, Literal

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Reader
from nxtplay.core.modes import octal
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _attributes, _files, _packages

BITS = (("rusr", 0o400), ("wusr", 0o200), ("xusr", 0o100), ("rgrp", 0o040), ("wgrp", 0o020), ("xgrp", 0o010),
        ("roth", 0o004), ("woth", 0o002), ("xoth", 0o001), ("isuid", 0o4000), ("isgid", 0o2000))  # fmt: skip
KINDS = (
    ("isreg", "file"),
    ("isdir", "directory"),
    ("islnk", "link"),
    ("isfifo", "fifo"),
    ("issock", "socket"),
    ("ischr", "char"),
    ("isblk", "block"),
)
MIMES = {"link": "symlink", "char": "chardevice", "block": "blockdevice"}  # what file(1) calls them


class Stat(Query):
    """Look at a path; in a check as earlier tasks would have left it."""

    path: Path = arg(help="The path.", aliases=["dest", "name"])
    follow: bool = arg(False, help="Follow a symbolic link.")
    get_checksum: bool = arg(True, help="Hash a file's content.")
    checksum_algorithm: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = arg(
        "sha1", help="Which hash.", aliases=["checksum", "checksum_algo"]
    )
    get_mime: bool = arg(True, help="Tell mimetype and charset.", aliases=["mime", "mime_type", "mime-type"])
    get_attributes: bool = arg(True, help="Tell the flags that lsattr shows.", aliases=["attr", "attributes"])
    get_selinux_context: bool = arg(False, help="Tell the SELinux context.")

    def look(self, host: Reader) -> dict[str, Any]:
        path = _files.host_path(self.path)
        found = host.stat(path, content=False, follow=self.follow)
        if found is None:
            later = _packages.not_there(host, path)
            return {"stat": {"exists": False} if later is None else later}
        return {"stat": {"exists": True, "path": _files.expanded(self.path), **self._facts(host, path, found)}}

    def _facts(self, host: Reader, path: str, found: FileState) -> dict[str, Any]:
        if isinstance(found.kind, Unknown):
            names = (
                *(name for name, _ in KINDS),
                "mode",
                "size",
                "checksum",
                "uid",
                "gid",
                "mtime",
                "atime",
                "ctime",
                *(n for n, _ in BITS),
            )
            return dict.fromkeys(names, found.kind)
        out: dict[str, Any] = {name: found.kind == kind for name, kind in KINDS}
        out.update(self._permissions(found))
        out.update(_live(host, path, found, self.follow))
        if found.kind == "link":
            out["lnk_target"] = found.target
            out["lnk_source"] = os.path.realpath(path)
        if found.kind == "file" and self.get_checksum:
            out["checksum"] = self._checksum(host, path)
        if self.get_mime:
            out["mimetype"], out["charset"] = _mime(host, path, found)
        if self.get_attributes and not host.has_foreseen("file:" + host.canonical(host.resolve(path) if self.follow else path)):
            out.update(_attributes.attributes(os.path.realpath(path) if self.follow else path))
        return out

    def _permissions(self, found: FileState) -> dict[str, Any]:
        mode = found.mode
        bits = {name: bool(mode & bit) if isinstance(mode, int) else mode for name, bit in BITS}
        return {
            **bits,
            "mode": octal(mode) if isinstance(mode, int) else mode,
            "uid": found.uid,
            "gid": found.gid,
            "pw_name": _files.user_name(found.uid),
            "gr_name": _files.group_name(found.gid),
        }

    def _checksum(self, host: Reader, path: str) -> Any:
        digest = hashlib.new(self.checksum_algorithm)
        try:
            digest.update(host.read(path))
        except UnknownReached as reached:
            return reached.unknown
        except Failed:
            return None
        return digest.hexdigest()


def _mime(host: Reader, path: str, found: FileState) -> tuple[Any, Any]:
    """The kind of a file's content and its character set, as file(1) tells them; "unknown" without it."""
    if found.kind != "file":
        return f"inode/{MIMES.get(found.kind, found.kind)}", "binary"
    if host.has_foreseen("file:" + host.canonical(host.resolve(path))):
        later = Unknown(f"{path} is only foreseen")
        return later, later
    program = host.which("file")
    if program is None:
        return "unknown", "unknown"
    done = host.look([program, "--brief", "--mime-type", "--mime-encoding", "--", os.path.realpath(path)])
    told = re.fullmatch(r"(\S+); charset=(\S+)", done.stdout.strip())
    return (told[1], told[2]) if told and done.rc == 0 else ("unknown", "unknown")


def _live(host: Reader, path: str, found: FileState, follow: bool) -> dict[str, Any]:
    """What only the live file tells: times, size, inode; unknown for one that is only foreseen."""
    if not host.has_foreseen("file:" + host.canonical(host.resolve(path) if follow else path)):
        try:
            real = os.stat(path) if follow else os.lstat(path)
        except OSError as error:
            raise Failed(f"cannot look at {path}: {error.strerror}") from error
        return {
            "size": real.st_size,
            "mtime": real.st_mtime,
            "atime": real.st_atime,
            "ctime": real.st_ctime,
            "inode": real.st_ino,
            "dev": real.st_dev,
            "nlink": real.st_nlink,
            "blocks": real.st_blocks,
            "block_size": real.st_blksize,
            "device_type": real.st_rdev,
            "isvtx": bool(real.st_mode & stat_.S_ISVTX),
            "readable": os.access(path, os.R_OK),
            "writeable": os.access(path, os.W_OK),
            "executable": os.access(path, os.X_OK),
        }
    later = Unknown(f"{path} is only foreseen")
    names = "size mtime atime ctime inode dev nlink blocks block_size readable writeable executable".split()
    out: dict[str, Any] = dict.fromkeys(names, later)
    if found.content is not None and not isinstance(found.content, Unknown):
        out["size"] = found.content.size
    return out
