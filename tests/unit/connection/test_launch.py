"""The words that start an agent."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import traceback
import zlib
from collections.abc import Iterator
from importlib import metadata
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


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache folder of a host that this process is for the time of a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    modules = dict(sys.modules)
    monkeypatch.setattr(library, "_places", lambda: [str(tmp_path / "nxtplay")])
    yield tmp_path / "nxtplay"
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def test_code_is_loaded_from_our_own_directory_alone(places: Path) -> None:
    library.install("agent-x", pack([]))
    places.chmod(0o777)
    assert not library.activate("agent-x")
    places.chmod(0o700)
    assert library.activate("agent-x")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{4}){0,2}\.(py|pem)", fullmatch=True), st.binary(max_size=300), max_size=6))
def test_what_was_packed_is_found(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        library._unpack(folder, "agent-y", pack(files.items()))
        library._unpack(folder, "agent-y", pack(files.items()))  # as by another agent that was slower
        there = Path(folder, "agent-y")
        archive = library.Archive(str(there), (there / "packed").read_bytes())
        assert {name: archive.content(name) for name in archive.index} == files
        assert {str(p.relative_to(there)): p.read_bytes() for p in there.rglob("*.pem")} == {
            n: c for n, c in files.items() if n.endswith("pem")
        }
        assert not list(there.rglob("*.py"))
        assert [p.name for p in Path(folder).iterdir()] == ["agent-y"]


def test_a_directory_that_somebody_emptied_is_filled_again(places: Path) -> None:
    for left in ((), ("carried/ca.pem",)):
        library.install("carried-1", pack(_PACKAGE.items()))
        shutil.rmtree(places / "carried-1")
        for name in left:
            (places / "carried-1" / name).parent.mkdir(parents=True)
            (places / "carried-1" / name).touch()
        assert not library.activate("carried-1")
        library.install("carried-1", pack(_PACKAGE.items()))
        assert library.activate("carried-1") and (places / "carried-1/carried/ca.pem").read_bytes() == b"certificate"


def test_a_damaged_archive_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(zlib.error):
        library._unpack(str(tmp_path), "agent-z", pack([("a.pem", b"x" * 1000)])[:-5])
    assert not list(tmp_path.iterdir())


_PACKAGE = {
    "carried/__init__.py": b"import importlib.resources\nFOUND = importlib.resources.files(__name__).joinpath('ca.pem').read_text()\n",
    "carried/ca.pem": b"certificate",
    "carried/inner/__init__.py": b"",
    "carried/inner/deep.py": b"from .. import FOUND\n\n\ndef wrong():\n    raise ValueError(FOUND)  # here\n",
    "carried-1.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: carried\nVersion: 1.2\n",
}


def test_packages_are_imported_from_an_archive_as_from_a_directory(places: Path) -> None:
    library.install("carried-1", pack(_PACKAGE.items()))
    deep = importlib.import_module("carried.inner.deep")
    assert deep.FOUND == "certificate"
    assert metadata.version("carried") == "1.2"
    with pytest.raises(ValueError, match="certificate") as raised:
        deep.wrong()
    assert "raise ValueError(FOUND)  # here" in "".join(traceback.format_exception(raised.value))
    assert importlib.util.find_spec("carried.outer") is None


def test_what_was_compiled_is_read_the_next_time_and_made_again_where_it_is_damaged(places: Path) -> None:
    library.install("carried-1", pack(_PACKAGE.items()))
    importlib.import_module("carried.inner.deep")
    library.keep()
    [kept] = places.glob("carried-1/compiled-*")
    whole = kept.read_bytes()
    for content in (whole, b"", whole[:40]):
        kept.write_bytes(content)
        found = library.Archive(str(places / "carried-1"), (places / "carried-1" / "packed").read_bytes())
        spec = found.find_spec("carried.inner.deep")
        assert spec is not None
        assert spec.loader is not None
        assert spec.loader.get_code("carried.inner.deep").co_names  # type: ignore[attr-defined]
        assert found._news == (content != whole)
    assert sorted(p.name for p in places.glob("carried-1/*")) == ["carried", "carried-1.2.dist-info", kept.name, "packed"]
