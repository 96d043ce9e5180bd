"""start(*configuration lines): Redis servers that end with their test."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis_server import Server, free_port

from nxtplay.core.host import Failed


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """start(*configuration lines): a new server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs the package redis-server")
    servers: list[Server] = []

    def begin(*lines: str, password: str | None = None) -> Server:
        directory, port = Path(tempfile.mkdtemp(prefix="nxtplay-redis-")), free_port()
        lock = [f'requirepass "{password}"', f'masterauth "{password}"'] if password else []
        settings = ["bind 127.0.0.1", f"port {port}", f"dir {directory}", "save ''", f"logfile {directory}/server.log",
                    f"unixsocket {directory}/sock", *lock, *lines]  # fmt: skip
        (directory / "redis.conf").write_text("\n".join(settings).replace("''", '""') + "\n")
        process = subprocess.Popen([program, str(directory / "redis.conf")], stdout=subprocess.DEVNULL)
        login = {"login_host": "127.0.0.1", "login_port": port, **({"login_password": password} if password else {})}
        found = Server(directory, port, process, login)
        servers.append(found)
        for _ in range(200):
            try:
                found.call("PING")
                break
            except Failed:
                time.sleep(0.02)
        return found

    yield begin
    for server in servers:
        server.process.kill()
        server.process.wait()
        shutil.rmtree(server.directory, ignore_errors=True)
