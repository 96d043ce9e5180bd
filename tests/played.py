"""nxtplay run as a program, and how that went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Key = tuple[str, str, str]  # role, task, item


@dataclass(frozen=True)
class Played:
    """How a run of a playbook went; `text` is everything it printed."""

    rc: int
    text: str
    seconds: float
    events: list[dict[str, Any]] = field(default_factory=list)

    def with_status(self, *statuses: str) -> set[Key]:
        """Tasks, and single items of loops, that ended so."""
        started = {e["id"]: e for e in self.events if e["kind"] == "task_started"}
        looped = {e["id"] for e in self.events if e["kind"] == "item_finished"}
        ended = [e for e in self.events if e["kind"] == "item_finished" or (e["kind"] == "task_finished" and e["id"] not in looped)]
        return {(started[e["id"]]["role"], started[e["id"]]["name"], e["item_label"]) for e in ended if e["status"] in statuses}

    def finished(self, name: str, item: str = "") -> dict[str, Any]:
        """The event of the task (or item) of that name."""
        ids = [e["id"] for e in self.events if e["kind"] == "task_started" and e["name"] == name]
        ended = [e for e in self.events if e["kind"] in ("task_finished", "item_finished") and e["id"] in ids]
        (found,) = (e for e in ended if e["item_label"] == item)
        return found


def play(*words: str, env: Mapping[str, str] | None = None, json_lines: bool = True, timeout: float = 900) -> Played:
    """Run nxtplay from the root of the repository with these words."""
    argv = [sys.executable, "-m", "nxtplay", *words]
    began = time.monotonic()
    done = subprocess.run(
        [*argv, "--json"] if json_lines else argv,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")] if json_lines else []
    known = [e for e in events if "status" in e or e["kind"] == "task_started"]
    return Played(done.returncode, done.stdout + done.stderr, time.monotonic() - began, known)
