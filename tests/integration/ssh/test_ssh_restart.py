"""A machine that restarts: here one whose boot id is a file, and whose sshd goes away and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd_server import Sshd

PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - wait_for_connection: {{timeout: 30}}
      register: reached
    - reboot:
        reboot_command: {command}
        boot_time_command: cat {boot}
        test_command: test -e {boot}
        reboot_timeout: {limit}
      register: back
    - assert:
        that: reached.elapsed >= 0 and back.rebooted and back.elapsed >= 0
"""


def run(server: Sshd, folder: Path, *more: str, command: str, limit: int = 30) -> subprocess.CompletedProcess[str]:
    boot = folder / "boot"
    if not boot.exists():
        boot.write_text("first\n")
    (folder / "play.yml").write_text(PLAY.format(command=command, boot=boot, limit=limit))
    (folder / "hosts").write_text(
        f"m ansible_host=127.0.0.1 ansible_port={server.port} ansible_user=root ansible_ssh_private_key_file={server.key} "
        f"ansible_python_interpreter={sys.executable} ansible_host_key_checking=false\n"
    )
    words = [sys.executable, "-m", "nxtplay", "-i", str(folder / "hosts"), str(folder / "play.yml"), *more]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def test_a_machine_that_comes_back(start: Callable[..., Sshd], tmp_path: Path) -> None:
    server = start()

    def goes_and_comes_back() -> None:
        while not (tmp_path / "asked").exists():
            time.sleep(0.05)
        server.stop()
        time.sleep(1)
        (tmp_path / "boot").write_text("second\n")
        server.start()

    watcher = threading.Thread(target=goes_and_comes_back, daemon=True)
    watcher.start()
    done = run(server, tmp_path, command=f"touch {tmp_path}/asked")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_machine_that_stays_as_it_is(sshd: Sshd, tmp_path: Path) -> None:
    done = run(sshd, tmp_path, command="'true'", limit=2)
    assert done.returncode == 2
    assert "it has not gone down yet" in done.stdout


def test_a_command_that_fails(sshd: Sshd, tmp_path: Path) -> None:
    done = run(sshd, tmp_path, command="sh -c 'echo not allowed >&2; exit 3'")
    assert done.returncode == 2
    assert "the command to restart failed: not allowed" in done.stdout


def test_a_check_restarts_nothing(sshd: Sshd, tmp_path: Path) -> None:
    done = run(sshd, tmp_path, "--check", command=f"touch {tmp_path}/asked")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not os.path.exists(tmp_path / "asked")


@pytest.mark.parametrize("late", [2.0])
def test_a_machine_that_is_not_there_yet(start: Callable[..., Sshd], tmp_path: Path, late: float) -> None:
    server = start()
    server.stop()
    threading.Timer(late, server.start).start()
    (tmp_path / "boot").write_text("first\n")
    done = run(server, tmp_path, "--start-at-task", "wait_for_connection", "--check", command="'true'")
    assert done.returncode == 0, done.stdout + done.stderr
