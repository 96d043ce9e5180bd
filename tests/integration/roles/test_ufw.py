"""The firewall of a machine of its own: what a check says is what a run does, and a second run does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

RULES = """
- hosts: machine
  become: true
  gather_facts: false
  tasks:
    - community.general.ufw: {rule: allow, port: 22, proto: tcp}
    - ufw: {rule: allow, src: 10.0.0.0/8, port: "8000:8010", proto: tcp, comment: our own net}
    - ufw: {rule: deny, direction: in, interface: eth1, to_port: "80,443", proto: tcp, log: true}
    - ufw: {rule: reject, from: "2001:db8::/32"}
    - ufw: {rule: allow, route: true, interface_in: eth0, interface_out: eth1}
    - ufw: {rule: deny, port: 25, insert: 1}
    - ufw: {rule: deny, port: 26, insert: 0, insert_relative_to: first-ipv6}
    - ufw: {rule: allow, port: 9, delete: true}
    - ufw: {policy: reject, direction: incoming}
    - ufw: {policy: reject, direction: incoming}
    - ufw: {logging: medium}
    - ufw: {state: enabled}
    - ufw: {state: enabled, policy: reject, logging: "on"}
"""
LATER = """
- hosts: machine
  become: true
  gather_facts: false
  tasks:
    - ufw: {rule: deny, port: 25, delete: true}
    - ufw: {rule: allow, src: 10.0.0.0/8, port: "8000:8010", proto: tcp, comment: another word}
    - ufw: {state: disabled, policy: deny, logging: low}
"""
WRONG = """
- hosts: machine
  become: true
  gather_facts: false
  tasks:
    - ufw: {rule: allow, direction: incoming, port: 22}
"""


def statuses(playbook: Path, inventory: Path, *options: str) -> list[str]:
    words = [sys.executable, "-m", "nxtplay", str(playbook), "-i", str(inventory), "--json", *options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return [one["status"] for one in told if one["kind"] == "task_finished"]


def test_the_firewall_is_as_a_check_foresees_it(machine: Path, tmp_path: Path) -> None:
    playbook = tmp_path / "site.yml"
    for text, changes in ((RULES, 10), (LATER, 3)):
        playbook.write_text(text)
        foreseen, done = statuses(playbook, machine, "--check"), statuses(playbook, machine)
        assert done.count("changed") == changes and set(done) <= {"ok", "changed"}
        assert all(said in (status, "unknown") for said, status in zip(foreseen, done, strict=True)), (foreseen, done)
        assert foreseen.count("unknown") <= 1, "only where a place is counted among rules that are still to come"
        assert set(statuses(playbook, machine)) == set(statuses(playbook, machine, "--check")) == {"ok"}
    playbook.write_text(WRONG)
    assert statuses(playbook, machine, "--check") == statuses(playbook, machine) == ["failed"]
