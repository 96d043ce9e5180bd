"""The machine as a check sees it: live state with what earlier tasks would have left laid over it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Optional

from nxtplay.core.files import FileState, FileTree, plain
from nxtplay.core.state import Unknown, UnknownReached

FILE = "file:"


def _kind(state: Any) -> str:
    """The kind of a file state; "" where it is absent or not foreseeable."""
    kind = "" if state is None or isinstance(state, Unknown) else state.kind
    return "" if isinstance(kind, Unknown) else kind


class World:
    """Foreseen states by key (`file:/etc/motd`, `container:web`, `package:nginx`); None means foreseen to be absent.

    Files are a tree, so three rules more hold for keys that begin with `file:`. What lies below a path that is foreseen to be absent
    (or to be no directory) is absent. A directory that is foreseen to be made anew hides the live one's children. An Unknown as a
    path's state, or as a directory's content, makes everything below it unknown as well.
    """

    def __init__(self) -> None:
        self.news: list[tuple[str, Any]] = []  # what was foreseen since `take_news`, in order
        self.foreseen: dict[str, Any] = {}
        self._opaque: set[str] = set()  # directories whose live children are hidden
        self._names: dict[tuple[int, int], set[str]] = {}  # keys by inode
        self._relinked = False  # whether a link is foreseen to appear, to lead elsewhere or to go

    def __bool__(self) -> bool:
        return bool(self.foreseen)

    def foresee(self, key: str, state: Any) -> None:
        if key.startswith(FILE):
            key = FILE + self.canonical(key[len(FILE) :])
        others = (state.others or {}) if isinstance(state, FileTree) else {}
        if isinstance(state, FileState) and type(state) is not FileState:
            state = plain(state)
        self.news.append((key, state))
        if key.startswith(FILE):
            self._foresee_file(key[len(FILE) :], state)
        else:
            self.foreseen[key] = state
        for path, other in others.items():
            self.foresee(FILE + path, other)

    def take_news(self) -> list[tuple[str, Any]]:
        news, self.news = self.news, []
        return news

    def has(self, key: str) -> bool:
        return key in self.foreseen

    def get(self, key: str) -> Any:
        return self.foreseen[key]

    def prefixed(self, prefix: str) -> dict[str, Any]:
        """All that is foreseen under keys that begin so."""
        return {key: state for key, state in self.foreseen.items() if key.startswith(prefix)}

    def canonical(self, path: str) -> str:
        """The path with the links in its parent resolved, foreseen ones too, so that one file has one key. Its last part may be a link."""
        parent, name = os.path.split(os.path.normpath(path))
        if not name:
            return parent
        if not self._relinked:
            return os.path.join(os.path.realpath(parent), name)
        left, done, hops = parent.strip("/").split("/"), "/", 0
        while left:
            part = left.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = os.path.dirname(done)
                continue
            done = os.path.join(done, part)
            target = self._link(done)
            if target is not None:
                hops += 1
                if hops > 40:
                    break
                left = target.split("/") + left
                done = "/" if target.startswith("/") else os.path.dirname(done)
        return os.path.join(done, name)

    def _link(self, path: str) -> Optional[str]:
        """Where the link at a path leads; None where there is no link. The path's parent is free of links."""
        try:
            is_foreseen, state = self.file(path)
        except UnknownReached:
            return None
        if is_foreseen:
            return state.target if _kind(state) == "link" and state is not None else None
        try:
            return os.readlink(path)
        except OSError:
            return None

    def _foresee_file(self, path: str, state: Any) -> None:
        try:
            was_hidden = self.file(path) == (True, None)
        except UnknownReached:
            was_hidden = False
        if _kind(state) == "link" or os.path.islink(path):
            self._relinked = True
        gone = _kind(state) != "directory"
        if gone or was_hidden:
            below = path.rstrip("/") + "/"
            for key in [k for k in self.foreseen if k.startswith(FILE + below)]:
                del self.foreseen[key]
            self._opaque = {d for d in self._opaque if not (d + "/").startswith(below)}
            if was_hidden and not gone:
                self._opaque.add(path)
        self.foreseen[FILE + path] = state
        self._to_other_names(FILE + path, state)

    def _to_other_names(self, key: str, state: Any) -> None:
        """A file with several names (hard links) changes under all of them."""
        inode = getattr(state, "inode", None) if isinstance(state, FileState) else None
        if inode is None:
            return
        names = self._names.setdefault(inode, set())
        names.add(key)
        for other in names - {key}:
            now = self.foreseen.get(other)
            if isinstance(now, FileState) and now.inode == inode:
                self.foreseen[other] = dataclasses.replace(now, mode=state.mode, uid=state.uid, gid=state.gid)

    def file(self, path: str) -> tuple[bool, Optional[FileState]]:
        """(True, state) where a state is foreseen for the canonical path, (False, None) where the live one counts.

        Raises UnknownReached below (or at) a path of which nothing can be foreseen.
        """
        if not self.foreseen:
            return False, None
        path = os.path.normpath(path)
        if FILE + path in self.foreseen:
            state = self.foreseen[FILE + path]
            if isinstance(state, Unknown):
                raise UnknownReached(state)
            return True, state
        parent = os.path.dirname(path)
        while True:
            if FILE + parent in self.foreseen:
                state = self.foreseen[FILE + parent]
                if isinstance(state, Unknown):
                    raise UnknownReached(state)
                if state is None or state.kind not in ("directory", "link") or parent in self._opaque:
                    return True, None
                if isinstance(state.content, Unknown):
                    raise UnknownReached(state.content)
                return False, None
            if parent in ("/", ""):
                return False, None
            parent = os.path.dirname(parent)

    def children(self, path: str) -> tuple[bool, dict[str, Optional[FileState]]]:
        """(whether the live children are hidden, foreseen direct children by name)."""
        path = os.path.normpath(path)
        state = self.foreseen.get(FILE + path)
        if isinstance(state, FileState) and isinstance(state.content, Unknown):
            raise UnknownReached(state.content)
        below = FILE + path.rstrip("/") + "/"
        named = {key[len(below) :]: state for key, state in self.foreseen.items() if key.startswith(below) and "/" not in key[len(below) :]}
        return path in self._opaque, named
