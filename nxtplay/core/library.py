"""Archives carried to hosts (the agent, pure-Python libraries): kept once per hash below the user's cache, then found by import.

An archive: u32 size of its index, the index, contents. The index is JSON, {path: [offset, size]}; each content is compressed by itself
(zlib). Python's sources stay packed, so that a host writes one file instead of hundreds and reads what it imports; what packages have
beside them (certificates, metadata) lies unpacked, where they look for it. What was compiled is kept in one more file.
"""

from __future__ import annotations

import os
import stat
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any

_STALE = 30 * 86400  # seconds after which an agent that nobody started is removed
_PACKED = "packed"  # the archive, in a directory with its hash for a name
_COMPILED = "compiled-%x" % sys.hexversion


class Archive:
    """An archive's contents; for import a finder of its sources, as if they lay in `place`."""

    def __init__(self, place: str, packed: bytes) -> None:
        import json

        self._place, self._packed, self._begin = place, packed, 4 + int.from_bytes(packed[:4], "big")
        self.index: dict[str, list[int]] = json.loads(packed[4 : self._begin])
        self._compiled: dict[str, bytes] | None = None  # by a module's full name; None: not looked for yet
        self._news = False

    def content(self, path: str) -> bytes:
        """A file's bytes. KeyError."""
        import zlib

        at, size = self.index[path]
        return zlib.decompress(self._packed[self._begin + at : self._begin + at + size])

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """For import."""
        name = fullname.replace(".", "/")
        for found, is_package in ((name + "/__init__.py", True), (name + ".py", False)):
            if found in self.index:
                place = os.path.join(self._place, found)
                spec = ModuleSpec(fullname, _Loader(fullname, place, self), origin=place, is_package=is_package)
                spec.has_location = True
                if spec.submodule_search_locations is not None:
                    spec.submodule_search_locations.append(os.path.dirname(place))
                return spec
        return None

    def data(self, path: str) -> bytes | None:
        """What would lie at a path; None where nothing would."""
        name = path[len(self._place) + 1 :]
        return self.content(name) if name in self.index else None

    def compiled(self, fullname: str, loader: SourceFileLoader) -> object:
        """A module's code, compiled at the first time."""
        import marshal

        if self._compiled is None:
            try:
                self._compiled = marshal.loads(_read(os.path.join(self._place, _COMPILED)))
            except (OSError, ValueError, EOFError, TypeError):
                self._compiled = {}
        if fullname not in self._compiled:
            code = loader.source_to_code(loader.get_data(loader.path), loader.path)
            self._compiled[fullname] = marshal.dumps(code)
            self._news = True
            return code
        return marshal.loads(self._compiled[fullname])

    def keep(self) -> None:
        """Write down what has been compiled since; nothing where that cannot be."""
        import marshal

        if not self._news:
            return
        self._news = False
        path = os.path.join(self._place, _COMPILED)
        temporary = path + os.urandom(8).hex()
        try:
            _write(temporary, marshal.dumps(self._compiled))
            os.replace(temporary, path)
        except OSError:
            _remove(temporary)


class _Loader(SourceFileLoader):
    """Reads from an archive what it would read from a file."""

    def __init__(self, fullname: str, path: str, archive: Archive) -> None:
        super().__init__(fullname, path)
        self._archive = archive

    def get_code(self, fullname: str) -> Any:
        return self._archive.compiled(fullname, self)

    def get_data(self, path: str) -> bytes:
        found = self._archive.data(path)
        return super().get_data(path) if found is None else found


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
        packed = os.path.join(path, _PACKED)
        if os.path.isfile(packed) and _is_own(place):
            if path not in sys.path:
                sys.meta_path.insert(0, Archive(path, _read(packed)))
                sys.path.append(path)
            return True
    return False


def keep() -> None:
    """Write down what was compiled of the archives in use, for the next time."""
    for finder in sys.meta_path:
        if hasattr(finder, "keep"):
            finder.keep()


def install(digest: str, archive: bytes) -> None:
    """Keep an archive below the cache, complete or not at all, and put it on the import path; elsewhere where the disk is full."""
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
    temporary = os.path.join(place, ".unpack-" + os.urandom(8).hex())
    os.mkdir(temporary, 0o700)
    try:
        _write(os.path.join(temporary, _PACKED), archive)
        found = Archive(temporary, archive)
        for path in found.index:
            if not path.endswith(".py"):
                _write(os.path.join(temporary, path), found.content(path))
        final = os.path.join(place, digest)
        if os.path.isdir(final) and not os.path.isfile(os.path.join(final, _PACKED)):
            _remove_tree(final)  # somebody has tidied up in it, or it is of an earlier version
        os.rename(temporary, final)
    except BaseException:
        _remove_tree(temporary)
        if not os.path.isfile(os.path.join(place, digest, _PACKED)):  # else another agent of this user was faster
            raise
    _forget_old(place)


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _remove_tree(path: str) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass


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
                _remove_tree(path)
        except OSError:
            pass
