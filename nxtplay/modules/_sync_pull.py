"""A tree of the host brought to the controller: the host tells what it holds and hands over what the controller has not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import IO, Iterator, Mapping, Optional

from nxtplay.core.files import read_content
from nxtplay.core.host import Failed, Reader
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.wire import Blob
from nxtplay.modules import _files, _sync_tree
from nxtplay.modules._sync_options import Options
from nxtplay.modules._sync_tree import Tree

Held = Mapping[str, tuple[int, int, str]]  # files by their name below the root: size, seconds since 1970, SHA-256 where content counts


def held(src: str, dest: str, options: Options) -> dict[str, tuple[int, int, str]]:
    """What the controller has of it. Failed for what cannot be read."""
    name = "" if src.endswith("/") else os.path.basename(src)
    root = os.path.join(dest, name) if name and (dest.endswith("/") or os.path.isdir(dest)) else dest
    found = {}
    try:
        for path in _below(root):
            about = os.stat(path)
            digest = "" if _by_time(options) else read_content(path).sha256
            found["" if path == root else os.path.relpath(path, root)] = (about.st_size, int(about.st_mtime), digest)
    except OSError as error:
        raise Failed(f"cannot read {error.filename} on the controller: {error.strerror}") from error
    return found


def hand_over(host: Reader, src: str, known: Optional[Held], options: Options) -> Tree:
    """What the host holds. Bytes go out, in the tree's order, for files with a hash that differ; `known` is None where none are wanted."""
    path = _files.host_path(src)
    changing = [key for key in host.foreseen_under("file:") if (key[5:] + "/").startswith(path.rstrip("/") + "/")]
    if changing:
        raise UnknownReached(Unknown(f"{changing[0][5:]} would be changed by an earlier task"))
    return _sync_tree.take(_Giver(host, path, known, options), path + ("/" if src.endswith("/") else ""), options)


def take_over(tree: Tree, data: Optional[IO[bytes]]) -> Tree:
    """The tree with its files' bytes found in what was handed over; without that, none of them can be read."""
    at = 0
    for entry in (tree.root, *tree.entries):
        blob = entry.content
        if blob is not None:
            blob.fetch = _Piece(data if blob.mode else None, at)
            at += blob.size if blob.mode else 0
    return tree


@dataclass(frozen=True)
class _Giver:
    """What `_sync_tree.take` asks of a controller, on the host. A blob's `mode` says whether its bytes went out."""

    host: Reader
    root: str
    known: Optional[Held]
    options: Options
    where: str = "on the host"

    def find(self, path: str, subfolder: str) -> str:
        if not os.path.exists(path):
            raise Failed(f"{path} is not there")
        return path

    def blob(self, path: str) -> Blob:
        name = "" if path == self.root else os.path.relpath(path, self.root)
        about = os.stat(path)
        size, seconds, digest = (self.known or {}).get(name, (-1, -1, ""))
        if _by_time(self.options) and (size, seconds) == (about.st_size, int(about.st_mtime)):
            return Blob("", size, mode=0)
        if self.known is None or (not _by_time(self.options) and digest == read_content(path).sha256):
            return Blob(read_content(path).sha256, about.st_size, mode=0)
        sent, hashed = 0, hashlib.sha256()
        for piece in self.host.pieces(path):
            sent += len(piece)
            hashed.update(piece)
            self.host.hand_over(piece)
        return Blob(hashed.hexdigest(), sent, mode=1)


@dataclass(frozen=True)
class _Piece:
    data: Optional[IO[bytes]]
    at: int

    def __call__(self, blob: Blob) -> Iterator[bytes]:
        if self.data is None:
            raise Failed("what the controller holds changed while the task ran; run it again")
        self.data.seek(self.at)
        left = blob.size
        while left:
            piece = self.data.read(min(left, 1 << 18))
            if not piece:
                raise Failed("less came than was announced")
            left -= len(piece)
            yield piece


def _by_time(options: Options) -> bool:
    """Whether a file of the same size and time is taken for the same."""
    return options.times and not options.checksum


def _below(root: str) -> Iterator[str]:
    """The file, or every file below the folder."""
    if os.path.isfile(root):
        yield root
    for folder, _, names in os.walk(root):
        yield from (path for name in names if os.path.isfile(path := os.path.join(folder, name)) and not os.path.islink(path))
