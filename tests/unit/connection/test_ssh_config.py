"""Our reading of ssh_config against the ssh program's own (`ssh -G`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nxtplay.connection.ssh import config
from nxtplay.errors import UsageError

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the package openssh-client")


def ours(path: Path, host: str, *given_options: tuple[str, str]) -> dict[str, str]:
    config.read.cache_clear()
    found = config.resolve(host, given=given_options, files=[str(path)])
    return {"hostname": found.hostname, "port": str(found.port), "user": found.user, "proxyjump": found.line("proxyjump") or "none"}


def theirs(path: Path, host: str, *given_options: tuple[str, str]) -> dict[str, str]:
    options = [word for name, value in given_options for word in ("-o", f"{name}={value}")]
    done = subprocess.run(["ssh", "-G", "-F", str(path), *options, host], capture_output=True, text=True, check=True)
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return {name: found.get(name, "none") for name in ("hostname", "port", "user", "proxyjump")}


HOSTS = ("web", "web1", "db.example", "gate", "WEB")
PATTERNS = ("*", "web*", "web?", "*.example", "web db.example", "!web1 web*", "gate", "WEB")
SETTINGS = st.one_of(
    st.sampled_from(["Port 2222", "port=22", "PORT = 1022"]),
    st.sampled_from(["User deploy", "User root", 'User "ann"']),
    st.sampled_from(["HostName %h.internal", "Hostname 192.0.2.1", "HostName x%h"]),
    st.sampled_from(["ProxyJump hop", "ProxyJump none", "ProxyJump ann@hop:2200,last"]),
    st.sampled_from(["# a comment", "", "ServerAliveInterval 5"]),
)
BLOCKS = st.one_of(
    st.sampled_from(PATTERNS).map(lambda text: f"Host {text}"),
    st.sampled_from(["Match all", "Match host web*", "Match originalhost web,gate", "Match !host web", "Match user deploy"]),
    st.just("Match host *.internal"),
)
FILES = st.lists(st.tuples(BLOCKS, st.lists(SETTINGS, max_size=4)), max_size=5)


@needs_ssh
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.lists(SETTINGS, max_size=2), blocks=FILES, host=st.sampled_from(HOSTS))
def test_reads_as_ssh_reads(tmp_path: Path, head: list[str], blocks: list[tuple[str, list[str]]], host: str) -> None:
    lines = [*head, *(line for block, inside in blocks for line in (block, *(f"  {text}" for text in inside)))]
    path = tmp_path / "config"
    path.write_text("\n".join(lines) + "\n")
    assert ours(path, host) == theirs(path, host)


@needs_ssh
def test_options_come_first(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("Host *\n  User file\n  Port 1\n")
    given_options = (("User", "option"), ("Port", "2"))
    assert ours(path, "web", *given_options) == theirs(path, "web", *given_options)


def test_includes_with_their_conditions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    parts = tmp_path / ".ssh/parts"
    parts.mkdir(parents=True)
    (parts / "a").write_text("User from-a\n")
    (parts / "b").write_text("Host db\n  Port 7\n")
    path = tmp_path / ".ssh/config"
    path.write_text("Host web\n  Include parts/*\nHost *\n  User other\n")
    assert ours(path, "web")["user"] == "from-a"
    assert ours(path, "db")["user"] == "other"
    assert ours(path, "db")["port"] == "22", "an include inside a Host block counts for that host alone"


def test_a_circle_of_includes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(f"Include {path}\n")
    config.read.cache_clear()
    with pytest.raises(UsageError, match="include each other"):
        config.resolve("web", files=[str(path)])


def test_paths_and_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("KEYS", "/keys")
    path = tmp_path / "config"
    path.write_text("IdentityFile ~/.ssh/%h\nIdentityFile ${KEYS}/%r@%p\nUser ann\nHostName web.example\n")
    config.read.cache_clear()
    found = config.resolve("web", files=[str(path)])
    assert found.paths("identityfile") == ["/home/ann/.ssh/web.example", "/keys/ann@22"]
    assert found.expand("nc %h %p %%") == "nc web.example 22 %"


def test_faults_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text('Host web\n  User "open\n')
    config.read.cache_clear()
    with pytest.raises(UsageError) as caught:
        config.resolve("web", files=[str(path)])
    assert str(caught.value.diagnostics[0].span) == f"{path}:2"
    path.write_text("Port many\n")
    config.read.cache_clear()
    with pytest.raises(UsageError, match="'many', expected a number"):
        config.resolve("web", files=[str(path)])


def test_match_exec_asks_the_command(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text('Match exec "test %h = web"\n  User yes\n')
    assert ours(path, "web")["user"] == "yes"
    assert ours(path, "db")["user"] != "yes"
    assert os.path.exists(path)
