"""Opening what a run is made of: a pipe that nobody writes to is an error, not a wait without end."""

from __future__ import annotations

import errno
import io
import os
import stat
import time
from typing import BinaryIO

PATIENCE = 2.0  # seconds that a pipe may be without a writer


def opened(path: str) -> BinaryIO:
    """The file for reading, a pipe too (`-e @<(program)`). Raises OSError, of a pipe that nobody writes to as well."""
    stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    if not is_pipe(stream.fileno()):
        return stream
    with stream:
        begin = _begin_of_pipe(stream.fileno())
        return io.BytesIO(begin + stream.read())


def is_pipe(path: str | int) -> bool:
    """Whether it is a pipe, `<(program)` for one; False for what is not there."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _begin_of_pipe(pipe: int) -> bytes:
    """What comes first, or nothing where a writer takes its time; the pipe is one that blocks from then on."""
    until = time.monotonic() + PATIENCE
    begin = b""
    try:
        while not begin:
            if time.monotonic() > until:
                raise OSError(errno.EPIPE, "nobody writes to this pipe")
            begin = os.read(pipe, 1 << 16)
            if not begin:
                time.sleep(0.02)
    except BlockingIOError:
        pass  # it has a writer
    os.set_blocking(pipe, True)
    return begin


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
