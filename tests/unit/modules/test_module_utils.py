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
from nxtplay.modules._ansible import basic, six, urls
from nxtplay.modules._ansible.collections import ImmutableDict, is_iterable, is_sequence
from nxtplay.modules._ansible.common import network, validation
from nxtplay.modules._ansible.common.text import formatters
from nxtplay.modules._ansible.dict_transformations import (
    camel_dict_to_snake_dict,
    dict_merge,
    recursive_diff,
    snake_dict_to_camel_dict,
)
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


@pytest.mark.parametrize(
    ("camel", "snake", "reversible"),
    [
        ("HTTPEndpoint", "http_endpoint", "h_t_t_p_endpoint"),
        ("TargetGroupARNs", "target_group_arns", "target_group_a_r_ns"),
        ("vpcId", "vpc_id", "vpc_id"),
        ("ARNs", "arns", "a_r_ns"),
    ],
)
def test_names_of_the_cloud(camel: str, snake: str, reversible: str) -> None:
    assert camel_dict_to_snake_dict({camel: [{camel: 1}]}) == {snake: [{snake: 1}]}
    assert camel_dict_to_snake_dict({camel: {camel: 1}}, reversible=True, ignore_list=[camel]) == {reversible: {camel: 1}}
    assert snake_dict_to_camel_dict({snake: [{"a_b": 1}]}, capitalize_first=True)[snake.title().replace("_", "")] == [{"AB": 1}]


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("1.5 GB", 3 << 29), ("2kilobyte", 2048), ("1K", 1024), ("1mB", None), ("5.", None), ("1x", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(ValueError, match="human_to_bytes"):
            formatters.human_to_bytes(text)
        with pytest.raises(TypeError, match="Byte"):
            validation.check_type_bytes(text)
    else:
        assert formatters.human_to_bytes(text) == size
        assert size < 1024 or formatters.human_to_bytes(formatters.bytes_to_human(size)) == size


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        ("dict", 'a="x, y" b=2', {"a": "x, y", "b": "2"}),
        ("dict", "{'a': 1}", {"a": 1}),
        ("list", "a,b", ["a", "b"]),
        ("int", "1.0", 1),
        ("int", "1.5", None),
        ("bool", "Yes", True),
        ("bool", "2", None),
        ("bits", "1Kb", 1024),
        ("str", {"a": 1}, "{'a': 1}"),
    ],
)
def test_values_by_their_type(kind: str, given: Any, found: Any) -> None:
    if found is None:
        with pytest.raises(TypeError):
            validation.TYPES[kind](given)
    else:
        assert validation.TYPES[kind](given) == found


def test_rules_of_arguments() -> None:
    given = {"a": 1, "b": 2}
    for check, terms, message in (
        (validation.check_mutually_exclusive, [["a", "b"]], "parameters are mutually exclusive: a|b found in x -> y"),
        (validation.check_required_together, [["a", "c"]], "parameters are required together: a, c found in x -> y"),
        (validation.check_required_one_of, [["c", "d"]], "one of the following is required: c, d found in x -> y"),
        (validation.check_required_if, [["a", 1, ["c"]]], "a is 1 but all of the following are missing: c found in x -> y"),
        (validation.check_required_by, {"a": "c"}, "missing parameter(s) required by 'a': c found in x -> y"),
    ):
        with pytest.raises(TypeError) as raised:
            check(terms, given, ["x", "y"])
        assert str(raised.value) == message
        assert not check(None, given)


def test_masks() -> None:
    assert network.to_subnet("10.1.2.3", "255.255.0.0") == network.to_subnet("10.1.2.3", 16) == "10.1.0.0/16"
    assert network.to_subnet("10.1.2.3", 24, dotted_notation=True) == "10.1.2.0 255.255.255.0"
    assert network.to_ipv6_subnet("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::" and network.to_ipv6_network("2001:db8::1") == "2001:db8::"
    assert network.is_mac("00-11-22-33-44-55") and not network.is_mac("00-11:22-33-44-55")


def test_requests_that_have_settings_in_common(url: str) -> None:
    session = urls.Request(headers={"X-Own": "mine"}, force_basic_auth=True, url_username="u", url_password="p")
    assert json.load(session.open("PUT", f"{url}/login", data="text")) == ["PUT", "text", "mine"]
    assert json.load(session.get(f"{url}/moved"))[0] == "GET"
    assert [cookie.name for cookie in session.cookies] == ["a"]


def test_secrets_go_from_names_too() -> None:
    told = {"a secret": {"secret": 1}, "_ansible_secret": 2, "secret kept": 3}
    clean = basic.sanitize_keys(told, {"secret"}, {"secret kept"})
    assert clean == {"a ********": {basic.HIDDEN: 1}, "_ansible_secret": 2, "secret kept": 3}


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
