"""What the modules share that make keys and certificates: the host's openssl, and files whose content only chance knows."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Optional, Union

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import arg
from nxtplay.core.state import Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _files

Facts = dict[str, Any]


class Made(_files.Ownership):
    """The arguments of modules that make such a file."""

    path: Path = arg(help="The file.", key=True)
    force: bool = arg(False, help="Make it anew although it is right.")
    backup: bool = arg(False, help="Keep a copy of the old file beside it.")


@dataclass(frozen=True)
class Pem:
    """A file by what it says, not by its bytes: `facts` are those that the arguments speak of."""

    facts: Facts
    mode: Union[int, Unknown, None]
    uid: Union[int, Unknown, None]
    gid: Union[int, Unknown, None]


def openssl(host: Reader, program: str = "openssl") -> str:
    found = host.which(program)
    if found is None:
        raise Failed(f"no {program} on this host")
    return found


def place(args: Made) -> str:
    return _files.host_path(args.path)


def of_file(facts: Facts, state: FileState) -> Pem:
    return Pem(facts, state.mode, state.uid, state.gid)


def wanted(host: Reader, args: Made, facts: Facts, before: Optional[Pem], *, mode: str) -> Pem:
    """The file with these facts and the attributes of the arguments; a new one has `mode` where they say none."""
    path = place(args)
    there = host.stat(path) if before is not None else None
    if there is not None and there.kind == "directory":
        raise Failed(f"{path} is a directory; a file cannot take its place")
    base = there or dataclasses.replace(_files.fresh(host, path, "file"), mode=int(mode, 8))
    return of_file(facts, _files.with_attributes(host, args, base))


def foreseen(args: Made, after: Pem, reason: str) -> list[tuple[str, Any]]:
    """What a check may count on: the file, its content unknown."""
    path = place(args)
    return [(f"file:{path}", FileState("file", after.mode, after.uid, after.gid, Unknown(reason), path=path))]


def put(host: Host, args: Made, after: Pem, data: Optional[bytes]) -> None:
    """Write the file at once, when there is data; then its attributes."""
    path = place(args)
    mode, uid, gid = (one if isinstance(one, int) else None for one in (after.mode, after.uid, after.gid))
    if data is not None:
        if args.backup and os.path.exists(path):
            host.note(backup_file=_files.keep_backup(path))
        host.write(path, data, mode=mode, uid=uid, gid=gid)
        return
    now = host.stat(path)
    if now is not None:
        _files.set_attributes(path, now, dataclasses.replace(now, mode=after.mode, uid=after.uid, gid=after.gid))
