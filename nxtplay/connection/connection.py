"""A connection over any transport: one agent, started when first needed, and commands without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from nxtplay.connection import become, launch
from nxtplay.connection.become import Dialog, Escalation
from nxtplay.connection.link import LinkLost
from nxtplay.connection.protocol import Job, OnEvent, OnReply, Reply
from nxtplay.connection.start import Agent
from nxtplay.connection.streams import Streams, Tail, Transport
from nxtplay.core.host import Completed
from nxtplay.errors import BecomeFailed, Unreachable

_TIMED_OUT = -9  # as core.host.run says it


class AgentConnection:
    """The agent of one user at one place. `command` starts it other than by the place's own Python and cache."""

    def __init__(
        self,
        transport: Transport,
        *,
        interpreter: str | None = None,
        escalation: Escalation | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._transport, self._interpreter, self._escalation, self._command = transport, interpreter, escalation, command
        self._agent: Agent | None = None
        self._raw: set[Streams] = set()
        self._closed = False
        self._lock = threading.Lock()

    def request(
        self,
        jobs: Sequence[Job],
        *,
        on_event: OnEvent,
        on_reply: OnReply | None = None,
        foreseen: Sequence[tuple[str, Any]] = (),
        timeout: float | None = None,
    ) -> list[Reply]:
        agent = self._agent or self._start()
        timer = threading.Timer(timeout, agent.streams.end) if timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        try:
            return agent.link.request(jobs, on_event=on_event, on_reply=on_reply, foreseen=foreseen)
        except LinkLost as error:
            self._agent = None
            self._open_or_raise()
            raise agent.lost(str(error)) from error
        except Unreachable:
            self._agent = None
            self._open_or_raise()
            raise
        finally:
            if timer:
                timer.cancel()

    def raw(self, command: str, *, timeout: float | None = None) -> Completed:
        began = time.monotonic()
        line: Sequence[str] | str = command
        if self._escalation:
            line = become.wrap(["/bin/sh", "-c", command], self._escalation)
        self._open_or_raise()
        streams = self._transport.run(line)
        dialog = Dialog(self._escalation, answer=streams.stdin.write, end=streams.end) if self._escalation else None
        tail = Tail(streams.read_stderr, keep=1 << 30, on_text=dialog.heard if dialog else None)
        timed_out = threading.Event()

        def too_late() -> None:
            timed_out.set()
            streams.end(kill=True)

        timer = threading.Timer(timeout or 1e6, too_late)
        timer.daemon = True
        if timeout:
            timer.start()
        self._raw.add(streams)
        try:
            out = streams.stdout.read()
            err = dialog.beside(tail.data(5.0)) if dialog else tail.data(5.0)
            ended = streams.wait(5.0)
        finally:
            timer.cancel()
            self._raw.discard(streams)
            streams.end()
        self._open_or_raise()
        if dialog and self._escalation:
            problem = dialog.problem
            if not problem and ended and not out:
                problem = become.refused(err.decode("utf-8", "replace"), self._escalation.method) or ""
            if problem:
                place = f"{self._transport.place}: cannot become {self._escalation.user} with {self._escalation.method}"
                raise BecomeFailed(f"{place}: {problem}")
        if not timed_out.is_set() and streams.trouble():
            raise Unreachable(f"{self._transport.place}: lost in mid-task: {streams.trouble()}")
        rc = _TIMED_OUT if timed_out.is_set() or ended is None else ended
        return Completed(("/bin/sh", "-c", command), rc, out, err, time.monotonic() - began)

    def alive(self) -> bool:
        """Whether the next request goes to the agent of the last one (or to none yet)."""
        return self._agent is None or (self._transport.alive() and self._agent.streams.wait(0) is None)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            agent, self._agent = self._agent, None
        for streams in list(self._raw):
            streams.end(kill=True)
        if agent:
            agent.streams.end()
        self._transport.close()

    def _start(self) -> Agent:
        self._open_or_raise()
        interpreters = (self._interpreter,) if self._interpreter else launch.PYTHONS
        command = self._command or launch.anywhere(interpreters)
        agent = Agent(self._transport, command, escalation=self._escalation, interpreter=self._interpreter)
        with self._lock:
            if not self._closed:
                self._agent = agent
                return agent
        agent.streams.end()
        raise Unreachable(f"{self._transport.place}: the connection was closed")

    def _open_or_raise(self) -> None:
        if self._closed:
            raise Unreachable(f"{self._transport.place}: the connection was closed")
