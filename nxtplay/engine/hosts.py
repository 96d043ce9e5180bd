"""What a run knows of each host: facts, registered values, what it was notified of, how its tasks went."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nxtplay.engine.segment import Ahead
from nxtplay.engine.walk import Traveller
from nxtplay.events import Counts
from nxtplay.playbook.model import Block, Task

FAILED, UNREACHABLE = 2, 4  # exit codes; the worst of all hosts is the run's


@dataclass
class Tally:
    """Running counts of one host."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    unknown: int = 0

    def frozen(self) -> Counts:
        return Counts(**vars(self))


@dataclass
class Failure:
    """The failure that a rescue may mend."""

    task: Task
    result: Mapping[str, Any]
    name: str = ""  # of the task, rendered
    own: bool = True  # False: another host failed, and that ends the play for all


@dataclass
class HostRun(Traveller):
    """One host through a whole run. Only the thread that runs the host's task writes to it."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)  # without the `ansible_` prefix, as in ansible_facts
    plain_facts: set[str] = field(default_factory=set)  # those of the facts that a module named without the prefix
    cached_facts: dict[str, Any] = field(default_factory=dict)  # set_fact with cacheable
    set_facts: dict[str, Any] = field(default_factory=dict)  # set_fact and register share a level: the later one counts
    included: dict[str, Any] = field(default_factory=dict)  # include_vars
    unread: str = ""  # why a check could not tell which file include_vars would read: any variable may be in it
    tally: Tally = field(default_factory=Tally)
    news: list[tuple[str, Any]] = field(default_factory=list)  # what the check foresaw here, in order, encoded
    out: bool = False  # failed or unreachable: takes part in no further play
    unreachable: bool = False
    ended: bool = False  # left this play by meta
    gone: bool = False  # by end_host: it counts no longer among the play's hosts
    ends_play: bool = False  # by end_play: the batches behind it do not run
    failure: Failure | None = None
    cleared: tuple[int, int] = (0, 0)  # how many of its failures, and times out of reach, were cleared
    struck: bool = False  # failed by the failure of another while it stood elsewhere: its walk is still to be told
    lost: bool = False  # failed where no rescue mends it: what is left of the play are handlers and `always`
    rescue: dict[str, Any] = field(default_factory=dict)  # ansible_failed_task, ansible_failed_result
    notified: set[Any] = field(default_factory=set)  # keys of handlers
    roles_at_work: set[str] = field(default_factory=set)  # identities of roles of which a task ran (was not skipped) in this play
    roles_done: set[str] = field(default_factory=set)  # of those that went through
    ahead: Ahead = field(default_factory=Ahead)
    uncertain: dict[Any, str] = field(default_factory=dict)  # handlers that a task may or may not notify: why

    def begin_play(self) -> None:
        self.notified.clear()
        self.uncertain.clear()
        self.roles_at_work.clear()
        self.roles_done.clear()
        self.ended = self.gone = self.ends_play = False
        self.failure = None
        self.lost = self.struck = False
        self.guards = self.nesting = 0
        self.rescue = {}

    def fail(self, failure: Failure) -> None:
        self.failure = failure
        self.lost = not self.guards

    def forgive(self) -> None:
        """meta: clear_host_errors. Counts stay and the exit code forgets them; an unreachable host goes on where it stood, a failed
        one behind the `always` it is in, or with the next play."""
        self.out = self.unreachable = self.lost = False
        self.failure = None
        self.cleared = self.tally.failed, self.tally.unreachable

    # -- Traveller

    def take_notified(self, handler: Task) -> bool:
        if handler_key(handler) in self.notified:
            self.notified.discard(handler_key(handler))
            self.uncertain.pop(handler_key(handler), None)
            return True
        return handler_key(handler) in self.uncertain

    def doubt(self, handler: Task) -> str:
        """Why it is unknown whether this handler will run (empty: it will); asked once, behind take_notified."""
        return self.uncertain.pop(handler_key(handler), "")

    def enter_rescue(self) -> None:
        if self.failure is not None and self.failure.own:
            self.tally.failed -= 1
            self.tally.rescued += 1

    def tell_failure(self) -> None:
        if self.failure is None:
            return
        self.rescue = {
            "ansible_failed_task": _told(self.failure.name, self.failure.task),
            "ansible_failed_result": dict(self.failure.result),
        }

    def standing(self) -> tuple[Failure | None, bool]:
        return self.failure, self.lost

    def leave_rescue(self, standing: tuple[Failure | None, bool]) -> None:
        self.failure, self.lost = standing

    def forgiven(self) -> bool:
        return self.failure is None

    @property
    def exit_code(self) -> int:
        """What this host alone would end the run with."""
        failed, unreachable = self.cleared
        if self.tally.unreachable > unreachable:
            return UNREACHABLE
        return FAILED if self.out or self.tally.failed > failed else 0

    def starts(self, block: Block) -> bool:
        role = block.role
        if role is None or role.allow_duplicates:
            return True
        return role.identity not in self.roles_done

    def finished(self, block: Block) -> None:
        role = block.role
        if role is not None and role.identity in self.roles_at_work:
            self.roles_done.add(role.identity)


def handler_key(handler: Task) -> Any:
    """What makes two handlers one and the same: those that a role brings each time it is used are."""
    if handler.role is None:
        return id(handler)
    return os.path.abspath(handler.span.file), handler.span.line, handler.span.column


def _told(name: str, task: Task) -> dict[str, Any]:
    """A task as ansible_failed_task tells it: what a rescue may ask of it."""
    shared = task.shared
    words = {} if task.free_form is None else {"_raw_params": task.free_form.value}
    return {
        "name": name,
        "action": task.word,
        "args": {**words, **task.args},
        "vars": {key: value for layer in shared.vars[task.block_vars :] for key, value in layer.items()},
        "register": task.register,
        "loop": None if task.loop is None else task.loop.value.value,
        "tags": sorted(shared.tags),
        "when": [one.value for one in shared.when],
        "notify": [one.value for one in shared.notify] or None,
        "delegate_to": None if shared.delegate_to is None else shared.delegate_to.value,
    }
