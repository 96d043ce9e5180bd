"""A server that is reached by SSH alone: a container with sshd, sudo, Python and an engine of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import played
from played import ROOT, Played

PREFIX = "nxtvps-"
IMAGE = "nxtvps-image:1"
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}  # on this side: none is needed when the host builds
USER, PASSWORD = "deploy", "correct battery"
# What an engine in a container needs: all that a container may be given, but for the clock, the kernel's modules and the like.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST "
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_NICE SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ"
).split()
SSHD = """\
Port 22
HostKey /etc/ssh/host_key
UsePAM no
UseDNS no
MaxStartups 100:30:200
AcceptEnv none
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Machine:
    """A running one. `folder` holds the keys, and known_hosts as a user would have it."""

    name: str
    address: str
    folder: Path

    def run(self, command: str, *, check: bool = True) -> str:
        """What a shell of root there prints. It is how the tests look in; nxtplay comes by SSH."""
        done = subprocess.run(["docker", "exec", "-i", self.name, "bash", "-c", command], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def variables(self, **given: Any) -> dict[str, Any]:
        """How the inventory describes it."""
        known = f"-o UserKnownHostsFile={self.folder}/known_hosts -o GlobalKnownHostsFile=/dev/null"
        usual = {
            "ansible_host": self.address,
            "ansible_user": USER,
            "ansible_become": True,
            "ansible_become_password": PASSWORD,
            "ansible_ssh_private_key_file": f"{self.folder}/key",
            "ansible_ssh_common_args": known,
        }
        return {**usual, **given}

    def inventory(self, path: Path, **given: Any) -> Path:
        path.write_text(json.dumps({"nxtbus": {"hosts": {"vps": self.variables(**given)}}}))
        return path

    def remove(self) -> None:
        docker("rm", "-fv", self.name)


def start(folder: Path, *, engine: bool = True) -> Machine:
    """Bring one up; ready when sshd, and its engine where it has one, answer."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{PREFIX}{os.getpid()}-{folder.name}"
    for key in ("key", "host_key"):
        if not (folder / key).exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    allowed = [word for capability in CAPABILITIES for word in ("--cap-add", capability)]
    open_ = ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--device-cgroup-rule", "a *:* rwm"]
    own = ["-v", "/var/lib/docker"] if engine else ["-e", "NO_ENGINE=1"]
    docker("create", "--name", name, "--hostname", "vps", "--label", "nxtplay.test=vps", *own, *allowed, *open_, IMAGE)
    for source, dest in (("host_key", "/etc/ssh/host_key"), ("key.pub", f"/home/{USER}/.ssh/authorized_keys")):
        docker("cp", str(folder / source), f"{name}:{dest}")
    docker("start", name)
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name).strip()
    machine = Machine(name, address, folder)
    machine.run(f"chown -R {USER}: /home/{USER}/.ssh; chmod 600 /etc/ssh/host_key; chown root: /etc/ssh/host_key")
    machine.run(f"cat > /etc/ssh/sshd_config <<'X'\n{SSHD}X")
    machine.run(f"echo '{USER}:{PASSWORD}' | chpasswd; echo '{USER} ALL=(ALL:ALL) ALL' > /etc/sudoers.d/{USER}")
    (folder / "known_hosts").write_text(f"{address} {(folder / 'host_key.pub').read_text()}")
    until(lambda: answers(address, 22), 60)
    if engine:
        until(lambda: machine.run("docker info -f '{{.ServerVersion}}' 2>/dev/null", check=False).strip(), 120)
    return machine


@dataclass(frozen=True)
class Stack:
    """The example deployed to a machine from a copy of its sources, which a test may change."""

    machine: Machine
    folder: Path
    project: str = f"{PREFIX}{os.getpid()}"  # images of that name are built on this side too

    def play(self, *words: str, json_lines: bool = True, env: dict[str, str] | None = None) -> Played:
        return played.play(*self.words(*words), json_lines=json_lines, env=env)

    def words(self, *words: str) -> list[str]:
        settings = {"stack_folder": "/opt/nxtbus", "stack_source": str(self.folder), "stack_project": self.project}
        inventory = self.machine.inventory(self.folder.parent / "vps.yml", **settings)
        return ["-i", str(inventory), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a run and leave it to the test."""
        argv = [sys.executable, "-u", "-m", "nxtplay", *self.words(*words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def containers(self) -> dict[str, tuple[str, str]]:
        """Service to (id, time of start)."""
        asked = f"docker ps -aq --no-trunc --filter label=com.docker.compose.project={self.project} | xargs -r docker inspect"
        told = json.loads(self.machine.run(asked) or "[]")
        return {a["Config"]["Labels"]["com.docker.compose.service"]: (a["Id"], a["State"]["StartedAt"]) for a in told}

    def get(self, path: str) -> None:
        """Ask Nginx for a path, whatever it answers."""
        try:
            urllib.request.urlopen(f"http://{self.machine.address}{path}", timeout=20).close()
        except urllib.error.HTTPError as answer:
            answer.close()

    def search(self) -> dict[str, Any]:
        """What a search through Nginx answers, asked from here."""
        body = json.dumps({"from": "University", "to": "Airport"}).encode()
        url = f"http://{self.machine.address}/api/routes/search"
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def remove_images(self) -> None:
        """Those on this side."""
        for image in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{self.project}-*").split():
            docker("image", "rm", "-f", image)

    def secrets(self) -> list[str]:
        lines = self.machine.run("cat /opt/nxtbus/.env.production").splitlines()
        return [v.strip("'\"") for k, v in (line.split("=", 1) for line in lines if re.match(r"\w+=", line)) if k != "CORS_ORIGIN"]


def sources(folder: Path) -> Path:
    """A copy of the example, with what lies about in a developer's folder and must not travel. An engine within an engine starts slowly."""
    shutil.copytree(ROOT / "examples/nxtbus", folder, ignore=shutil.ignore_patterns("node_modules", "dist", ".env*"))
    shutil.copy(ROOT / "examples/nxtbus/.env.production.example", folder)
    compose = folder / "docker-compose.prod.yml"
    compose.write_text(re.sub(r"start_period: \d+s", "start_period: 180s", compose.read_text()))
    (folder / ".env.production").write_text("DB_PASSWORD=of-the-developer\n")
    for name in ("backend/node_modules/left-pad/index.js", "frontend/dist/index.html", ".git/HEAD"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("not to travel\n")
    return folder


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], stdout=subprocess.PIPE, text=True, check=False).stdout


def remove_abandoned() -> None:
    """Machines of test sessions that were killed; the process that made one stands in its name."""
    for name in docker("ps", "-a", "--format", "{{.Names}}", "--filter", "label=nxtplay.test=vps").split():
        if not os.path.exists(f"/proc/{name[len(PREFIX) :].partition('-')[0]}"):
            docker("rm", "-fv", name)


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def until(held: Callable[[], Any], seconds: float) -> None:
    """Wait for something to become so."""
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)


@dataclass(frozen=True)
class Deployment:
    """A stack, and how it came about: settings, a check before anything was there, the run, a check, a second run."""

    stack: Stack
    init: Played
    foreseen: Played
    first: Played
    again: Played
    second: Played
