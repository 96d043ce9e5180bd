"""An sshd of the tests' own on loopback addresses, connections to it, and a relay that can be slow, deaf or watched."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nxtplay.connection.become import Escalation
from nxtplay.connection.connection import AgentConnection
from nxtplay.connection.protocol import Job, Reply
from nxtplay.connection.ssh.connect import Login
from nxtplay.connection.ssh.transport import Ssh
from nxtplay.core.state import Secret

QUICK = "-o ServerAliveInterval=1 -o ServerAliveCountMax=1"  # a dead peer is noticed in two seconds
USER, PASSWORD = "nxtplay-test", "right horse"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def keypair(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path


@dataclass
class Sshd:
    """A running server. `options` are further lines of its configuration."""

    directory: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ("127.0.0.1",)
    process: Any = None

    @property
    def key(self) -> Path:
        return self.directory / "user_key"

    @property
    def host_key(self) -> str:
        """Type and base64 text."""
        return " ".join((self.directory / "host_key.pub").read_text().split()[:2])

    def start(self) -> Sshd:
        Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host_key", "user_key"):
            if not (self.directory / name).exists():
                keypair(self.directory / name)
        authorized = self.directory / "authorized"
        if not authorized.exists():
            shutil.copy(self.directory / "user_key.pub", authorized)
        lines = [
            f"Port {self.port}", *(f"ListenAddress {a}" for a in self.addresses), f"HostKey {self.directory}/host_key",
            f"AuthorizedKeysFile {authorized}", "PidFile none", "UsePAM no", "UseDNS no", "PermitRootLogin yes", "StrictModes no",
            "MaxStartups 200:30:400", "MaxSessions 50", "Subsystem sftp internal-sftp", *self.options,
        ]  # fmt: skip
        (self.directory / "config").write_text("\n".join(lines) + "\n")
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.directory / "config")]
        log = open(self.directory / "log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        until(lambda: _listens(self.addresses[-1], self.port))
        return self

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def login(self, **given: Any) -> Login:
        """As root with the server's key, nothing checked; `given` says otherwise."""
        usual: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": "root", "key_file": str(self.key), "checking": "off"}
        return Login(**{**usual, **given})

    def connection(
        self, escalation: Escalation | None = None, *, ssh: Ssh | None = None, interpreter: str | None = None, **given: Any
    ) -> AgentConnection:
        transport = (ssh or Ssh()).transport(self.login(**given))
        return AgentConnection(transport, escalation=escalation, interpreter=interpreter)


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def until(held: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for something to become so."""
    end = time.monotonic() + seconds
    while not held():
        if time.monotonic() > end:
            raise AssertionError("it did not come to be")
        time.sleep(0.02)


def shell(connection: AgentConnection, command: str, timeout: float | None = None) -> Reply:
    """One shell command through the agent."""
    return connection.request([Job("shell", {"cmd": command}, True)], on_event=lambda *_: None, timeout=timeout)[0]


def out(connection: AgentConnection, command: str) -> str:
    return str(shell(connection, command).result["stdout"])


def agent_pid(connection: AgentConnection) -> int:
    return int(out(connection, "echo $PPID"))


def session_pid(pid: int) -> int:
    """The sshd that serves a process."""
    while True:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        if name.partition("(")[2].startswith("sshd"):
            return pid
        pid = int(rest.split()[1])


def running(mark: str) -> list[int]:
    """Processes with the mark among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def soon(act: Callable[[], Any], seconds: float = 0.5) -> None:
    """Do something while the test waits for a reply."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


class Relay:
    """A TCP relay to the server: `delay` seconds each way, `deaf` drops what comes, `left` bytes go through before it hangs up,
    `turns` counts how often the talk changed sides."""

    def __init__(self, port: int, *, delay: float = 0.0) -> None:
        self.delay, self.deaf, self.turns = delay, False, 0
        self.left: int | None = None
        self._port, self._last = port, ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for name, source, sink in (("out", near, far), ("in", far, near)):
                threading.Thread(target=self._pump, args=(name, source, sink), daemon=True).start()

    def _pump(self, name: str, source: socket.socket, sink: socket.socket) -> None:
        import queue

        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()

        def deliver() -> None:
            while True:
                due, data = waiting.get()
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    sink.sendall(data) if data else sink.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return
                if not data:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        while True:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            if self.deaf:
                if not data:
                    return
                continue
            if self.left is not None:
                self.left -= len(data)
                if self.left < 0:
                    data = b""
                    source.shutdown(socket.SHUT_RDWR)
            if name == "in" and self._last == "out":
                self.turns += 1
            self._last = name
            waiting.put((time.monotonic() + self.delay, data))
            if not data:
                return


def scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="nxtplay-ssh-"))


def secret(text: str) -> Secret:
    return Secret(text)


def thaw(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass
