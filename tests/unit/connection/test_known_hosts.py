"""Known hosts, beside ssh-keygen's own opinion."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nxtplay.connection.ssh.known_hosts import KnownHosts, fingerprint, name_of

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIA8/bGJ4nv3mTZ9dUv0dQ4v4mX5C5k6Q2oN3S4t5u6v7"
OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
TYPE = "ssh-ed25519"


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(lines) + "\n")
    return KnownHosts([str(path)])


@pytest.mark.parametrize(
    ("hosts", "name", "verdict"),
    [
        ("web", "web", "known"),
        ("web,192.0.2.1", "192.0.2.1", "known"),
        ("WEB", "web", "known"),
        ("web", "db", "unknown"),
        ("*.example", "a.example", "known"),
        ("*.example,!b.example", "b.example", "unknown"),
        ("[web]:2222", "[web]:2222", "known"),
        ("web", "[web]:2222", "unknown"),
    ],
)
def test_names(tmp_path: Path, hosts: str, name: str, verdict: str) -> None:
    assert known(tmp_path, f"{hosts} {TYPE} {KEY} comment").judge(name, TYPE, KEY).verdict == verdict


def test_a_change_names_the_line(tmp_path: Path) -> None:
    judged = known(tmp_path, "# head", "", f"web {TYPE} {OTHER}").judge("web", TYPE, KEY)
    assert judged.verdict == "changed"
    assert judged.entry is not None
    assert judged.entry.line == 3


def test_one_of_several_keys_suffices(tmp_path: Path) -> None:
    assert known(tmp_path, f"web {TYPE} {OTHER}", f"web {TYPE} {KEY}").judge("web", TYPE, KEY).verdict == "known"


def test_another_kind_of_key_is_a_change(tmp_path: Path) -> None:
    assert known(tmp_path, f"web ssh-rsa {OTHER}").judge("web", TYPE, KEY).verdict == "changed"


def test_revoked_wins(tmp_path: Path) -> None:
    assert known(tmp_path, f"web {TYPE} {KEY}", f"@revoked web {TYPE} {KEY}").judge("web", TYPE, KEY).verdict == "revoked"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs the package openssh-client")
def test_lines_hashed_by_ssh_keygen(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    kind, text = key.with_suffix(".pub").read_text().split()[:2]
    path.write_text(f"web {kind} {text}\n[db]:22022 {kind} {text}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], capture_output=True, check=True)
    assert "web" not in path.read_text()
    found = KnownHosts([str(path)])
    assert [found.judge(name, kind, text).verdict for name in ("web", "[db]:22022", "db")] == ["known", "known", "unknown"]
    shown = subprocess.run(["ssh-keygen", "-lf", str(key)], capture_output=True, text=True, check=True).stdout
    assert fingerprint(text) in shown


def test_remembering_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "sub/known_hosts"
    path.parent.mkdir()
    path.write_text(f"web {TYPE} {OTHER}")  # no line end
    found = KnownHosts([str(path)])
    found.remember("db", TYPE, KEY)
    assert path.read_text() == f"web {TYPE} {OTHER}\ndb {TYPE} {KEY}\n"
    assert found.judge("db", TYPE, KEY).verdict == "known"
    assert KnownHosts([str(path)]).judge("db", TYPE, KEY).verdict == "known"


def test_names_with_ports() -> None:
    assert (name_of("web", 22), name_of("web", 2222)) == ("web", "[web]:2222")
