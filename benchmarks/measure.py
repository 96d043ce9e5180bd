"""What a command costs, with everything that it starts: seconds, CPU seconds, peak memory."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # prctl


@dataclass(frozen=True)
class Usage:
    """`cpu` counts all descendants, also those that outlived the command (they are ended then); `peak` is the largest process, in MiB."""

    wall: float
    cpu: float
    peak: float
    code: int
    output: str


class Tree:
    """A command and its descendants, under a process of ours that inherits whatever is left behind."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._began = time.monotonic()
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            try:
                _keep(argv, cwd, environ, log, writer)
            finally:
                os._exit(1)
        os.close(writer)
        self._reader = reader

    def wait(self) -> Usage:
        """What it took, once the command has ended."""
        with os.fdopen(self._reader, "rb") as stream:
            told = stream.read()
        os.waitpid(self._pid, 0)
        if not told:
            raise RuntimeError(f"could not start the command: {self._log.read_text(errors='replace')}")
        return Usage(output=self._log.read_text(errors="replace"), **json.loads(told))

    def stop(self) -> Usage:
        """End the command, then as `wait`."""
        os.kill(self._pid, signal.SIGTERM)
        return self.wait()


def measured(argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], log: Path) -> Usage:
    """Run a command to its end."""
    return Tree(argv, cwd=cwd, environ=environ, log=log).wait()


def _keep(argv: Sequence[str], cwd: Path, environ: Mapping[str, str], log: Path, writer: int) -> None:
    """In the process in between: start the command, wait for it, end what it left, tell, and leave."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with log.open("wb") as out:
        began = time.monotonic()
        command = subprocess.Popen(argv, cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        code = command.wait()
        wall = time.monotonic() - began
    _end_the_rest()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024, "code": code}
    os.write(writer, json.dumps(told).encode())
    os._exit(0)


def _end_the_rest(patience: float = 3.0) -> None:
    """Wait for what outlived the command; ask it to end, then make it end."""
    began = time.monotonic()
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        number = signal.SIGKILL if time.monotonic() - began > patience else signal.SIGTERM
        for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(pid), number)
        time.sleep(0.02)
