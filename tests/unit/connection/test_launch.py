"""The words that start an agent."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.connection import launch
from nxtplay.connection.archive import pack
from nxtplay.connection.link import first_of
from nxtplay.core import agent, library, wire


def test_every_login_shell_reads_the_words_alike() -> None:
    for word in launch.anywhere(("python3",)):
        assert not set("'\\!\n") & set(word), word


def test_an_old_python_can_read_what_tells_it_so() -> None:
    ast.parse(launch._CHECK.format(stage="", source=""), feature_version=(3, 4))
    ast.parse(launch._STAGE, feature_version=(3, 4))


@pytest.mark.parametrize(
    ("stderr", "message", "way_out"),
    [
        ("motd\nnxtplay: no Python (dnf)\n", "no Python 3 was found", "dnf install -y python3"),
        ("nxtplay: no Python (apt-get)", "no Python 3 was found", "apt-get install -y python3-minimal"),
        ("nxtplay: no Python ()", "no Python 3 was found", "install the package python3"),
        ("nxtplay: no Python 3.9 or newer, the last one tried is 3.6.8\n", "Python there is 3.6.8; 3.9", "ansible_python_interpreter"),
    ],
)
def test_without_python(stderr: str, message: str, way_out: str) -> None:
    found = launch.no_python(stderr, None)
    assert found is not None
    assert message in found[0]
    assert way_out in found[1]


def test_another_trouble_is_not_python_s() -> None:
    assert launch.no_python("Segmentation fault", None) is None


def test_requests_before_the_archive_are_answered_behind_it(tmp_path: Path) -> None:
    command = launch.anywhere((sys.executable,))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert process.stdin and process.stdout
    job = {"module": "ping", "args": {}, "permit": True}
    process.stdin.write(wire.pack({"op": "run", "id": 1, "jobs": [job], "foreseen": []}))
    process.stdin.flush()
    assert first_of(process.stdout, launch.MISSING, agent.MARKER) == launch.MISSING
    process.stdin.write(launch.archive())
    process.stdin.flush()
    assert first_of(process.stdout, launch.MISSING, agent.MARKER) == agent.MARKER
    process.stdout.readline()
    found = wire.read(process.stdout)
    assert found is not None
    assert found[0]["status"] == "ok"
    process.stdin.close()
    assert process.wait(5) == 0


def test_code_is_loaded_from_our_own_directory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "nxtplay" / "agent-x").mkdir(parents=True)
    (tmp_path / "nxtplay").chmod(0o777)
    assert not library.activate("agent-x")
    (tmp_path / "nxtplay").chmod(0o700)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert library.activate("agent-x")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{4}){0,2}\.py", fullmatch=True), st.binary(max_size=300), max_size=6))
def test_what_was_packed_is_unpacked(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        library._unpack(folder, "agent-y", pack(files.items()))
        library._unpack(folder, "agent-y", pack(files.items()))  # as by another agent that was slower
        found = {str(p.relative_to(f"{folder}/agent-y")): p.read_bytes() for p in Path(folder, "agent-y").rglob("*") if p.is_file()}
        assert found == files
        assert [p.name for p in Path(folder).iterdir()] == ["agent-y"]


def test_a_damaged_archive_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(zlib.error):
        library._unpack(str(tmp_path), "agent-z", pack([("a.py", b"x" * 1000)])[:-5])
    assert not list(tmp_path.iterdir())
