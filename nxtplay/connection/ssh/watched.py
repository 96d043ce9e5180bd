"""A socket that gives up on a peer that stays silent although it was asked for a sign of life."""

from __future__ import annotations

import errno
import socket
from typing import Any

INTERVAL = 15.0  # seconds of silence until the peer is asked for a sign of life (ServerAliveInterval)
COUNT = 2  # how often it is asked in vain (ServerAliveCountMax); with the interval, a dead peer is noticed within 45 s


class WatchedSocket:
    """What paramiko needs of a socket, over a socket or another connection's channel.

    Silence is counted in ticks that really passed waiting, not by the clock: a process that was stopped for a while must not take its
    own sleep for the peer's.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._closed = False  # paramiko looks at it when it stops
        self._silent = self._stuck = self._limit = 0
        self._tick = 0.2  # until `settle`: the handshake has deadlines of its own that are looked at between ticks
        self.trouble = ""
        inner.settimeout(self._tick)

    def settle(self, interval: float, count: int) -> None:
        """From now on the peer is expected to answer when it is asked, every `interval` seconds; fewer wake-ups."""
        self._tick = interval / 3
        self._limit = 3 * count + 2
        self._silent = self._stuck = 0
        self._inner.settimeout(self._tick)
        if isinstance(self._inner, socket.socket) and self._inner.family in (socket.AF_INET, socket.AF_INET6):
            limit = getattr(socket, "TCP_USER_TIMEOUT", None)
            if limit is not None:
                self._inner.setsockopt(socket.IPPROTO_TCP, limit, int(self._limit * self._tick * 1000))

    def settimeout(self, seconds: float) -> None:
        """paramiko would look ten times a second."""

    def recv(self, size: int) -> bytes:
        try:
            data: bytes = self._inner.recv(size)
        except TimeoutError:
            self._silent += 1
            if self._limit and self._silent >= self._limit:
                self._give_up(f"no sign of life for {self._limit * self._tick:.0f} s")
            raise
        except OSError as error:
            self._note(error)
            raise
        self._silent = 0
        if not data and not self._closed:
            self.trouble = self.trouble or "the host closed the connection"
        return data

    def send(self, data: bytes) -> int:
        try:
            count: int = self._inner.send(data)
        except TimeoutError:
            self._stuck += 1
            if self._limit and self._stuck >= self._limit:
                self._give_up(f"it has taken nothing for {self._limit * self._tick:.0f} s")
            raise
        except OSError as error:
            self._note(error)
            raise
        self._stuck = 0
        return count

    def close(self) -> None:
        self._closed = True
        try:
            self._inner.shutdown(socket.SHUT_RDWR)  # wakes whoever waits; close alone does not
        except (OSError, EOFError):
            pass
        self._inner.close()

    def getpeername(self) -> Any:
        return self._inner.getpeername()

    def _give_up(self, why: str) -> None:
        self.trouble = self.trouble or why
        self.close()
        raise ConnectionAbortedError(errno.ECONNABORTED, why)

    def _note(self, error: OSError) -> None:
        if not self._closed:
            self.trouble = self.trouble or (error.strerror or str(error))
