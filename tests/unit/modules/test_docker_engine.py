"""An engine that answers, one that does not, and what stands in the way of having one."""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import _docker_engine
from nxtplay.modules.docker_engine import DockerEngine, EngineState


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"Version": "20.10.24"}).encode()
        self.send_response(200 if self.path == "/version" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[str]:
    """A socket at which an engine answers."""
    path = str(tmp_path / "docker.sock")
    with socketserver.ThreadingUnixStreamServer(path, Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield path
        server.shutdown()


def reader(docker_host: str, path: str = os.environ["PATH"]) -> Reader:
    return Reader(environ={"DOCKER_HOST": docker_host, "PATH": path})


def test_an_engine_that_answers_is_left_alone(socket_path: str) -> None:
    outcome = converge(decode(DockerEngine, {}), reader(f"unix://{socket_path}"), World(), Host())
    assert (outcome.status, outcome.result["version"]) == ("ok", "20.10.24")


@pytest.mark.parametrize("address", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
def test_an_address_where_nothing_answers_is_named(address: str) -> None:
    outcome = converge(decode(DockerEngine, {}), reader(address), World(), None)
    assert outcome.status == "failed"
    assert f"no Docker engine answers at {address}" in outcome.reason
    assert "unset it" in outcome.reason


def test_a_socket_that_an_engine_left_behind_answers_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "docker.sock")
    socketserver.ThreadingUnixStreamServer(path, Answering).server_close()
    assert os.path.exists(path)
    assert _docker_engine.version(f"unix://{path}") is None


def test_a_machine_without_apt_is_told_to_install_it_by_hand(tmp_path: Path) -> None:
    bare = Reader(environ={"PATH": str(tmp_path)})
    if bare.which("apt-get"):  # Reader also looks in the system's own folders
        assert (_docker_engine.obstacle(bare, installed=False) is None) == (os.geteuid() == 0)
    else:
        assert "install it by hand" in str(_docker_engine.obstacle(bare, installed=False))


def test_a_check_counts_on_the_engine_it_foresaw() -> None:
    world = World()
    world.foresee(_docker_engine.KEY, EngineState(True))
    assert converge(decode(DockerEngine, {}), Reader(world), world, None).status == "ok"


def test_docker_modules_meet_the_foreseen_engine_under_its_key() -> None:
    from nxtplay.modules import _docker

    assert _docker_engine.KEY in _docker.ENGINE_KEYS


def test_a_task_environment_does_not_leak_into_the_engine() -> None:
    kept = _docker_engine._environment({"DB_PASSWORD": "x", "HTTPS_PROXY": "http://p", "PATH": "/odd"})
    assert kept["HTTPS_PROXY"] == "http://p"
    assert "DB_PASSWORD" not in kept


def test_an_address_that_needs_the_docker_command_says_so_without_it(tmp_path: Path) -> None:
    environment = dict(os.environ)
    os.environ["PATH"] = str(tmp_path)
    try:
        with pytest.raises(Failed, match="cannot run docker"):
            _docker_engine.version("ssh://nowhere.invalid")
    finally:
        os.environ.clear()
        os.environ.update(environment)
