"""What stands in the way is told in one report, and nothing is changed."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest
from flow_stack import Stack, docker

pytestmark = pytest.mark.docker


def fingerprint(stack: Stack) -> str:
    """Everything that a deployment could have changed."""
    files = sorted(path for path in stack.folder.rglob("*") if path.is_file())
    content = [f"{path} {path.stat().st_mode} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    label = f"label=com.docker.compose.project={stack.project}"
    listed = [docker("ps", "-aq", "--filter", label), docker("volume", "ls", "-q", "--filter", label)]
    listed.append(docker("images", "-q", f"{stack.project}-*"))
    return hashlib.sha256("\n".join([*content, *listed]).encode()).hexdigest()


def refused(stack: Stack, *words: str, env: dict[str, str] | None = None, rc: int = 2) -> str:
    """Play it, see it refused with nothing changed and without a traceback; what it printed, in human form."""
    before = fingerprint(stack)
    played = stack.play(*(words or ("deploy",)), env=env, json_lines=False)
    assert played.rc == rc, played.text
    assert "Traceback" not in played.text
    assert "would change" not in played.text
    assert fingerprint(stack) == before
    return played.text


@pytest.mark.parametrize("address", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
def test_no_engine_at_the_address(fresh: Stack, address: str) -> None:
    text = refused(fresh, env={"DOCKER_HOST": address})
    assert address in text
    assert "DOCKER_HOST" in text


def test_a_port_is_taken(fresh: Stack) -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", fresh.ports["frontend"]))
        holder.listen()
        text = refused(fresh)
    assert str(fresh.ports["frontend"]) in text
    assert "pytest" in text or "python" in text


def test_the_stack_s_own_containers_may_hold_its_ports(deployed: Stack) -> None:
    played = deployed.play("deploy", "--check", "--tags", "prerequisites")
    assert played.rc == 0, played.text


def test_a_placeholder_is_left(fresh: Stack) -> None:
    path = fresh.folder / ".env.production"
    lines = ["DB_PASSWORD=change-me-database" if line.startswith("DB_PASSWORD=") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    text = refused(fresh)
    assert "DB_PASSWORD" in text
    assert "change-me-database" not in text


def test_several_things_are_told_at_once(fresh: Stack) -> None:
    path = fresh.folder / ".env.production"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("JWT_SECRET=")]
    path.write_text("\n".join(lines) + "\n")
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", fresh.ports["backend"]))
        holder.listen()
        text = refused(fresh, "deploy", "-e", "stack_memory_mb=99999999", "-e", "stack_disk_mb=99999999")
    for word in ("JWT_SECRET", str(fresh.ports["backend"]), "memory", "disk"):
        assert word in text, word


def test_no_env_file(fresh: Stack) -> None:
    (fresh.folder / ".env.production").unlink()
    assert "nxtplay init" in refused(fresh)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tab.yml", "- hosts: nxtbus\n\ttasks: []\n", "tab.yml:2:1"),
        ("cyclic.yml", "- hosts: nxtbus\n  roles: [one]\n", "one"),
    ],
)
def test_a_playbook_that_cannot_be_right(fresh: Stack, tmp_path: Path, name: str, text: str, expected: str) -> None:
    for role, other in (("one", "two"), ("two", "one")):
        meta = tmp_path / "roles" / role / "meta"
        meta.mkdir(parents=True)
        (meta / "main.yml").write_text(f"dependencies: [{other}]\n")
    (tmp_path / name).write_text(text)
    said = refused(fresh, str(tmp_path / name), rc=4)
    assert expected in said
    assert said.count("error:") == 1


def test_an_unreadable_playbook(fresh: Stack, tmp_path: Path) -> None:
    (tmp_path / "binary.yml").write_bytes(b"- hosts: \xff\xfe\n")
    said = refused(fresh, str(tmp_path / "binary.yml"), rc=4)
    assert "binary.yml" in said
