"""What the file modules share: common arguments, wanted attributes, writing, results. The state is core.files.FileState."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import re
import time
from typing import Any, Iterable, Optional, Union

from nxtplay.core import place
from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader, current_umask
from nxtplay.core.modes import apply_symbolic_mode
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Unknown, diff
from nxtplay.core.types import Mode
from nxtplay.core.wire import Blob

Id = Union[int, Unknown, None]
Bytes = Union[bytes, Blob]


class Ownership(Args):
    """The arguments that every module has which writes files."""

    owner: str | None = arg(None, help="User that shall own it, by name or number.")
    group: str | None = arg(None, help="Group that shall own it, by name or number.")
    mode: Mode | None = arg(None, help="Permissions: octal as text ('0644') or symbolic ('u=rw,go=r').")
    attributes: str | None = arg(None, help="Flags as chattr takes them (+i, =a ...).", aliases=["attr"])
    seuser: str | None = arg(None, help="SELinux user; of no effect where SELinux is off.")
    serole: str | None = arg(None, help="SELinux role; of no effect where SELinux is off.")
    setype: str | None = arg(None, help="SELinux type; of no effect where SELinux is off.")
    selevel: str | None = arg(None, help="SELinux level; of no effect where SELinux is off.")
    unsafe_writes: bool = arg(False, help="Write in place where the file cannot be replaced at once (a bind mount in a container).")


class Content_(Args):
    """The arguments of modules that replace a file's content."""

    backup: bool = arg(False, help="Keep a copy of the old file beside it.")
    validate: str | None = arg(None, help="Command that must accept the new file before it is put in place; %s is its path.")


def host_path(path: str) -> str:
    """The absolute path on the host, `~` and `$HOME` expanded, without a slash at its end."""
    return os.path.normpath(os.path.join(place.here(), expanded(path)))


def expanded(path: str) -> str:
    """A path as results name it: `~` and `$HOME` expanded, relative where it was."""
    return os.path.expanduser(os.path.expandvars(path))


def file_key(path: str) -> str:
    return "file:" + host_path(path)


# -- owner, group, mode ----------------------------------------------------------------------------------------------


def uid_of(host: Reader, name: str) -> Union[int, Unknown]:
    """The number of a user, unknown for one that a check only foresees. Failed for one that is not there."""
    import pwd

    if name.isdigit():
        return int(name)
    if host.has_foreseen(f"user:{name}"):
        return _foreseen_id(host, f"user:{name}", "uid", f"no user '{name}' on this host")
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Failed(f"no user '{name}' on this host") from None


def gid_of(host: Reader, name: str) -> Union[int, Unknown]:
    """The number of a group, unknown for one that a check only foresees. Failed for one that is not there."""
    import grp

    if name.isdigit():
        return int(name)
    if host.has_foreseen(f"group:{name}"):
        return _foreseen_id(host, f"group:{name}", "gid", f"no group '{name}' on this host")
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise Failed(f"no group '{name}' on this host") from None


def _foreseen_id(host: Reader, key: str, attribute: str, missing: str) -> Union[int, Unknown]:
    state = host.foreseen_under(key).get(key)
    if state is None:
        raise Failed(missing)
    if isinstance(state, Unknown):
        return state
    number = getattr(state, attribute, None)
    return number if isinstance(number, (int, Unknown)) else Unknown(f"the number of {key} is known once it is made")


def parent_state(host: Reader, path: str) -> FileState:
    """The directory a path is in. Failed where there is none: what cannot be written is foreseen."""
    parent = os.path.dirname(path)
    state = host.stat(parent, follow=True)
    if state is None:
        raise Failed(f"directory {parent} does not exist, so {path} cannot be written there")
    if state.kind != "directory":
        raise Failed(f"{parent} is a {state.kind}, not a directory")
    return state


def fresh(host: Reader, path: str, kind: str, parent: Optional[FileState] = None) -> FileState:
    """The state of a file or directory as the system makes it: umask, own user, the parent's group where it says so."""
    parent = parent or parent_state(host, path)
    inherit = isinstance(parent.mode, int) and bool(parent.mode & 0o2000)
    mode = (0o777 if kind == "directory" else 0o666) & ~current_umask()
    if inherit and kind == "directory":
        mode |= 0o2000
    return FileState(kind, mode=mode, uid=os.geteuid(), gid=parent.gid if inherit else os.getegid(), path=path)


def with_attributes(host: Reader, args: Ownership, state: FileState, *, mode: Optional[str] = None) -> FileState:
    """The state with owner, group and mode as the arguments want them; what they do not speak of stays."""
    wanted_mode = mode if mode is not None else args.mode
    uid: Id = uid_of(host, args.owner) if args.owner is not None else state.uid
    gid: Id = gid_of(host, args.group) if args.group is not None else state.gid
    _may_chown(state, uid, gid)
    _unsupported(args)
    bits: Id = state.mode
    if wanted_mode is not None and state.kind != "link":
        bits = mode_bits(wanted_mode, state)
    return dataclasses.replace(state, mode=bits, uid=uid, gid=gid, flags=_flags(args, state))


def _flags(args: Ownership, state: FileState) -> Optional[str]:
    """The flags that the arguments ask for, where they are others than the path has."""
    if args.attributes is None or state.path is None:
        return state.flags
    from nxtplay.modules import _attributes

    there = _attributes.wanted(state.path, "+", now=state.flags)
    wanted = _attributes.wanted(state.path, args.attributes, now=state.flags)
    return state.flags if wanted == there else wanted


def mode_bits(mode: str, state: FileState) -> Id:
    """The permission bits a mode in text means for a state."""
    if re.fullmatch(r"[0-7]+", mode):
        return int(mode, 8)
    if isinstance(state.mode, Unknown) or state.mode is None:
        return state.mode
    return apply_symbolic_mode(mode, state.mode, is_directory=state.kind == "directory", umask=current_umask())


def _may_chown(state: FileState, uid: Id, gid: Id) -> None:
    if os.geteuid() == 0:
        return
    if isinstance(uid, int) and isinstance(state.uid, int) and uid != state.uid:
        raise Failed(f"only root may give {state.path} to another user; this task runs as uid {os.geteuid()} (try become: true)")
    if isinstance(gid, int) and isinstance(state.gid, int) and gid != state.gid and gid not in (os.getegid(), *os.getgroups()):
        raise Failed(f"only root or a member may give {state.path} to group {gid} (try become: true)")


def _unsupported(args: Ownership) -> None:
    if (args.seuser or args.serole or args.setype or args.selevel) and os.path.exists("/sys/fs/selinux/enforce"):
        raise Failed("SELinux contexts are not supported yet; set them with command: chcon")


def set_attributes(path: str, before: FileState, after: FileState) -> None:
    """Bring owner, group and mode of an existing path about; links themselves, never their targets."""
    uid = after.uid if isinstance(after.uid, int) and after.uid != before.uid else -1
    gid = after.gid if isinstance(after.gid, int) and after.gid != before.gid else -1
    try:
        if uid != -1 or gid != -1:
            os.lchown(path, uid, gid)
        if after.kind != "link" and isinstance(after.mode, int) and (after.mode != before.mode or after.mode & 0o6000):
            os.chmod(path, after.mode)
    except OSError as error:
        raise Failed(f"cannot change {path}: {error.strerror}") from error
    _put_flags(path, before, after)


def _put_flags(path: str, before: Optional[FileState], after: FileState) -> None:
    if after.flags is not None and (before is None or after.flags != before.flags):
        from nxtplay.modules import _attributes

        _attributes.put(path, after.flags)


# -- writing ---------------------------------------------------------------------------------------------------------


def holding(state: FileState, content: Any, path: str) -> FileState:
    """The state with other content; a file whose content changes is replaced, so it is another inode, and of whoever replaces it."""
    if isinstance(content, Unknown) or content != state.content:
        uid, gid = state.uid, state.gid
        if os.geteuid() != 0:
            uid = os.geteuid()
            gid = gid if gid in (os.getegid(), *os.getgroups()) or isinstance(gid, Unknown) else os.getegid()
        return dataclasses.replace(state, content=content, path=path, inode=None, uid=uid, gid=gid)
    return dataclasses.replace(state, path=path)


def content_of(data: Bytes, *, secret: bool = False) -> Content:
    return Content.of(data, secret=secret) if isinstance(data, bytes) else Content(data.sha256, data.size)


def hidden(state: Optional[FileState]) -> Optional[FileState]:
    """The state with a content that no difference shows."""
    if state is None or not isinstance(state.content, Content):
        return state
    return dataclasses.replace(state, content=dataclasses.replace(state.content, secret=True))


def put(host: Host, args: Any, path: str, before: Optional[FileState], after: FileState, data: Optional[Bytes]) -> None:
    """Make the file at `path` so: content replaced at once where it differs, after backup and validation; then the attributes."""
    same = before is not None and before.kind == "file" and (data is None or before.content == after.content)
    if same and before is not None:
        set_attributes(path, before, after)
        return
    if getattr(args, "backup", False) and before is not None and before.kind == "file":
        host.note(backup_file=keep_backup(path))

    def fill(stream: Any) -> None:
        for chunk in [data] if isinstance(data, bytes) else data.chunks() if data is not None else ():
            stream.write(chunk)

    def inspect(temporary: str) -> None:
        if getattr(args, "validate", None):
            run_validate(host, args.validate, temporary)

    replace_file(host, path, fill, after, inspect=inspect, unsafe=args.unsafe_writes, attributes=args.attributes)


def put_bytes(host: Host, args: Ownership, path: str, data: bytes) -> bool:
    """Make `path` a file of these bytes with the attributes of the arguments; whether anything had to change."""
    before = host.stat(path, content=True)
    if before is not None and before.kind == "directory":
        raise Failed(f"{path} is a directory; a file cannot take its place")
    base = before if before is not None and before.kind == "file" else fresh(host, path, "file")
    after = dataclasses.replace(with_attributes(host, args, base), content=Content.of(data))
    if not diff(before, after):
        return False
    put(host, args, path, before, after, data)
    return True


def replace_file(
    host: Host, path: str, fill: Any, after: FileState, *, inspect: Any = None, unsafe: bool = False, attributes: Optional[str] = None
) -> None:
    """Replace a file at once; where the system refuses that (a bind mount) and `unsafe` allows, write into it. What takes a file's place
    has none of its flags, so `attributes` are asked for anew."""
    mode, uid, gid = (v if isinstance(v, int) else None for v in (after.mode, after.uid, after.gid))
    try:
        host.replace_with(path, fill, mode=mode, uid=uid, gid=gid, inspect=inspect)
    except Failed as failed:
        cause = failed.__cause__
        if not (unsafe and isinstance(cause, OSError)):
            raise
        with open(path, "wb") as stream:
            fill(stream)
        now = host.stat(path)
        if now is not None:
            set_attributes(path, now, after)
        return
    if attributes is not None:
        from nxtplay.modules import _attributes

        _attributes.put(path, _attributes.wanted(path, attributes))


def check_validate(command: Optional[str]) -> None:
    if command is not None and "%s" not in command:
        raise Failed(f"validate must contain %s: {command}; %s stands for the new file's path")


def run_validate(host: Host, command: str, path: str) -> None:
    import shlex

    done = host.run(shlex.split(command % path if command.count("%") == 1 else command.replace("%s", path)))
    if done.rc != 0:
        raise Failed(f"the new content was refused by validate (rc {done.rc}): {(done.stderr or done.stdout).strip()}", rc=done.rc)


def keep_backup(path: str) -> str:
    """Copy a file beside itself with its attributes; the copy's path."""
    name = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S~')}"
    try:
        import shutil

        shutil.copy2(path, name)
        found = os.stat(path)
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(name, found.st_uid, found.st_gid)
    except OSError as error:
        raise Failed(f"cannot back up {path}: {error.strerror}") from error
    return name


# -- directories made on the way -------------------------------------------------------------------------------------


def missing_parents(host: Reader, path: str) -> list[str]:
    """The directories above `path` (itself left out) that are not there, topmost first. Failed where something else is in the way."""
    missing: list[str] = []
    parent = os.path.dirname(path)
    while True:
        state = host.stat(parent, follow=True)
        if state is not None:
            if state.kind != "directory":
                raise Failed(f"{parent} is a {state.kind}, not a directory")
            return missing
        if host.stat(parent) is not None:
            raise Failed(f"{parent} is a link that leads nowhere")
        missing.insert(0, parent)
        parent = os.path.dirname(parent)


def new_directories(host: Reader, args: Ownership, paths: Iterable[str], *, mode: Optional[str] = None) -> dict[str, FileState]:
    """The states of directories to be made one in the other, topmost first."""
    made: dict[str, FileState] = {}
    for path in paths:
        made[path] = with_attributes(host, args, fresh(host, path, "directory", made.get(os.path.dirname(path))), mode=mode)
    return made


def make_directory(host: Host, path: str, state: FileState) -> None:
    host.mkdir(path)
    now = host.stat(path)
    assert now is not None
    set_attributes(path, now, state)


# -- looking ---------------------------------------------------------------------------------------------------------


def glob(host: Reader, pattern: str) -> list[str]:
    """The paths that match a shell pattern, as a check sees them."""
    if not re.search(r"[*?\[]", pattern):
        return [pattern] if host.stat(pattern) is not None else []
    parent, name = os.path.split(pattern)
    found = []
    for directory in glob(host, parent) if parent not in ("", "/") else [parent or "/"]:
        if host.is_dir(directory):
            names = host.listdir(directory)
            found += [os.path.join(directory, n) for n in names if fnmatch.fnmatchcase(n, name) and (name[:1] == "." or n[:1] != ".")]
    return found


def user_name(uid: Id) -> Any:
    import pwd

    if not isinstance(uid, int):
        return uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: Id) -> Any:
    import grp

    if not isinstance(gid, int):
        return gid
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def facts_of(state: Optional[FileState]) -> dict[str, Any]:
    """What file modules register about a path: state, mode, owner, group, uid, gid, size."""
    if state is None:
        return {"state": "absent"}
    out: dict[str, Any] = {
        "state": state.kind,
        "mode": f"0{state.mode:03o}" if isinstance(state.mode, int) else state.mode,
        "uid": state.uid,
        "gid": state.gid,
        "owner": user_name(state.uid),
        "group": group_name(state.gid),
    }
    if isinstance(state.content, Unknown):
        out["size"] = state.content
    elif state.content is not None:
        out["size"] = state.content.size
    elif state.path is not None:
        try:
            out["size"] = os.lstat(state.path).st_size
        except OSError:
            pass
    return out


def checksum_of(content: Union[Content, Unknown, None]) -> dict[str, Any]:
    """The checksums that copy and template register, where the content is at hand."""
    if isinstance(content, Unknown):
        return {"checksum": content, "md5sum": content}
    if content is None or content.data is None:
        return {}
    import hashlib

    return {"checksum": hashlib.sha1(content.data).hexdigest(), "md5sum": hashlib.md5(content.data).hexdigest()}
