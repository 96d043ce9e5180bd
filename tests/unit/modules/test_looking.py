"""setup, wait_for, uri, port_free: looking at the machine and at what answers on it."""

from __future__ import annotations

import base64
import http.server
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import _facts, registry


def look(module: str, world: World | None = None, **args: Any) -> Outcome:
    world = world or World()
    return converge(decode(registry.load(module), args), Reader(world), world, None)


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_facts_are_named_as_users_know_them_and_cheap() -> None:
    began = time.process_time()
    facts = look("setup").result["ansible_facts"]
    assert time.process_time() - began < 0.5
    for (
        name
    ) in "distribution os_family architecture hostname memtotal_mb mem_available_mb processor_vcpus default_ipv4 mounts pkg_mgr".split():
        assert f"ansible_{name}" in facts
    assert facts["ansible_user_uid"] == os.geteuid()
    assert 0 < facts["ansible_mem_available_mb"] <= facts["ansible_memtotal_mb"]


def test_facts_can_be_fewer() -> None:
    least = look("setup", gather_subset=["!all"]).result["ansible_facts"]
    assert "ansible_distribution" in least
    assert "ansible_mounts" not in least
    only = look("setup", filter=["ansible_mem*"]).result["ansible_facts"]
    assert {name for name in only if not name.startswith("ansible_mem")} <= {"discovered_interpreter_python"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["all"], {"platform", "min", "hardware", "mounts", "virtual", "network", "local"}),
        (["!all"], {"platform", "min", "local"}),
        (["!all", "!min"], set()),
        (["network"], {"platform", "min", "local", "network"}),
        (["all", "!network", "!hardware"], {"platform", "min", "virtual", "local"}),
        (["!network"], {"platform", "min", "local"}),
        (["!all", "network"], {"platform", "min", "local", "network"}),
        (["!network", "default_ipv4"], {"platform", "min", "local", "network"}),
        (["!all", "!min", "distribution"], {"platform", "min"}),
        (["!all", "!min", "network"], {"platform", "network"}),
        (["!all", "!min", "virtual"], {"virtual"}),
    ],
)
def test_subsets(wanted: list[str], found: set[str]) -> None:
    assert _facts.subsets(wanted) == found


def test_a_subset_that_is_not_there_is_told() -> None:
    assert "Bad subset 'nothing'" in look("setup", gather_subset=["nothing"]).result["msg"]


def test_wait_for_a_port(listener: int) -> None:
    assert look("wait_for", port=listener, timeout=2).status == "ok"
    failed = look("wait_for", port=listener, state="stopped", timeout=0)
    assert failed.status == "failed"
    assert failed.reason == f"Timeout when waiting for 127.0.0.1:{listener} to stop."
    assert look("wait_for", port=1, timeout=0, msg="not up").reason == "not up"


def test_a_check_does_not_wait_for_what_only_a_run_would_bring() -> None:
    world = World()
    world.foresee("service:web", None)
    began = time.monotonic()
    assert look("wait_for", world, port=1, timeout=60).status == "unknown"
    assert time.monotonic() - began < 2


def test_nobody_answers_is_told_with_the_address() -> None:
    done = look("uri", url="http://127.0.0.1:1/health", timeout=1)
    assert done.status == "failed"
    assert "no answer from http://127.0.0.1:1/health" in done.reason
    world = World()
    world.foresee("act:command", Unknown("command was not run"))
    assert look("uri", world, url="http://127.0.0.1:1/health", timeout=1).status == "unknown"


def test_a_taken_port_names_its_holder(listener: int) -> None:
    done = look("port_free", ports=[1, listener])
    assert done.status == "failed"
    assert f"port {listener} is held by" in done.reason
    assert f"pid {os.getpid()}" in done.reason
    assert done.result["taken"] == [listener]
    name = done.result["ports"][1]["process"]
    assert look("port_free", ports=[listener], owner=[name]).status == "ok"
    assert look("port_free", ports=[listener], fail=False).result["free"] is False


def test_the_kind_of_a_file(tmp_path: Any) -> None:
    (tmp_path / "text").write_text("some words\n")
    told = look("stat", path=str(tmp_path / "text")).result["stat"]
    if shutil.which("file"):
        assert (told["mimetype"], told["charset"]) == ("text/plain", "us-ascii")
    else:
        assert told["mimetype"] == "unknown"
    assert "mimetype" not in look("stat", path=str(tmp_path / "text"), get_mime=False).result["stat"]


def test_files_that_are_not_in_the_encoding_named(tmp_path: Any) -> None:
    (tmp_path / "old").write_bytes("naïve\n".encode("latin-1"))
    asked = {"paths": [str(tmp_path)], "contains": "na"}
    assert look("find", **asked).result["matched"] == 1
    assert look("find", **asked, encoding="latin-1").result["matched"] == 1
    skipped = look("find", **asked, encoding="utf-8").result["skipped_paths"]
    assert f"the file {tmp_path}/old" in skipped[str(tmp_path)]
    assert "unknown" in look("find", **asked, encoding="nothing-such").result["skipped_paths"][str(tmp_path)]


def test_a_local_fact_that_leads_nowhere_is_told(tmp_path: Any) -> None:
    (tmp_path / "gone.fact").symlink_to(tmp_path / "nothing")
    facts = look("setup", gather_subset=["!all"], fact_path=str(tmp_path)).result["ansible_facts"]
    assert facts["ansible_local"]["gone"].startswith("Could not stat fact")


class _Locked(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200 if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"a@b:p:@").decode() else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="law"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.mark.parametrize("basic", [False, True])
def test_user_and_password_in_an_address(basic: bool) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"127.0.0.1:{server.server_port}/x"
        assert look("uri", url=f"http://a%40b:p:%40@{where}", force_basic_auth=basic).result["url"] == f"http://{where}"
        assert look("uri", url=f"http://a%40b:wrong@{where}", force_basic_auth=basic).status == "failed"
        assert look("uri", url=f"http://nobody@{where}", url_username="a@b", url_password="p:@").result["status"] == 200
        server.shutdown()


def test_find_counts_what_lies_just_beyond_its_depth(tmp_path: Path) -> None:
    for name in ("a/b/c/d", "a/b/.h", "e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = look("find", paths=[str(tmp_path)], file_type="any", recurse=True, depth=2).result
    assert (found["matched"], found["examined"]) == (3, 5)
    assert look("find", paths=[str(tmp_path)], recurse=True, hidden=True).result["examined"] == 6


def test_waiting_in_vain_is_told_in_the_words_that_playbooks_look_for(tmp_path: Path) -> None:
    def told(**args: Any) -> str:
        return str(look("wait_for", timeout=0, **args).result["msg"]).partition("Timeout when waiting for ")[2]

    path = str(tmp_path / "f")
    assert told(path=path) == f"file {path}"
    assert told(path=path, search_regex="x") == f"search string x in {path}"
    assert told(path=str(tmp_path), state="absent") == f"{tmp_path} to be absent."


def test_slurp_of_what_is_no_file_is_told_in_the_words_that_playbooks_look_for(tmp_path: Path) -> None:
    assert look("slurp", src=str(tmp_path / "f")).result["msg"] == f"File not found: {tmp_path}/f"
    assert "is a directory" in look("slurp", src=str(tmp_path)).result["msg"]
