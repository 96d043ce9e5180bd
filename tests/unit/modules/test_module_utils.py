"""What modules of other people find under `ansible.module_utils`."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.modules import ansible_module
from nxtplay.modules._ansible import six, urls
from nxtplay.modules._ansible.collections import ImmutableDict, is_iterable, is_sequence
from nxtplay.modules._ansible.dict_transformations import dict_merge, recursive_diff
from nxtplay.modules._ansible.version import LooseVersion, StrictVersion

LOGIN = "Basic " + base64.b64encode(b"u:p").decode()


class _Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        code, headers = 200, {"Set-Cookie": "a=b; Path=/"}
        if self.path == "/moved":
            code, headers = 302, {"Location": "/ok"}
        elif self.path == "/login" and self.headers.get("Authorization") != LOGIN:
            code, headers = 401, {"WWW-Authenticate": 'Basic realm="r"'}
        elif self.path == "/none":
            code, headers = 404, {}
        told = json.dumps([self.command, body, self.headers.get("X-Own")]).encode()
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(told))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Module:
    def __init__(self, **params: Any) -> None:
        self.params = params


@pytest.mark.parametrize(
    ("params", "path", "given", "said"),
    [
        ({}, "/ok", {"headers": {"X-Own": "h"}}, ["GET", "", "h"]),
        ({}, "/ok", {"data": "text", "method": "post"}, ["POST", "text", None]),
        ({}, "/ok", {"data": b"bytes", "method": "PUT"}, ["PUT", "bytes", None]),
        ({}, "/moved", {}, ["GET", "", None]),
        ({"url_username": "u", "url_password": "p"}, "/login", {}, ["GET", "", None]),
        ({"url_username": "u", "url_password": "p", "force_basic_auth": True}, "/login", {}, ["GET", "", None]),
    ],
)
def test_an_answer_is_told(url: str, params: dict[str, Any], path: str, given: dict[str, Any], said: list[Any]) -> None:
    answer, info = urls.fetch_url(_Module(**params), url + path, **given)
    assert json.loads(answer.read()) == said
    assert (info["status"], info["cookies"], info["cookies_string"]) == (200, {"a": "b"}, "a=b")
    assert info["msg"] == f"OK ({info['content-length']} bytes)"
    assert info["url"] == url + path.replace("moved", "ok")


def test_refusals_are_told(url: str) -> None:
    answer, info = urls.fetch_url(_Module(), f"{url}/none")
    assert (info["status"], info["msg"], json.loads(info["body"])[0]) == (404, "HTTP Error 404: Not Found", "GET")
    assert answer is not None
    assert urls.fetch_url(_Module(), f"{url}/login")[1]["status"] == 401
    assert urls.fetch_url(_Module(follow_redirects="none"), f"{url}/moved")[1]["status"] == 302
    answer, info = urls.fetch_url(_Module(), "http://127.0.0.1:1/")
    assert answer is None
    assert info["status"] == -1 and info["msg"].startswith("Request failed: ")


def test_everything_that_is_said_to_be_there_can_be_read() -> None:
    for place in [*ansible_module._LIBRARY, *(f"ansible/module_utils/{name}" for name in ansible_module._FILES)]:
        name = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        source = ansible_module.source_of(name)
        assert source is not None
        compile(source, place, "exec")
    assert ansible_module.source_of("ansible.module_utils.nothing") is None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_versions_compare_as_numbers(one: list[int], other: list[int]) -> None:
    texts = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert (LooseVersion(texts[0]) < texts[1]) == (one < other)
    assert (LooseVersion(texts[0]) == LooseVersion(texts[1])) == (one == other)


def test_versions_of_three_numbers() -> None:
    assert StrictVersion("1.2a1") < StrictVersion("1.2") < StrictVersion("1.2.1b2") < StrictVersion("1.10")
    with pytest.raises(ValueError, match="invalid version number"):
        StrictVersion("one")


def test_mappings() -> None:
    one, other = {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2}, "e": 3}
    assert dict_merge(one, other) == {"a": {"b": 2, "c": [1]}, "d": 1, "e": 3}
    assert recursive_diff(one, other) == ({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2}, "e": 3})
    assert recursive_diff(one, one) is None
    assert {ImmutableDict(a=1): 1}[ImmutableDict({"a": 1})] == 1
    assert ImmutableDict(a=1).union({"b": 2}).difference(["a"]) == {"b": 2}
    assert is_sequence([1]) and is_iterable({1}) and not is_sequence("text") and not is_iterable(b"bytes")


def test_what_ran_on_python_2() -> None:
    class Meta(type):
        pass

    @six.add_metaclass(Meta)
    class Decorated:
        def one(self) -> int:
            return 1

    assert type(six.with_metaclass(Meta)) is Meta
    assert type(Decorated) is Meta and Decorated().one() == 1
    assert list(six.iteritems({"a": 1})) == [("a", 1)]
    assert six.moves.urllib.parse.quote("a b") == "a%20b"
    assert (six.ensure_text(b"a"), six.ensure_binary("a")) == ("a", b"a")
