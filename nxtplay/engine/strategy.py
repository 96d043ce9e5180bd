"""How hosts go through a play together.

linear: nobody starts a task before everybody is done with the one before. free: each host at its own pace. host_pinned: as free, but a
host is finished before another one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nxtplay.engine.hosts import HostRun
from nxtplay.engine.walk import Signal, Step, Verdict, Walk
from nxtplay.playbook.model import Task

Execute = Callable[[Task, Sequence[HostRun]], list[Verdict]]  # one task on some hosts; verdicts in their order


@dataclass
class Lane:
    """A host's walk and the step it stands before (None: it is through)."""

    host: HostRun
    walk: Walk
    step: Step | None = None

    def begin(self) -> None:
        self._advance(None)

    def send(self, verdict: Verdict) -> None:
        self._advance(verdict)

    def _advance(self, verdict: Verdict | None) -> None:
        try:
            self.step = next(self.walk) if verdict is None else self.walk.send(verdict)
        except StopIteration:
            self.step = None


def linear(lanes: Sequence[Lane], execute: Execute, go_on: Callable[[], bool]) -> None:
    """Hosts in step: the task with the lowest position is next, for every host that stands before it."""
    for lane in lanes:
        lane.begin()
    while go_on():
        for lane in lanes:
            if lane.host.struck:
                lane.host.struck = False
                if lane.step is not None:
                    lane.send(Verdict(Signal.STRUCK))
        waiting = [lane for lane in lanes if lane.step is not None and not lane.host.ended and not lane.host.out]
        if not waiting:
            return
        lowest = min(lane.step.position for lane in waiting if lane.step)
        there = [lane for lane in waiting if lane.step and lane.step.position == lowest]
        task = there[0].step.task  # type: ignore[union-attr]
        together = [lane for lane in there if lane.step and lane.step.task is task]
        verdicts = execute(task, [lane.host for lane in together])
        for lane, verdict in zip(together, verdicts, strict=True):
            lane.send(verdict)


def free(lanes: Sequence[Lane], execute: Execute, go_on: Callable[[], bool], *, forks: int) -> None:
    """Every host at its own pace, at most `forks` at a time."""
    from concurrent.futures import ThreadPoolExecutor

    def through(lane: Lane) -> None:
        lane.begin()
        while lane.step is not None and not lane.host.ended and not lane.host.out and go_on():
            lane.send(execute(lane.step.task, [lane.host])[0])

    with ThreadPoolExecutor(max_workers=max(1, forks), thread_name_prefix="host") as pool:
        for done in [pool.submit(through, lane) for lane in lanes]:
            done.result()
