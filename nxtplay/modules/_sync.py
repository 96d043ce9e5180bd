"""A tree from the other side compared with what is here, and made here."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Optional

from nxtplay.core.files import Content, FileState, FileTree
from nxtplay.core.host import Failed, Host, Reader, current_umask
from nxtplay.core.modes import apply_symbolic_mode
from nxtplay.core.state import Plan, diff
from nxtplay.core.wire import Blob, ahead
from nxtplay.modules import _copy, _files, _filters
from nxtplay.modules._sync_options import Options
from nxtplay.modules._sync_tree import Entry, Tree

SMALL = 64 * 1024  # bytes of a file that is looked into when it differs: for the diff, and for what a check foresees
LOOKED_INTO = 16 * 1024 * 1024  # bytes of all of them together

States = Mapping[str, Optional[FileState]]


@dataclass(frozen=True)
class Sync:
    """`tree` with `root` as its place on the host."""

    host: Reader
    tree: Tree
    root: str
    options: Options
    others: tuple[str, ...] = ()  # places of the root elsewhere on the host, whose files may be linked to

    # -- looking

    def observe(self) -> Optional[FileState]:
        """The root, and below it what the tree has or, where that is asked for, has not."""
        if not self.tree.root.is_folder:
            return self._look(self.root, self.tree.root)
        state = self._look(self.root, self.tree.root, follow=True)
        if state is None:
            return None
        others: dict[str, Optional[FileState]] = {}
        for entry in self.tree.entries:
            path = self._path(entry)
            above = others.get(os.path.dirname(path), state)
            is_there = above is not None and above.kind == "directory"  # what a link leads to is not what lies here
            others[path] = self._look(path, entry) if is_there else None
        if self.options.delete and state.kind == "directory":
            others.update((path, self.host.stat(path)) for path in self._extraneous())
        return FileTree(**_fields(state), others=others)

    def _path(self, entry: Entry) -> str:
        return os.path.join(self.root, entry.name) if entry.name else self.root

    def _look(self, path: str, entry: Entry, *, follow: bool = False) -> Optional[FileState]:
        """A path's state. With times, a file of the same size and time is taken for the same, as rsync does, unless checksum is set."""
        state = self.host.stat(path, times=self.options.times and not entry.is_folder, follow=follow)
        if state is None or state.kind != "file" or entry.content is None:
            return _timed(state)
        state = _timed(state)
        if state is not None and not self.options.checksum and state.mtime == entry.seconds and _size(state) == entry.content.size:
            return dataclasses.replace(state, content=_content(entry.content))
        found = self.host.stat(path, content=True)
        return dataclasses.replace(state, content=found.content) if state is not None and found is not None else None

    def _extraneous(self) -> Iterator[str]:
        """Paths on the host that the tree has not; a folder that is to go altogether stands for all that is in it."""
        known = {entry.name for entry in self.tree.entries}
        for folder in ["", *(entry.name for entry in self.tree.entries if entry.is_folder)]:
            for name in self._names(folder):
                relative = f"{folder}/{name}" if folder else name
                if relative not in known:
                    yield from self._to_go(relative)[0]

    def _to_go(self, relative: str) -> tuple[list[str], bool]:
        """What goes of a path, and whether that is all of it."""
        path = os.path.join(self.root, relative)
        is_folder = self._is_folder(path)
        if not self.options.delete_excluded and _filters.excluded(self.tree.rules, relative, is_folder):
            return [], False
        parts = [self._to_go(f"{relative}/{name}") for name in self._names(relative)] if is_folder else []
        if all(whole for _, whole in parts):
            return [path], True
        return [path for paths, _ in parts for path in paths], False

    def _is_folder(self, path: str) -> bool:
        state = self.host.stat(path)
        return state is not None and state.kind == "directory"

    def _names(self, folder: str) -> list[str]:
        path = os.path.join(self.root, folder) if folder else self.root
        follow = self.root == path
        state = self.host.stat(path, follow=follow)
        return self.host.listdir(path) if state is not None and state.kind == "directory" else []

    # -- wanting

    def desired(self, before: Optional[FileState]) -> Optional[FileState]:
        """As the tree is. Small files that differ come along with their bytes, so that they can be shown and looked into."""
        if not self.tree.root.is_folder:
            if before is None and self.options.existing_only:
                return None
            wanted = self._entry(self.tree.root, before, self._made_parents())
            return dataclasses.replace(wanted, content=self._bytes([self.tree.root], {self.root: before}).get(self.root, wanted.content))
        if before is not None and before.kind != "directory":
            raise Failed(f"{self.root} is a {before.kind}; a directory cannot be synchronized onto it")
        if before is None and self.options.existing_only:
            return None
        held: States = (before.others or {}) if isinstance(before, FileTree) else {}
        top = self._entry(self.tree.root, before, self._made_parents())
        others: dict[str, Optional[FileState]] = {}
        data = self._bytes(self.tree.entries, held)
        for entry in self.tree.entries:
            path = self._path(entry)
            now = held.get(path)
            parent = top if os.path.dirname(path) == self.root else others.get(os.path.dirname(path))
            if self.options.existing_only and (now is None or parent is None):
                others[path] = now
                continue
            state = self._entry(entry, now, {os.path.dirname(path): parent})
            others[path] = dataclasses.replace(state, content=data.get(path, state.content))
        others.update((path, None) for path in held if path not in others)
        return FileTree(**_fields(top), others=others)

    def made_parents(self) -> dict[str, FileState]:
        """The folders above the root that have to be made."""
        made: dict[str, FileState] = {}
        for path in _files.missing_parents(self.host, self.root):
            made[path] = _files.fresh(self.host, path, "directory", made.get(os.path.dirname(path)))
        return made

    def _made_parents(self) -> dict[str, Optional[FileState]]:
        return dict(self.made_parents())

    def _entry(self, entry: Entry, now: Optional[FileState], made: Mapping[str, Optional[FileState]]) -> FileState:
        path = self._path(entry)
        kind = "directory" if entry.is_folder else "link" if entry.target is not None else "file"
        if now is not None and now.kind != kind and now.kind == "directory" and not self.options.delete:
            raise Failed(f"{path} is a directory here and a {kind} on the other side; with delete: true it gives way")
        base = now if now is not None and now.kind == kind else self._fresh(path, kind, made.get(os.path.dirname(path)))
        state = self._attributes(entry, base, is_new=base is not now)
        if kind == "link":
            return dataclasses.replace(state, mode=base.mode, target=entry.target, content=None)
        if kind == "directory" or entry.content is None:
            return state
        state = dataclasses.replace(state, mtime=float(entry.seconds)) if self.options.times else state
        return _files.holding(state, _content(entry.content), path)

    def _fresh(self, path: str, kind: str, parent: Optional[FileState]) -> FileState:
        if kind == "link":
            return dataclasses.replace(_files.fresh(self.host, path, "file", parent), kind="link", mode=0o777)
        return _files.fresh(self.host, path, kind, parent)

    def _attributes(self, entry: Entry, base: FileState, *, is_new: bool) -> FileState:
        mode, uid, gid = base.mode, base.uid, base.gid
        if self.options.perms:
            mode = entry.mode
        elif is_new and isinstance(mode, int) and entry.target is None:
            mode = entry.mode & 0o777 & ~current_umask() | mode & 0o2000
        if self.options.chmod and entry.target is None and isinstance(mode, int):
            mode = _chmod(self.options.chmod, mode, is_folder=entry.is_folder)
        user, _, group = (self.options.chown or "").partition(":")
        if user:
            uid = _files.uid_of(self.host, user)
        elif self.options.owner and os.geteuid() == 0:
            uid = _number(_files.uid_of, self.host, entry.owner, base.uid)
        if group:
            gid = _files.gid_of(self.host, group)
        elif self.options.group and os.geteuid() == 0:
            gid = _number(_files.gid_of, self.host, entry.group, base.gid)
        return dataclasses.replace(base, mode=mode, uid=uid, gid=gid)

    def _bytes(self, entries: Iterable[Entry], held: States) -> dict[str, Content]:
        """The bytes of small files whose content differs, by path."""
        found: dict[str, Content] = {}
        if not self.tree.readable:
            return found
        left, wanted = LOOKED_INTO, []
        for entry in entries:
            now = held.get(self._path(entry))
            if entry.content is None or entry.content.size > min(SMALL, left):
                continue
            if (now is None and self.options.existing_only) or (now is not None and now.content == _content(entry.content)):
                continue
            left -= entry.content.size
            wanted.append(entry)
        blobs = [entry.content for entry in wanted if entry.content is not None]
        ahead(blobs)
        for entry, blob in zip(wanted, blobs):
            found[self._path(entry)] = Content(blob.sha256, blob.size, b"".join(blob.chunks()))
        return found

    # -- making

    def apply(self, host: Host, plan: Plan[Any]) -> None:
        before, after = plan.before, plan.after
        assert after is not None
        for path, made in self.made_parents().items():
            _files.make_directory(host, path, made)
        held: States = (before.others or {}) if isinstance(before, FileTree) else {}
        wanted: States = (after.others or {}) if isinstance(after, FileTree) else {}
        for path, state in wanted.items():
            if state is None and held.get(path) is not None:
                host.remove(path)
        entries = [self.tree.root, *self.tree.entries]
        states = {self.root: after, **wanted}
        differing = [e for e in entries if self._differs(e, before if not e.name else held.get(self._path(e)), states[self._path(e)])]
        found = {e.name: before if not e.name else held.get(self._path(e)) for e in differing}
        alike = {e.name: self._alike(e, found[e.name], states[self._path(e)]) for e in differing if self.others}
        ahead([b for e in differing if not alike.get(e.name) and (b := _missing(e, states[self._path(e)])) is not None])
        for entry in differing:
            path = self._path(entry)
            wanted_state = states[path]
            if wanted_state is not None:
                self._put(host, entry, path, found[entry.name], wanted_state, alike.get(entry.name))

    def _differs(self, entry: Entry, now: Optional[FileState], state: Optional[FileState]) -> bool:
        return state is not None and (now is None or bool(diff(_plain(now), _plain(state))))

    def _alike(self, entry: Entry, now: Optional[FileState], wanted: Optional[FileState]) -> Optional[str]:
        """A file elsewhere that is as this one is to be, where there is none yet or another one."""
        if wanted is None or wanted.kind != "file":
            return None
        if now is not None and (now.kind, now.content, now.mtime) == (wanted.kind, wanted.content, wanted.mtime):
            return None
        for root in self.others:
            path = os.path.join(root, entry.name) if entry.name else root
            found = self._look(path, entry)
            if found is not None and not diff(dataclasses.replace(_plain(found), path=wanted.path), _plain(wanted)):
                return path
        return None

    def _put(self, host: Host, entry: Entry, path: str, now: Optional[FileState], state: FileState, alike: Optional[str]) -> None:
        if now is not None and now.kind != state.kind and "directory" in (now.kind, state.kind):
            host.remove(path)
            now = None
        if state.kind == "directory":
            if now is None:
                _files.make_directory(host, path, state)
            else:
                _files.set_attributes(path, now, state)
            return
        if state.kind == "link":
            _copy.make_link(host, path, now, state)
            return
        if alike is not None:
            beside = f"{path}.nxtplay-{os.getpid()}"
            os.link(alike, beside)
            os.replace(beside, path)
            return
        data = state.content.data if isinstance(state.content, Content) else None
        _files.put(host, _Plain(), path, now, state, data if data is not None else entry.content)
        if state.mtime is not None:
            os.utime(path, (state.mtime, state.mtime))


@dataclass(frozen=True)
class _Plain:
    """What writing a file asks of the arguments, with nothing set."""

    unsafe_writes: bool = False
    attributes: Optional[str] = None


def _plain(state: FileState) -> FileState:
    return FileState(**_fields(state))


def _fields(state: FileState) -> dict[str, Any]:
    return {f.name: getattr(state, f.name) for f in dataclasses.fields(FileState)}


def _content(blob: Blob) -> Content:
    return Content(blob.sha256, blob.size)


def _missing(entry: Entry, state: Optional[FileState]) -> Optional[Blob]:
    """What of an entry still has to come from the controller."""
    content = state.content if state is not None else None
    return entry.content if isinstance(content, Content) and content.data is None else None


def _size(state: FileState) -> int:
    if isinstance(state.content, Content):
        return state.content.size
    try:
        return os.lstat(state.path or "").st_size
    except OSError:
        return -1


def _timed(state: Optional[FileState]) -> Optional[FileState]:
    """With its time in whole seconds, as far as file systems agree; when it was read is nobody's concern."""
    if state is None or state.mtime is None:
        return state
    return dataclasses.replace(state, mtime=float(int(state.mtime)), atime=None)


def _number(of: Any, host: Reader, name: str, otherwise: Any) -> Any:
    """A user's or group's number by its name; where the host has none of that name, who it is made by."""
    try:
        return of(host, name)
    except Failed:
        return otherwise


def _chmod(text: str, mode: int, *, is_folder: bool) -> int:
    """The mode as --chmod has it: `D755,F644`, `u=rwX,go=rX`."""
    for part in text.split(","):
        if part[:1] in ("D", "F"):
            if (part[0] == "D") != is_folder:
                continue
            part = part[1:]
        if re.fullmatch("[0-7]{3,4}", part):
            mode = int(part, 8)
        else:
            mode = apply_symbolic_mode(part, mode, is_directory=is_folder, umask=0)
    return mode
