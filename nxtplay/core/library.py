"""Archives carried to hosts (the agent, pure-Python libraries): unpacked once per hash below the user's cache, then found by import."""

from __future__ import annotations

import os
import stat
import sys

_STALE = 30 * 86400  # seconds after which an agent that nobody started is removed


def cache_dir() -> str:
    """Where this user's agent and libraries are kept (0700); made if need be. Raises OSError."""
    problem = OSError("no directory of our own can be made")
    for path in _places():
        try:
            return _own(path)
        except OSError as error:  # no home, or one that cannot be written
            problem = error
    raise problem


def activate(digest: str) -> bool:
    """Put the library on the import path; False where the host does not have it."""
    for place in _places():
        path = os.path.join(place, digest)
        if os.path.isdir(path) and _is_own(place):
            if path not in sys.path:
                sys.path.append(path)
            return True
    return False


def install(digest: str, archive: bytes) -> None:
    """Unpack an archive below the cache, complete or not at all, and put it on the import path; elsewhere where the disk is full."""
    problem = OSError("no directory of our own can be made")
    for place in _places():
        try:
            _unpack(_own(place), digest, archive)
            break
        except OSError as error:
            problem = error
    else:
        raise problem
    activate(digest)


def _places() -> list[str]:
    """The cache and what serves instead of it: memory last."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = "nxtplay-%d" % os.geteuid()
    others = [os.path.join(path, name) for path in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm") if path]
    return [os.path.join(base, "nxtplay"), *others]


def _own(path: str) -> str:
    """The directory, ours alone. Raises OSError where it cannot be, or is somebody else's."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    if not _is_own(path) or not os.access(path, os.W_OK):
        raise PermissionError(f"{path} is not ours alone")
    return path


def _is_own(path: str) -> bool:
    """A real directory of this user that nobody else can write: code is loaded from it."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _unpack(place: str, digest: str, archive: bytes) -> None:
    """An archive: zlib over (u32 size of the name, u32 size of the content, name, content) for each file. To read a zip costs three
    times as much, most of it for importing what reads it."""
    import zlib

    temporary = os.path.join(place, ".unpack-" + os.urandom(8).hex())
    os.mkdir(temporary, 0o700)
    try:
        data, at = zlib.decompress(archive), 0
        while at < len(data):
            name = at + 8
            content = name + int.from_bytes(data[at : at + 4], "big")
            at = content + int.from_bytes(data[at + 4 : name], "big")
            _write(os.path.join(temporary, data[name:content].decode()), data[content:at])
        os.rename(temporary, os.path.join(place, digest))
    except BaseException:
        import shutil

        shutil.rmtree(temporary, ignore_errors=True)
        if not os.path.isdir(os.path.join(place, digest)):  # else another agent of this user was faster
            raise
    _forget_old(place)


def _write(path: str, content: bytes) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    with open(path, "wb") as stream:
        stream.write(content)


def _forget_old(place: str) -> None:
    """Agents of earlier versions, and what an interrupted unpacking left."""
    import time

    for name in os.listdir(place):
        path = os.path.join(place, name)
        try:
            if name.startswith(("agent-", ".unpack-")) and time.time() - os.stat(path).st_mtime > _STALE:
                import shutil

                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
