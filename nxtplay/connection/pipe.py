"""Commands started from here: on this machine, or through a client program (ssh, docker) that takes them further."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from nxtplay.connection import launch
from nxtplay.connection.become import Escalation
from nxtplay.connection.connection import AgentConnection
from nxtplay.connection.streams import SocketSink, Streams
from nxtplay.errors import NoPython, Unreachable

Words = Callable[["Sequence[str] | str"], "Sequence[str]"]


def local(*, interpreter: str | None = None, escalation: Escalation | None = None, directory: str | None = None) -> AgentConnection:
    """This machine: our own installation for ourselves, the cached agent for another user. Relative paths start in `directory`."""
    python = interpreter or sys.executable
    transport = PipeTransport(
        "this machine", lambda command: ["/bin/sh", "-c", command] if isinstance(command, str) else command, directory=directory
    )
    command = launch.anywhere((python, *launch.PYTHONS)) if escalation else launch.here(python)
    return AgentConnection(transport, interpreter=interpreter, escalation=escalation, command=command)


class PipeTransport:
    """Starts processes. `words` makes of a command what is to be run here; `explain` words the end of a client program."""

    def __init__(self, place: str, words: Words, *, explain: Callable[[int], str] | None = None, directory: str | None = None) -> None:
        self.place = place
        self._words, self._explain, self._directory = words, explain, directory
        self._closed = False

    def run(self, command: Sequence[str] | str) -> Streams:
        if self._closed:
            raise Unreachable(f"{self.place}: the connection was closed")
        return _Process(self._words(command), self._explain, self.place, self._directory)

    def alive(self) -> bool:
        return not self._closed

    def close(self) -> None:
        self._closed = True


class _Process:
    """A process of ours. Its stdin is a socket, so that any thread may end it without a race for a descriptor."""

    def __init__(self, argv: Sequence[str], explain: Callable[[int], str] | None, place: str, directory: str | None = None) -> None:
        self._explain = explain
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    list(argv), cwd=directory, stdin=theirs.fileno(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
                )
        except OSError as error:
            ours.close()
            if isinstance(error, FileNotFoundError) and list(argv[1:3]) == ["-IS", "-c"]:
                raise NoPython(f"{place}: the interpreter '{argv[0]}' was not found") from error
            raise Unreachable(f"{place}: cannot run {argv[0]}: {error.strerror}") from error
        self._socket = ours
        self.stdin = SocketSink(ours)
        assert self._process.stdout and self._process.stderr
        self.stdout, self._stderr = self._process.stdout, self._process.stderr

    def read_stderr(self) -> bytes:
        return os.read(self._stderr.fileno(), 1 << 16)

    def wait(self, timeout: float) -> int | None:
        if not timeout:
            return self._process.poll()
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def end(self, *, kill: bool = False) -> None:
        """Close its stdin: an agent then ends what it runs, and itself. What does not end in three seconds is killed."""
        with self._lock:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if self.wait(0 if kill else 3) is not None:  # an agent takes up to two to tidy up
                return
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except OSError:
                self._process.kill()
            self.wait(2)

    def trouble(self) -> str:
        ended = self._process.poll()
        return self._explain(ended) if self._explain and ended is not None else ""
