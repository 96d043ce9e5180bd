"""synchronize leaves out what git ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nxtplay.modules import _sync_tree
from nxtplay.modules._sync_options import Options

from . import harness

PATH = st.lists(st.sampled_from(("a", "b", "c.o", "dist")), min_size=1, max_size=3).map("/".join)
LINE = st.sampled_from("a,/a,b/,*.o,!c.o,dist/,/dist,a/b,**/b,a/**,!a/b,a/*,!/b,?,[ab],# a,,dist/*,!dist/a".split(","))
LINES = st.lists(LINE, max_size=4)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.sets(PATH, min_size=2, max_size=8), top=LINES, below=LINES)
@example(paths={"a/b", "a/c.o", "dist/a", "b"}, top=["a/*", "!a/b"], below=["c.o"])
def test_as_git_has_it(tmp_path: Path, paths: set[str], top: list[str], below: list[str]) -> None:
    files = {path: "x" for path in paths if not any(other.startswith(path + "/") for other in paths)}
    root = tmp_path / "files/t"
    harness.plant(str(root), files)
    (root / ".gitignore").write_text("\n".join(top))
    if (root / "a").is_dir():
        (root / "a/.gitignore").write_text("\n".join(below))
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    listed = ["git", "-C", str(root), "-c", "core.excludesFile=/dev/null", "ls-files", "--others", "--exclude-standard"]
    theirs = set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())
    shutil.rmtree(root / ".git")
    tree = _sync_tree.take(harness.Controller(str(tmp_path / "files")), "t/", Options(gitignore=True))
    assert {entry.name for entry in tree.entries if entry.content is not None} == theirs, (top, below)
