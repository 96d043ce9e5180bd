"""Programs between two streams, with an engine that keeps a connection open although nobody reads from it any more."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nxtplay.core.host import Host
from nxtplay.core.world import World
from nxtplay.modules import _inside, _pipe


class Deaf(_inside._Exec):
    """A program that has said all and ended; what is fed to it piles up at the engine, which keeps the connection."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._id = "it"
        self.socket, self.engine = socket.socketpair()
        self._stream = self.socket.makefile("rb")

    def frames(self) -> Iterator[tuple[int, bytes]]:
        time.sleep(0.2)  # until the feeder waits for somebody to read
        yield 1, b"abc\n"


def test_what_feeds_a_program_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inside, "_Exec", Deaf)
    monkeypatch.setattr(_inside, "_call", lambda *_: (200, {"Running": False, "ExitCode": 0}))
    monkeypatch.setattr(_pipe, "PATIENCE", 5)
    before = set(threading.enumerate())
    taken = bytearray()
    began = time.monotonic()
    container = _inside.Container("box", "1", (), {})
    endless = itertools.repeat(b"abcdef" * 10_000)
    code, errors = _pipe.through(Host(World()), ["head"], container=container, source=endless, sink=taken.extend)
    assert (code, errors, bytes(taken)) == (0, "", b"abc\n")
    assert time.monotonic() - began < 4
    assert not set(threading.enumerate()) - before
