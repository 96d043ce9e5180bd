"""Installing and starting this machine's Docker engine, and asking whether one answers; the standard library alone."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import time
from typing import Any, Mapping, Optional, Sequence
from urllib.parse import urlsplit

from nxtplay.core.host import Failed, Host, Reader, run
from nxtplay.modules import _packages

KEY = "engine:docker"
LOCAL = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
PID_FILES = {"/var/run/docker.pid": "dockerd", "/var/run/docker/containerd/containerd.pid": "containerd"}
POLICY = "/usr/sbin/policy-rc.d"
LOCK_PATIENCE = 300  # seconds that another package manager may take


# -- is there one -----------------------------------------------------------------------------------------------------


def address(host: Reader, given: Optional[str]) -> str:
    return given or host.environ.get("DOCKER_HOST") or LOCAL[0]


def is_ours(url: str) -> bool:
    """Whether it is the address at which this machine's own engine listens."""
    return url in LOCAL


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def version(url: str, timeout: float = 10) -> Optional[str]:
    """The version of the engine that answers at unix://PATH or tcp://HOST:PORT; None where none does. Failed where we may not ask."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        connection: http.client.HTTPConnection = _Unix(parts.path, timeout)
    elif parts.scheme in ("tcp", "http"):
        connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port or 2375, timeout=timeout)
    else:
        return _version_by_command(url)
    try:
        connection.request("GET", "/version")
        answer = connection.getresponse()
        body: Any = json.loads(answer.read()) if answer.status == 200 else {}
        found = body.get("Version")
        return str(found) if found else None
    except PermissionError:
        raise Failed(
            f"this user may not use the Docker engine: permission denied on {parts.path}. "
            "Say `become: true`, or add the user to the group that owns the socket (`usermod -aG docker USER`, then log in again)"
        ) from None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _version_by_command(url: str) -> Optional[str]:
    """For addresses that need ssh or TLS: the docker command knows how."""
    done = run(["docker", "-H", url, "version", "--format", "{{.Server.Version}}"], timeout=60, env=dict(os.environ))
    return done.stdout.strip() or None if done.rc == 0 else None


def is_installed(host: Reader) -> bool:
    return host.which("dockerd") is not None


def obstacle(host: Reader, *, installed: bool) -> Optional[str]:
    """Why the engine cannot be installed or started here, with what to do; None where nothing stands in the way."""
    root = os.geteuid() == 0
    if installed:
        if root:
            return None
        return "the Docker engine is not running, and only root can start it: `sudo systemctl start docker`, or say `become: true`"
    if host.which("apt-get") is None:
        return (
            "Docker is not installed, and this system has no apt-get to install it with: install it by hand "
            "(https://docs.docker.com/engine/install/), start it, and run this again"
        )
    if not root:
        return "Docker is not installed, and only root can install it: say `become: true`, or `sudo apt-get install docker.io iptables`"
    return None


# -- installing it ----------------------------------------------------------------------------------------------------


def install(host: Host, packages: Sequence[str]) -> None:
    """One apt transaction for what is missing; package lists are fetched where they are lacking or outdated."""
    missing = [name for name in packages if not _has_package(host, name)]
    if not missing:
        return
    if any(not _has_candidate(host, name) for name in missing):
        host.progress("fetching package lists")
        _packages.update(host, lock_timeout=LOCK_PATIENCE)
    host.progress(f"installing {', '.join(missing)}")
    words = ["install", "-y", "--no-install-recommends", *missing]
    with _no_service_starts(host):
        try:
            _packages.apt_get(host, words, lock_timeout=LOCK_PATIENCE)
        except Failed as failed:
            if not re.search(r"404 +Not Found|Unable to fetch|no installation candidate", failed.message):
                raise
            _packages.update(host, lock_timeout=LOCK_PATIENCE)  # the lists spoke of versions that are gone
            _packages.apt_get(host, words, lock_timeout=LOCK_PATIENCE)


def _has_package(host: Reader, name: str) -> bool:
    done = host.look(["dpkg-query", "-W", "-f=${db:Status-Abbrev}", name])
    return done.rc == 0 and done.stdout.startswith("ii")


def _has_candidate(host: Reader, name: str) -> bool:
    done = host.look(["apt-cache", "policy", name])
    return "Candidate:" in done.stdout and "Candidate: (none)" not in done.stdout


class _no_service_starts:
    """Where no systemd runs, package scripts start nothing for the length of the block: the engine is started by us, with its log."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ours = not has_systemd() and not os.path.lexists(POLICY)

    def __enter__(self) -> None:
        if self._ours:
            self._host.write(POLICY, b"#!/bin/sh\nexit 101\n", mode=0o755)

    def __exit__(self, *raised: object) -> None:
        if self._ours:
            self._host.remove(POLICY)


# -- starting it ------------------------------------------------------------------------------------------------------


def has_systemd() -> bool:
    return os.path.isdir("/run/systemd/system")


def start(host: Host, url: str, log: str, patience: float) -> None:
    """Start the engine by systemd, by SysV init where that is pid 1, else as a process of its own; wait until it answers."""
    if version(url) is not None:
        return
    host.progress("starting the Docker engine")
    process: Optional[subprocess.Popen[bytes]] = None
    if has_systemd():
        done = host.run(["systemctl", "enable", "--now", "docker.service"])
        if done.rc != 0:
            logged = host.run(["journalctl", "-u", "docker.service", "-n", "15", "--no-pager", "-o", "cat"]).stdout
            raise Failed(f"systemd cannot start the Docker engine: {_tail(done.stderr)}\n{_tail(logged)}", rc=done.rc)
    elif os.path.exists("/etc/inittab") and os.path.exists("/etc/init.d/docker"):
        host.run(["service", "docker", "start"], check=True)
    else:
        process = _spawn(host, log)
    until = time.monotonic() + patience
    while version(url) is None:
        ended = process.poll() if process else None
        if ended is not None:
            raise Failed(f"the Docker engine ended with {ended} as soon as it was started. {log} ends with:\n{_log_tail(log)}", rc=ended)
        if time.monotonic() > until:
            where = f"{log} ends with:\n{_log_tail(log)}" if process else "see `journalctl -u docker`"
            raise Failed(f"the Docker engine was started but does not answer after {patience:g} s; {where}")
        time.sleep(0.2)


def _spawn(host: Host, log: str) -> subprocess.Popen[bytes]:
    _drop_stale_pids()
    with open(log, "ab") as sink:
        return subprocess.Popen(
            [host.which("dockerd") or "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd="/",
            env=_environment(host.environ),
            start_new_session=True,
        )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What an engine needs to know; the rest of a task's environment may hold secrets and would outlive the task."""
    kept = {name: value for name, value in environ.items() if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_")}
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **kept}


def _drop_stale_pids() -> None:
    """An engine that was killed leaves its pid files; where another program has such a pid, or a zombie, dockerd would not start."""
    for path, program in PID_FILES.items():
        try:
            with open(path) as stream:
                pid = int(stream.read())
            with open(f"/proc/{pid}/stat") as stream:
                name, _, state = stream.read().rpartition(")")
            if name.endswith(f"({program}") and state.split()[0] != "Z":
                continue
        except (OSError, ValueError):
            pass
        try:
            os.unlink(path)
        except OSError:
            pass


def _log_tail(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return _tail(stream.read()[-4000:].decode("utf-8", "replace"))
    except OSError as error:
        return f"(cannot read it: {error.strerror})"


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
