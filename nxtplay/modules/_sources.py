"""Files of the controller on their way to a host."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any, Optional, Union

from nxtplay.core.host import Failed
from nxtplay.core.wire import Blob

INLINE = 64 * 1024  # bytes that ride inside the job


@dataclass(frozen=True)
class Source:
    """One file: its base name (in a tree: the path below the root), permission bits, bytes. `content` is None for a directory,
    `target` is there for a link that is to be copied as one. A rendered template's bytes may be Unknown."""

    name: str
    mode: int
    content: Union[bytes, Blob, None] = None
    target: Optional[str] = None


@dataclass(frozen=True)
class SourceTree:
    """A directory: its base name ("" when only what is below counts), permission bits, entries with parents before children."""

    name: str
    mode: int
    entries: tuple[Source, ...]


def take(controller: Any, path: str, *, subfolder: str = "files", follow: bool = True) -> Union[Source, SourceTree]:
    """The controller's file or directory that `path` names. A slash at its end leaves a directory's own name out."""
    if not path:
        raise Failed("src (or content) is required; it is empty")  # the folder of files as a whole is not what was meant
    found = controller.find(path, subfolder)
    bare = found.rstrip("/")
    if os.path.isdir(found):
        name = "" if path.endswith("/") else os.path.basename(bare)
        return SourceTree(name, _mode(bare), tuple(_entries(controller, bare, "", follow, ())))
    return _file(controller, bare, os.path.basename(bare))


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _file(controller: Any, path: str, name: str) -> Source:
    try:
        blob = controller.blob(path)
        return Source(name, _mode(path), b"".join(blob.chunks()) if blob.size <= INLINE else blob)
    except OSError as error:
        raise Failed(f"cannot read {path} on the controller: {error.strerror}") from error


def _entries(controller: Any, root: str, below: str, follow: bool, above: tuple[tuple[int, int], ...]) -> list[Source]:
    """What is below a directory. A link that leads back to a directory around it stays a link: followed, it would have no end."""
    out: list[Source] = []
    above = (*above, _identity(os.path.join(root, below)))
    for name in sorted(os.listdir(os.path.join(root, below))):
        relative = os.path.join(below, name)
        path = os.path.join(root, relative)
        if os.path.islink(path) and (not follow or (os.path.exists(path) and _identity(path) in above)):
            out.append(Source(relative, 0o777, target=os.readlink(path)))
        elif os.path.isdir(path):
            out.append(Source(relative, _mode(path)))
            out += _entries(controller, root, relative, follow, above)
        elif os.path.isfile(path):
            out.append(_file(controller, path, relative))
        elif os.path.islink(path):  # it leads nowhere
            out.append(Source(relative, 0o777, target=os.readlink(path)))
    return out
