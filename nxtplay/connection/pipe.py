"""The local connection: an agent of our own installation behind a pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from nxtplay.connection import become, launch, link
from nxtplay.connection.become import Escalation
from nxtplay.connection.protocol import Job, OnEvent, Reply
from nxtplay.core import agent
from nxtplay.core.host import Completed
from nxtplay.core.host import run as run_command
from nxtplay.errors import Unreachable


class PipeConnection:
    """An agent process on this machine; started at the first request."""

    def __init__(self, *, interpreter: str | None = None, escalation: Escalation | None = None) -> None:
        self._interpreter = interpreter or sys.executable
        self._escalation = escalation
        self._process: subprocess.Popen[bytes] | None = None
        self._link: link.Link | None = None
        self._closed = False
        self._lock = threading.Lock()

    def request(
        self, jobs: Sequence[Job], *, on_event: OnEvent, foreseen: Sequence[tuple[str, Any]] = (), timeout: float | None = None
    ) -> list[Reply]:
        if self._link is None:
            self._start()
        assert self._link
        timer = threading.Timer(timeout, self._kill) if timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            return self._link.request(jobs, on_event=on_event, foreseen=foreseen)
        except Unreachable:
            self._kill()
            self._link = None
            raise
        finally:
            if timer:
                timer.cancel()

    def raw(self, command: str, *, timeout: float | None = None) -> Completed:
        argv = ["/bin/sh", "-c", command]
        return run_command(become.wrap(argv, self._escalation) if self._escalation else argv, timeout=timeout)

    def close(self) -> None:
        self._closed = True
        self._kill()

    def _start(self) -> None:
        if self._closed:
            raise Unreachable("the connection was closed")
        argv = launch.here(self._interpreter)
        if self._escalation:
            argv = become.wrap(launch.anywhere((self._interpreter, *launch.PYTHONS)), self._escalation)
        try:
            with self._lock:
                stderr = subprocess.PIPE if self._escalation else None
                self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
        except OSError as error:
            raise Unreachable(f"cannot start {argv[0]} for the local agent: {error.strerror}") from error
        process = self._process
        assert process.stdin and process.stdout
        if self._escalation and self._escalation.password is not None:
            process.stdin.write(self._escalation.password.encode() + b"\n")
            process.stdin.flush()
        try:
            self._greet(process)
        except (EOFError, OSError) as error:
            raise Unreachable(self._why_not(process, str(error))) from error
        self._link = link.Link(process.stdout, process.stdin, lost="the local agent ended in mid-task")  # type: ignore[arg-type]

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        if self._escalation:
            word = _first_of(process.stdout, launch.MISSING, agent.MARKER)
            if word == launch.MISSING:
                process.stdin.write(launch.archive())
                process.stdin.flush()
                link.wait_for_marker(process.stdout, agent.MARKER)  # type: ignore[arg-type]
        else:
            link.wait_for_marker(process.stdout, agent.MARKER)  # type: ignore[arg-type]
        process.stdout.readline()

    def _why_not(self, process: subprocess.Popen[bytes], printed: str) -> str:
        stderr = process.stderr.read().decode("utf-8", "replace") if process.stderr else ""
        self._kill()
        if self._escalation:
            said = stderr.strip() or printed
            return become.explain(stderr) or f"cannot become {self._escalation.user} with {self._escalation.method}: {said}"
        return f"the local agent did not start with {self._interpreter}: {printed.strip()}"

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            try:
                process.stdin.close()  # the agent ends what it runs, and itself
            except OSError:
                pass
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                process.kill()
            process.wait()


def _first_of(source: Any, *markers: bytes) -> bytes:
    """Read until one of the markers came; EOFError with what was printed instead."""
    seen = b""
    while True:
        byte = source.read(1)
        if not byte:
            raise EOFError(seen.decode("utf-8", "replace"))
        seen += byte
        for marker in markers:
            if seen.endswith(marker):
                return marker
