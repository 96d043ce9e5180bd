"""How one file or a tree of files gets to its place: copy and template share it."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Mapping, Optional, Union

from nxtplay.core.files import FileState, FileTree
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.modes import octal
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _files
from nxtplay.modules._files import Bytes, Ownership
from nxtplay.modules._sources import Source, SourceTree

State = FileState


def target_of(host: Reader, dest: str, name: Optional[str], *, follow: bool) -> str:
    """Where a file of that name goes: into `dest` when that is a directory (or ends with a slash), else to `dest` itself."""
    path = _files.host_path(dest)
    if name is not None and (dest.endswith("/") or host.is_dir(path)):
        path = os.path.join(path, name)
    return host.resolve(path) if follow else path


def desired_file(
    host: Reader, args: Ownership, path: str, before: Optional[State], content: Any, *, mode: Optional[str], make_parents: bool = False
) -> State:
    """The wanted state of one file. `content` is a Content or Unknown. Failed for what stands in the way."""
    if before is not None and before.kind == "directory":
        raise Failed(f"{path} is a directory; a file cannot take its place")
    parents: dict[str, FileState] = {}
    if make_parents and before is None:
        parents = on_the_way(host, args, _files.missing_parents(host, path))
    if before is not None and before.kind == "file":
        base = before
    else:
        base = _files.fresh(host, path, "file", parents.get(os.path.dirname(path)))
    return _files.holding(_files.with_attributes(host, args, base, mode=mode), content, path)


# -- trees -----------------------------------------------------------------------------------------------------------


def tree_root(dest: str, tree: SourceTree) -> str:
    path = _files.host_path(dest)
    return os.path.join(path, tree.name) if tree.name else path


def observe_tree(host: Reader, root: str, tree: SourceTree) -> Optional[FileTree]:
    state = host.stat(root, follow=True)
    if state is None:
        return None
    others = {path: host.stat(path, content=True) for path in (os.path.join(root, entry.name) for entry in tree.entries)}
    others.update(
        (path, _files.hidden(others[path])) for path in (os.path.join(root, entry.name) for entry in tree.entries if entry.secret)
    )
    return FileTree(**{f.name: getattr(state, f.name) for f in dataclasses.fields(FileState)}, others=others)


def desired_tree(host: Reader, args: Any, root: str, before: Optional[FileTree], tree: SourceTree, *, force: bool = True) -> FileTree:
    """The root and every entry below it as they shall be; what else is there stays out of it."""
    preserve = args.mode == "preserve"
    if before is not None and before.kind != "directory":
        raise Failed(f"{root} is a {before.kind}; a directory cannot be copied onto it")
    made: dict[str, FileState] = {}
    if before is None:
        made = on_the_way(host, args, [*_files.missing_parents(host, root), root], octal(tree.mode) if preserve else None)
    top = made[root] if before is None else _owned(host, args, before)
    held = (before.others or {}) if before is not None else {}
    others: dict[str, Optional[FileState]] = {}
    named = tree_root(args.dest, tree)
    link = host.canonical(named) if named != root else None
    for entry in tree.entries:
        path = os.path.join(root, entry.name)
        if link is not None and host.canonical(path) == link:
            raise Failed(f"{path} is dest itself, a link to where it stands; what is copied would take its place")
        now = held.get(path)
        parent = others.get(os.path.dirname(path)) or (top if os.path.dirname(path) == root else None)
        others[path] = _desired_entry(host, args, path, now, entry, parent, force=force)
    return FileTree(**{f.name: getattr(top, f.name) for f in dataclasses.fields(FileState)}, others=others)


def on_the_way(host: Reader, args: Any, paths: list[str], mode: Optional[str] = None) -> dict[str, FileState]:
    """Directories that copy and template make: `mode` of the arguments is for files alone, directory_mode is theirs."""
    plain = dataclasses.replace(args, mode=None)
    own = getattr(args, "directory_mode", None)
    return _files.new_directories(host, plain, paths, mode=mode if own is None else own)


def _owned(host: Reader, args: Any, state: FileState) -> FileState:
    return _files.with_attributes(host, dataclasses.replace(args, mode=None), state)


def _desired_entry(
    host: Reader, args: Any, path: str, now: Optional[FileState], entry: Source, parent: Optional[FileState], *, force: bool
) -> FileState:
    preserve = octal(entry.mode) if args.mode == "preserve" else None
    if entry.target is not None:
        base = now if now is not None and now.kind == "link" else dataclasses.replace(_files.fresh(host, path, "file", parent), mode=0o777)
        return _owned(host, args, dataclasses.replace(base, kind="link", target=entry.target, content=None))
    if entry.content is None:
        if now is not None and now.kind != "directory":
            raise Failed(f"{path} is a {now.kind}; a directory cannot be copied onto it")
        if now is not None:
            return _owned(host, args, now)
        made = _files.fresh(host, path, "directory", parent)
        return _files.with_attributes(host, dataclasses.replace(args, mode=None), made, mode=args.directory_mode or preserve)
    if now is not None and now.kind == "directory":
        raise Failed(f"{path} is a directory; a file cannot take its place")
    if now is not None and not force:
        return now
    base = now if now is not None and now.kind == "file" else _files.fresh(host, path, "file", parent)
    return _files.holding(
        _files.with_attributes(host, args, base, mode=preserve), _files.content_of(entry.content, secret=entry.secret), path
    )


def apply_tree(host: Host, args: Any, root: str, plan: Plan[Any], tree: SourceTree) -> None:
    before, after = plan.before, plan.after
    assert after is not None
    if before is None:
        for directory, state in on_the_way(host, args, _files.missing_parents(host, root)).items():
            _files.make_directory(host, directory, state)
        _files.make_directory(host, root, after)
    else:
        _files.set_attributes(root, before, after)
    for entry in tree.entries:
        path = os.path.join(root, entry.name)
        _put_entry(host, args, path, ((before.others or {}) if before else {}).get(path), after.others[path], entry)


def _put_entry(host: Host, args: Any, path: str, now: Optional[FileState], after: FileState, entry: Source) -> None:
    if after.kind == "directory":
        if now is None:
            _files.make_directory(host, path, after)
        else:
            _files.set_attributes(path, now, after)
    elif after.kind == "link":
        make_link(host, path, now, after)
    else:
        _files.put(host, args, path, now, after, entry.content)


def make_link(host: Host, path: str, now: Optional[FileState], after: FileState) -> None:
    """A symbolic link, put in place at once where a file or another link was."""
    if now is None or now.kind != "link" or now.target != after.target:
        temporary = f"{os.path.dirname(path)}/.nxtplay-{os.getpid()}-{os.path.basename(path)[:60]}"
        try:
            os.symlink(after.target or "", temporary)
            os.rename(temporary, path)
        except OSError as error:
            host.remove(temporary)
            raise Failed(f"cannot link {path}: {error.strerror}") from error
    found = host.stat(path)
    if found is not None:
        _files.set_attributes(path, found, after)


def tree_on_host(host: Reader, path: str, *, name: str, follow: bool) -> SourceTree:
    """A directory of the host itself as a source (remote_src)."""
    entries: list[Source] = []

    def walk(below: str, above: tuple[str, ...]) -> None:
        here = host.canonical(host.resolve(os.path.join(path, below)))
        if here in above:
            raise Failed(f"src: {os.path.join(path, below)} leads back to itself through a symbolic link")
        for child in host.listdir(os.path.join(path, below)):
            relative = os.path.join(below, child)
            full = os.path.join(path, relative)
            state = host.stat(full, follow=follow)
            if state is None:
                continue
            if state.kind == "link":
                entries.append(Source(relative, 0o777, target=state.target))
            elif state.kind == "directory":
                entries.append(Source(relative, known(state.mode)))
                walk(relative, (*above, here))
            elif state.kind == "file":
                entries.append(Source(relative, known(state.mode), content=host.read(full)))

    state = host.stat(path, follow=True)
    walk("", ())
    return SourceTree(name, known(state.mode) if state else 0o755, tuple(entries))


def known(mode: Union[int, Unknown, None]) -> int:
    """The number, raising UnknownReached where it is not foreseeable."""
    return int(mode) if mode is not None else 0o644


def with_parents(plan: Plan[State], made: Mapping[str, State]) -> list[tuple[str, Any]]:
    """What a check may count on besides: directories made on the way; the path itself once more, since a new parent is foreseen empty."""
    after = plan.after
    if after is None or after.path is None or not made:
        return []
    return [(f"file:{path}", state) for path, state in {**made, after.path: after}.items()]


def with_parents_made(host: Reader, args: Any, plan: Plan[State]) -> list[tuple[str, Any]]:
    """The same for a file that comes with the directories that it lacks."""
    path = plan.after.path if plan.after is not None else None
    if path is None or plan.before is not None:
        return []
    return with_parents(plan, on_the_way(host, args, _files.missing_parents(host, path)))


def write(host: Host, args: Any, plan: Plan[State], data: Optional[Bytes], *, make_parents: bool) -> None:
    """Apply a plan for one file."""
    after = plan.after
    assert after is not None and after.path is not None
    if make_parents and plan.before is None:
        for directory, state in on_the_way(host, args, _files.missing_parents(host, after.path)).items():
            _files.make_directory(host, directory, state)
    _files.put(host, args, after.path, plan.before, after, data)
