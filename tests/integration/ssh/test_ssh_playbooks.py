"""The command line over SSH: many hosts, Ctrl-C, variables and flags, a check that follows itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd_server import PASSWORD, USER, Sshd, running, until

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 12))  # a server listens on 16 addresses at most


class Ground:
    """A directory with an inventory; `play` runs a playbook there."""

    def __init__(self, directory: Path, sshd: Sshd) -> None:
        self.directory, self.sshd = directory, sshd
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(directory), "PYTHONPATH": str(Path(__file__).parents[3])}
        (directory / ".ssh").mkdir()

    def inventory(self, text: str) -> None:
        (self.directory / "hosts.ini").write_text(text)

    def begin(self, playbook: str, *flags: str) -> subprocess.Popen[str]:
        (self.directory / "play.yml").write_text(playbook)
        words = [sys.executable, "-m", "nxtplay", "-i", "hosts.ini", *flags, "play.yml"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        return subprocess.Popen(words, cwd=self.directory, env=self.environ, text=True, start_new_session=True, **streams)  # type: ignore[call-overload,no-any-return]

    def play(self, playbook: str, *flags: str) -> tuple[int, str]:
        process = self.begin(playbook, *flags)
        out = process.communicate(timeout=60)[0]
        return process.returncode, out


@pytest.fixture
def ground(tmp_path: Path, sshd: Sshd) -> Ground:
    found = Ground(tmp_path, sshd)
    usual = f"ansible_port={sshd.port} ansible_user=root ansible_ssh_private_key_file={sshd.key} ansible_host_key_checking=false"
    found.inventory(f"vps ansible_host=127.0.0.1 {usual}\n")
    return found


ID = """
- hosts: all
  gather_facts: false
  tasks:
    - command: id -un
      register: who
    - debug: {msg: "who={{ who.stdout }}"}
"""


def test_a_play_over_ssh(ground: Ground) -> None:
    code, text = ground.play(ID)
    assert code == 0, text
    assert "who=root" in text


def test_flags_and_environment_reach_the_host(ground: Ground, sshd: Sshd) -> None:
    ground.inventory("127.0.0.1\n")
    ground.environ["ANSIBLE_HOST_KEY_CHECKING"] = "False"
    code, text = ground.play(ID, "-u", "root", "--private-key", str(sshd.key), "--ssh-common-args", f"-p {sshd.port} --odd", "-T", "5")
    assert code == 0, text
    assert "who=root" in text
    assert text.count("ssh argument '--odd' has no effect here") == 1


def test_passwords_from_files(ground: Ground, sshd: Sshd, person: Path, sudoers: Callable[[str], None], tmp_path: Path) -> None:
    sudoers(f"{USER} ALL=(ALL:ALL) ALL")
    (tmp_path / "pw").write_text(PASSWORD + "\n")
    ground.inventory(f"vps ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_host_key_checking=accept-new\n")
    files = ["--connection-password-file", "pw", "--become-password-file", "pw"]
    code, text = ground.play(ID, "-u", USER, "-b", *files)
    assert code == 0, text
    assert "who=root" in text
    assert PASSWORD not in text
    assert sshd.host_key in (tmp_path / ".ssh/known_hosts").read_text()


def test_unreachable_is_told_and_the_others_go_on(ground: Ground, sshd: Sshd) -> None:
    usual = f"ansible_user=root ansible_ssh_private_key_file={sshd.key} ansible_host_key_checking=false"
    ground.inventory(f"good ansible_host=127.0.0.1 ansible_port={sshd.port} {usual}\nbad ansible_host=127.0.0.1 ansible_port=1 {usual}\n")
    code, text = ground.play(ID)
    assert code == 4, text
    assert "root@127.0.0.1:1: 127.0.0.1 port 1 refuses connections" in text
    assert "who=root" in text


def test_a_check_follows_itself_and_leaves_nothing(ground: Ground, tmp_path: Path) -> None:
    playbook = f"""
- hosts: all
  gather_facts: false
  tasks:
    - file: {{path: {tmp_path}/there/deep, state: directory, mode: "0755"}}
    - copy: {{content: "hello\\n", dest: {tmp_path}/there/deep/file, mode: "0644"}}
    - copy: {{content: "hello\\n", dest: {tmp_path}/there/deep/file, mode: "0644"}}
      become: true
"""
    code, text = ground.play(playbook, "--check")
    assert code == 0, text
    assert "changed=2" in text
    assert not (tmp_path / "there").exists()
    for counts in ("changed=2", "changed=0"):
        code, text = ground.play(playbook)
        assert code == 0, text
        assert counts in text


def test_ctrl_c_with_20_hosts_busy_leaves_nothing_running(ground: Ground, start: Callable[..., Sshd]) -> None:
    lines = []
    for server in (start(addresses=HOSTS), start(addresses=HOSTS)):
        usual = f"ansible_port={server.port} ansible_user=root ansible_ssh_private_key_file={server.key} ansible_host_key_checking=false"
        lines += [f"h{server.port}-{address} ansible_host={address} {usual}\n" for address in HOSTS]
    ground.inventory("".join(lines))
    playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: sh -c 'sleep 1000.20 & sleep 1000.20; true'; true\n"
    process = ground.begin(playbook, "-f", "20")
    until(lambda: len(running("1000.20")) >= 80, 40)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=20)[0]
    assert time.monotonic() - began < 10
    assert process.returncode == 99, text
    assert "Traceback" not in text
    until(lambda: not running("1000.20"))


def test_the_ssh_program_serves_as_well(ground: Ground, sshd: Sshd) -> None:
    """Its own reading of the same variables."""
    code, text = ground.play(ID, "-e", "ansible_connection=openssh")
    assert code == 0, text
    assert "who=root" in text
    usual = f"ansible_port={sshd.port} ansible_user=root ansible_ssh_executable=ssh"
    ground.inventory(f"vps ansible_host=127.0.0.1 {usual} ansible_ssh_private_key_file=/no/where ansible_host_key_checking=false\n")
    code, text = ground.play(ID)
    assert code == 4, text
    assert "Permission denied" in text or "could not connect" in text


def test_raw_over_ssh_in_a_run_and_a_check(ground: Ground) -> None:
    playbook = """
- hosts: all
  gather_facts: false
  environment: {WORD: "it's"}
  tasks:
    - raw: echo "$WORD $0" && exit 3
      args: {executable: /bin/bash}
      register: done
      failed_when: done.rc != 3
    - debug: {msg: "{{ done.stdout | trim }}"}
    - raw: exit 4
      ignore_errors: true
      register: bad
    - debug: {msg: "{{ bad.msg }} {{ bad.rc }}"}
    - command: pwd
"""
    code, text = ground.play(playbook)
    assert code == 0, text
    assert "it's /bin/bash" in text
    assert "non-zero return code 4" in text
    code, text = ground.play(playbook, "--check")
    assert code == 0, text
    assert "failed=0" in text


TO_COME = """
- hosts: all
  gather_facts: false
  tasks:
    - user: {name: nxt-to-come}
    - {command: id -un, become: true, become_user: nxt-to-come, register: who, changed_when: false}
    - {command: id -un, become: true, become_user: nxt-to-come, check_mode: false}
    - {file: {path: /tmp/nxt-to-come-dir, state: directory}, become: true, become_user: nxt-to-come}
    - stat: {path: /tmp/nxt-to-come-dir}
      register: there
    - {debug: {msg: "never"}, when: there.stat.exists}
    - debug: {msg: the check went on}
"""


def test_a_check_of_tasks_that_become_a_user_who_is_only_to_come(ground: Ground) -> None:
    code, said = ground.play(TO_COME, "--check", "--exit-code")
    assert code == 6, said
    assert "the check went on" in said and "unreachable=0" in said and "unknown=4" in said
    assert "the user nxt-to-come comes with an earlier task" in said
    alone = TO_COME.replace("    - user: {name: nxt-to-come}\n", "")
    code, said = ground.play(alone, "--check")
    assert code == 2 and "no such become user" in said, "nothing explains it: a run would end here as well"


def test_who_cannot_be_become_fails_the_task_and_can_be_rescued(ground: Ground) -> None:
    playbook = """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - {command: id -un, become: true, become_user: nxt-to-come}
      rescue:
        - {debug: {msg: "rescued {{ ansible_failed_result is unreachable }}"}}
    - {command: id -un, become: true, become_user: nxt-to-come, ignore_errors: true}
"""
    code, said = ground.play(playbook)
    assert code == 0, said
    assert "rescued False" in said and "unreachable=0" in said and "ignored=1" in said
