"""Pure-Python libraries carried to hosts: unpacked once per hash below the user's cache, then found by import."""

from __future__ import annotations

import os
import sys


def cache_dir() -> str:
    """Where this user's agent and libraries are kept (0700); made if need be."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "nxtplay")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise OSError
    except OSError:  # no home, or one that cannot be written
        import tempfile

        path = os.path.join(tempfile.gettempdir(), f"nxtplay-{os.getuid()}")
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.stat(path).st_uid != os.getuid():
            raise OSError(f"{path} belongs to somebody else") from None
    return path


def activate(digest: str) -> bool:
    """Put the library on the import path; False where the host does not have it."""
    path = os.path.join(cache_dir(), digest)
    if not os.path.isdir(path):
        return False
    if path not in sys.path:
        sys.path.append(path)
    return True


def install(digest: str, archive: bytes) -> None:
    """Unpack a zip archive below the cache, complete or not at all, and put it on the import path."""
    import io
    import tempfile
    import zipfile

    target = os.path.join(cache_dir(), digest)
    temporary = tempfile.mkdtemp(prefix=".unpack-", dir=cache_dir())
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(temporary)
    try:
        os.rename(temporary, target)
    except OSError:  # another agent of this user was faster
        import shutil

        shutil.rmtree(temporary, ignore_errors=True)
    activate(digest)
