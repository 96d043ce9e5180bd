"""What a plugin that says nothing of checks may not do in one: change the controller, start a program, talk to somebody.

Python tells an audit hook of each of these before it is done, whatever library does it. Only the thread in which a plugin runs in a check
is watched, and only while it is the plugin's own code that runs.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

_CHANGES = frozenset(
    "os.chmod os.chown os.exec os.fork os.forkpty os.kill os.killpg os.link os.mkdir os.posix_spawn os.putenv os.remove os.removexattr "
    "os.rename os.rmdir os.setxattr os.symlink os.system os.truncate os.unsetenv os.utime pty.spawn shutil.chown shutil.copyfile "
    "shutil.move shutil.rmtree socket.connect socket.sendmsg socket.sendto subprocess.Popen".split()
)
_PROGRAMS = frozenset("os.exec os.fork os.forkpty os.posix_spawn os.system pty.spawn subprocess.Popen".split())
_NAMED = {"os.link": 1, "os.symlink": 1}  # where the path that is made is not the first argument
_watched = threading.local()
_installed = threading.Lock()


@contextlib.contextmanager
def watch(refuse: Callable[[str], None]) -> Iterator[None]:
    """While it lasts, `refuse` is called with what the code of this thread is about to do; it raises."""
    if _installed.acquire(blocking=False):  # there is no way to take a hook out: once for the process
        sys.addaudithook(_heard)
    _watched.refuse, _watched.own = refuse, []
    try:
        yield
    finally:
        _watched.refuse = None


@contextlib.contextmanager
def at_ease() -> Iterator[None]:
    """While it lasts nothing is refused: what runs is ours."""
    before = getattr(_watched, "refuse", None)
    _watched.refuse = None
    try:
        yield
    finally:
        _watched.refuse = before


def _heard(event: str, args: tuple[Any, ...]) -> None:
    refuse = getattr(_watched, "refuse", None)
    if refuse is None:
        return
    if event in ("tempfile.mkstemp", "tempfile.mkdtemp"):  # a file of one's own is nothing that anybody looks at
        _watched.own.append(os.fspath(args[0]))
        return
    if event == "open":
        if not _writes(*args) or _is_own(args[0]):
            return
        said = f"writes {_text(args[0])}"
    elif event in _CHANGES:
        if event.startswith(("os.", "shutil.")) and event not in _PROGRAMS and _is_own(_whole(args[_NAMED.get(event, 0)], args[-1])):
            return
        said = "starts a program" if event in _PROGRAMS else "talks to somebody" if event.startswith("socket.") else f"does {event}"
    else:
        return
    with at_ease():
        refuse(said)


def _writes(path: Any, mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _whole(path: Any, folder: Any) -> Any:
    """A path that is relative to an open folder, from the root."""
    if type(folder) is not int or folder < 0 or not isinstance(path, (str, bytes, os.PathLike)):
        return path
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), _text(path))
    except OSError:
        return path


def _is_own(path: Any) -> bool:
    """Whether it is a temporary file that the plugin made, or what Python keeps of a module that it compiled."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return True  # a descriptor, opened before
    text = _text(path)
    return "__pycache__" in text or text == os.devnull or any(text == own or text.startswith(own + "/") for own in _watched.own)


def _text(path: Any) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)
