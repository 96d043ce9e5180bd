"""synchronize leaves what rsync leaves, whichever way it goes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from nxtplay.core import wire
from nxtplay.core.converge import converge
from nxtplay.core.host import Failed, Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.engine.finder import Controller
from nxtplay.modules.synchronize import Synchronize

from . import harness

NAMES = ("a", "b", "c.o", "dist")
FILE = st.tuples(st.sampled_from(("1", "22", "one\n")), st.sampled_from((0o644, 0o600, 0o755)))
ENTRY = st.one_of(FILE, st.sampled_from(("-> a", "-> nowhere")), st.none())
PATH = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
TREE = st.dictionaries(PATH, ENTRY, max_size=6)
FULL = st.dictionaries(PATH, ENTRY, min_size=3, max_size=8)
PATTERN = st.sampled_from(("a", "/a", "*.o", "dist/", "b/a", "a/**", "/b/*", "dist/***", "?", "[ab]", "**/c.o"))
OPTIONS = st.lists(st.one_of(PATTERN.map("--exclude={}".format), PATTERN.map("--include={}".format)), max_size=3)
FLAGS = st.lists(st.sampled_from(("--checksum", "--existing", "--copy-links", "--delete-excluded", "--no-perms", "--no-times")), max_size=2)


def sown(root: Path, tree: dict[str, Any]) -> None:
    """Plant a tree, without what would have to be below a file; every file is an hour old."""
    kept: dict[str, Any] = {}
    for name, what in tree.items():
        parents = [name[:at] for at in range(len(name)) if name[at] == "/"]
        below = [other for other in kept if other.startswith(name + "/")]
        if all(kept.get(parent) is None for parent in parents) and (what is None or not below):
            kept[name] = what
    harness.plant(str(root), kept)
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)


def left(root: Path) -> dict[str, Any]:
    """Mode, content or target, and a file's time."""
    found = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        what: Any = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "folder"
        mode = None if path.is_symlink() else about.st_mode & 0o7777
        found[str(path.relative_to(root))] = (mode, what, int(about.st_mtime) if path.is_file() and not path.is_symlink() else 0)
    return found


def pulled(source: str, dest: Path, options: list[str], *, permit: bool = True) -> dict[str, Any]:
    """Bring a tree back as the engine does: looked at over the wire on the host, taken over on the controller. `failed` where it fails."""
    controller = Controller("host", permit, str(dest.parent), [], lambda *_: None, lambda _: None)
    args = {"src": source, "dest": dest.name, "mode": "pull", "rsync_opts": options}
    handed = io.BytesIO()
    host = Host(World(), emit=lambda kind, data: handed.write(data) if kind == "piece" else None)
    try:
        prepared = Synchronize.prepare(args, controller)
        module = decode(Synchronize, wire.decode(wire.encode(prepared)))
        outcome = converge(module, host, World(), host if permit else None)
        if outcome.status == "failed":
            return {"failed": outcome.reason}
        told = wire.decode(wire.encode(outcome.result))
        return dict(Synchronize.receive(prepared, {**told, "handed_over": handed}, controller))
    except Failed as failed:
        return {"failed": failed.message}


@pytest.mark.skipif(shutil.which("rsync") is None, reason="needs the package rsync")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(source={"b/b/a": None, "a": None}, before={"b": "-> a", "a/b/a": ("1", 0o600)}, rules=[], flags=[], delete=False, pull=True)
@given(source=FULL, before=TREE, rules=OPTIONS, flags=FLAGS, delete=st.booleans(), pull=st.booleans())
def test_as_rsync_would_have_it(
    tmp_path: Path, source: dict[str, Any], before: dict[str, Any], rules: list[str], flags: list[str], delete: bool, pull: bool
) -> None:
    options = [*rules, *flags, *(["--delete"] if delete or "--delete-excluded" in flags else [])]
    sown(tmp_path / "files/t", source)
    for name in ("ours", "theirs"):
        sown(tmp_path / name, before)
    words = ["rsync", "-rlptgo", "--omit-dir-times", *options, f"{tmp_path}/files/t/", f"{tmp_path}/theirs/"]
    theirs = subprocess.run(words, capture_output=True, text=True, check=False)
    if pull:
        place = (f"{tmp_path}/files/t/", tmp_path / "ours", options)
        foreseen, ours = pulled(*place, permit=False), pulled(*place)
        assert foreseen == ours
        failed = "failed" in ours
        assert failed or not pulled(*place)["changed"]
    else:
        task = ("synchronize", {"src": "t/", "dest": str(tmp_path / "ours"), "rsync_opts": options})
        (done,) = harness.run([task], str(tmp_path / "files"))
        failed, ours = done.status == "failed", done.result
    event(f"rsync {theirs.returncode}, ours {failed}, pull {pull}")
    if theirs.returncode or failed:  # something in the way, or a link that leads nowhere
        return
    times = "--no-times" not in flags
    expected, found = ({name: entry if times else entry[:2] for name, entry in left(tmp_path / n).items()} for n in ("theirs", "ours"))
    assert found == expected, (words, ours)


@pytest.mark.skipif(shutil.which("rsync") is None, reason="needs the package rsync")
@pytest.mark.parametrize("src", ["t/", "t", "t/same"])
def test_links_to_what_is_the_same_elsewhere(tmp_path: Path, src: str) -> None:
    """What rsync links with --link-dest, and nothing else."""
    tree = {"same": "1", "d/same": "2", "mode": ("3", 0o600), "content": "4", "time": "5", "there": "6"}
    sown(tmp_path / "files/t", tree)
    names = ["last", "oldest"]
    for name in names:
        shutil.copytree(tmp_path / "files/t", tmp_path / name / ("" if src == "t/" else "t" if src == "t" else "."), dirs_exist_ok=True)
    last = tmp_path / "last" / ("t" if src == "t" else "")
    (last / "mode").chmod(0o644)
    (last / "content").write_text("x")
    os.utime(last / "content", (1, 1))
    os.utime(last / "time", (1, 1))
    for name in ("ours", "theirs"):
        sown(tmp_path / name, {"there" if src != "t" else "t/there": "old"})
    words = ["rsync", "-rlptgo", *(f"--link-dest=../{name}" for name in names), f"{tmp_path}/files/{src}", f"{tmp_path}/theirs/"]
    subprocess.run(words, check=True)
    task = ("synchronize", {"src": src, "dest": f"{tmp_path}/ours/", "link_dest": [f"../{name}" for name in names]})
    (foreseen,) = harness.check([task], str(tmp_path / "files"))
    (done,) = harness.run([task], str(tmp_path / "files"))
    assert foreseen.status == done.status == "changed"

    def linked(root: Path) -> dict[str, list[str]]:
        places = {one.stat().st_ino: str(one.relative_to(tmp_path)) for name in names for one in (tmp_path / name).rglob("*")}
        files = [path for path in root.rglob("*") if path.is_file()]
        return {str(path.relative_to(root)): [places[path.stat().st_ino]] if path.stat().st_ino in places else [] for path in files}

    assert linked(tmp_path / "ours") == linked(tmp_path / "theirs")
    assert left(tmp_path / "ours") == left(tmp_path / "theirs")
    (again,) = harness.run([task], str(tmp_path / "files"))
    assert again.status == "ok"
