"""A machine's two faces: Reader only looks, Host may change. Without a permit a Host does not exist."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import signal
import stat as stat_
import threading
import time
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, Union

from nxtplay.core import files, place
from nxtplay.core.files import FileState
from nxtplay.core.frozen import frozen
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.world import World

Emit = Callable[[str, Any], None]  # (kind, data): "progress" text, "output" text of a running command


class Failed(Exception):
    """The task fails, foreseen or not; `result` joins what the task registers (rc, stderr ...)."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


@frozen
class Completed:
    """How a command ended; a negative rc is the signal that ended it."""

    argv: tuple[str, ...]
    rc: int
    out: bytes
    err: bytes
    seconds: float = 0.0

    @property
    def stdout(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def stderr(self) -> str:
        return self.err.decode("utf-8", "surrogateescape")


class Reader:
    """Looks at a machine, through what a check has foreseen so far."""

    def __init__(self, world: Optional[World] = None, *, emit: Optional[Emit] = None, environ: Optional[Mapping[str, str]] = None) -> None:
        self._world = world if world is not None else World()
        self._emit = emit
        self._given = environ or {}
        self._environ: Optional[dict[str, str]] = None

    @property
    def environ(self) -> dict[str, str]:
        """Ours with the task's `environment` applied. Most modules never ask, and it is a hundred entries to decode."""
        if self._environ is None:
            self._environ = {**os.environ, **self._given}
        return self._environ

    # -- what earlier tasks of a check would have left

    def foreseen(self, key: str, default: Any = None) -> Any:
        """The state foreseen under `key`, else `default`; ask `has_foreseen` to tell a foreseen None from nothing. Raises UnknownReached
        where an earlier task leaves it open."""
        state = self._world.foreseen.get(key, default)
        if isinstance(state, Unknown):
            raise UnknownReached(state)
        return state

    def promised(self, key: str) -> Any:
        """`foreseen` as it was filed, an Unknown too: something will be there, and more is not known."""
        return self._world.foreseen.get(key)

    def has_foreseen(self, key: str) -> bool:
        return self._world.has(key)

    def foreseen_under(self, prefix: str) -> dict[str, Any]:
        return self._world.prefixed(prefix)

    def pending(self) -> Optional[Unknown]:
        """Why what is live may not be what a run would find here: an earlier task of this check would have changed the machine."""
        act = self.pending_act()
        if act is None and self._world:
            return Unknown("earlier tasks would have changed this host first")
        return act

    def pending_act(self) -> Optional[Unknown]:
        """The first earlier act of a check of which nobody can tell what it would have done."""
        return next(iter(self._world.prefixed("act:").values()), None)

    # -- files

    def stat(self, path: str, *, content: bool = False, times: bool = False, follow: bool = False) -> Optional[FileState]:
        """The path's state (None: nothing there). Raises UnknownReached where an earlier task leaves it open, Failed on no permission."""
        if follow:
            path = self.resolve(path)
        path, is_foreseen, state = self._foreseen_file(path)
        try:
            if not is_foreseen:
                return files.observe(path, content=content, times=times)
            if content and state is not None and state.kind == "file" and state.content is None:  # foreseen with the content it has
                state = dataclasses.replace(state, content=files.read_content(path))
            return state
        except OSError as error:
            raise Failed(f"cannot look at {path}: {error.strerror}") from error

    def _foreseen_file(self, path: str) -> tuple[str, bool, Optional[FileState]]:
        """The path to look at live, whether a state is foreseen for it, that state."""
        if not self._world:
            return path, False, None
        path = self._world.canonical(path)
        return (path, *self._world.file(path))

    def canonical(self, path: str) -> str:
        """The path with the links in its parent resolved, as the World files it."""
        return self._world.canonical(path)

    def resolve(self, path: str) -> str:
        """Follow links at the path itself, foreseen ones included."""
        for _ in range(40):
            state = self.stat(path)
            if state is None or state.kind != "link" or state.target is None:
                return path
            path = os.path.join(os.path.dirname(self._world.canonical(path)), state.target)
        raise Failed(f"too many levels of symbolic links: {path}")

    def exists(self, path: str) -> bool:
        return self.stat(path, follow=True) is not None

    def is_dir(self, path: str) -> bool:
        state = self.stat(path, follow=True)
        return state is not None and state.kind == "directory"

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises Failed where there is none, UnknownReached where the content is not foreseeable."""
        path = self.resolve(path)
        path, is_foreseen, state = self._foreseen_file(path)
        held: Optional[files.Content] = None
        if is_foreseen:
            if state is None or state.kind != "file":
                raise Failed(f"no file {path}" if state is None else f"{path} is a {state.kind}, not a file")
            if isinstance(state.content, Unknown):
                raise UnknownReached(state.content)
            held = state.content
            if held is not None and held.data is not None:
                return held.data
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError as error:
            if held is not None:
                data = b""
            else:
                raise Failed(f"cannot read {path}: {error.strerror}") from error
        if held is not None and files.Content.of(data) != held:
            raise UnknownReached(Unknown(f"the content of {path} is too large to foresee"))
        return data

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes as `read` gives them, a piece at a time."""
        path = self.resolve(path)
        live, is_foreseen, _ = self._foreseen_file(path)
        if is_foreseen:
            yield self.read(path)
            return
        try:
            with open(live, "rb") as stream:
                while True:
                    chunk = stream.read(1 << 18)
                    if not chunk:
                        return
                    yield chunk
        except OSError as error:
            raise Failed(f"cannot read {path}: {error.strerror}") from error

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        if self.stat(path, follow=True) is None:
            raise Failed(f"no directory {path}")
        path = self.canonical(self.resolve(path)) if self._world else path
        hidden, named = self._world.children(path) if self._world else (False, {})
        names: set[str] = set()
        if not hidden:
            try:
                names = set(os.listdir(path))
            except (FileNotFoundError, NotADirectoryError):  # a directory that is only foreseen, in a file's place too
                pass
            except OSError as error:
                raise Failed(f"cannot list {path}: {error.strerror}") from error
        for name, state in named.items():
            (names.discard if state is None else names.add)(name)
        return sorted(names)

    # -- programs

    def which(self, program: str) -> Optional[str]:
        path = self.environ.get("PATH", os.defpath)
        extra = ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"  # an unprivileged login, or a PATH of the task's own, may lack them
        import shutil

        return shutil.which(program, path=path + extra)

    def look(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60, env: Optional[Mapping[str, str]] = None) -> Completed:
        """Run a program that only looks (dpkg-query, systemctl is-active), found as by `which`. The author vouches for that."""
        program = argv[0] if "/" in argv[0] else self.which(argv[0]) or argv[0]
        return run([program, *argv[1:]], stdin=stdin, timeout=timeout, env={**self.environ, "LC_ALL": "C.UTF-8", **(env or {})})

    def progress(self, text: str) -> None:
        """One line for whoever watches a long step; the last one counts."""
        if self._emit:
            self._emit("progress", text)

    def hand_over(self, data: bytes) -> None:
        """Give bytes to the controller, where `Module.receive` finds all of them as the file `handed_over`."""
        if self._emit:
            self._emit("piece", data)

    def show(self, text: str) -> None:
        """A piece of a stream that somebody watches as it comes (a log that is followed), line ends included."""
        if self._emit:
            self._emit("output", text)


class Host(Reader):
    """Changes a machine. Only whoever holds a permit makes one."""

    def __init__(self, world: Optional[World] = None, *, emit: Optional[Emit] = None, environ: Optional[Mapping[str, str]] = None) -> None:
        super().__init__(world, emit=emit, environ=environ)
        self.noted: dict[str, Any] = {}

    def note(self, **fields: Any) -> None:
        """Fields of the task's result that only doing it brings (the name of a backup)."""
        self.noted.update(fields)

    def run(
        self,
        argv: Union[str, Sequence[str]],
        *,
        stdin: bytes = b"",
        cwd: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        stream: bool = False,
        check: bool = False,
    ) -> Completed:
        """Run a command; text goes to /bin/sh. With `stream`, its output is shown as it comes; with `check`, rc != 0 raises Failed."""
        on_output = (lambda text: self._emit("output", text)) if stream and self._emit else None  # type: ignore[misc]
        done = run(argv, stdin=stdin, cwd=cwd, env={**self.environ, **(env or {})}, timeout=timeout, on_output=on_output)
        if check and done.rc != 0:
            tail = (done.stderr or done.stdout).strip()
            raise Failed(f"{done.argv[0]} ended with {done.rc}: {tail[-2000:]}", rc=done.rc, stdout=done.stdout, stderr=done.stderr)
        return done

    def write(self, path: str, data: bytes, *, mode: Optional[int] = None, uid: Optional[int] = None, gid: Optional[int] = None) -> None:
        """Replace a file at once: written beside it, synced, renamed. What is not given stays as the old file had it."""
        self.replace_with(path, lambda stream: stream.write(data), mode=mode, uid=uid, gid=gid)

    def replace_with(
        self,
        path: str,
        fill: Callable[[Any], Any],
        *,
        mode: Optional[int] = None,
        uid: Optional[int] = None,
        gid: Optional[int] = None,
        inspect: Optional[Callable[[str], None]] = None,
    ) -> None:
        """As `write`, the content coming from `fill(stream)`; `inspect(temporary path)` may raise before the old file is touched."""
        directory = os.path.dirname(path) or "."
        import tempfile

        try:
            handle, temporary = tempfile.mkstemp(prefix=".nxtplay-", dir=directory)
        except OSError as error:
            raise Failed(f"cannot write {path}: {error.strerror}") from error
        try:
            with os.fdopen(handle, "wb") as stream:
                fill(stream)
                stream.flush()
                os.fsync(stream.fileno())
            old = files.observe(path)
            self._settle(temporary, old, mode, uid, gid)
            if inspect:
                inspect(temporary)
            os.rename(temporary, path)
        except BaseException as error:
            try:
                os.unlink(temporary)
            except OSError:
                pass
            if isinstance(error, OSError):
                raise Failed(f"cannot write {path}: {error.strerror}") from error
            raise

    def _settle(self, temporary: str, old: Optional[FileState], mode: Optional[int], uid: Optional[int], gid: Optional[int]) -> None:
        keep = old if old is not None and old.kind == "file" else None
        if mode is None:
            mode = keep.mode if keep and isinstance(keep.mode, int) else 0o666 & ~current_umask()
        uid = uid if uid is not None else (keep.uid if keep else None)  # type: ignore[assignment]
        gid = gid if gid is not None else (keep.gid if keep else None)  # type: ignore[assignment]
        now = os.stat(temporary)
        if (uid not in (None, now.st_uid)) or (gid not in (None, now.st_gid)):
            os.chown(temporary, -1 if uid is None else uid, -1 if gid is None else gid)
        if keep is not None and keep.path is not None:
            _copy_extended(keep.path, temporary)
        os.chmod(temporary, mode)

    def mkdir(self, path: str, *, mode: Optional[int] = None) -> None:
        try:
            os.mkdir(path, 0o777 if mode is None else mode)
            if mode is not None:
                os.chmod(path, mode)
        except OSError as error:
            raise Failed(f"cannot make directory {path}: {error.strerror}") from error

    def remove(self, path: str) -> None:
        """Remove a path and what is below it; nothing there is fine."""
        try:
            if stat_.S_ISDIR(os.lstat(path).st_mode):
                import shutil

                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Failed(f"cannot remove {path}: {error.strerror}") from error


def _copy_extended(old: str, new: str) -> None:
    """Access lists and other extended attributes of a file for what takes its place, as far as the file system and our rights allow it."""
    try:
        names = os.listxattr(old)
    except (AttributeError, OSError):  # not Linux; a file system without them
        return
    for name in names:
        with contextlib.suppress(OSError):
            os.setxattr(new, name, os.getxattr(old, name))


def current_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


# -- running programs ------------------------------------------------------------------------------------------------

_running: dict[int, Optional[int]] = {}  # process groups to take down when the agent ends, and the thread that waits for each
_elsewhere: dict[object, tuple[int, Callable[[], Any]]] = {}  # what is no process of ours: the thread that waits, how to end it


def kill_running(owner: Optional[int] = None) -> None:
    """End every command that runs now (of one thread's, if given), with all it started."""
    for group in [group for group, thread in list(_running.items()) if owner in (None, thread)]:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass
    for end in [end for thread, end in list(_elsewhere.values()) if owner in (None, thread)]:
        end()


@contextlib.contextmanager
def killable(end: Callable[[], Any]) -> Iterator[None]:
    """While this thread waits for something that runs elsewhere (in a container), `end` ends it, and is called when the agent ends."""
    token = object()
    _elsewhere[token] = (threading.get_ident(), end)
    try:
        yield
    finally:
        del _elsewhere[token]


def run(
    argv: Union[str, Sequence[str]],
    *,
    stdin: bytes = b"",
    cwd: Optional[str] = None,
    env: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
    on_output: Optional[Callable[[str], None]] = None,
    executable: Optional[str] = None,
) -> Completed:
    """Run a program in a process group of its own and take all of its output; at `timeout` seconds the group is ended, rc is -9.

    A child that the program leaves behind with our pipes open does not hold us: after the program ended we read for half a second more.
    """
    import selectors
    import shlex
    import subprocess

    words = [executable or "/bin/sh", "-c", argv] if isinstance(argv, str) else list(argv)
    cwd = cwd or place.own()
    began = time.monotonic()
    try:
        while True:
            try:
                child = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env, start_new_session=True
                )
                break
            except OSError as error:  # a child of another thread, not yet at its exec, holds open what was just written
                if error.errno != errno.ETXTBSY or time.monotonic() - began > 5:
                    raise
                time.sleep(0.01)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR):
            what = cwd if cwd is not None and not os.path.isdir(cwd) else words[0]
            message, typed = f"cannot run {words[0]}: {error.strerror}: {what}", " ".join(map(shlex.quote, words))
            raise Failed(message, rc=error.errno, cmd=typed, stdout="", stderr="") from error
        raise
    _running[child.pid] = threading.get_ident()
    assert child.stdin and child.stdout and child.stderr
    parts: dict[int, list[bytes]] = {1: [], 2: []}
    pending = memoryview(stdin)
    ended_at: Optional[float] = None
    try:
        with selectors.DefaultSelector() as selector:
            for stream, number in ((child.stdout, 1), (child.stderr, 2)):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, number)
            if pending:
                os.set_blocking(child.stdin.fileno(), False)
                selector.register(child.stdin, selectors.EVENT_WRITE, 0)
            else:
                child.stdin.close()
            wait = 0.0005
            while selector.get_map():
                now = time.monotonic()
                if timeout is not None and now - began > timeout and ended_at is None:
                    os.killpg(child.pid, signal.SIGKILL)
                if child.poll() is not None and ended_at is None:
                    ended_at = now
                if ended_at is not None and now - ended_at > 0.5:
                    break
                events = selector.select(min(wait, 0.2))
                wait = wait * 2 if not events else 0.001
                for key, _ in events:
                    if key.data == 0:
                        try:
                            pending = pending[os.write(child.stdin.fileno(), pending[:65536]) :]
                        except BrokenPipeError:
                            pending = memoryview(b"")
                        if not pending:
                            selector.unregister(child.stdin)
                            child.stdin.close()
                        continue
                    chunk = os.read(key.fd, 1 << 18)
                    if not chunk:
                        selector.unregister(key.fileobj)
                        continue
                    parts[key.data].append(chunk)
                    if on_output:
                        on_output(chunk.decode("utf-8", "replace"))
        while child.poll() is None:
            if timeout is not None and time.monotonic() - began > timeout:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                break
            try:
                child.wait(0.05 if timeout is not None else None)
            except subprocess.TimeoutExpired:
                continue
    finally:
        _running.pop(child.pid, None)
        for stream in (child.stdin, child.stdout, child.stderr):
            try:
                stream.close()
            except OSError:
                pass
        if child.returncode is None:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except OSError:
                pass
            child.wait()
    return Completed(tuple(words), child.returncode, b"".join(parts[1]), b"".join(parts[2]), time.monotonic() - began)
