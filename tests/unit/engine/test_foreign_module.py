"""A module of Ansible's that is not here does no harm where its condition does not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.windows.win_ping:
      when: {condition}
    - command: echo went on
"""


def play(path: Path, condition: str) -> subprocess.CompletedProcess[str]:
    path.write_text(PLAYBOOK.format(condition=condition))
    return subprocess.run([sys.executable, "-m", "nxtplay", str(path)], capture_output=True, text=True, check=False)


def test_a_foreign_module_is_skipped_by_its_condition(tmp_path: Path) -> None:
    done = play(tmp_path / "site.yml", "false")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_foreign_module_that_is_reached_fails(tmp_path: Path) -> None:
    done = play(tmp_path / "site.yml", "inventory_hostname == 'localhost'")
    assert done.returncode == 2
    assert "win_ping" in done.stdout
