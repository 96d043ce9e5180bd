"""What a newcomer meets: servers that lack something, inventories that are not right yet. Each is told with its way out, at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import played
import pytest
import vps_machine
from vps_machine import USER, Machine

SOURCES = {"stack_folder": "/opt/nxtbus"}


def deploy(machine: Machine, folder: Path, *words: str, playbook: str = "deploy", **given: Any) -> played.Played:
    inventory = machine.inventory(folder / "vps.yml", **{**SOURCES, **given})
    done = played.play("-i", str(inventory), playbook, *words, json_lines=False)
    assert "Traceback" not in done.text
    return done


@pytest.fixture
def untouched(bare: Machine) -> Iterator[Machine]:
    """The server, on which the test leaves nothing."""
    yield bare
    bare.run("rm -rf /opt/* /srv/*")
    assert bare.run("ls /opt") == ""


def test_settings_come_first(untouched: Machine, tmp_path: Path) -> None:
    done = deploy(untouched, tmp_path, "--check")
    assert done.rc == 2, done.text
    assert "there is no /opt/nxtbus/.env.production: `nxtplay init` writes one" in done.text
    assert untouched.run("ls /opt") == "", "a check brings nothing"


def test_neither_docker_nor_debian(untouched: Machine, tmp_path: Path) -> None:
    hidden = "/usr/lib/os-release /usr/sbin/dockerd"
    untouched.run(f"for f in {hidden}; do mv $f $f.kept; done; printf 'ID=arch\\nNAME=\"Arch Linux\"\\n' > /usr/lib/os-release")
    try:
        done = deploy(untouched, tmp_path, "--check")
    finally:
        untouched.run(f"for f in {hidden}; do mv $f.kept $f; done")
    assert done.rc == 2, done.text
    assert "Docker is not installed" in done.text
    assert "Install it" in done.text


def test_a_user_who_may_not_use_sudo(untouched: Machine, tmp_path: Path) -> None:
    untouched.run(f"mv /etc/sudoers.d/{USER} /root/")
    try:
        done = deploy(untouched, tmp_path, "--check")
    finally:
        untouched.run(f"mv /root/{USER} /etc/sudoers.d/")
    assert done.rc == 2, done.text
    assert "this user may not use sudo on that host" in done.text
    assert "Nothing would change" not in done.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ansible_become_password": "wrong"}, "Incorrect sudo password"),
        ({"ansible_become_password": None}, "Missing sudo password: -K"),
        ({"ansible_user": "deployer"}, "login failed"),
        ({"ansible_ssh_private_key_file": "/no/such/key"}, "key /no/such/key: no such file"),
        ({"ansible_port": 23}, "port 23 refuses connections"),
        ({"ansible_host": "no-such-server.invalid"}, "no address for the name 'no-such-server.invalid'"),
        ({"ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null"}, "the host's key is not known"),
        ({"ansible_hots": "203.0.113.10"}, "did you mean 'ansible_host'?"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_inventory_that_is_not_right_yet(untouched: Machine, tmp_path: Path, given: dict[str, Any], told: str) -> None:
    done = deploy(untouched, tmp_path, "--check", "--tags", "environment", **given)
    assert told in done.text, done.text
    assert done.seconds < 240
    if "ansible_hots" not in given:
        assert done.rc == (2 if "ansible_become_password" in given else 4), done.text
        assert vps_machine.PASSWORD not in done.text


def git(*words: str) -> None:
    identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def test_sources_are_cloned_from_a_repository(untouched: Machine, tmp_path: Path) -> None:
    folder = vps_machine.sources(tmp_path / "nxtbus")
    shutil.rmtree(folder / ".git")
    git("init", str(folder))
    git("-C", str(folder), "add", ".")
    git("-C", str(folder), "commit", "-m", "first")
    git("clone", "--bare", str(folder), str(tmp_path / "nxtbus.git"))
    subprocess.run(["docker", "cp", str(tmp_path / "nxtbus.git"), f"{untouched.name}:/srv/"], check=True, capture_output=True)
    untouched.run("chown -R root: /srv/nxtbus.git")
    inventory = untouched.inventory(tmp_path / "vps.yml", **SOURCES, stack_repository="/srv/nxtbus.git")

    foreseen = played.play("-i", str(inventory), "init", "--check")
    first = played.play("-i", str(inventory), "init")
    second = played.play("-i", str(inventory), "init", "--check")
    assert (foreseen.rc, first.rc, second.rc) == (0, 0, 0), foreseen.text + first.text + second.text
    changed = first.with_status("changed")
    assert changed == {("source", "Clone the sources", ""), ("environment", "The env file", "")}
    assert foreseen.with_status("changed") == changed - foreseen.with_status("unknown")
    assert second.with_status("changed", "unknown") == set()
    assert untouched.run("stat -c %a /opt/nxtbus/.env.production") == "600\n"
    assert "docker-compose.prod.yml" in untouched.run("ls /opt/nxtbus")
