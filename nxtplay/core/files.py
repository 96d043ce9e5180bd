"""The one state that all file modules share."""

from __future__ import annotations

import os
import stat as stat_
from dataclasses import field, fields
from typing import Callable, Optional, Union

from nxtplay.core.frozen import by_identity, frozen
from nxtplay.core.state import Unknown

KEEP = 4 * 1024 * 1024  # bytes of a file's content that are kept in memory beside its hash


@by_identity
class Content:
    """What a file holds: compared by hash. `data` is there for content of at most KEEP bytes, or while somebody made it; what is
    `secret` is never shown."""

    __leaf__ = True
    sha256: str
    size: int
    data: Optional[bytes] = field(default=None, repr=False)
    secret: bool = False

    @classmethod
    def of(cls, data: bytes, *, secret: bool = False) -> Content:
        import hashlib

        return cls(hashlib.sha256(data).hexdigest(), len(data), data, secret)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __public__(self) -> object:
        if self.secret:
            return f"(hidden, {self.size} bytes)"
        if self.data is None or b"\0" in self.data[:8192]:
            return f"({self.size} bytes, sha256 {self.sha256[:12]})"
        return self.data.decode("utf-8", "replace")


@frozen
class FileState:
    """A path as it is. `kind`: file, directory, link, fifo, socket, char, block. None as a state: nothing is there.

    Owner and group are numeric ids; a check may know neither (the user is only foreseen), nor the kind of what a command's
    `creates` promises.
    """

    kind: str
    mode: Union[int, Unknown, None] = None  # permission bits with setuid, setgid, sticky
    uid: Union[int, Unknown, None] = None
    gid: Union[int, Unknown, None] = None
    content: Union[Content, Unknown, None] = None  # files; a directory of whose content nothing can be foreseen has an Unknown
    target: Optional[str] = None  # links only
    flags: Optional[str] = None  # letters of chattr, only where a task asks for others than there are
    mtime: Optional[float] = None  # only where a module compares it
    atime: Optional[float] = None
    inode: Optional[tuple[int, int]] = field(default=None, metadata={"volatile": True})
    path: Optional[str] = field(default=None, metadata={"volatile": True})  # where it was looked at


@frozen
class FileTree(FileState):
    """A path together with others that one task looks after: a directory with what is below it, a link with its target."""

    others: Optional[dict[str, Optional[FileState]]] = None  # by absolute path, parents before children


def plain(state: FileState) -> FileState:
    """Only what is at the path itself, without what a kind of state of its own (FileTree) says besides."""
    return FileState(**{f.name: getattr(state, f.name) for f in fields(FileState)})


KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat_.S_ISREG, "file"),
    (stat_.S_ISDIR, "directory"),
    (stat_.S_ISLNK, "link"),
    (stat_.S_ISFIFO, "fifo"),
    (stat_.S_ISSOCK, "socket"),
    (stat_.S_ISCHR, "char"),
    (stat_.S_ISBLK, "block"),
)


def kind_of(mode: int) -> str:
    return next((name for test, name in KINDS if test(mode)), "file")


def observe(path: str, *, content: bool = False, times: bool = False) -> Optional[FileState]:
    """The live path itself (links are not followed); with `content`, a regular file's content is hashed too."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kind = kind_of(found.st_mode)
    return FileState(
        kind=kind,
        mode=stat_.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        content=read_content(path) if content and kind == "file" else None,
        target=os.readlink(path) if kind == "link" else None,
        mtime=found.st_mtime if times else None,
        atime=found.st_atime if times else None,
        inode=(found.st_dev, found.st_ino),
        path=path,
    )


def read_content(path: str) -> Content:
    """Hash a file without holding more than KEEP bytes of it."""
    import hashlib

    digest = hashlib.sha256()
    size, kept = 0, []  # type: int, list[bytes]
    with open(path, "rb") as stream:
        while True:
            chunk = stream.read(1 << 20)
            if not chunk:
                break
            digest.update(chunk)
            size += len(chunk)
            if size <= KEEP:
                kept.append(chunk)
    return Content(digest.hexdigest(), size, b"".join(kept) if size <= KEEP else None)
