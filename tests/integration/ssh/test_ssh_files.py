"""Files on their way to a host: in pieces, told, checked; a failure ends the task and not the connection."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sshd_server import Relay, Sshd, out, until

from nxtplay.connection.connection import AgentConnection
from nxtplay.connection.protocol import Job, Reply
from nxtplay.engine.finder import Controller
from nxtplay.modules import registry

SIZE = 40_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(os.urandom(1 << 20) * (SIZE >> 20))
    return path


def copy(connection: AgentConnection, source: Path, dest: Path, told: list[str] | None = None) -> Reply:
    return send(connection, prepared(source, dest), told)


def prepared(source: Path, dest: Path) -> dict[str, Any]:
    controller = Controller("host", True, str(source.parent), [str(source.parent)], lambda *_: None, lambda _: None)
    return dict(registry.load("copy").prepare({"src": str(source), "dest": str(dest), "mode": "0600"}, controller))


def send(connection: AgentConnection, args: dict[str, Any], told: list[str] | None = None) -> Reply:
    def on_event(_: int, kind: str, text: str) -> None:
        if told is not None and kind == "progress":
            told.append(text)

    return connection.request([Job("copy", args, True)], on_event=on_event)[0]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_large_file_arrives_whole_with_progress(sshd: Sshd, large: Path, tmp_path: Path) -> None:
    connection, told = sshd.connection(), list[str]()
    assert copy(connection, large, tmp_path / "copy", told).status == "changed"
    assert digest(tmp_path / "copy") == digest(large)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert len(told) > 5
    assert told[-1] == f"large.bin: {large.stat().st_size / 1e6:.0f} of {large.stat().st_size / 1e6:.0f} MB sent"
    assert copy(connection, large, tmp_path / "copy", told).status == "ok", "and is not sent again"
    connection.close()


def test_latency_costs_a_few_round_trips_and_not_one_per_piece(sshd: Sshd, large: Path, tmp_path: Path) -> None:
    relay = Relay(sshd.port, delay=0.05)
    connection = sshd.connection(port=relay.port)
    out(connection, "true")
    began = time.monotonic()
    assert copy(connection, large, tmp_path / "copy").status == "changed"
    pieces = large.stat().st_size / (1 << 18)
    assert time.monotonic() - began < pieces * 0.1
    connection.close()
    relay.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 10 MB."""
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(path)], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_full_disk_ends_the_task_and_not_the_connection(sshd: Sshd, large: Path, small: Path, tmp_path: Path) -> None:
    (small / "file").write_text("as it was")
    connection = sshd.connection()
    began = time.monotonic()
    reply = copy(connection, large, small / "file")
    assert time.monotonic() - began < 10
    assert reply.status == "failed"
    assert reply.result["msg"] == f"cannot write {small}/file: No space left on device"
    assert [path.name for path in small.iterdir()] == ["file"]
    assert (small / "file").read_text() == "as it was"
    assert out(connection, "echo on") == "on"
    assert copy(connection, large, tmp_path / "copy").status == "changed", "what was on its way is not taken for the next file"
    assert digest(tmp_path / "copy") == digest(large)
    connection.close()


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone"])
def test_a_file_that_changes_under_way_is_not_left_behind(sshd: Sshd, tmp_path: Path, harm: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"a" * 1_000_000)
    args = prepared(source, tmp_path / "copy")
    if harm == "gone":
        source.unlink()
    else:
        source.write_bytes(b"b" * (1_000_000 if harm == "changed" else 500_000))
    connection = sshd.connection()
    reply = send(connection, args)
    assert reply.status == "failed"
    expected = {"changed": "changed on the controller while", "shorter": "became shorter", "gone": "No such file"}[harm]
    assert expected in reply.result["msg"]
    assert not (tmp_path / "copy").exists()
    assert out(connection, "echo on") == "on"
    connection.close()


def test_a_lost_connection_leaves_no_half_file_and_the_next_try_is_whole(sshd: Sshd, large: Path, tmp_path: Path) -> None:
    from nxtplay.errors import Unreachable

    relay = Relay(sshd.port, delay=0.02)
    connection = sshd.connection(port=relay.port)
    out(connection, "true")
    relay.left = 1 << 20
    with pytest.raises(Unreachable):
        copy(connection, large, tmp_path / "copy")
    until(lambda: not list(tmp_path.glob(".nxtplay-*")), 5)
    assert not (tmp_path / "copy").exists()
    again = sshd.connection()
    assert copy(again, large, tmp_path / "copy").status == "changed"
    assert digest(tmp_path / "copy") == digest(large)
    again.close()
    relay.close()



# -- trees


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """300 small files and one of 3 MB, in 10 folders."""
    for number in range(300):
        path = tmp_path / f"tree/d{number % 10}/f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * (number % 50))
    (tmp_path / "tree/large").write_bytes(os.urandom(3_000_000))
    return tmp_path / "tree"


def synchronize(connection: AgentConnection, source: Path, dest: Path, **given: Any) -> Reply:
    controller = Controller("host", True, str(source.parent), [str(source.parent)], lambda *_: None, lambda _: None)
    args = registry.load("synchronize").prepare({"src": f"{source}/", "dest": str(dest), **given}, controller)
    return connection.request([Job("synchronize", dict(args), True)], on_event=lambda *_: None)[0]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_arrives_in_a_few_round_trips_and_only_once(sshd: Sshd, tree: Path, tmp_path: Path) -> None:
    relay = Relay(sshd.port, delay=0.02)
    connection = sshd.connection(port=relay.port)
    out(connection, "true")
    before = relay.turns
    reply = synchronize(connection, tree, tmp_path / "there")
    assert reply.status == "changed", reply.result
    assert content(tmp_path / "there") == content(tree)
    assert relay.turns - before < 30, "not one for every file"
    before = relay.turns
    assert synchronize(connection, tree, tmp_path / "there").status == "ok"
    assert relay.turns - before <= 2
    (tree / "d3/f3").write_text("changed\n")
    (tree / "d4/f4").unlink()
    again = synchronize(connection, tree, tmp_path / "there", delete=True)
    assert again.result["sent"] == [str(tmp_path / "there/d3/f3")]
    assert again.result["deleted"] == [str(tmp_path / "there/d4/f4")]
    assert content(tmp_path / "there") == content(tree)
    connection.close()
    relay.close()


def settled(folder: Path) -> bool:
    """Whether nobody writes into it any more."""
    before = sorted(folder.rglob("*"))
    time.sleep(0.3)
    return sorted(folder.rglob("*")) == before and not any(path.name.startswith(".nxtplay-") for path in before)


def test_a_tree_that_is_cut_off_is_whole_after_the_next_try(sshd: Sshd, tree: Path, tmp_path: Path) -> None:
    from nxtplay.errors import Unreachable

    relay = Relay(sshd.port, delay=0.02)
    connection = sshd.connection(port=relay.port)
    out(connection, "true")
    relay.left = 1 << 20
    with pytest.raises(Unreachable):
        synchronize(connection, tree, tmp_path / "there")
    until(lambda: settled(tmp_path / "there"), 10)
    there = content(tmp_path / "there") if (tmp_path / "there").exists() else {}
    assert {name: data for name, data in content(tree).items() if name in there} == there, "what is there is whole"
    again = sshd.connection()
    assert synchronize(again, tree, tmp_path / "there").status == "changed"
    assert content(tmp_path / "there") == content(tree)
    again.close()
    relay.close()


def test_a_file_that_changes_while_a_tree_is_sent_is_told(sshd: Sshd, tree: Path, tmp_path: Path) -> None:
    controller = Controller("host", True, str(tmp_path), [str(tmp_path)], lambda *_: None, lambda _: None)
    args = registry.load("synchronize").prepare({"src": f"{tree}/", "dest": str(tmp_path / "there")}, controller)
    (tree / "large").write_bytes(b"other")
    connection = sshd.connection()
    reply = connection.request([Job("synchronize", dict(args), True)], on_event=lambda *_: None)[0]
    assert reply.status == "failed"
    assert "large became shorter" in reply.result["msg"] or "it became shorter" in reply.result["msg"]
    assert not (tmp_path / "there/large").exists()
    assert out(connection, "echo on") == "on"
    assert synchronize(connection, tree, tmp_path / "there").status == "changed"
    connection.close()


# -- back


def fetch(connection: AgentConnection, source: Path, dest: Path, told: list[str] | None = None, *, permit: bool = True) -> dict[str, Any]:
    """The result of a task that fetches `source` to the file `dest`."""
    controller = Controller("host", permit, str(dest.parent), [], lambda *_: None, lambda _: None)
    module = registry.load("fetch")
    args = module.prepare({"src": str(source), "dest": str(dest), "flat": True}, controller)

    def on_event(_: int, kind: str, text: str) -> None:
        if told is not None and kind == "progress":
            told.append(text)

    reply = connection.request([Job("fetch", args, permit)], on_event=on_event)[0]
    assert reply.status == "ok", reply.result
    return dict(module.receive(args, reply.result, controller))


def test_a_large_file_comes_back_once_with_progress(sshd: Sshd, large: Path, tmp_path: Path) -> None:
    connection, told = sshd.connection(), list[str]()
    assert fetch(connection, large, tmp_path / "back", permit=False)["changed"]
    assert not (tmp_path / "back").exists(), "a check brings nothing"
    assert fetch(connection, large, tmp_path / "back", told)["changed"]
    assert digest(tmp_path / "back") == digest(large)
    assert told[-1].startswith("large.bin: ")
    again = list[str]()
    assert not fetch(connection, large, tmp_path / "back", again)["changed"]
    assert again == [], "and is not sent again"
    (tmp_path / "empty").touch()
    assert fetch(connection, tmp_path / "empty", tmp_path / "back")["changed"]
    assert (tmp_path / "back").read_bytes() == b""
    connection.close()


def test_a_tree_comes_back_and_only_what_differs_is_sent_again(sshd: Sshd, tmp_path: Path) -> None:
    connection, module = sshd.connection(), registry.load("synchronize")
    for name in ("a", "sub/b", "sub/c"):
        (tmp_path / "there" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "there" / name).write_bytes(os.urandom(300_000))

    def pull() -> dict[str, Any]:
        controller = Controller("host", True, str(tmp_path), [], lambda *_: None, lambda _: None)
        args = module.prepare({"src": f"{tmp_path}/there", "dest": "here/", "mode": "pull", "delete": True}, controller)
        (reply,) = connection.request([Job("synchronize", args, True)], on_event=lambda *_: None)
        return dict(module.receive(args, reply.result, controller))

    assert pull()["changed"] and not pull()["changed"]
    (tmp_path / "there/sub/b").write_text("changed there")
    (tmp_path / "here/there/sub/x").write_text("of nobody's there")
    done, root = pull(), f"{tmp_path}/here/there"
    assert (done["sent"], done["deleted"]) == ([f"{root}/sub/b"], [f"{root}/sub/x"])
    assert {p.name: p.read_bytes() for p in Path(root).rglob("*") if p.is_file()} == {
        p.name: p.read_bytes() for p in (tmp_path / "there").rglob("*") if p.is_file()
    }
    connection.close()


def test_a_fetch_that_is_cut_off_leaves_the_copy_as_it_was(sshd: Sshd, large: Path, tmp_path: Path) -> None:
    from nxtplay.errors import Unreachable

    (tmp_path / "back").write_text("as it was")
    relay = Relay(sshd.port, delay=0.02)
    connection = sshd.connection(port=relay.port)
    out(connection, "true")
    relay.left = 1 << 20
    with pytest.raises(Unreachable):
        fetch(connection, large, tmp_path / "back")
    assert (tmp_path / "back").read_text() == "as it was"
    assert [path.name for path in tmp_path.iterdir()] == ["back"]
    relay.close()
