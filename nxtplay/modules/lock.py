"""lock: one at a time."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import time
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Duration, Path
from nxtplay.modules import _files

# The locks of this process by path. A lock has to outlive its task, and to end with the process however that ends: the system sees to it.
_held: dict[str, int] = {}


@dataclass(frozen=True)
class Locked:
    """We hold it."""

    path: str


class Lock(Resource[Locked]):
    """Hold a lock for the rest of the run, or until state: absent. It ends with the run, however that ends; none is ever left behind."""

    path: Path = arg(help="File to lock; made if need be, and kept.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Hold it, or let it go.")
    purpose: str = arg("", help="What it is held for, told to whoever comes second.")
    wait: Duration = arg(Duration(0), help="How long to wait for whoever holds it.")

    def key(self) -> str:
        return f"lock:{_files.host_path(self.path)}"

    def observe(self, host: Reader) -> Optional[Locked]:
        if host.has_foreseen(self.key()):
            found: Optional[Locked] = host.foreseen(self.key())
            return found
        path = _files.host_path(self.path)
        return Locked(path) if path in _held else None

    def desired(self, host: Reader, before: Optional[Locked]) -> Optional[Locked]:
        if self.state == "absent":
            return None
        path = _files.host_path(self.path)
        if before is None:
            _files.parent_state(host, path)
            holder = _holder(path) if not self.wait else ""
            if holder:
                raise Failed(holder)
        return Locked(path)

    def apply(self, host: Host, plan: Plan[Locked]) -> None:
        path = _files.host_path(self.path)
        if self.state == "absent":
            os.close(_held.pop(path))
            return
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(f"cannot lock {path}: {error.strerror}") from error
        deadline = time.monotonic() + max(self.wait, 1.0)  # somebody's check may look at it for a moment
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    os.close(handle)
                    raise Failed(_holder(path) or f"{path} is locked") from None
                host.progress(f"waiting for {path}")
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        os.write(handle, json.dumps({"pid": os.getpid(), "since": since, "purpose": self.purpose}).encode() + b"\n")
        _held[path] = handle

    def also_foresee(self, host: Reader, plan: Plan[Locked]) -> Sequence[tuple[str, Any]]:
        if self.state == "absent":
            return ()
        path = _files.host_path(self.path)
        live = host.stat(path) or dataclasses.replace(_files.fresh(host, path, "file"), mode=0o600)
        return [(_files.file_key(path), dataclasses.replace(live, content=Unknown("it names who holds the lock")))]

    def result(self, before: Optional[Locked], after: Optional[Locked]) -> dict[str, Any]:
        return {"path": _files.host_path(self.path), "locked": after is not None}


def _holder(path: str) -> str:
    """Who holds the lock, as a message; "" where nobody does."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Failed(f"cannot lock {path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return ""
    except OSError:
        try:
            found = json.loads(os.read(handle, 4096))
            about = f"{found['purpose'] or 'another run'} (pid {found['pid']}, since {found['since']})"
        except (ValueError, KeyError, TypeError):
            about = "another run"
        return f"{about} holds {path}; wait for its end, or say how long to wait (wait: 10m)"
    finally:
        os.close(handle)
