"""Which tasks travel together to a host in one message, and how their replies come back one by one.

A segment begins at a task that is due and goes on along the straight line behind it, as long as nothing that a later task says depends
on how an earlier one went. That is found out by trying: a later task is prepared in a scope in which every name that the segment will
register raises NotYet when it is asked for. A task that asks ends the segment; so does everything listed in `_ends`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from nxtplay.connection.protocol import Connection, Job, OnEvent, Reply
from nxtplay.engine.connections import Target
from nxtplay.errors import NxtplayError, Unreachable
from nxtplay.playbook.model import Item, Play, Task

LONGEST = 200  # jobs in one message


class NotYet(BaseException):
    """A name was asked for that an earlier task of the segment will bring. No error: whoever asks just has to wait."""


class Pending(Mapping[str, Any]):
    """Names that are there only once the segment has run."""

    # what other hosts or the controller's own files may change meanwhile
    ALWAYS = ("hostvars", "lookup", "query", "q", "vars", "ansible_play_hosts", "ansible_play_batch", "play_hosts")

    def __init__(self) -> None:
        self._names: set[str] = set(self.ALWAYS)

    def add(self, name: str) -> None:
        self._names.add(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        raise NotYet(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class Prepared:
    """A task (one item of its loop) with nothing left to decide but the host's answer."""

    job: Job
    target: Target
    receive: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # what the module does with the answer on the controller


@dataclass
class Ahead:
    """What a host has prepared or already sent beyond the task it is at: by (task id, item number)."""

    prepared: dict[tuple[int, int], Prepared] = field(default_factory=dict)
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # which job of the message
    segment: Segment | None = None

    def has(self, task: Task) -> bool:
        return any(key[0] == id(task) for key in self.prepared)

    def take(self, task: Task, number: int) -> tuple[Prepared | None, Segment | None]:
        """What was prepared for an item, and the segment that has its reply (None: not sent yet)."""
        key = (id(task), number)
        found = self.prepared.pop(key, None)
        return found, self.segment if self.places.pop(key, None) is not None else None

    def forget(self) -> None:
        """What was prepared will not come about; the segment still has to end before its connection is free."""
        self.prepared.clear()
        self.places.clear()


class Segment:
    """Jobs under way in one message. Replies are taken in the order of the jobs; events arrive with the job that is being taken."""

    def __init__(self, connection: Connection, jobs: Sequence[Job], foreseen: Sequence[tuple[str, Any]]) -> None:
        self._items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._waiting: list[tuple[int, str, str]] = []  # events of jobs not yet asked for
        self._next = 0
        self._thread = threading.Thread(target=self._travel, args=(connection, list(jobs), list(foreseen)), name="segment", daemon=True)
        self._thread.start()

    def _travel(self, connection: Connection, jobs: list[Job], foreseen: list[tuple[str, Any]]) -> None:
        try:
            connection.request(
                jobs,
                on_event=lambda index, kind, text: self._items.put(("event", (index, kind, text))),
                on_reply=lambda index, reply: self._items.put(("reply", (index, reply))),
                foreseen=foreseen,
            )
            self._items.put(("end", None))
        except NxtplayError as error:
            self._items.put(("error", error))
        except BaseException as error:
            self._items.put(("error", Unreachable(f"{type(error).__name__}: {error}")))

    def take(self, on_event: OnEvent) -> Reply | None:
        """The next job's reply; None when the host stopped before it. Raises Unreachable."""
        number = self._next
        self._next += 1
        while True:
            kind, data = self._items.get()
            if kind == "event":
                on_event(*data)
            elif kind == "reply":
                reply: Reply = data[1]
                if data[0] == number:
                    return reply
            elif kind == "end":
                self._items.put((kind, data))
                return None
            else:
                self._items.put((kind, data))
                raise data

    def finish(self) -> None:
        """Wait until the host has answered everything, so that the connection is free again."""
        self._thread.join()


class Lines:
    """The task behind each task along the straight line of a play: same list, plain blocks and roles flattened."""

    def __init__(self) -> None:
        self._next: dict[int, Task] = {}
        self._held: list[Sequence[Item]] = []  # the links name tasks by id, so these must stay

    def begin(self, play: Play) -> None:
        """Forget what was linked, and link a play's sections."""
        self._next.clear()
        self._held.clear()
        for section in play.sections:
            for part in (section.tasks, section.rescue, section.always):
                self.add(part)

    def add(self, items: Sequence[Item]) -> None:
        """Link a list of tasks and everything inside it."""
        if not items:
            return
        self._held.append(items)
        line: list[Task] = []
        self._walk(items, line)
        self._link(line)

    def _walk(self, items: Sequence[Item], line: list[Task]) -> None:
        for item in items:
            if isinstance(item, Task):
                line.append(item)
            elif not item.rescue and not item.always and (item.role is None or item.role.allow_duplicates):
                self._walk(item.tasks, line)
            else:  # where a host leaves it is known only when it does
                self._link(line)
                line.clear()
                for part in (item.tasks, item.rescue, item.always):
                    self.add(part)

    def _link(self, line: Sequence[Task]) -> None:
        for one, following in pairwise(line):
            self._next[id(one)] = following

    def behind(self, task: Task) -> Task | None:
        return self._next.get(id(task))
