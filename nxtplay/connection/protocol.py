"""What the engine asks of a connection, whatever it runs over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nxtplay.core.host import Completed

OnEvent = Callable[[int, str, str], None]  # (job index, "progress" or "output", text)
OnReply = Callable[[int, "Reply"], None]  # as soon as a job is done


@dataclass(frozen=True)
class Job:
    """One task for one host, ready to go: rendered arguments, nothing left to decide."""

    module: str
    args: Mapping[str, Any]
    permit: bool
    environ: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()  # distributions the module needs on the host
    doubt: str = ""  # in a check: why it is unknown whether the task will run at all
    ignore_errors: bool = False  # the jobs behind it in the same message run even when it fails
    background: float = 0.0  # seconds that the job may take without being waited for; 0: the reply comes when it is done
    background_folder: str = ""  # where its result is kept on the host
    apart: bool = False  # `check_mode: true` in a run: what it foresees never comes, so no other job counts on it
    group: int = 0  # a failure stops the jobs of other groups behind it; the items of one loop are a group


@dataclass(frozen=True)
class Reply:
    """How a job went. `result` is what the task registers; `unknown` says why fields of it are missing in a check."""

    status: str  # ok, changed, unknown, failed
    result: dict[str, Any]
    changes: tuple[tuple[tuple[str, ...], Any, Any], ...] = ()
    reason: str = ""
    unknown: str | None = None
    news: tuple[tuple[str, Any], ...] = ()  # what a check foresaw, encoded: for other agents of the same host
    arg_errors: tuple[Mapping[str, Any], ...] = ()
    crashed: bool = False


class Connection(Protocol):
    """An agent of one user on one host. `request` may be called again and again; never from two threads at once."""

    def request(
        self,
        jobs: Sequence[Job],
        *,
        on_event: OnEvent,
        on_reply: OnReply | None = None,
        foreseen: Sequence[tuple[str, Any]] = (),
        timeout: float | None = None,
    ) -> list[Reply]:
        """Converge the jobs in order; stops behind the first failure, so fewer replies may come back. Raises Unreachable."""

    def raw(self, command: str, *, timeout: float | None = None) -> Completed:
        """Run a shell command without Python on the host. Raises Unreachable."""

    def alive(self) -> bool:
        """False where the agent of the last request is gone, and with it what a check had foreseen."""

    def close(self) -> None:
        """End the agent and what it runs; may be called from any thread, and twice."""
