"""Getting in: keys, passwords, agents, known hosts, configuration, gateways; and what is told when it fails."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd_server import PASSWORD, USER, Relay, Sshd, free_port, keypair, out, secret, shell

from nxtplay.connection.ssh import config
from nxtplay.connection.ssh.transport import Ssh
from nxtplay.errors import Unreachable


def test_a_key_logs_in_and_the_first_task_answers(sshd: Sshd) -> None:
    connection = sshd.connection()
    assert out(connection, "id -un") == "root"
    connection.close()


def test_a_password_logs_in(sshd: Sshd, person: Path, home: Path) -> None:
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert out(connection, "id -un") == USER
    connection.close()


def test_a_wrong_password_is_told_with_the_ways_out(sshd: Sshd, person: Path, home: Path) -> None:
    with pytest.raises(Unreachable, match=r"login failed: password: refused") as caught:
        shell(sshd.connection(user=USER, key_file=None, password=secret("wrong")), "true")
    assert f"{USER}@127.0.0.1:{sshd.port}" in str(caught.value)
    assert "--private-key" in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_a_password_is_used_where_the_usual_keys_are_refused(sshd: Sshd, person: Path, home: Path) -> None:
    keypair(home / ".ssh/id_ed25519")
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert out(connection, "id -un") == USER
    connection.close()


def test_a_locked_key_opens_with_its_passphrase(sshd: Sshd, start: Callable[..., Sshd], tmp_path: Path) -> None:
    server = start()
    locked = keypair(tmp_path / "locked", "open sesame")
    with open(server.directory / "authorized", "a") as stream:
        stream.write((tmp_path / "locked.pub").read_text())
    with pytest.raises(Unreachable, match=r"locked: locked: ssh-add it, or give ansible_ssh_private_key_passphrase"):
        shell(server.connection(key_file=str(locked)), "true")
    with pytest.raises(Unreachable, match="the passphrase is wrong"):
        shell(server.connection(key_file=str(locked), passphrase=secret("guess")), "true")
    connection = server.connection(key_file=str(locked), passphrase=secret("open sesame"))
    assert out(connection, "id -un") == "root"
    connection.close()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys(start: Callable[..., Sshd], tmp_path: Path, kind: str) -> None:
    server = start()
    keypair(tmp_path / "key", kind=kind)
    (server.directory / "authorized").write_text((tmp_path / "key.pub").read_text())
    connection = server.connection(key_file=str(tmp_path / "key"))
    assert out(connection, "id -un") == "root"
    connection.close()


@pytest.fixture
def key_agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    path = str(home / "agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    while not os.path.exists(path):
        time.sleep(0.01)
    yield path
    process.kill()
    process.wait()


def test_an_agent_s_key_logs_in(sshd: Sshd, key_agent: str) -> None:
    subprocess.run(["ssh-add", "-q", str(sshd.key)], check=True)
    connection = sshd.connection(key_file=None)
    assert out(connection, "id -un") == "root"
    connection.close()
    with pytest.raises(Unreachable, match="login failed: no key"):
        shell(sshd.connection(key_file=None, arguments="-o IdentitiesOnly=yes"), "true")


def test_no_key_file_is_named(sshd: Sshd, home: Path) -> None:
    with pytest.raises(Unreachable, match="key /no/where: no such file"):
        shell(sshd.connection(key_file="/no/where"), "true")


# -- known hosts


def test_an_unknown_host_is_refused_with_its_fingerprint(sshd: Sshd, home: Path) -> None:
    with pytest.raises(Unreachable, match=r"host's key is not known: ssh-ed25519 SHA256:\S+ .*ssh-keyscan -p \d+ 127.0.0.1 >> "):
        shell(sshd.connection(checking=None), "true")


@pytest.mark.parametrize("hashed", [False, True])
def test_accept_new_notes_the_key_and_the_next_run_knows_it(sshd: Sshd, home: Path, hashed: bool) -> None:
    first = sshd.connection(checking="accept-new", arguments=f"-o HashKnownHosts={'yes' if hashed else 'no'}")
    assert out(first, "echo in") == "in"
    first.close()
    noted = (home / ".ssh/known_hosts").read_text()
    assert sshd.host_key in noted
    assert ("127.0.0.1" not in noted) == hashed
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{sshd.port}", "-f", str(home / ".ssh/known_hosts")], capture_output=True)
    assert found.returncode == 0, "OpenSSH reads our line"
    second = sshd.connection(checking=None)
    assert out(second, "echo in") == "in"
    second.close()


def test_a_changed_key_is_refused_with_its_line(sshd: Sshd, home: Path, tmp_path: Path) -> None:
    other = keypair(tmp_path / "other")
    key = " ".join(other.with_suffix(".pub").read_text().split()[:2])
    text = f"# comment\nelsewhere ssh-ed25519 AAAA\n[127.0.0.1]:{sshd.port} {key}\n"
    (home / ".ssh/known_hosts").write_text(text)
    for checking in (None, "accept-new"):
        with pytest.raises(Unreachable, match=r"key has changed.*known_hosts:3 has another.*ssh-keygen -R"):
            shell(sshd.connection(checking=checking), "true")
    connection = sshd.connection(checking="off")
    assert out(connection, "echo in") == "in"
    connection.close()
    assert (home / ".ssh/known_hosts").read_text() == text


def test_a_revoked_key_is_refused(sshd: Sshd, home: Path) -> None:
    (home / ".ssh/known_hosts").write_text(f"@revoked * {sshd.host_key}\n")
    with pytest.raises(Unreachable, match="is revoked"):
        shell(sshd.connection(checking="accept-new"), "true")


def test_the_known_kind_of_key_is_asked_for(start: Callable[..., Sshd], home: Path) -> None:
    """A host with two keys of which we know the one that would not be chosen first."""
    server = start()
    keypair(server.directory / "second", kind="ecdsa")
    server.stop()
    server.options = (f"HostKey {server.directory}/second",)
    server.start()
    kind_and_key = " ".join((server.directory / "second.pub").read_text().split()[:2])
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{server.port} {kind_and_key}\n")
    connection = server.connection(checking=None)
    assert out(connection, "echo in") == "in"
    connection.close()


# -- configuration, gateways


def test_ssh_config_names_address_port_user_and_key(sshd: Sshd, home: Path) -> None:
    (home / ".ssh/config").write_text(
        f"Host web\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n  IdentityFile {sshd.key}\n  StrictHostKeyChecking no\n"
    )
    connection = sshd.connection(host="web", port=None, user=None, key_file=None, checking=None)
    assert out(connection, "id -un") == "root"
    connection.close()


def test_one_gateway_serves_many_hosts(sshd: Sshd, start: Callable[..., Sshd], home: Path) -> None:
    inner = start(addresses=("127.0.0.2", "127.0.0.3"))
    (home / ".ssh/config").write_text(
        f"Host gate\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n  IdentityFile {sshd.key}\n  StrictHostKeyChecking no\n"
    )
    ssh = Ssh()
    both = [inner.connection(host=f"127.0.0.{n}", arguments="-J gate", ssh=ssh, key_file=str(inner.key)) for n in (2, 3)]
    before = (sshd.directory / "log").read_text().count("Accepted")
    assert [out(c, "echo $SSH_CONNECTION").split()[2] for c in both] == ["127.0.0.2", "127.0.0.3"]
    assert (sshd.directory / "log").read_text().count("Accepted") == before + 1
    for connection in both:
        connection.close()


def test_a_gateway_that_cannot_reach_the_host_says_so(sshd: Sshd, home: Path) -> None:
    port = free_port()
    arguments = f"-o ProxyJump=root@127.0.0.1:{sshd.port}"
    with pytest.raises(Unreachable, match=rf"the gateway root@127.0.0.1:{sshd.port} cannot reach 127.0.0.1 port {port}"):
        shell(sshd.connection(port=port, arguments=arguments), "true")


def test_a_circle_of_gateways_is_told(sshd: Sshd, home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n ProxyJump b\nHost b\n ProxyJump c,a\n")
    with pytest.raises(Unreachable, match="the way there is a circle: root@a through root@b through root@a"):
        shell(sshd.connection(host="a", port=None), "true")
    (home / ".ssh/config").write_text("Host *\n ProxyJump gate\n")
    config.read.cache_clear()
    with pytest.raises(Unreachable, match=r"a circle: root@web:\d+ through root@gate through root@gate.*ProxyJump none"):
        shell(sshd.connection(host="web"), "true")


def test_a_proxy_command_is_the_way(sshd: Sshd) -> None:
    program = "import socket,sys,threading,os;s=socket.create_connection((sys.argv[1],int(sys.argv[2])));" \
        "threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(65536),b'')],daemon=True).start();" \
        "[s.sendall(d) for d in iter(lambda:os.read(0,65536),b'')]"  # fmt: skip
    script = sshd.directory / "proxy.py"
    script.write_text(program)
    connection = sshd.connection(arguments=f'-o "ProxyCommand=python3 {script} %h %p"')
    assert out(connection, "id -un") == "root"
    connection.close()


# -- the host is not there


def test_nobody_listens(sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"refuses connections .*is sshd running there"):
        shell(sshd.connection(port=free_port()), "true")


def test_a_name_without_an_address(sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"no address for the name 'nowhere\.invalid'"):
        shell(sshd.connection(host="nowhere.invalid"), "true")


def test_a_listener_that_says_nothing_costs_the_timeout_and_no_more(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no SSH handshake within 1 s.*-T 30"):
            shell(sshd.connection(port=silent.getsockname()[1], timeout=1), "true")
    assert time.monotonic() - began < 3


def test_something_else_than_sshd(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:

        def answer() -> None:
            peer, _ = web.accept()
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Unreachable, match=r"handshake failed.*is that port really sshd's"):
            shell(sshd.connection(port=web.getsockname()[1], timeout=3), "true")


def test_a_slow_banner_is_waited_for(sshd: Sshd) -> None:
    relay = Relay(sshd.port, delay=0.3)
    connection = sshd.connection(port=relay.port, timeout=8)
    assert out(connection, "id -un") == "root"
    connection.close()
    relay.close()


def test_a_banner_before_the_login_is_read_over(start: Callable[..., Sshd], tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("Authorised use only.\n" * 200)
    connection = start(f"Banner {tmp_path}/banner").connection()
    assert out(connection, "id -un") == "root"
    connection.close()


def test_another_attempt_meets_a_server_that_comes_up_late(start: Callable[..., Sshd]) -> None:
    server = start()
    server.stop()
    timer = threading.Timer(0.5, server.start)
    timer.start()
    connection = server.connection(retries=3)
    assert out(connection, "id -un") == "root"
    timer.join()
    connection.close()


def test_round_trips_from_nothing_to_the_first_result(sshd: Sshd) -> None:
    warm = sshd.connection()
    shell(warm, "true")
    warm.close()
    relay = Relay(sshd.port, delay=0.01)
    connection = sshd.connection(port=relay.port)
    shell(connection, "true")
    first = relay.turns
    assert first <= 8, "banner, key exchange (3), service and key at once, session, command with its first request"
    shell(connection, "true")
    assert relay.turns == first + 1, "a task is one round trip"
    connection.close()
    relay.close()
