"""Files of the controller on their way to a host."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional, Union

from nxtplay.core.host import Failed
from nxtplay.core.types import TRUE
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
    secret: bool = False  # it lay there encrypted
    path: str = ""  # where it lies


@dataclass(frozen=True)
class SourceTree:
    """A directory: its base name ("" when only what is below counts), permission bits, entries with parents before children."""

    name: str
    mode: int
    entries: tuple[Source, ...]
    path: str = ""  # where it lies, with the slash that it was named with


def stated(args: Mapping[str, Any], name: str, default: bool) -> bool:
    """What an argument says that is not decoded yet, as `prepare` meets it."""
    return str(args.get(name, default)).strip().lower() in TRUE


def take(controller: Any, path: str, *, subfolder: str = "files", follow: bool = True, decrypt: bool = False) -> Union[Source, SourceTree]:
    """The controller's file or directory that `path` names. A slash at its end leaves a directory's own name out. With `decrypt`, what is
    encrypted by vault comes plain."""
    if not path:
        raise Failed("src (or content) is required; it is empty")  # the folder of files as a whole is not what was meant
    found = controller.find(path, subfolder)
    bare = found.rstrip("/")
    if os.path.isdir(found):
        name = "" if path.endswith("/") else os.path.basename(bare)
        entries = _entries(controller, bare, "", follow, ())
        return SourceTree(name, _mode(bare), tuple(_plain(controller, entry) if decrypt else entry for entry in entries), found)
    source = _file(controller, bare, os.path.basename(bare))
    return _plain(controller, source) if decrypt else source


def _plain(controller: Any, source: Source) -> Source:
    """The source as it was before vault encrypted it."""
    opened = controller.opened(source.path) if source.content is not None else None
    return source if opened is None else replace(source, content=opened, secret=True)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _file(controller: Any, path: str, name: str) -> Source:
    try:
        blob = controller.blob(path)
        return Source(name, _mode(path), b"".join(blob.chunks()) if blob.size <= INLINE else blob, path=path)
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
