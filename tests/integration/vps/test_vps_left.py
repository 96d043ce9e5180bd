"""After a run there is on the server what the tasks made, the agent's cache, and nothing else: no file, no process, no secret."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import played
import pytest
from vps_machine import PASSWORD, ROOT, USER, Machine, until

TOKEN = "s3cr3t-of-the-play"
PLAYBOOK = """
- hosts: all
  vars: {token: "%s"}
  tasks:
    - {name: Small, copy: {content: "{{ token }}", dest: /opt/kept, mode: "0600"}}
    - {name: Large, copy: {src: large, dest: /opt/large, mode: "0600"}}
    - {name: Folder, synchronize: {src: folder/, dest: /opt/folder}}
    - {name: Template, template: {src: page.j2, dest: /opt/page, mode: "0600"}}
    - {name: Script, script: script.sh hello}
    - {name: Secret in the environment, shell: 'test -n "$TOKEN"', environment: {TOKEN: "{{ token }}"}}
    - {name: Secret on standard input, command: {cmd: cat, stdin: "{{ token }}"}, no_log: true}
    - {name: Processes, command: ps axww -o args, register: processes, changed_when: false}
    - {name: No secret among them, assert: {that: "'%s' not in processes.stdout and token not in processes.stdout"}}
    - {name: As somebody else, command: id, become: true, become_user: nobody, changed_when: false}
    - {name: End, shell: "%s"}
"""
MADE = {"/opt", "/opt/kept", "/opt/large", "/opt/page"}
# What sudo, su and the login itself write on any machine.
SYSTEM = ("/run/sudo", "/var/lib/sudo", "/var/log/", "/run/utmp", "/etc/", "/run/sshd", "/dev/")
ENDS = {"success": "true", "failure": "exit 3", "interrupted": "sleep 1000.77"}


@pytest.fixture
def ground(bare: Machine, tmp_path: Path) -> Path:
    """A folder with a playbook's files, and a server on which everything is as old as the marker."""
    (tmp_path / "large").write_bytes(b"x" * 3_000_000)
    (tmp_path / "folder/a").mkdir(parents=True)
    (tmp_path / "folder/a/b").write_text("b")
    (tmp_path / "page.j2").write_text("{{ token }}\n")
    (tmp_path / "script.sh").write_text("#!/bin/sh\necho $1\n")
    bare.run("rm -rf /opt/* /home/deploy/.cache /root/.cache /nonexistent; touch /marker; sleep 0.1")
    return tmp_path


def fresh(machine: Machine) -> set[str]:
    """Paths that were written since the marker, system files aside."""
    found = machine.run("find / -xdev -newer /marker -not -path '/proc/*' -not -path '/sys/*'").split("\n")
    return {path for path in found if path and not path.startswith(SYSTEM)}


def processes(machine: Machine) -> list[str]:
    """Those of people and of nxtplay, the tests' own look left out."""
    lines = machine.run("ps axww -o user=,args=").splitlines()
    return sorted(line for line in lines if not any(word in line for word in ("ps axww", "sleep 0.1", "/start", "sshd -D", "listener")))


@pytest.mark.parametrize("become", [True, False])
@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left_behind(bare: Machine, ground: Path, end: str, become: bool) -> None:
    if not become:
        bare.run(f"chown {USER} /opt")
    before = processes(bare)
    (ground / "site.yml").write_text(PLAYBOOK % (TOKEN, PASSWORD, ENDS[end]))
    (ground / "hosts.json").write_text(json.dumps({"all": {"hosts": {"vps": bare.variables(ansible_become=become)}}}))
    argv = [sys.executable, "-m", "nxtplay", "-i", str(ground / "hosts.json"), str(ground / "site.yml")]
    run = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        if end == "interrupted":
            until(lambda: run.poll() is not None or "\nsleep 1000.77" in bare.run("ps axww -o args="), 240)
            run.send_signal(signal.SIGINT)
        text = run.communicate(timeout=300)[0]
    finally:
        run.kill()
    assert run.returncode == {"success": 0, "failure": 2, "interrupted": 99}[end], text
    assert not any(secret in text for secret in (PASSWORD, TOKEN))

    until(lambda: processes(bare) == before, 60)
    caches = {"/root/.cache/nxtplay"} if become else {f"/home/{USER}/.cache/nxtplay"}
    left = {path for path in fresh(bare) if path not in MADE and not path.startswith("/opt/folder")}
    outside = {path for path in left if "nxtplay" not in path}
    assert outside <= {f"/home/{USER}", f"/home/{USER}/.cache", "/root", "/root/.cache", "/marker", "/tmp", "/run"}, outside
    for place in sorted({path[: path.index("nxtplay")] + "nxtplay" for path in left if "nxtplay" in path}):
        assert place in caches or place.startswith("/tmp/nxtplay"), place
    for place in caches:
        assert bare.run(f"stat -c %a {place}") == "700\n"
        assert {name[:6] for name in bare.run(f"ls {place}").split()} <= {"agent-", "librar"}
    assert bare.run(f"grep -rlsF -e {TOKEN} -e '{PASSWORD}' /home /root /tmp /var /run /dev/shm || true") == ""
    bare.run("chown root /opt")


def test_a_check_leaves_the_cache_alone(bare: Machine, ground: Path) -> None:
    (ground / "site.yml").write_text(PLAYBOOK % (TOKEN, PASSWORD, "true"))
    inventory = bare.inventory(ground / "hosts.json")
    done = played.play("-i", str(inventory), str(ground / "site.yml"), "--check")
    assert done.rc == 0, done.text
    assert bare.run("ls /opt") == ""
    assert {path for path in fresh(bare) if "nxtplay" not in path} <= {f"/home/{USER}", "/root", "/root/.cache", "/marker"}
