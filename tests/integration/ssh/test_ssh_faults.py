"""What goes wrong on the way: each is noticed in its time, named, and leaves nothing running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sshd_server import (
    PASSWORD,
    QUICK,
    USER,
    Relay,
    Sshd,
    agent_pid,
    out,
    running,
    secret,
    session_pid,
    shell,
    soon,
    thaw,
    until,
)

from nxtplay.connection.ssh.transport import Ssh
from nxtplay.errors import Unreachable

NESTED = "sh -c 'sleep {0} & sleep {0}; true'; true"


def fails_within(seconds: float, act: Callable[[], object]) -> str:
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        act()
    assert time.monotonic() - began < seconds
    return str(caught.value)


def test_sshd_killed_in_mid_task(sshd: Sshd) -> None:
    connection = sshd.connection()
    serving = session_pid(agent_pid(connection))
    soon(lambda: os.kill(serving, signal.SIGKILL))
    told = fails_within(5, lambda: shell(connection, NESTED.format("1000.01")))
    assert f"root@127.0.0.1:{sshd.port}: lost in mid-task: the host closed the connection" in told
    until(lambda: not running("1000.01"))
    assert not connection.alive() or out(connection, "echo again") == "again"
    connection.close()


def test_sshd_stopped_in_mid_task(sshd: Sshd) -> None:
    connection = sshd.connection(arguments=QUICK)
    serving = session_pid(agent_pid(connection))
    soon(lambda: os.kill(serving, signal.SIGSTOP), 0.2)
    try:
        told = fails_within(6, lambda: shell(connection, NESTED.format("1000.02")))
    finally:
        thaw(serving)
    assert "no sign of life for 2 s" in told
    until(lambda: not running("1000.02"))


def test_sshd_stopped_while_we_send(sshd: Sshd) -> None:
    connection = sshd.connection(arguments=QUICK)
    serving = session_pid(agent_pid(connection))
    os.kill(serving, signal.SIGSTOP)
    try:
        told = fails_within(8, lambda: shell(connection, "true " + "x" * 20_000_000))
    finally:
        thaw(serving)
    assert "no sign of life" in told or "has taken nothing" in told


def test_packets_dropped(sshd: Sshd) -> None:
    relay = Relay(sshd.port)
    connection = sshd.connection(port=relay.port, arguments=QUICK)
    shell(connection, "true")

    def cut() -> None:
        relay.deaf = True

    soon(cut, 0.2)
    assert "no sign of life for 2 s" in fails_within(6, lambda: shell(connection, "sleep 1000.03"))
    relay.close()


def test_the_default_notices_within_45_seconds() -> None:
    from nxtplay.connection.ssh.watched import COUNT, INTERVAL

    assert (3 * COUNT + 2) * INTERVAL / 3 <= 45


def test_a_long_silent_task_is_no_fault(sshd: Sshd) -> None:
    connection = sshd.connection(arguments=QUICK)
    assert out(connection, "sleep 3; echo done") == "done"
    connection.close()


def test_a_short_cut_is_survived(sshd: Sshd) -> None:
    """The process sleeps longer than the peer may be silent: its own sleep is not the peer's."""
    lines = [
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[3])]}",
        "from pathlib import Path; from sshd_server import Sshd, out",
        f"connection = Sshd(Path({str(sshd.directory)!r}), {sshd.port}).connection(arguments={QUICK!r})",
        "out(connection, 'true'); print('up', flush=True); print(out(connection, 'sleep 4; echo done'))",
    ]
    program = "\n".join(lines)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGSTOP)
    time.sleep(3)
    child.send_signal(signal.SIGCONT)
    assert child.communicate(timeout=20)[0] == "done\n"


def test_agent_killed(sshd: Sshd) -> None:
    connection = sshd.connection()
    agent = agent_pid(connection)
    soon(lambda: os.kill(agent, signal.SIGKILL), 0.2)
    told = fails_within(5, lambda: shell(connection, "exec sleep 3.04"))
    assert "the agent ended in mid-task" in told
    assert "no memory left" in told
    assert out(connection, "echo again") == "again", "the next task gets a new one"
    connection.close()


def test_agent_ended_politely_takes_its_command_along(sshd: Sshd) -> None:
    connection = sshd.connection()
    agent = agent_pid(connection)
    soon(lambda: os.kill(agent, signal.SIGTERM), 0.2)
    fails_within(5, lambda: shell(connection, NESTED.format("1000.05")))
    until(lambda: not running("1000.05"))
    connection.close()


def test_a_task_past_its_time_is_ended_with_its_children(sshd: Sshd) -> None:
    connection = sshd.connection()
    shell(connection, "true")
    fails_within(3, lambda: shell(connection, NESTED.format("1000.06"), timeout=0.5))
    until(lambda: not running("1000.06"))
    assert out(connection, "echo again") == "again"
    connection.close()


def test_closing_from_another_thread_ends_everything(sshd: Sshd) -> None:
    connections = [sshd.connection() for _ in range(3)]
    told: list[str] = []

    def work(index: int) -> None:
        told.append(fails_within(20, lambda: shell(connections[index], NESTED.format("1000.07"))))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(running("1000.07")) >= 9)
    began = time.monotonic()
    for connection in connections:
        connection.close()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 5
    assert len(told) == 3
    assert all("the connection was closed" in text for text in told)
    until(lambda: not running("1000.07"))


def test_the_host_that_is_lost_does_not_disturb_the_others(sshd: Sshd) -> None:
    ssh = Ssh()
    lost, good = sshd.connection(ssh=ssh, arguments="-o LogLevel=INFO"), sshd.connection(ssh=ssh)
    shell(good, "true")
    serving = session_pid(agent_pid(lost))
    soon(lambda: os.kill(serving, signal.SIGKILL), 0.2)
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(out(good, "sleep 1; echo fine")))
    thread.start()
    fails_within(5, lambda: shell(lost, "sleep 1000.08"))
    thread.join()
    assert done == ["fine"]
    good.close()


def test_50_mb_on_both_streams_at_once(sshd: Sshd) -> None:
    connection = sshd.connection()
    done = connection.raw("head -c 50000000 /dev/zero & head -c 50000000 /dev/zero >&2; wait", timeout=60)
    assert (done.rc, len(done.out), len(done.err)) == (0, 50_000_000, 50_000_000)
    reply = shell(connection, "head -c 5000000 /dev/zero | tr '\\0' x & head -c 5000000 /dev/zero | tr '\\0' y >&2; wait")
    assert (len(reply.result["stdout"]), len(reply.result["stderr"])) == (5_000_000, 5_000_000)
    connection.close()


def test_invalid_utf8(sshd: Sshd) -> None:
    connection = sshd.connection()
    reply = shell(connection, r"printf 'caf\351 \377\n'; printf '\200' >&2")
    assert reply.status == "changed"
    assert reply.result["stdout"].startswith("caf")
    assert connection.raw(r"printf '\377'").out == b"\xff"
    connection.close()


def test_raw_tells_code_and_timeout(sshd: Sshd) -> None:
    connection = sshd.connection()
    done = connection.raw("echo out; echo err >&2; exit 7")
    assert (done.rc, done.stdout, done.stderr) == (7, "out\n", "err\n")
    began = time.monotonic()
    assert connection.raw("sleep 3.09", timeout=0.5).rc == -9
    assert time.monotonic() - began < 3
    connection.close()


def test_raw_past_its_time_is_ended_with_its_children(sshd: Sshd, person: Path) -> None:
    """sshd passes signals on for all users but root."""
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert connection.raw("sleep 1000.10 & sleep 1000.10", timeout=0.5).rc == -9
    until(lambda: not running("1000.10"))
    connection.close()


# -- login shells


@pytest.mark.parametrize("name", ["dash", "bash", "fish", "tcsh", "zsh"])
def test_login_shells(sshd: Sshd, person: Path, name: str) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"needs {name}")
    subprocess.run(["usermod", "-s", program, USER], check=True)
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert out(connection, r"""printf '%s' "it's $((1+1))!" '\\' """) == r"it's 2!\\"
    connection.close()


def test_a_login_shell_that_prints(sshd: Sshd, person: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    subprocess.run(["usermod", "-s", bash, USER], check=True)
    noise = "echo Welcome; printf 'nxtplay\\0\\0nxt'; seq 1 20000; echo beware >&2\n"
    (person / ".bashrc").write_text(noise)
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert out(connection, "echo clean") == "clean"
    connection.close()


def test_a_login_shell_that_refuses(sshd: Sshd, person: Path) -> None:
    subprocess.run(["usermod", "-s", "/usr/sbin/nologin", USER], check=True)
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    told = fails_within(5, lambda: shell(connection, "true"))
    assert "the agent did not start: This account is currently not available." in told


# -- Python


def chroot_without_python(root: Path) -> None:
    """A directory with a shell and nothing else."""
    for path in ["/bin/sh", *subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout.split()]:
        if path.startswith("/"):
            inside = root / path.lstrip("/")
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, inside)
    (root / "dev").mkdir()
    (root / "dev/null").touch()
    (root / "dev/null").chmod(0o666)
    root.chmod(0o755)


def test_python_missing(start: Callable[..., Sshd], person: Path) -> None:
    root = Path(tempfile.mkdtemp(prefix="nxtplay-ssh-", dir="/run"))  # sshd wants no directory above that others may write
    try:
        chroot_without_python(root)
        server = start(f"ChrootDirectory {root}")
        connection = server.connection(user=USER, key_file=None, password=secret(PASSWORD))
        told = fails_within(5, lambda: shell(connection, "true"))
        assert "no Python 3 was found there (install the package python3" in told
        assert connection.raw("echo raw works").stdout == "raw works\n"
        (root / "usr/bin").mkdir(parents=True, exist_ok=True)
        (root / "usr/bin/apt-get").write_text("#!/bin/sh\n")
        (root / "usr/bin/apt-get").chmod(0o755)
        assert "apt-get install -y python3-minimal" in fails_within(5, lambda: shell(connection, "true"))
        connection.close()
    finally:
        shutil.rmtree(root)


def test_the_named_python_is_missing(sshd: Sshd) -> None:
    told = fails_within(5, lambda: shell(sshd.connection(interpreter="/opt/python9"), "true"))
    assert "there is no /opt/python9, which ansible_python_interpreter names" in told


def test_an_old_python_hands_over_and_alone_is_told(sshd: Sshd, tmp_path: Path) -> None:
    """A stand-in that claims to be 3.6; what it is given to run is the real thing."""
    old = tmp_path / "python3"
    claim = "import sys; sys.version_info = (3, 6, 8)"
    old.write_text(f'#!/bin/sh\nshift 2\nstage=$1; shift\nexec /usr/bin/python3 -IS -c "{claim}; $stage" "$@"\n')
    old.chmod(0o755)
    told = fails_within(5, lambda: shell(sshd.connection(interpreter=str(old)), "true"))
    assert "3.9 or newer is needed" in told
    from nxtplay.connection import launch
    from nxtplay.connection.connection import AgentConnection

    command = launch.anywhere((str(old), "/nowhere/python3", "/usr/bin/python3"))
    connection = AgentConnection(Ssh().transport(sshd.login()), command=command)
    assert out(connection, "echo new") == "new"
    connection.close()


# -- the host's disk


@pytest.fixture
def small(person: Path) -> object:
    """The user's home on a file system of 64 KB."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "tmpfs", str(person)], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield person
    subprocess.run(["umount", "-l", str(person)], check=True)


def test_no_room_for_the_agent(sshd: Sshd, small: Path) -> None:
    connection = sshd.connection(user=USER, key_file=None, password=secret(PASSWORD))
    assert out(connection, "echo elsewhere") == "elsewhere", "it goes to the temporary directory then"
    connection.close()
    assert list((small / ".cache/nxtplay").iterdir()) == [], "half an archive is not left behind"
