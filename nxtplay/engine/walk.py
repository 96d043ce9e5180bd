"""The way of one host through a play: which task comes next, given how the last one went.

Blocks with rescue and always, includes and handlers are ordinary control flow here: a generator yields Steps and is sent Verdicts.
Every step has a position; positions compare in the order of the play, which is all a strategy needs to keep hosts in step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from nxtplay.playbook.model import Block, Item, Play, Task

Position = tuple[int, ...]


class Signal(Enum):
    """What a task means for the way ahead."""

    NEXT = "next"
    FAILED = "failed"  # a rescue may mend it
    STRUCK = "struck"  # before the step: another host failed for all. The block that begins with it is not entered
    LEFT = "left"  # unreachable, or ended by meta: nothing more in this play
    END_ROLE = "end role"
    FLUSH = "flush"  # run notified handlers here, then go on


@dataclass(frozen=True)
class Step:
    """A task that is next for a host."""

    task: Task
    position: Position


@dataclass(frozen=True)
class Verdict:
    """How the step went; `children` are the blocks an include brought, `numbers` their ranks among those of all hosts."""

    signal: Signal = Signal.NEXT
    children: tuple[Block, ...] = ()
    numbers: tuple[int, ...] = ()


Walk = Generator[Step, Verdict, Signal]


class Traveller:
    """What the walk asks of a host, and tells it."""

    chosen: Callable[[Sequence[Item]], bool] = staticmethod(bool)  # whether tags choose any task of a list
    nesting: int = 0  # dynamic includes around the task it stands before
    ended: bool = False  # left this play by meta
    guards: int = 0  # blocks with a rescue around the task it stands before: a failure there is not the last word

    def take_notified(self, handler: Task) -> bool:
        """Whether the handler was notified since the last flush; forgets that it was."""
        raise NotImplementedError

    def enter_rescue(self) -> None:
        """A failure is being mended."""

    def tell_failure(self) -> None:
        """Make ansible_failed_task and ansible_failed_result known, for a rescue and for an `always` on the way to one."""

    def standing(self) -> Any:
        """How the host stands where a block begins; it may have failed already, in an `always`."""

    def leave_rescue(self, standing: Any) -> None:
        """The failure was mended: the host stands as it did before the block."""

    def forgiven(self) -> bool:
        """Whether the failure with which the host went through an `always` was cleared there."""
        return False

    def starts(self, block: Block) -> bool:
        """Whether a block is to be entered (False: its role has already run for this host)."""
        return True

    def finished(self, block: Block) -> None:
        """A block was gone through without a failure."""


def walk_play(play: Play, host: Traveller, *, force_handlers: bool, handlers: Callable[[], Sequence[Task]]) -> Walk:
    """All sections of a play, handlers flushed after each."""
    for number, section in enumerate(play.sections):
        signal = yield from _walk_block(section, (number, 0), host, handlers)
        if signal is Signal.LEFT:
            return signal
        if signal in (Signal.FAILED, Signal.STRUCK):
            if force_handlers:
                yield from _flush((number, 1), host, handlers)
            return Signal.FAILED
        signal = yield from _flush((number, 1), host, handlers)
        if signal is not Signal.NEXT:
            return signal
    return Signal.NEXT


Handlers = Callable[[], Sequence[Task]]


def _walk_items(items: Sequence[Item], position: Position, host: Traveller, handlers: Handlers) -> Walk:
    for number, item in enumerate(items):
        here = (*position, number)
        walk = _walk_block(item, here, host, handlers) if isinstance(item, Block) else _walk_task(item, here, host, handlers)
        signal = yield from walk
        if signal is Signal.STRUCK and number:
            return Signal.FAILED
        if signal is not Signal.NEXT:
            return signal
    return Signal.NEXT


def _walk_block(block: Block, position: Position, host: Traveller, handlers: Handlers) -> Walk:
    if not host.starts(block):
        return Signal.NEXT
    standing = host.standing()
    rescued = host.chosen(block.rescue)  # a rescue of which nothing is to run mends nothing
    host.guards += rescued
    signal = yield from _walk_items(block.tasks, (*position, 0), host, handlers)
    host.guards -= rescued
    if signal is Signal.STRUCK:
        return signal
    if signal is Signal.FAILED and rescued:
        host.enter_rescue()
        host.tell_failure()
        signal = yield from _walk_items(block.rescue, (*position, 1), host, handlers)
        signal = Signal.FAILED if signal is Signal.STRUCK else signal
        if signal is Signal.NEXT or (signal is Signal.LEFT and host.ended):
            host.leave_rescue(standing)
    if block.always and signal in (Signal.NEXT, Signal.FAILED, Signal.END_ROLE):
        if signal is Signal.FAILED and host.guards:
            host.tell_failure()
        after = yield from _walk_items(block.always, (*position, 2), host, handlers)
        if after is Signal.STRUCK:  # what it cleans up behind is over: it runs all the same
            signal = Signal.FAILED
            after = yield from _walk_items(block.always, (*position, 2), host, handlers)
        if after is not Signal.NEXT:
            signal = after
        elif signal is Signal.FAILED and host.forgiven():
            signal = Signal.NEXT
    if signal is Signal.END_ROLE and block.role is not None:
        signal = Signal.NEXT
    if signal is Signal.NEXT:
        host.finished(block)
    return signal


def _walk_task(task: Task, position: Position, host: Traveller, handlers: Handlers) -> Walk:
    verdict = yield Step(task, position)
    if verdict.signal is Signal.FLUSH:
        return (yield from _flush(position, host, handlers))
    if verdict.signal is not Signal.NEXT:
        return verdict.signal
    signal = Signal.NEXT
    host.nesting += 1
    for number, block in zip(verdict.numbers or range(len(verdict.children)), verdict.children, strict=True):
        signal = yield from _walk_block(block, (*position, number), host, handlers)
        if signal is not Signal.NEXT:
            break
    host.nesting -= 1
    return Signal.FAILED if signal is Signal.STRUCK else signal


def _flush(position: Position, host: Traveller, handlers: Handlers) -> Walk:
    """Notified handlers in the order of their definition. One that is notified by an earlier one still runs in this flush."""
    number = 0
    while True:
        known = handlers()
        if number >= len(known):
            return Signal.NEXT
        handler = known[number]
        if host.take_notified(handler):
            signal = yield from _walk_task(handler, (*position, number), host, handlers)
            if signal is not Signal.NEXT:
                return Signal.FAILED if signal is Signal.STRUCK else signal
        number += 1


def in_common_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What an include brought to several hosts, one order for all: hosts that were brought the same go through it together."""
    if not any(verdict.children for verdict in verdicts):
        return list(verdicts)
    ranks: dict[tuple[int, int], int] = {}
    out = []
    for verdict in verdicts:
        seen: dict[int, int] = {}
        ranked = []
        for block in verdict.children:
            seen[id(block)] = seen.get(id(block), 0) + 1
            ranked.append((ranks.setdefault((id(block), seen[id(block)]), len(ranks)), block))
        ranked.sort(key=lambda pair: pair[0])
        out.append(replace(verdict, children=tuple(b for _, b in ranked), numbers=tuple(n for n, _ in ranked)))
    return out


def flatten(items: Sequence[Item]) -> list[Task]:
    """Every task in the order written, rescue and always included."""
    out: list[Task] = []
    for item in items:
        if isinstance(item, Block):
            for part in (item.tasks, item.rescue, item.always):
                out += flatten(part)
        else:
            out.append(item)
    return out
