"""Run tasks through converge in this process: `check` and `run`, and pictures of a tree before and after."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.core import wire
from nxtplay.core.converge import Outcome, converge
from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Module, decode
from nxtplay.core.state import Secret, Unknown, UnknownReached
from nxtplay.core.world import World
from nxtplay.modules import registry

Task = tuple[str, dict[str, Any]]  # (module, args)


@dataclass(frozen=True)
class Case:
    """A task on a start. `start` maps paths below the root to what is there: text is a file, None a directory, "-> x" a link,
    (text, mode) a file of that mode. In strings of args and start, {root} is the tree that is looked at, {files} the controller's files.
    """

    module: str
    args: Mapping[str, Any]
    start: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)  # on the controller
    expect: str = ""  # the run's status, where the case wants to pin it
    again: str = "ok"  # the status of a second run
    name: str = ""
    setup: Callable[[str], Any] | None = None  # further preparation, given the root

    def __str__(self) -> str:
        return self.name or f"{self.module}-{'-'.join(f'{k}={v}' for k, v in self.args.items())}"[:90]


@dataclass(frozen=True)
class Controller:
    """A controller whose files are below one directory."""

    root: str
    permit: bool = True
    host: str = "host"
    environ: Mapping[str, str] = field(default_factory=dict)
    where: str = "on the controller"

    def held(self, path: str) -> None:
        return None

    def find(self, path: str, subfolder: str) -> str:
        found = os.path.join(self.root, path.rstrip("/"))
        if not os.path.lexists(found):
            raise Failed(f"no {path} on the controller (looked in {self.root})")
        return found

    def blob(self, path: str) -> wire.Blob:
        with open(path, "rb") as stream:
            data = stream.read()
        return wire.Blob(hashlib.sha256(data).hexdigest(), len(data), path)

    def opened(self, path: str) -> bytes | None:
        """Plain is what the law's stand-in for vault holds behind its header."""
        with open(path, "rb") as stream:
            header, _, plain = stream.read().partition(b"\n")
        return plain if header == b"$ANSIBLE_VAULT;law" else None

    def template(self, path: str, options: Mapping[str, Any]) -> Any:
        with open(path, encoding="utf-8") as stream:
            return stream.read().replace("{{ name }}", "world")

    def secret(self, text: str) -> str:
        return Secret(text)


def plant(root: str, spec: Mapping[str, Any]) -> None:
    """Make what `spec` says below root (see Case.start); what was there goes."""
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    for name, what in spec.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        text, mode = what if isinstance(what, tuple) else (what, None)
        if text is None:
            os.makedirs(path, exist_ok=True)
        elif isinstance(text, str) and text.startswith("-> "):
            os.symlink(text[3:].replace("{root}", root), path)
        else:
            with open(path, "wb") as stream:
                stream.write(text if isinstance(text, bytes) else text.encode())
        if mode is not None:
            os.chmod(path, mode)


def filled(value: Any, **places: str) -> Any:
    """The value with {root} and {files} filled in everywhere."""
    if isinstance(value, str):
        for name, text in places.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, Mapping):
        return {k: filled(v, **places) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, **places) for v in value]
    return value


def module_of(task: Task, controller: Controller | None) -> Module:
    """The decoded module, its args prepared on the controller and sent over the wire as they would be."""
    name, args = task
    cls = registry.load(name)
    prepared = cls.prepare(dict(args), controller) if controller is not None else dict(args)
    return decode(cls, wire.decode(wire.encode(prepared)))


def check(tasks: Sequence[Task], files: str = "", world: World | None = None) -> list[Outcome]:
    """What a check says of tasks, each seeing what those before it would have left. Failures do not end it."""
    world = world if world is not None else World()
    return [_one(task, Reader(world), world, None, files) for task in tasks]


def run(tasks: Sequence[Task], files: str = "") -> list[Outcome]:
    """What a run does with the tasks. Failures do not end it."""
    out = []
    for task in tasks:
        permit = Host(World())
        out.append(_one(task, permit, World(), permit, files))
    return out


def _one(task: Task, reader: Reader, world: World, permit: Host | None, files: str) -> Outcome:
    try:
        module = module_of(task, Controller(files) if files else None)
    except Failed as failed:  # the controller's part failed, as it would before the job leaves
        return Outcome("failed", {"msg": failed.message})
    try:
        return converge(module, reader, world, permit)
    except UnknownReached as reached:
        if permit is not None:
            raise
        return Outcome("unknown", unknown=reached.unknown)


# -- pictures --------------------------------------------------------------------------------------------------------


def picture(root: str, *, exact: bool = True) -> dict[str, tuple[Any, ...]]:
    """Everything below root: kind, mode, owner, content or target; with `exact`, inode and times of change too."""
    out = {}
    for path in _walk(root):
        found = os.lstat(path)
        what: Any = None
        if stat.S_ISLNK(found.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(found.st_mode):
            with open(path, "rb") as stream:
                what = stream.read()
        entry: tuple[Any, ...] = (found.st_mode, found.st_uid, found.st_gid, what)
        out[os.path.relpath(path, root)] = (*entry, found.st_ino, found.st_mtime_ns, found.st_ctime_ns) if exact else entry
    return out


def _walk(root: str) -> Iterator[str]:
    yield root
    for directory, folders, names in os.walk(root):
        for name in (*folders, *names):
            yield os.path.join(directory, name)


FORMATS = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "link": stat.S_IFLNK, "fifo": stat.S_IFIFO}


def foreseen_picture(root: str, world: World) -> dict[str, Any]:
    """The tree as a check foresees it: as `picture(exact=False)`, with Unknown for what cannot be foreseen."""
    reader = Reader(world)
    out: dict[str, Any] = {}

    def walk(path: str) -> None:
        relative = os.path.relpath(path, root)
        try:
            state = reader.stat(path, content=True)
        except UnknownReached as reached:
            out[relative] = reached.unknown
            return
        if state is None:
            return
        if isinstance(state.kind, Unknown):
            out[relative] = state.kind
            return
        out[relative] = _entry(state)
        if state.kind == "directory":
            try:
                names = reader.listdir(path)
            except UnknownReached as reached:
                out[relative + "/"] = reached.unknown  # nothing can be said of what is below
                return
            for name in names:
                walk(os.path.join(path, name))

    walk(root)
    return out


def _entry(state: FileState) -> tuple[Any, ...]:
    what = state.target if state.kind == "link" else state.content
    mode = state.mode if isinstance(state.mode, Unknown) or state.mode is None else state.mode | FORMATS.get(state.kind, 0)
    return (mode, state.uid, state.gid, what)


def differences(foreseen: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where a foreseen picture says something else than the real one; unknowns say nothing."""
    out = []
    for path in sorted({*foreseen, *found}):
        if any(isinstance(foreseen.get(p), Unknown) for p in _above(path)):
            continue
        here, there = foreseen.get(path), found.get(path)
        if here is None or there is None:
            out.append(f"{path}: foreseen {here!r}, found {there!r}")
            continue
        for name, a, b in zip(("mode", "uid", "gid", "content"), here, there, strict=True):
            same = Content.of(b) == a if isinstance(a, Content) and isinstance(b, bytes) else a == b if not isinstance(a, Unknown) else True
            if not same:
                out.append(f"{path}: {name} foreseen {oct(a) if name == 'mode' else a!r}, found {oct(b) if name == 'mode' else b!r}")
    return out


def _above(path: str) -> list[str]:
    parts = path.rstrip("/").split("/")
    prefixes = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return [path, *prefixes, *(prefix + "/" for prefix in prefixes[:-1])]


def plain(outcome: Outcome) -> tuple[Any, ...]:
    """What of an outcome a check has to foresee: status and which attributes change."""
    paths = {c.path for c in outcome.changes if not c.unknown}
    if ("kind",) in paths:  # something else takes the place: what of the old one was looked at does not matter
        paths = {("kind",)}
    return outcome.status, tuple(sorted(paths))


def unknown_inside(outcome: Outcome) -> bool:
    return outcome.status == "unknown" or any(c.unknown for c in outcome.changes)


def as_dict(state: Any) -> Any:
    return dataclasses.asdict(state) if dataclasses.is_dataclass(state) and not isinstance(state, type) else state
