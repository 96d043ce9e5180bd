"""A tree on its way, from the controller to a host or back: what it holds, and what is left out."""

from __future__ import annotations

import os
import stat as stat_
from dataclasses import dataclass
from typing import Any, Iterator, Optional

from nxtplay.core.host import Failed
from nxtplay.core.wire import Blob
from nxtplay.modules import _files, _filters
from nxtplay.modules._filters import Pattern
from nxtplay.modules._sync_options import Options


@dataclass(frozen=True)
class Entry:
    """A path below the root ("" is the root itself). A folder has neither content nor target."""

    name: str
    mode: int
    seconds: int  # since 1970, when it was last changed
    owner: str
    group: str
    content: Optional[Blob] = None
    target: Optional[str] = None

    @property
    def is_folder(self) -> bool:
        return self.content is None and self.target is None


@dataclass(frozen=True)
class Tree:
    """What `src` names: its base name ("" when only what is below counts), the file or folder itself, parents before children, and what
    stays out, the first rule that matches deciding."""

    name: str
    root: Entry
    entries: tuple[Entry, ...]
    rules: tuple[Pattern, ...]
    readable: bool = True  # False: what its files hold is known by hash alone


def take(controller: Any, src: str, options: Options) -> Tree:
    """The file or folder with all that is not left out. Failed for what cannot be read."""
    path = controller.find(src, "files")
    bare = path.rstrip("/") or "/"
    root = _entry(controller, bare, "", follow=True)
    if root is None:
        raise Failed(f"{bare} {controller.where} is neither a file nor a folder")
    if not root.is_folder:
        return Tree(os.path.basename(bare), root, (), options.rules)
    walk = _Walk(controller, bare, options, [])
    entries = tuple(walk.below("", ())) if options.recursive else ()
    return Tree("" if src.endswith("/") else os.path.basename(bare), root, entries, walk.rules)


@dataclass(frozen=True)
class _Walk:
    controller: Any
    root: str
    options: Options
    ignored: list[Pattern]  # what the .gitignore files met so far say, the deepest first

    @property
    def rules(self) -> tuple[Pattern, ...]:
        """What the arguments say comes before what is said in the tree."""
        return (*self.options.rules, *self.ignored)

    def below(self, folder: str, above: tuple[tuple[int, int], ...]) -> Iterator[Entry]:
        here = os.path.join(self.root, folder)
        try:
            known = os.stat(here)
            names = sorted(os.listdir(here))
        except OSError as error:
            raise Failed(f"cannot read {here} {self.controller.where}: {error.strerror}") from error
        if (known.st_dev, known.st_ino) in above:
            raise Failed(f"{here} {self.controller.where} leads back to itself through a symbolic link")
        if self.options.gitignore and ".gitignore" in names:
            with open(os.path.join(here, ".gitignore"), encoding="utf-8", errors="surrogateescape") as stream:
                self.ignored[:0] = _filters.of_gitignore(stream, folder)
        for name in names:
            relative = f"{folder}/{name}" if folder else name
            path = os.path.join(self.root, relative)
            is_folder = os.path.isdir(path) and (self.options.copy_links or not os.path.islink(path))
            if _filters.excluded(self.rules, relative, is_folder):
                continue
            entry = _entry(self.controller, path, relative, follow=self.options.copy_links)
            if entry is None or (entry.target is not None and not self.options.links):
                continue
            yield entry
            if entry.is_folder:
                yield from self.below(relative, (*above, (known.st_dev, known.st_ino)))


def _entry(controller: Any, path: str, name: str, *, follow: bool) -> Optional[Entry]:
    """None for what is neither file, folder nor link (a socket, a device)."""
    try:
        found = os.stat(path) if follow else os.lstat(path)
        target = os.readlink(path) if stat_.S_ISLNK(found.st_mode) else None
    except OSError as error:
        raise Failed(f"cannot read {path} {controller.where}: {error.strerror}") from error
    content = controller.blob(path) if stat_.S_ISREG(found.st_mode) else None
    if content is None and target is None and not stat_.S_ISDIR(found.st_mode):
        return None
    owner, group = _files.user_name(found.st_uid), _files.group_name(found.st_gid)
    return Entry(name, stat_.S_IMODE(found.st_mode), int(found.st_mtime), owner, group, content, target)
