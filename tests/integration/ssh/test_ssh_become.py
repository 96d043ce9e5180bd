"""Becoming another user over SSH: what works without being asked, with a password, and how each refusal reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd_server import PASSWORD, USER, Sshd, out, running, secret, shell

from nxtplay.connection.become import Escalation, for_login
from nxtplay.connection.connection import AgentConnection
from nxtplay.errors import Unreachable

ALL = f"{USER} ALL=(ALL:ALL) ALL"
FREE = f"{USER} ALL=(ALL:ALL) NOPASSWD: ALL"
Sudoers = Callable[[str], None]


def as_person(sshd: Sshd, escalation: Escalation | None) -> AgentConnection:
    return sshd.connection(escalation, user=USER, key_file=None, password=secret(PASSWORD))


def refused(sshd: Sshd, escalation: Escalation) -> str:
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        shell(as_person(sshd, escalation), "true")
    assert time.monotonic() - began < 15, "an error at once, not a hang"
    text = str(caught.value)
    assert text.startswith(f"{USER}@127.0.0.1:{sshd.port}: cannot become ")
    assert PASSWORD not in text
    return text.partition("cannot become ")[2]


def test_sudo_with_a_password_and_a_lecture(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(f"Defaults:{USER} lecture=always\n{ALL}")
    connection = as_person(sshd, Escalation(password=secret(PASSWORD)))
    assert out(connection, "id -un; echo $HOME") == "root\n/root"
    assert not running(PASSWORD), "no process shows it"
    connection.close()


def test_a_password_that_nobody_asks_for_is_not_sent(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(FREE)
    connection = as_person(sshd, Escalation("nobody", password=secret(PASSWORD)))
    assert out(connection, "id -un") == "nobody"
    assert out(connection, "id -un") == "nobody"
    connection.close()


def test_sudo_without_a_password(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(FREE)
    connection = as_person(sshd, Escalation())
    assert out(connection, "id -un") == "root"
    connection.close()


def test_wrong_sudo_password(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(ALL)
    assert refused(sshd, Escalation(password=secret("no"))) == "root with sudo: Incorrect sudo password"


def test_missing_sudo_password(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(ALL)
    assert "Missing sudo password: -K" in refused(sshd, Escalation())


def test_not_in_sudoers(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers("# nobody")
    assert "may not use sudo" in refused(sshd, Escalation(password=secret(PASSWORD)))


def test_a_terminal_is_wanted(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(f"Defaults:{USER} requiretty\n{ALL}")
    assert "remove `Defaults requiretty`" in refused(sshd, Escalation(password=secret(PASSWORD)))


def test_no_such_user(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(FREE)
    assert "no such become user" in refused(sshd, Escalation("nosuchuser"))


def test_no_such_program(sshd: Sshd, person: Path) -> None:
    assert "not installed" in refused(sshd, Escalation(method="doas", exe="/no/doas"))


def test_su_with_a_password(sshd: Sshd, person: Path) -> None:
    connection = sshd.connection(Escalation(USER, method="su"))
    assert out(connection, "id -un") == USER
    connection.close()
    own = as_person(sshd, Escalation(USER, method="su", password=secret(PASSWORD)))
    assert out(own, "id -un; printf '%s' \"$PATH\" | wc -c").startswith(USER)
    own.close()


def test_su_with_a_wrong_password(sshd: Sshd, person: Path) -> None:
    assert refused(sshd, Escalation(method="su", password=secret("no"))) == "root with su: Incorrect su password"


def test_su_that_asks_when_nobody_can_answer(sshd: Sshd, person: Path) -> None:
    assert "Missing su password" in refused(sshd, Escalation(method="su"))


def test_root_becomes_others_with_sudo_and_without(start: Callable[..., Sshd], sshd: Sshd) -> None:
    """On a small machine there is no sudo; root does not need it."""
    escalation = for_login(Escalation("nobody"), "root")
    connection = sshd.connection(escalation)
    assert out(connection, "id -un") == "nobody"
    connection.close()
    bare = start("SetEnv PATH=/nowhere:/bin-without-sudo")
    tools = Path("/bin-without-sudo")
    tools.mkdir()
    try:
        for name in ("runuser", "env", "id", "python3", "sh"):
            (tools / name).symlink_to(shutil.which(name, path="/usr/sbin:/usr/bin:/bin") or name)
        connection = bare.connection(escalation, interpreter="/usr/bin/python3")
        assert out(connection, "id -un; echo $HOME") == "nobody\n/nonexistent"
        connection.close()
    finally:
        shutil.rmtree(tools)


def test_becoming_oneself_asks_nobody() -> None:
    assert for_login(Escalation("root"), "root") is None
    assert for_login(Escalation(USER), USER) is None
    asked = Escalation("root", password=secret("p"))
    assert for_login(asked, USER) is asked
    named = Escalation("postgres", method="su")
    assert for_login(named, "root") is named


def test_raw_as_another_user_shows_only_what_the_command_said(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(f"Defaults:{USER} lecture=always\n{ALL}")
    connection = as_person(sshd, Escalation(password=secret(PASSWORD)))
    done = connection.raw("id -un; echo aside >&2; exit 3")
    assert (done.rc, done.stdout, done.stderr) == (3, "root\n", "aside\n")
    connection.close()
    with pytest.raises(Unreachable, match=r"Incorrect \w+ password"):
        as_person(sshd, Escalation(password=secret("no"))).raw("true")


def test_nothing_is_left_but_the_cache(sshd: Sshd, person: Path, sudoers: Sudoers) -> None:
    sudoers(ALL)
    connection = as_person(sshd, Escalation(password=secret(PASSWORD)))
    shell(connection, "true")
    connection.close()
    found = {str(path.relative_to(person)) for path in person.rglob("*")}
    assert found == set(), "the login user needs no agent, so it has no cache"
    plain = as_person(sshd, None)
    shell(plain, "true")
    plain.close()
    cache = person / ".cache/nxtplay"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert [entry.name[:6] for entry in cache.iterdir()] == ["agent-"]
    assert {entry.name for entry in person.iterdir()} == {".cache"}
    shutil.rmtree(person / ".cache")


REMOVED = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - user: {name: nxtplay-passing, system: true, create_home: true}
    - command: id -un
      become: true
      become_user: nxtplay-passing
    - user: {name: nxtplay-passing, state: absent, remove: true}
"""


def test_an_account_that_a_task_became_can_be_removed(sshd: Sshd, tmp_path: Path) -> None:
    """Our agent in it ends first, as userdel refuses an account that has processes."""
    (tmp_path / "site.yml").write_text(REMOVED)
    words = [sys.executable, "-m", "nxtplay", "site.yml"]
    try:
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        subprocess.run(["userdel", "-rf", "nxtplay-passing"], capture_output=True, check=False)
