"""One bringing-about of a stack: its circumstances, what was done, stopping and removing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from nxtplay.core.host import Host
from nxtplay.modules import _docker_swap
from nxtplay.modules._compose import state as state_
from nxtplay.modules._compose.create import PREFIX
from nxtplay.modules._compose.plan import Wish
from nxtplay.modules._compose.project import Project


@dataclass
class Work:
    """One bringing-about: whom to ask, what is wanted, what has been done so far."""

    host: Host
    api: Any
    project: Project
    wish: Wish
    socket: str = ""  # the engine's socket file, where it is one
    stop_timeout: Optional[int] = None
    wait_timeout: Optional[float] = None
    renew_volumes: bool = False
    began: float = field(default_factory=time.monotonic)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)

    def event(self, service: str, status: str) -> None:
        """A line of the timeline, shown as it happens."""
        seconds = round(time.monotonic() - self.began, 1)
        self.timeline.append({"at": seconds, "service": service, "status": status})
        self.host.progress(f"{seconds:4.0f}s  {service}  {status}")

    def did(self, what: str, name: str, status: str) -> None:
        self.actions.append({"what": what, "id": name, "status": status})


def stop_all(work: Work, containers: list[dict[str, Any]]) -> None:
    running = [c for c in containers if c["State"].get("Running") or c["State"].get("Restarting")]
    in_parallel(lambda c: _docker_swap.stop(work.api, c["Id"], work.stop_timeout), running)


def in_parallel(act: Callable[[Any], None], items: list[Any]) -> None:
    """Stopping takes each its grace; together they take the longest."""
    if len(items) < 2:
        for item in items:
            act(item)
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(act, items))


def remove_all(work: Work, containers: list[dict[str, Any]], what: str, *, volumes: bool = True) -> None:
    stop_all(work, containers)
    for container in containers:
        work.api.remove_container(container["Id"], v=volumes, force=True)
        work.did("container", container["Name"].lstrip("/"), "Removing")
        work.event(state_.label(container, PREFIX + "service") or what, "removed")
