"""Where the benchmarks run: a work folder, hosts behind a throw-away sshd on loopback addresses, inventories for every tool."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Tree, Usage

HERE = Path(__file__).parent
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin") or sys.executable  # the hosts' own
_SSHD_CONFIG = """\
Port {port}
ListenAddress 0.0.0.0
AllowUsers {user}@127.*
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 500
MaxSessions 500
LogLevel ERROR
Subsystem sftp internal-sftp
SetEnv HOME={folder}/host_home
"""


@dataclass(frozen=True)
class Ground:
    """The folder of a benchmark, and the ports of its sshd and of the slow way to it."""

    folder: Path
    port: int
    slow_port: int

    @property
    def host_files(self) -> Path:
        """Where tasks on hosts put their files."""
        return self.folder / "on_host"

    def environ(self) -> dict[str, str]:
        """A user's ordinary environment: nothing of ours leaks in, .pyc files are written."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TERM", "USER") if name in os.environ}
        quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
        own = {"XDG_CACHE_HOME": f"{self.folder}/cache", **quiet}
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **kept, **own}

    def forget_host(self) -> None:
        """Hosts as they are at the first run: no file, nothing in the home folder."""
        for folder in (self.host_files, self.folder / "host_home"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def inventories(self, hosts: int, *, slow: bool = False) -> tuple[Path, Path]:
        """The same hosts for Ansible's readers and for pyinfra."""
        names = [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(hosts)]
        port, key, user = self.slow_port if slow else self.port, self.folder / "key", getpass.getuser()
        ini, py = self.folder / f"hosts_{hosts}_{port}.ini", self.folder / f"hosts_{hosts}_{port}.py"
        settings = {
            "ansible_port": port,
            "ansible_user": user,
            "ansible_ssh_private_key_file": key,
            "ansible_host_key_checking": "false",
            "ansible_python_interpreter": PYTHON,
        }
        variables = "".join(f"{name}={value}\n" for name, value in settings.items())
        ini.write_text("[servers]\n" + "".join(f"{name}\n" for name in names) + "\n[servers:vars]\n" + variables)
        data = {"ssh_port": port, "ssh_user": user, "ssh_key": str(key), "ssh_strict_host_key_checking": "no"}
        py.write_text(f"servers = ({names!r}, {data!r})\n")
        return ini, py

    @contextlib.contextmanager
    def sshd(self) -> Iterator[Tree]:
        """An sshd of its own; whoever leaves stops it and so learns what the hosts did."""
        environ = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        program = shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "sshd"
        log = self.folder / "sshd.log"
        tree = Tree([program, "-D", "-e", "-f", f"{self.folder}/sshd_config"], cwd=self.folder, environ=environ, log=log)
        try:
            _await_port(self.port, log)
            yield tree
        except BaseException:
            tree.stop()
            raise

    @contextlib.contextmanager
    def delayed(self, milliseconds: float) -> Iterator[Path]:
        """The slow way to the sshd; the file it gives holds the number of round trips once it is over."""
        count = self.folder / "round_trips"
        count.unlink(missing_ok=True)
        argv = [sys.executable, str(HERE / "delay.py"), str(self.slow_port), str(self.port), str(milliseconds), str(count)]
        with subprocess.Popen(argv) as proxy:
            _await_port(self.slow_port, count)
            try:
                yield count
            finally:
                proxy.terminate()


def prepare(folder: Path) -> Ground:
    """A fresh work folder with keys and the sshd's configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    ports = [_free_port(), _free_port()]
    (folder / "sshd_config").write_text(_SSHD_CONFIG.format(port=ports[0], user=getpass.getuser(), folder=folder))
    ground = Ground(folder, *ports)
    ground.forget_host()
    return ground


def idle(ground: Ground) -> float:
    """CPU seconds of an sshd that nobody talks to."""
    used: list[Usage] = []
    for _ in range(3):
        with ground.sshd() as tree:
            used.append(tree.stop())
    return min(one.cpu for one in used)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int, log: Path, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}: {log.read_text(errors='replace') if log.exists() else ''}")
