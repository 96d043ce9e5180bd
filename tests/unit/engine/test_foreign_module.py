"""A module of Ansible's that is not here does no harm where its condition does not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nxtplay.modules import registry
from nxtplay.playbook.foreign import is_foreign
from nxtplay.playbook.modules import COLLECTIONS

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


@pytest.mark.parametrize(
    "name", ["yum", "ansible.builtin.yum", "ansible.builtin.zypper", "community.general.open_iscsi", "community.grafana.grafana_user"]
)
def test_modules_of_other_systems_are_no_typing_errors(name: str) -> None:
    assert is_foreign(name, registry.names(), COLLECTIONS)


@pytest.mark.parametrize("name", ["copi", "ansible.builtin.coppy", "community.docker.docker_contianer", "community.general.no_such_thing"])
def test_slips_of_the_hand_are(name: str) -> None:
    assert not is_foreign(name, registry.names(), COLLECTIONS)


def test_what_a_module_prints_behind_its_answer_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "chatty.sh").write_text("#!/bin/sh\necho before\necho '{\"changed\": false}'\necho behind\n")
    tasks = "[{chatty: , register: said}, {assert: {that: \"said.warnings[0] is search('junk after the JSON data: behind')\"}}]"
    (tmp_path / "site.yml").write_text(f"- {{hosts: localhost, gather_facts: false, tasks: {tasks}}}\n")
    done = subprocess.run([sys.executable, "-m", "nxtplay", str(tmp_path / "site.yml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
