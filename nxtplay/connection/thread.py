"""The local connection for the user we run as: the agent's own session in a thread, behind a pair of sockets.

Against a process of its own this saves the start of an interpreter (about 60 ms of CPU) and carries no library. See
docs/decisions/local-agent.md.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from nxtplay.connection import link
from nxtplay.connection.protocol import Job, OnEvent, OnReply, Reply
from nxtplay.connection.streams import SocketSink
from nxtplay.core import agent
from nxtplay.core.host import Completed
from nxtplay.core.host import run as run_command
from nxtplay.errors import Unreachable
from nxtplay.modules import registry


class ThreadConnection:
    """An agent in this process; started at the first request. Relative paths start in `directory`."""

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._ours: socket.socket | None = None
        self._link: link.Link | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def request(
        self,
        jobs: Sequence[Job],
        *,
        on_event: OnEvent,
        on_reply: OnReply | None = None,
        foreseen: Sequence[tuple[str, Any]] = (),
        timeout: float | None = None,
    ) -> list[Reply]:
        open_link = self._link or self._start()
        timer = threading.Timer(timeout, self._end) if timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            return open_link.request(jobs, on_event=on_event, on_reply=on_reply, foreseen=foreseen)
        except link.LinkLost as error:
            self._end()
            raise Unreachable(f"the local agent ended in mid-task ({error})") from error
        finally:
            if timer:
                timer.cancel()

    def raw(self, command: str, *, timeout: float | None = None) -> Completed:
        return run_command(["/bin/sh", "-c", command], cwd=self._directory, timeout=timeout)

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self._closed = True
        self._end()

    def _start(self) -> link.Link:
        ours, theirs = socket.socketpair()
        source, sink = theirs.makefile("rb"), theirs.makefile("wb")

        def live() -> None:
            try:
                agent.serve(source, sink, registry.load, leave=lambda code: _shut(theirs), directory=self._directory)
            except OSError:
                pass

        thread = threading.Thread(target=live, name="agent", daemon=True)
        thread.start()
        started = link.Link(ours.makefile("rb"), SocketSink(ours), carry=False)
        self._ours, self._link, self._thread = ours, started, thread
        if self._closed:  # meanwhile, by another thread, or long ago
            self._end()
            raise Unreachable("the connection was closed")
        return started

    def _end(self) -> None:
        ours, self._ours, self._link = self._ours, None, None
        if ours is not None:
            _shut(ours)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(agent.GRACE + 0.5)  # it takes away what it had half made


def _shut(end: socket.socket) -> None:
    """Both directions, so that whoever reads comes back at once."""
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
