"""Packets that are dropped on the way, by the server's own firewall: what is short is waited for, what is long is told in its time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vps_machine import ROOT, Machine, until

QUICK, PATIENT = ("-o ServerAliveInterval=2 -o ServerAliveCountMax=2", "-o ServerAliveInterval=6 -o ServerAliveCountMax=3")
DROP = "iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I OUTPUT -p tcp --sport 22 -j DROP"


@pytest.fixture
def firewall(bare: Machine) -> Iterator[Machine]:
    yield bare
    bare.run("iptables -F")


def begin(machine: Machine, folder: Path, command: str, patience: str = QUICK, **given: object) -> subprocess.Popen[str]:
    """A run with one task on the server, and one on this machine beside it."""
    task = {"name": "Work", "shell": "{{ work }}", "changed_when": False}
    (folder / "site.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [task]}]))
    usual = machine.variables(ansible_become=False)
    usual["ansible_ssh_common_args"] += f" {patience}"
    hosts = {"vps": {**usual, "work": command, **given}, "other": {"ansible_connection": "local", "work": "true"}}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    argv = [sys.executable, "-m", "nxtplay", "-i", str(folder / "hosts.json"), str(folder / "site.yml")]
    return subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(run: subprocess.Popen[str]) -> str:
    try:
        return run.communicate(timeout=120)[0]
    finally:
        run.kill()


def busy(machine: Machine) -> bool:
    return "sleep 6.5" in machine.run("ps axww -o args=")


def test_a_short_cut_is_survived(firewall: Machine, tmp_path: Path) -> None:
    run = begin(firewall, tmp_path, "sleep 6.5; echo through", PATIENT)
    until(lambda: busy(firewall), 180)
    firewall.run(f"{DROP}; sleep 4; iptables -F")
    text = said(run)
    assert run.returncode == 0, text


def test_a_long_cut_is_told_within_the_budget_and_ends_the_task_there(firewall: Machine, tmp_path: Path) -> None:
    run = begin(firewall, tmp_path, "sleep 6.5; sleep 1000.88")
    until(lambda: busy(firewall), 180)
    firewall.run(DROP)
    began = time.monotonic()
    text = said(run)
    assert time.monotonic() - began < 15
    assert run.returncode == 4, text
    assert "no sign of life" in text
    assert firewall.address in text
    assert "other : ok=1" in text.replace("  ", " "), "the others are not disturbed"


def test_a_server_that_swallows_everything_costs_the_connect_timeout(firewall: Machine, tmp_path: Path) -> None:
    firewall.run(DROP)
    began = time.monotonic()
    run = begin(firewall, tmp_path, "true", ansible_ssh_timeout=2)
    text = said(run)
    assert time.monotonic() - began < 20
    assert run.returncode == 4, text
    assert "port 22 within 2 s" in text, text
