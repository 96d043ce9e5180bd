"""Requests: what is sent along, and what of the answer is kept."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Failed, Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.errors import TemplateError
from nxtplay.modules import _http, registry
from nxtplay.modules._http import Request
from nxtplay.template import lookups_files


def test_a_login_of_netrc_goes_to_its_host_alone(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine a.example\nlogin me\npassword secret\n")
    (tmp_path / ".netrc").chmod(0o600)

    def user(url: str, **more: object) -> str | None:
        asked = Request(url, **{"netrc": True, "environ": {"HOME": str(tmp_path)}, **more})  # type: ignore[arg-type]
        return _http._apart(asked).user

    assert user("https://a.example/x") == "me" and user("https://b.example/x") is None
    assert user("https://a.example/x", netrc=False) is None
    assert user("https://a.example/x", user="you") == "you" and user("https://she:s@a.example/x") == "she"
    assert user("https://a.example/x", environ={"NETRC": str(tmp_path / "none")}) is None


def test_a_form_of_pairs() -> None:
    assert _http.body_of(None, [["a", "b c"], ["d", ["1", "2"]]], "form-urlencoded")[0] == b"a=b+c&d=1&d=2"
    with pytest.raises(Failed, match="failed to parse body as form_urlencoded"):
        _http.body_of(None, ["a", "b"], "form-urlencoded")


class _Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/told")
            self.end_headers()
            return
        if self.path == "/nothing":
            self.send_error(404)
            return
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        if self.path == "/named":
            self.send_header("Content-Disposition", 'attachment; filename="../app-1.tar"')
        if self.path == "/packed":
            body = gzip.compress(b"plain text")
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) + (self.path == "/short") * 10))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(module: str, **args: object) -> Outcome:
    host = Host(World())
    return converge(decode(registry.load(module), args), host, World(), host)


def test_a_download_into_a_directory_is_called_as_the_server_says(url: str, tmp_path: Path) -> None:
    assert run("get_url", url=f"{url}/named", dest=f"{tmp_path}").result["dest"] == f"{tmp_path}/app-1.tar"
    assert run("get_url", url=f"{url}/elsewhere", dest=f"{tmp_path}").result["dest"] == f"{tmp_path}/told"
    assert run("uri", url=f"{url}/named", dest=f"{tmp_path}").result["path"] == f"{tmp_path}/app-1.tar"


def test_a_download_is_unpacked_as_it_was_packed_for_the_way(url: str, tmp_path: Path) -> None:
    run("get_url", url=f"{url}/packed", dest=f"{tmp_path}/plain")
    assert (tmp_path / "plain").read_bytes() == b"plain text"
    run("get_url", url=f"{url}/packed", dest=f"{tmp_path}/packed", decompress=False)
    assert gzip.decompress((tmp_path / "packed").read_bytes()) == b"plain text"


def test_half_a_download_is_none(url: str, tmp_path: Path) -> None:
    done = run("get_url", url=f"{url}/short", dest=f"{tmp_path}/f")
    assert done.status == "failed"
    assert "Incomplete read" in done.result["msg"]
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("follow", ["all", "urllib2"])
def test_a_header_may_be_for_the_first_address_alone(url: str, follow: str) -> None:
    asked = {"url": f"{url}/elsewhere", "headers": {"X-Key": "k", "X-Other": "o"}, "follow_redirects": follow}
    assert run("uri", **asked, return_content=True).result["content"].count("X-") == 2
    assert "X-Key" not in run("uri", **asked, unredirected_headers=["X-KEY"], return_content=True).result["content"]


def test_the_lookup_url_asks_as_the_module_does(url: str, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    asker: Any = SimpleNamespace(templates=SimpleNamespace(environ={"NETRC": f"{tmp_path}/netrc"}))
    assert lookups_files.url(asker, [f"{url}/packed"]) == ["plain text"]
    told = [lookups_files.url(asker, [f"{url}/elsewhere"], use_netrc=heeded, split_lines=False)[0] for heeded in (True, False)]
    assert ["Authorization" in one for one in told] == [True, False]
    with pytest.raises(TemplateError, match="404"):
        lookups_files.url(asker, [f"{url}/nothing"])
