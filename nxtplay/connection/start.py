"""An agent on its way up: the command, the become program's question, the greeting, the archive, and what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from nxtplay.connection import become, launch
from nxtplay.connection.become import Dialog, Escalation
from nxtplay.connection.link import Link, first_of
from nxtplay.connection.streams import Streams, Tail, Transport, last_lines
from nxtplay.core import agent
from nxtplay.errors import BecomeFailed, BecomeMissing, Diagnostic, NoPython, Unreachable

PATIENCE = 60.0  # seconds for a host to find its Python, unpack the archive and greet


class Agent:
    """A started agent. The first request may be on its way before the agent has greeted."""

    def __init__(self, transport: Transport, command: Sequence[str], *, escalation: Escalation | None, interpreter: str | None) -> None:
        self.place = transport.place
        self._escalation, self._interpreter = escalation, interpreter
        argv = become.wrap(command, escalation) if escalation else command
        self.streams: Streams = transport.run(argv)
        self._late = False
        self._dialog = Dialog(escalation, answer=self.streams.stdin.write, end=self.streams.end) if escalation else None
        self._tail = Tail(self.streams.read_stderr, on_text=self._dialog.heard if self._dialog else None)
        self.link = Link(self.streams.stdout, self.streams.stdin, greet=self.greet)
        if escalation and become.may_ask(escalation):
            self.link.expect_greeting()  # nothing may be sent before: the become program would take it for a password

    def greet(self) -> None:
        """Wait for the agent's first word, send the archive where it is missing. Raises Unreachable with what happened instead."""
        timer = threading.Timer(PATIENCE, self._too_late)
        timer.daemon = True
        timer.start()
        try:
            if first_of(self.streams.stdout, launch.MISSING, agent.MARKER) == launch.MISSING:
                self.streams.stdin.write(launch.archive())
                first_of(self.streams.stdout, agent.MARKER)
            self.streams.stdout.readline()
        except (EOFError, OSError) as error:
            raise self._not_started(str(error)) from error
        finally:
            timer.cancel()

    def lost(self, cause: str) -> Unreachable:
        """What to tell when the agent went away in mid-task."""
        self.streams.end()
        trouble = self.streams.trouble()
        if trouble:
            return Unreachable(Diagnostic(f"{self.place}: lost in mid-task: {trouble}", hint=AGAIN))
        ended = self.streams.wait(1.0)
        how = "" if ended in (None, 0, -1) else f" with {ended}"
        said = last_lines(self._tail.text())
        hint = "killed by somebody, or no memory left there? " + AGAIN
        return Unreachable(Diagnostic(f"{self.place}: the agent ended in mid-task{how}: {said or cause}", hint=hint))

    def _too_late(self) -> None:
        self._late = True
        self.streams.end()

    def _not_started(self, printed: str) -> Unreachable:
        stderr = self._tail.text()
        trouble = self.streams.trouble()
        ended = self.streams.wait(1.0)
        self.streams.end()
        found = launch.no_python(stderr, self._interpreter)
        if found:
            return (NoPython if self._interpreter else Unreachable)(Diagnostic(f"{self.place}: {found[0]}", hint=found[1]))
        said = last_lines(stderr) or last_lines(printed)
        if self._escalation:
            problem = (self._dialog.problem if self._dialog else "") or become.explain(stderr, self._escalation.method)
            who = f"cannot become {self._escalation.user} with {self._escalation.method}"
            if problem:
                kind = BecomeMissing if problem in (become.NO_USER, become.NO_PROGRAM) else BecomeFailed
                return kind(f"{self.place}: {who}: {problem}")
            if not trouble:
                return BecomeFailed(f"{self.place}: {who}: {self._silence() or said or f'it ended with {ended} and no word'}")
        if trouble:
            return Unreachable(Diagnostic(f"{self.place}: lost while the agent started: {trouble}", hint=AGAIN))
        if "No space left" in stderr or "Disk quota" in stderr:
            hint = "free some space in ~/.cache or /tmp there; `raw: df -h` works"
            return Unreachable(Diagnostic(f"{self.place}: no room for the agent: {said}", hint=hint))
        return Unreachable(f"{self.place}: the agent did not start: {self._silence() or said or f'it ended with {ended} and no word'}")

    def _silence(self) -> str:
        return f"no word from it in {PATIENCE:g} s" if self._late else ""


AGAIN = "run again: what is done is left as it is"
