"""A Debian machine that has nothing but Python gets an engine; a check before it foresees that, and what comes after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flow_stack
import pytest
from flow_stack import docker

pytestmark = pytest.mark.docker
NAME = f"nxtflow-bare-{os.getpid()}"
IMAGE = "nxtflow-bare:1"
DOCKERFILE = """\
FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends mount python3 && rm -rf /var/lib/apt/lists/*
"""
# What an engine in a container needs: all that a container may be given, but for the clock, the kernel's modules and the like.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST "
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_NICE SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ"
).split()
START = """
for m in /sys /sys/fs/cgroup /sys/fs/cgroup/*/; do m=${m%/}; [ ! -L $m ] && mount -o remount,bind,rw $m; done 2>/dev/null
for m in $(awk '$5 ~ "^/proc/" {print $5}' /proc/1/mountinfo); do umount $m; done 2>/dev/null
echo 1 > /proc/sys/net/ipv4/ip_forward
exec sleep infinity
"""
PLAYBOOK = """
- hosts: bare
  gather_facts: false
  tasks:
    - name: Engine
      docker_engine:
    - name: Volume
      docker_volume:
        name: kept
    - name: Look
      docker_host_info:
        volumes: true
      register: found
    - name: Holds
      assert:
        that: "'kept' in found.volumes | map(attribute='Name')"
"""


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """The name of a running container that is such a machine."""
    if not docker("image", "ls", "-q", "debian:bookworm-slim").strip():
        pytest.skip("needs the image debian:bookworm-slim")
    built = subprocess.run(["docker", "build", "-q", "-t", IMAGE, "-"], input=DOCKERFILE, text=True, capture_output=True, check=False)
    assert built.returncode == 0, built.stderr
    allowed = [word for name in CAPABILITIES for word in ("--cap-add", name)]
    open_ = ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--device-cgroup-rule", "a *:* rwm"]
    docker("run", "-d", "--name", NAME, "-v", "/var/lib/docker", *allowed, *open_, IMAGE, "bash", "-c", START)
    yield NAME
    docker("rm", "-fv", NAME)


def play(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, status by task, everything printed."""
    inventory = folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"bare": {"ansible_connection": "docker", "ansible_host": NAME}}}}))
    (folder / "site.yml").write_text(PLAYBOOK)
    argv = [sys.executable, "-m", "nxtplay", "-i", str(inventory), str(folder / "site.yml"), "--json", *words]
    done = subprocess.run(argv, cwd=flow_stack.ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    names = {e["id"]: e["name"] for e in events if e["kind"] == "task_started"}
    return done.returncode, {names[e["id"]]: e["status"] for e in events if e["kind"] == "task_finished"}, done.stdout + done.stderr


def test_check_run_check_on_a_machine_without_docker(bare: str, tmp_path: Path) -> None:
    code, foreseen, text = play(tmp_path, "--check")
    assert code == 0, text
    assert foreseen["Engine"] == foreseen["Volume"] == "changed"
    assert foreseen["Holds"] == "unknown"
    assert docker("exec", bare, "sh", "-c", "command -v dockerd") == ""

    code, done, text = play(tmp_path)
    assert code == 0, text
    assert done == {"Engine": "changed", "Volume": "changed", "Look": "ok", "Holds": "ok"}

    code, after, text = play(tmp_path, "--check")
    assert code == 0, text
    assert set(after.values()) == {"ok"}


def test_an_engine_that_was_killed_is_started_again(bare: str, tmp_path: Path) -> None:
    docker("exec", bare, "sh", "-c", "kill -9 $(cat /run/docker.pid)")
    code, foreseen, text = play(tmp_path, "--check")
    assert code == 0, text
    assert foreseen["Engine"] == "changed"
    assert foreseen["Volume"] == "unknown", "what a stopped engine holds cannot be foreseen"
    code, done, text = play(tmp_path)
    assert code == 0, text
    assert done == {"Engine": "changed", "Volume": "ok", "Look": "ok", "Holds": "ok"}
