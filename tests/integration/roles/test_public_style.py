"""A role as people publish them, for many systems: checked, run, and run again without a change, over SSH as a user with sudo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
HERE = Path(__file__).parent


def play(inventory: Path, *options: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """The exit code, the recap of the host, the tasks that ended."""
    words = [sys.executable, "-m", "nxtplay", str(HERE / "site.yml"), "-i", str(inventory), "--json", *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    print(done.stdout[-20000:], done.stderr[-2000:])
    told = [json.loads(line) for line in done.stdout.splitlines()]
    recap = next(one for one in told if one["kind"] == "run_finished")["recap"]["hosts"]["machine"]
    names = {one["id"]: f"{one['name']} {one['span']}" for one in told if one["kind"] == "task_started"}
    ended = [one for one in told if one["kind"] == "task_finished"]
    return done.returncode, recap, [{**one, "task": f"{names[one['id']]} {one['item_label']}"} for one in ended]


def test_checked_run_and_run_again(machine: Path) -> None:
    code, foreseen, said = play(machine, "--check")
    assert code == 0 and foreseen["failed"] == 0
    code, done, happened = play(machine)
    assert code == 0 and done["failed"] == 0 and done["changed"] > 8
    promised = {one["task"]: one["status"] for one in said}
    for one in happened:
        if one["task"].startswith("It answers"):
            continue  # the role itself leaves that to the run
        assert promised[one["task"]] in (one["status"], "unknown"), one
    for options in ((), ("--check",)):
        code, again, _ = play(machine, *options)
        assert code == 0
        assert {name: count for name, count in again.items() if name in ("changed", "failed", "unknown") and count} == {}
