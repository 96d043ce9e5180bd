"""sshd: a server for root by key; person: a user with a password who exists as long as the tests run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshd_server import PASSWORD, USER, Sshd, scratch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    reason = ""
    if os.geteuid() != 0:
        reason = "needs root: it starts servers that log users in"
    elif not os.path.exists("/usr/sbin/sshd"):
        reason = "needs the package openssh-server"
    if reason:
        for item in items:
            if str(item.path).startswith(here):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    directory = scratch()
    server = Sshd(directory).start()
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def start() -> Iterator[Callable[..., Sshd]]:
    """start(*configuration lines, addresses=...): another server."""
    servers: list[Sshd] = []

    def begin(*options: str, **given: Any) -> Sshd:
        servers.append(Sshd(scratch(), options=options, **given).start())
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()
        shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def _person() -> Iterator[Path]:
    home = scratch()
    subprocess.run(["userdel", USER], stderr=subprocess.DEVNULL, check=False)  # of a run that was killed
    subprocess.run(["useradd", "-M", "-d", str(home), "-s", "/bin/sh", USER], check=True)
    subprocess.run(["chpasswd"], input=f"{USER}:{PASSWORD}\n", text=True, check=True)
    shutil.chown(home, USER, USER)
    yield home
    subprocess.run(["userdel", "-f", USER], check=False)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def person(_person: Path) -> Iterator[Path]:
    """The user's home; login shell and start files are as new after the test."""
    yield _person
    if pwd.getpwnam(USER).pw_shell != "/bin/sh":
        subprocess.run(["usermod", "-s", "/bin/sh", USER], check=True)
    for entry in _person.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for place in ("/tmp", "/var/tmp", "/dev/shm"):  # where an agent goes that finds no room at home
        shutil.rmtree(f"{place}/nxtplay-{pwd.getpwnam(USER).pw_uid}", ignore_errors=True)


@pytest.fixture
def sudoers() -> Iterator[Callable[[str], None]]:
    """sudoers(lines): what sudo lets the user do, for one test."""
    if shutil.which("sudo") is None:
        pytest.skip("needs the package sudo")
    path = Path("/etc/sudoers.d") / USER

    def write(text: str) -> None:
        path.write_text(text + "\n")
        path.chmod(0o440)

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own on this side: ~/.ssh and no agent."""
    from nxtplay.connection.ssh import config

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    config.read.cache_clear()
    return tmp_path
