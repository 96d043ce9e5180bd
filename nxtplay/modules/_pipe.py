"""A program between two streams, on the host or inside a container: bytes go in and come out in pieces, its exit code counts."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

from nxtplay.core import host as host_
from nxtplay.core.host import Failed, Reader
from nxtplay.modules import _inside

CHUNK = 1 << 18
ERRORS = 1 << 16  # bytes of stderr that are kept
PATIENCE = 30  # seconds between the end of a program's output and its own end

Sink = Callable[[bytes], Any]


def through(
    host: Reader,
    argv: Sequence[str],
    *,
    container: Optional[_inside.Container] = None,
    env: Optional[Mapping[str, str]] = None,
    user: str = "",
    source: Optional[Iterable[bytes]] = None,
    sink: Optional[Sink] = None,
) -> tuple[int, str]:
    """Run it with `source` as its input and `sink` taking its output: (exit code, the end of its stderr).

    A program that does not read all of its input (`pg_restore --list`) is no error. Whatever source or sink raise ends the program, before
    it could take the end of its input for a good one, and is raised here.
    """
    if container is not None:
        return _inside_container(host, container, argv, dict(env or {}), user, source, sink)
    return _on_host(host, argv, dict(env or {}), user, source, sink)


def chunks(path: str) -> Iterable[bytes]:
    """A file in pieces."""
    try:
        with open(path, "rb") as stream:
            while True:
                piece = stream.read(CHUNK)
                if not piece:
                    return
                yield piece
    except OSError as error:
        raise Failed(f"cannot read {path}: {error.strerror}") from error


class _Tail:
    """The last bytes of a stream."""

    def __init__(self) -> None:
        self._kept = b""

    def take(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-ERRORS:]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace").strip()


class _Feeder(threading.Thread):
    """Writes a source into a program; `failed` holds what the source raised."""

    def __init__(self, source: Iterable[bytes], write: Callable[[bytes], Any], end: Callable[[], Any], kill: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._source, self._write, self._end, self._kill = source, write, end, kill
        self.failed: Optional[BaseException] = None

    def run(self) -> None:
        try:
            for piece in self._source:
                try:
                    self._write(piece)
                except (BrokenPipeError, ConnectionError, ValueError, OSError):
                    return  # it read as much as it wanted
        except BaseException as error:
            self.failed = error
            self._kill()
        finally:
            try:
                self._end()
            except OSError:
                pass


# -- on the host ---------------------------------------------------------------------------------------------------------


def _on_host(
    host: Reader, argv: Sequence[str], env: dict[str, str], user: str, source: Optional[Iterable[bytes]], sink: Optional[Sink]
) -> tuple[int, str]:
    import subprocess

    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if source is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**host.environ, "LC_ALL": "C.UTF-8", **env},
            start_new_session=True,
            **_identity(user),
        )
    except OSError as error:
        raise Failed(f"cannot run {argv[0]}: {error.strerror}") from error
    assert child.stdout is not None and child.stderr is not None
    output: Any = child.stdout
    host_._running[child.pid] = threading.get_ident()
    errors = _Tail()

    def kill() -> None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            pass

    def read_errors(stream: Any) -> None:
        for piece in iter(lambda: stream.read1(CHUNK), b""):
            errors.take(piece)

    reader = threading.Thread(target=read_errors, args=(child.stderr,), daemon=True)
    reader.start()
    feeder = None
    if source is not None:
        assert child.stdin is not None
        feeder = _Feeder(source, child.stdin.write, child.stdin.close, kill)
        feeder.start()
    try:
        for piece in iter(lambda: output.read1(CHUNK), b""):
            if sink is not None:
                sink(piece)
        code = child.wait()
    finally:
        kill()
        child.wait()
        host_._running.pop(child.pid, None)
        reader.join(PATIENCE)
        child.stdout.close()
        child.stderr.close()
    if feeder is not None:
        feeder.join(PATIENCE)
        if feeder.failed is not None:
            raise feeder.failed
    return code, errors.text()


def _identity(user: str) -> dict[str, Any]:
    """As which local user to run; nothing where that is who we are already."""
    uid = _inside.as_user(user) if user else None
    if uid is None or uid == os.geteuid():
        return {}
    import pwd

    found = pwd.getpwuid(uid)
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": os.getgrouplist(found.pw_name, found.pw_gid), "cwd": "/"}


# -- inside a container --------------------------------------------------------------------------------------------------


def _inside_container(
    host: Reader, container: _inside.Container, argv: Sequence[str], env: dict[str, str], user: str,
    source: Optional[Iterable[bytes]], sink: Optional[Sink],
) -> tuple[int, str]:  # fmt: skip
    stream = _inside._Exec(host, container, argv, env=[f"{name}={value}" for name, value in env.items()], user=user)
    errors = _Tail()
    feeder = None
    done = interrupted = False

    def kill() -> None:
        _kill_exec(host, stream)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        stream.hang_up()

    try:
        if source is not None:
            feeder = _Feeder(source, stream.socket.sendall, lambda: stream.socket.shutdown(1), kill)
            feeder.start()
        with host_.killable(interrupt):
            for number, piece in stream.frames():
                if number == 2:
                    errors.take(piece)
                elif sink is not None:
                    sink(piece)
        if interrupted:
            raise Failed(f"{argv[0]} was interrupted")
        code = _ended(host, stream, container.name, argv[0])
        done = True
    finally:
        if not done:
            kill()
        stream.hang_up()  # a feeder whose program reads no more is waiting in there
        stream.close()
        if feeder is not None:
            feeder.join(PATIENCE)
    if feeder is not None and feeder.failed is not None:
        raise feeder.failed
    return code, errors.text()


def _ended(host: Reader, stream: _inside._Exec, name: str, program: str) -> int:
    """The exit code of a program whose output has ended; Failed where the engine knows none."""
    deadline = time.monotonic() + PATIENCE
    while True:
        status, found = _inside._call(host, "GET", f"/exec/{stream._id}/json")
        if status != 200:
            raise Failed(f"container {name} went away while {program} ran in it")
        if not found.get("Running"):
            code = found.get("ExitCode")
            return int(code) if code is not None else -1
        if time.monotonic() > deadline:
            raise Failed(f"{program} in container {name} closed its output but does not end")
        time.sleep(0.02)


def _kill_exec(host: Reader, stream: _inside._Exec) -> None:
    """End the program. The engine has no call for that; its process id on this host is what it tells."""
    try:
        status, found = _inside._call(host, "GET", f"/exec/{stream._id}/json")
        if status == 200 and found.get("Running") and found.get("Pid"):
            os.kill(int(found["Pid"]), signal.SIGKILL)
    except (OSError, Failed):
        pass  # not root, or an engine elsewhere: the callers end the program's session with the server instead
