"""docker_login against a registry that wants a password."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from docker_bench import check, run, settle

pytestmark = pytest.mark.docker
GOOD = "Basic " + base64.b64encode(b"me:secret").decode()


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        inside = self.headers.get("Authorization") == GOOD
        self.send_response(200 if inside else 401)
        if not inside:
            self.send_header("WWW-Authenticate", 'Basic realm="here"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_login_is_tried_and_kept(tmp_path: Path, registry: str) -> None:
    path = tmp_path / "docker" / "config.json"
    args = {"registry_url": registry, "username": "me", "password": "secret", "config_path": str(path)}
    wrong = {**args, "password": "no"}
    assert registry in check("docker_login", wrong).reason == run("docker_login", wrong).reason
    assert not path.exists()
    done = settle("docker_login", args)
    assert done.result["login_results"] == {"username": "me", "serveraddress": registry}
    assert "secret" not in repr(done.changes)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["auths"][registry]["auth"] == GOOD.partition(" ")[2]
    assert run("docker_login", {**args, "reauthorize": True}).status == "changed"
    path.write_text(json.dumps({**json.loads(path.read_text()), "proxies": {}}))
    settle("docker_login", {"registry_url": registry, "state": "absent", "config_path": str(path)})
    assert json.loads(path.read_text()) == {"auths": {}, "proxies": {}}


def test_a_login_is_kept_by_the_helper_that_the_configuration_names(
    tmp_path: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, helper, path = tmp_path / "store", tmp_path / "docker-credential-test", tmp_path / "config.json"
    helper.write_text(f"#!/bin/sh\ncase $1 in store) cat > {store};; get) cat {store};; erase) rm {store};; esac\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    path.write_text('{"credsStore": "test"}')
    args = {"registry_url": registry, "username": "me", "password": "secret", "config_path": str(path)}
    settle("docker_login", args)
    assert json.loads(store.read_text())["Secret"] == "secret"
    settle("docker_login", {"registry_url": registry, "state": "absent", "config_path": str(path)})
    assert (store.exists(), path.read_text()) == (False, '{"credsStore": "test"}')
