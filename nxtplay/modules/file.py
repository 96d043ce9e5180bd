"""file: a path's kind, owner and mode; directories, links, removal."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState, FileTree
from nxtplay.core.frozen import frozen
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _copy, _files, _packages


@frozen
class _Linked(FileState):
    """A file and which other path is the very same file."""

    same_as: Optional[str] = None


class File(_files.Ownership, Resource[FileState]):
    """Set what a path is (directory, link, absent ...) and whose it is."""

    path: Path = arg(help="The path to look after.", aliases=["dest", "name"], key=True)
    state: Literal["absent", "directory", "file", "hard", "link", "touch"] | None = arg(
        None, help="What it shall be. Without it: what it is, or a directory with recurse."
    )
    src: Path | None = arg(None, help="Where a link leads.")
    recurse: bool = arg(False, help="Set owner, group and mode of everything below a directory too.")
    force: bool = arg(False, help="Make a link to what is not there, and replace a file by a link.")
    follow: bool = arg(True, help="Follow a symbolic link at the path.")
    modification_time: str | None = arg(None, help="preserve, now or a time as modification_time_format writes it.")
    modification_time_format: str = arg("%Y%m%d%H%M.%S", help="How modification_time is written.")
    access_time: str | None = arg(None, help="preserve, now or a time as access_time_format writes it.")
    access_time_format: str = arg("%Y%m%d%H%M.%S", help="How access_time is written.")

    def key(self) -> str:
        return _files.file_key(self.path)

    def key_on(self, host: Reader) -> str:
        return "file:" + self._place(host)

    def observe(self, host: Reader) -> Optional[FileState]:
        path = self._place(host)
        state = host.stat(path, times=self._times_matter())
        wanted = self._wanted(host)
        if state is None:
            return self._not_there(host, path, wanted)
        if wanted == "hard":
            source_path = self._source_path(path)
            found, source = host.stat(path, content=True), host.stat(source_path)
            linked = found is not None and source is not None and found.inode is not None and found.inode == source.inode
            linked = linked or host.canonical(path) == host.canonical(source_path)  # a file that is only foreseen has no inode
            return _linked(found, source_path if linked else None) if found is not None else None
        if wanted == "directory" and self.recurse and state.kind == "directory":
            return _tree(state, {below: host.stat(below) for below in _everything_below(host, path, follow=self.follow)})
        if wanted == "link" and self.follow and self._owns():
            end = self._link_end(host, path, self._target(state))
            return _tree(state, {end: host.stat(end)} if end else {})
        return state

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        wanted = self._wanted(host)
        if self.src is not None and wanted not in ("link", "hard"):
            raise Failed("src is of use only with state link or hard")
        if self.recurse and wanted != "directory":
            raise Failed("recurse is of use only with state: directory")
        make = {"absent": self._absent, "directory": self._directory, "link": self._link, "hard": self._hard}.get(wanted, self._file)
        try:
            return make(host, before)
        except Failed as error:  # what is there instead
            error.result = {**self.result(before, before), **error.result}
            raise

    def _not_there(self, host: Reader, path: str, wanted: str) -> Optional[FileState]:
        """Nothing, or what cannot be known: a package that would be installed may bring the directory, or what shall be absent."""
        later: Any = _packages.not_there(host, path) if wanted in ("directory", "absent") else None
        return later  # type: ignore[no-any-return]

    # -- the states

    def _absent(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        if before is not None and path in ("/", os.path.expanduser("~")):
            raise Failed(f"refusing to remove {path}")
        return None

    def _file(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        if before is None and self.state != "touch":
            hint = "state: file only looks after a file that is there (touch, copy or template make one)"
            raise Failed(f"{path} is absent; {hint}", path=path, state="absent")
        if before is None:
            before = dataclasses.replace(_files.fresh(host, path, "file"), content=Content.of(b""))
        elif before.kind != "file" and self.state == "file":
            raise Failed(f"{path} is a {before.kind}, expected a file")
        elif before.kind not in ("file", "directory", "link"):
            raise Failed(f"{path} is a {before.kind}; it cannot be touched")
        return self._timed(_files.with_attributes(host, self, before))

    def _directory(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        if before is None or isinstance(before, Unknown):
            new = _files.new_directories(host, self, [*_files.missing_parents(host, path), path])[path]
            return new if before is None else self._left_open(new, before)
        if before.kind != "directory":
            raise Failed(f"{path} is a {before.kind}; it does not become a directory (remove it first)")
        after = _files.with_attributes(host, self, before)
        if isinstance(before, FileTree):
            others = {p: s if s is None else _files.with_attributes(host, self, s) for p, s in (before.others or {}).items()}
            after = dataclasses.replace(after, others=others)  # type: ignore[call-arg]
        return self._timed(after)

    def _left_open(self, new: FileState, later: Any) -> FileState:
        """A directory that may be there already: what the arguments do not speak of is as it will be."""
        given = {"mode": self.mode, "uid": self.owner, "gid": self.group}
        return dataclasses.replace(new, **{name: later for name, value in given.items() if value is None})

    def _link(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        target = self._target(before)
        if target is None:
            raise Failed(f"src is required: where shall the link {path} lead?")
        end = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if before is not None and before.kind == "directory":
            if not self.force or host.listdir(path):
                raise Failed(f"{path} is a directory; it does not become a link" + (" while it holds files" if self.force else ""))
        elif before is not None and before.kind != "link" and not self.force:
            raise Failed(f"{path} is a {before.kind}; it becomes a link only with force: true")
        if _leads_back(host, end, path):
            raise Failed(f"src: {target} leads back to {path} itself")
        if not self.force and host.stat(end, follow=True) is None:
            raise Failed(f"src: {end} does not exist; force: true makes the link all the same")
        if before is not None and before.kind == "link":
            state: FileState = dataclasses.replace(before, target=target)
        else:
            state = dataclasses.replace(_files.fresh(host, path, "file"), kind="link", mode=0o777, target=target)
        if not self.follow:
            return _files.with_attributes(host, self, state)
        if not self._owns():
            return state
        behind = self._link_end(host, path, target)
        found = host.stat(behind) if behind else None
        others = {behind: _files.with_attributes(host, self, found)} if behind and found is not None else {}
        return _tree(state, dict(others))

    def _hard(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        if self.src is None:
            raise Failed(f"src is required: which file shall {path} be?")
        source_path = self._source_path(path)
        source = host.stat(source_path, content=True)
        if source is None:
            raise Failed(f"src: {source_path} does not exist")
        if source.kind != "file":
            raise Failed(f"src: {source_path} is a {source.kind}; only a file can be linked hard")
        if before is not None and before.kind not in ("file", "link"):
            raise Failed(f"{path} is a {before.kind}; it does not become a hard link")
        _files.parent_state(host, path)
        same = isinstance(before, _Linked) and before.same_as is not None
        if before is not None and not same and not self.force and (before.kind == "link" or before.content != source.content):
            raise Failed(f"{path} is another {before.kind}; it becomes a hard link only with force: true")
        return _linked(_files.with_attributes(host, self, dataclasses.replace(source, path=path)), source_path)

    # -- doing

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        path, before, after = self._place(host), plan.before, plan.after
        if after is None:
            host.remove(path)
        elif before is None and after.kind == "directory":
            for directory, state in _files.new_directories(host, self, [*_files.missing_parents(host, path), path]).items():
                _files.make_directory(host, directory, state)
        elif after.kind == "link":
            if before is not None and before.kind == "directory":
                host.remove(path)
            _copy.make_link(host, path, before, after)
        elif self.state == "hard":
            self._make_hard(host, path, after)
        elif before is None:
            _files.replace_file(host, path, lambda stream: None, after, unsafe=self.unsafe_writes, attributes=self.attributes)
        else:
            _files.set_attributes(path, before, after)
        self._apply_others(plan)
        self._set_times(host, path, plan)

    def _apply_others(self, plan: Plan[FileState]) -> None:
        after, before = plan.after, plan.before
        held = (before.others or {}) if isinstance(before, FileTree) else {}
        for path, state in (after.others or {}).items() if isinstance(after, FileTree) else ():
            now = held.get(path) or (None if state is None else dataclasses.replace(state, mode=None, uid=None, gid=None))
            if state is not None and now is not None:
                _files.set_attributes(path, now, state)

    def _make_hard(self, host: Host, path: str, after: FileState) -> None:
        temporary = f"{os.path.dirname(path)}/.nxtplay-{os.getpid()}-{os.path.basename(path)[:60]}"
        try:
            os.link(self._source_path(path), temporary)
            os.rename(temporary, path)
            if os.path.lexists(temporary):  # rename does nothing between two names of one inode
                os.unlink(temporary)
        except OSError as error:
            host.remove(temporary)
            raise Failed(f"cannot link {path}: {error.strerror}") from error
        found = host.stat(path)
        if found is not None:
            _files.set_attributes(path, found, after)

    # -- times, and touching

    def due(self, host: Reader, plan: Plan[FileState]) -> Optional[str]:
        if plan.before is not None and plan.after is not None and "now" in (self._time("modification"), self._time("access")):
            return "touches it"
        return None

    def perform(self, host: Host, plan: Plan[FileState]) -> None:
        path = self._place(host)
        if self._time("access") == self._time("modification"):  # which whoever may write to it may do
            os.utime(path)
            return
        found = os.stat(path)
        now = time.time()
        access = now if self._time("access") == "now" else found.st_atime
        modification = now if self._time("modification") == "now" else found.st_mtime
        os.utime(path, (access, modification))

    def _time(self, which: str) -> Optional[str]:
        given: Optional[str] = getattr(self, f"{which}_time")
        return given if given is not None else ("now" if self.state == "touch" else None)

    def _times_matter(self) -> bool:
        return any(self._time(which) not in (None, "now", "preserve") for which in ("modification", "access"))

    def _timed(self, state: FileState) -> FileState:
        if not self._times_matter():
            return state
        mtime, atime = self._moment("modification"), self._moment("access")
        return dataclasses.replace(state, mtime=state.mtime if mtime is None else mtime, atime=state.atime if atime is None else atime)

    def _moment(self, which: str) -> Optional[float]:
        """The time given, in seconds; None where it is not given as a time."""
        text, form = self._time(which), getattr(self, f"{which}_time_format")
        if text in (None, "now", "preserve"):
            return None
        try:
            return time.mktime(time.strptime(str(text), form))
        except (ValueError, OverflowError):
            raise Failed(f"{which}_time: '{text}' is not written as {form}") from None

    def _set_times(self, host: Host, path: str, plan: Plan[FileState]) -> None:
        after = plan.after
        if after is not None and self._times_matter() and after.kind != "link":
            found = os.stat(path)
            atime = found.st_atime if after.atime is None else after.atime
            os.utime(path, (atime, found.st_mtime if after.mtime is None else after.mtime))

    # -- where and what

    def _wanted(self, host: Reader) -> str:
        if self.state is not None:
            return self.state
        now = host.stat(_files.host_path(self.path), follow=self.follow)
        if now is None:
            return "directory" if self.recurse else "file"
        return now.kind

    def _place(self, host: Reader) -> str:
        path = _files.host_path(self.path)
        if self.follow and self.state not in ("absent", "link", "hard"):
            return host.resolve(path)
        if self.state == "hard" and self.src is not None and host.is_dir(path):
            return os.path.join(path, os.path.basename(_files.host_path(self.src)))
        return path

    def _owns(self) -> bool:
        return self.owner is not None or self.group is not None or self.mode is not None

    def _target(self, before: Optional[FileState]) -> Optional[str]:
        if self.src is not None:
            return _files.expanded(self.src)
        return before.target if before is not None and before.kind == "link" else None

    def _source_path(self, path: str) -> str:
        return os.path.normpath(os.path.join(os.path.dirname(path), _files.expanded(self.src or "")))

    def _link_end(self, host: Reader, path: str, target: Optional[str]) -> Optional[str]:
        """The path a link leads to in the end, None where nothing is there."""
        if target is None:
            return None
        try:
            end = host.resolve(os.path.normpath(os.path.join(os.path.dirname(path), target)))
        except Failed:  # links that lead in a circle
            return None
        return end if end != path and host.stat(end) is not None else None

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        after = plan.after
        if isinstance(after, _Linked) and after.same_as is not None:  # one file under two names
            return [(f"file:{after.same_as}", dataclasses.replace(after, path=after.same_as, same_as=None))]
        if _new(plan.before) and after is not None and after.kind == "directory" and after.path is not None:
            return _copy.with_parents(plan, _files.new_directories(host, self, _files.missing_parents(host, after.path)))
        return _copy.with_parents(plan, {})

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        path = after.path if after is not None and after.path else _files.host_path(self.path)
        out = {"path": path, "dest": path, **_files.facts_of(after)}
        if self.src is not None:
            out["src"] = _files.expanded(self.src)
        if self.state == "hard":
            out["state"] = "hard"
        return out


def _new(before: Any) -> bool:
    return before is None or isinstance(before, Unknown)


def _leads_back(host: Reader, start: str, path: str) -> bool:
    """Whether links from `start` on come to `path`."""
    for _ in range(40):
        if host.canonical(start) == host.canonical(path):
            return True
        state = host.stat(start)
        if state is None or state.kind != "link":
            return False
        start = os.path.normpath(os.path.join(os.path.dirname(host.canonical(start)), state.target or ""))
    return True


def _linked(state: FileState, same_as: Optional[str]) -> _Linked:
    return _Linked(**{f.name: getattr(state, f.name) for f in dataclasses.fields(FileState)}, same_as=same_as)


def _tree(state: FileState, others: dict[str, Optional[FileState]]) -> FileTree:
    return FileTree(**{f.name: getattr(state, f.name) for f in dataclasses.fields(FileState)}, others=others)


def _everything_below(host: Reader, path: str, *, follow: bool) -> list[str]:
    """Every path below a directory, parents first; with `follow`, also what links lead to and what is below that, each path once."""
    out: dict[str, None] = {}

    def take(place: str) -> None:
        state = host.stat(place)
        if place in out or state is None:
            return
        out[place] = None
        if state.kind == "directory":
            walk(place)
        elif state.kind == "link" and follow:
            with contextlib.suppress(Failed):  # links that lead in a circle
                end = host.canonical(host.resolve(place))
                if end != top:
                    take(end)

    def walk(directory: str) -> None:
        for name in host.listdir(directory):
            take(os.path.join(directory, name))

    top = host.canonical(path)
    walk(path)
    return list(out)
