"""A command that runs somewhere: its three streams, and what it says on the side."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import IO, Protocol


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class SocketSink:
    """The writing end of a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def write(self, data: bytes, /) -> None:
        self._sock.sendall(data)


class Streams(Protocol):
    """One running command. `stdout.read(n)` blocks for n bytes and gives fewer only at the end."""

    @property
    def stdin(self) -> Sink: ...

    @property
    def stdout(self) -> IO[bytes]: ...

    def read_stderr(self) -> bytes:
        """What came next, as soon as something comes; b"" at the end."""

    def wait(self, timeout: float) -> int | None:
        """How the command ended (None: it runs on, or nobody can tell)."""

    def end(self, *, kill: bool = False) -> None:
        """End the command, which an agent notices; `kill` is for those that would not. From any thread, more than once, without
        waiting for a peer that does not answer."""

    def trouble(self) -> str:
        """Why the streams ended, where the transport knows better than the command; else empty."""


class Transport(Protocol):
    """A way to run commands as the login user of one place."""

    place: str  # deploy@192.0.2.7:22, for messages

    def run(self, command: Sequence[str] | str) -> Streams:
        """Start words, or a line for the login shell; connects first where need be. Raises Unreachable."""

    def alive(self) -> bool:
        """False when the next `run` would have to connect again."""

    def close(self) -> None:
        """Leave the place; from any thread, more than once."""


class Tail:
    """Reads a stream to its end in a thread of its own, so that it can never fill up, and keeps the last of it.

    `on_text` is given everything kept so far whenever something came.
    """

    def __init__(self, read: Callable[[], bytes], *, keep: int = 1 << 16, on_text: Callable[[str], None] | None = None) -> None:
        self._read, self._keep, self._on_text = read, keep, on_text
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._drain, name="stderr", daemon=True)
        self._thread.start()

    def data(self, wait: float = 1.0) -> bytes:
        """What was printed; waits for the end of the stream, but no longer than `wait` seconds."""
        self._thread.join(wait)
        return bytes(self._kept)

    def text(self, wait: float = 1.0) -> str:
        return self.data(wait).decode("utf-8", "replace")

    def _drain(self) -> None:
        while True:
            try:
                data = self._read()
            except OSError:
                return
            if not data:
                return
            self._kept += data
            del self._kept[: -self._keep]
            if self._on_text:
                self._on_text(self._kept.decode("utf-8", "replace"))


def last_lines(text: str, count: int = 4) -> str:
    """The end of what a program printed, on one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:])
