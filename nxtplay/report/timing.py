"""How long a run and its tasks took, in the form of Ansible's callbacks `timer` and `profile_tasks`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from nxtplay import events as ev

SLOWEST = 20


class Timing:
    """A reporter that adds to another's. `run`: the whole; `tasks`: the slowest; `stamps`: the time below each task's heading."""

    def __init__(self, stream: TextIO, *, run: bool, tasks: bool, stamps: bool, clock: Callable[[], float] = time.time) -> None:
        self._stream, self._run, self._show_tasks, self._stamps, self._clock = stream, run, tasks, stamps, clock
        self._began = self._last = clock()
        self._took: list[float] = []
        self._names: list[str] = []

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.TaskStarted):
            stamp = self._next()
            self._names.append(event.title)
            if self._show_tasks and self._stamps:
                self._say(stamp)
        elif isinstance(event, ev.RunFinished):
            stamp = self._next()
            if self._run:
                seconds = int(self._clock() - self._began)
                hours, minutes = seconds % 86400 // 3600, seconds % 3600 // 60
                self._say(f"Playbook run took {seconds // 86400} days, {hours} hours, {minutes} minutes, {seconds % 60} seconds")
            if self._show_tasks:
                slowest = sorted(zip(self._took, self._names, strict=True), key=lambda one: -one[0])
                self._say(stamp, f"{'=' * 79} ", *(f"{name + ' ':-<70}{f' {took:.2f}s':->9}" for took, name in slowest[:SLOWEST]))

    def close(self) -> None:
        """See Reporter."""

    def _next(self) -> str:
        """The time now, since the last task, since the beginning."""
        now = self._clock()
        if self._names:
            self._took.append(now - self._last)
        text = time.strftime("%A %d %B %Y  %H:%M:%S %z", time.localtime(now))
        said = f"{text} ({_span(now - self._last)})       {_span(now - self._began)} "
        self._last = now
        return said + "*" * max(3, 79 - len(said)) + " "

    def _say(self, *lines: str) -> None:
        print(*lines, sep="\n", file=self._stream, flush=True)


def _span(seconds: float) -> str:
    """`0:01:02.345`."""
    whole, part = divmod(seconds, 1)
    return f"{int(whole) // 3600}:{int(whole) % 3600 // 60:02d}:{int(whole) % 60:02d}.{int(part * 1000):03d}"
