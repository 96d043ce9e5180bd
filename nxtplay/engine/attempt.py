"""How a task went on a host, before it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nxtplay.core.state import Change
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.walk import Signal
from nxtplay.errors import Diagnostic, Span
from nxtplay.playbook.model import Block

CENSORED = "the output has been hidden: no_log is set for this task"


@dataclass
class Attempt:
    """How one item (or the whole of a task without a loop) went, before it is told."""

    status: str
    result: dict[str, Any]
    changes: tuple[Change, ...] = ()
    reason: str = ""
    span: Span | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    signal: Signal = Signal.NEXT
    children: tuple[Block, ...] = ()
    seconds: float = 0.0
    notify: tuple[str, ...] = ()
    no_log: bool = False
    pardoned: bool = False  # its failure, or that its host is out of reach, is to be ignored
    delegate: str = ""  # the host that did it, where that was another
    diff: bool | None = None  # whether the task says that differences are shown
    facts_for: HostRun | None = None
    pending: str = ""  # a check failed with `check_mode: false`: what it left out before, which may have brought what is missing
    everywhere: Callable[[HostRun], None] | None = None  # what a run_once word does for each further host
