"""The schedule of the backups under a real systemd: its timers fire, a second run changes nothing, and nothing of it stays when it goes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLAY = [{"hosts": "machine", "become": True, "gather_facts": False, "roles": ["backup_schedule"]}]
JOBS = [{"playbook": "backup", "calendar": "*-*-* *:*:00/2", "cron": "* * * * *", "text": "nightly backup"}]
SETTINGS = {
    "stack_project": "nxtbus",
    "backup_schedule_folder": "/var/tmp",
    "backup_schedule_inventory": "inventory/local.yml",
    "backup_schedule_command": "/usr/bin/touch /var/tmp/ran",
}

pytestmark = pytest.mark.docker


def play(place: Path, inventory: Path, *words: str, **settings: object) -> tuple[set[str], str]:
    """(the names of the tasks that changed, or would, all that was printed)."""
    (place / "schedule.yml").write_text(json.dumps(PLAY))
    if not (place / "roles").exists():
        (place / "roles").symlink_to(ROOT / "roles")
    argv = [sys.executable, "-m", "nxtplay", "-i", str(inventory), str(place / "schedule.yml"), "--json", *words]
    done = subprocess.run([*argv, "-e", json.dumps({**SETTINGS, **settings})], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = {e["id"]: e["name"] for e in events if e["kind"] == "task_started"}
    return {names[e["id"]] for e in events if e["kind"] == "task_finished" and e["status"] == "changed"}, done.stdout


def test_it_fires_stays_and_goes(machine: Path, tmp_path: Path) -> None:
    container = machine.read_text().rpartition("container=")[2].strip()

    def inside(*words: str) -> str:
        return subprocess.run(["docker", "exec", container, *words], capture_output=True, text=True).stdout.strip()

    foreseen, _ = play(tmp_path, machine, "--check", backup_schedule_jobs=JOBS)
    assert not inside("sh", "-c", "ls /etc/systemd/system | grep nxtplay")
    changed, text = play(tmp_path, machine, backup_schedule_jobs=JOBS)
    assert changed == foreseen == {"Units", "Timers"}, text
    unit = "nxtplay-nxtbus-backup"
    assert inside("systemctl", "is-active", f"{unit}.timer") == "active"
    assert inside("systemctl", "is-enabled", f"{unit}.timer") == "enabled"
    assert inside("systemctl", "show", "-P", "Persistent", f"{unit}.timer") == "yes", "what was missed is made up for"
    deadline = time.monotonic() + 60
    while not inside("ls", "/var/tmp/ran"):
        assert time.monotonic() < deadline, inside("systemctl", "status", f"{unit}.timer", f"{unit}.service")
        time.sleep(0.5)
    assert inside("systemctl", "show", "-P", "Result", f"{unit}.service") == "success"
    assert play(tmp_path, machine, backup_schedule_jobs=JOBS)[0] == set()

    changed, text = play(tmp_path, machine)  # as it is shipped: two timers, at night
    assert changed == {"Units", "Timers"}, text
    listed = inside("systemctl", "list-timers", "--all", "--no-legend", "--no-pager")
    assert f"{unit}.timer" in listed and "nxtplay-nxtbus-backup-verify.timer" in listed
    assert inside("systemd-analyze", "verify", f"{unit}.timer", "nxtplay-nxtbus-backup-verify.timer") == ""
    assert "02:00:00" in inside("systemctl", "show", "-P", "TimersCalendar", f"{unit}.timer")

    foreseen, _ = play(tmp_path, machine, "--check", backup_schedule="absent")
    changed, text = play(tmp_path, machine, backup_schedule="absent")
    assert changed == foreseen != set(), text
    assert not inside("sh", "-c", "ls /etc/systemd/system/*/ /etc/systemd/system | grep nxtplay")
    assert "nxtplay" not in inside("systemctl", "list-timers", "--all", "--no-legend", "--no-pager")
    assert play(tmp_path, machine, backup_schedule="absent")[0] == set()
