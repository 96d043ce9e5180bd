"""Whatever a file holds: a located error within seconds, never a traceback (`tests/malformed.py` does this for long)."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from malformed import scenarios, shipped, trial, wrong

from .test_app import ROOT, nxtplay


@pytest.mark.parametrize("tree", [shipped, scenarios], ids=["shipped", "scenarios"])
def test_spoilt_files(tmp_path: Path, tree: object) -> None:
    assert callable(tree)
    made = tree(tmp_path)
    assert [said for seed in range(60) if (said := trial(seed, *made))] == []


PLAY = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"%s\"}\n"
BOMB = "- hosts: localhost\n  vars:\n    a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"    a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
TEXTS = {
    "nested": "- hosts: localhost\n  vars: {x: " + "[" * 100_000 + "}",
    "blocks": "- hosts: localhost\n  tasks:\n" + "".join(" " * (4 + 4 * n) + "- block:\n" for n in range(400)),
    "aliases": BOMB,
    "parentheses": PLAY % ("{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}"),
    "sum": PLAY % ("{{ " + "+".join(["1"] * 20_000) + " }}"),
    "conditions": PLAY % ("{% if x %}" * 5000 + "{% endif %}" * 5000),
    "too large": "- hosts: localhost\n" + "# nothing\n" * 2_000_000,
    "nothing but zeros": "\0" * 1000,
    "another alphabet": "- hosts: localhost\n  tasks: [debug: {msg: \ud800}]\n",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_beyond_measure(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "play.yml"
    path.write_text(TEXTS[kind], encoding="utf-8", errors="surrogatepass")
    assert not wrong(["lint", "-i", "a,", str(path)])


def test_what_includes_itself_ends(tmp_path: Path) -> None:
    """In a file of tasks, and by way of a role."""
    (tmp_path / "roles" / "again" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "again" / "tasks" / "main.yml").write_text("- block:\n    - block:\n        - include_role: {name: again}\n")
    (tmp_path / "a.yml").write_text("- include_tasks: b.yml\n")
    (tmp_path / "b.yml").write_text("- include_tasks: a.yml\n")
    for task in ("include_tasks: a.yml", "include_role: {name: again}"):
        (tmp_path / "play.yml").write_text(f"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {task}\n")
        done = nxtplay("play.yml", cwd=tmp_path)
        assert done.returncode == 2
        assert "includes nest more than 100 deep" in done.stdout
        assert not done.stderr


@pytest.mark.parametrize("name", ["h[1:999999999]", "h[1:400][1:400]", "h[1:" + "9" * 5000 + "]"])
def test_a_range_of_too_many_hosts(tmp_path: Path, name: str) -> None:
    (tmp_path / "hosts.ini").write_text(f"[g]\n{name}\n")
    (tmp_path / "play.yml").write_text("- hosts: all\n  tasks: []\n")
    assert not wrong(["lint", "-i", str(tmp_path / "hosts.ini"), str(tmp_path / "play.yml")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text("- hosts: all\n  tasks: []\n")
    (tmp_path / "play.yml").chmod(0)
    assert not wrong(["lint", "-i", "a,", str(tmp_path / "play.yml")])


def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    """It is an error soon; one that is written to, however late, is read."""
    (tmp_path / "play.yml").write_text(PLAY % "{{ x }}")
    os.mkfifo(tmp_path / "pipe")
    for words in (("pipe",), ("-i", "pipe", "play.yml"), ("-e", "@pipe", "play.yml")):
        done = nxtplay(*words, cwd=tmp_path)
        assert (done.returncode, "nobody writes to this pipe" in done.stderr) == (4, True), done.stderr
    words = [sys.executable, "-m", "nxtplay"]
    late = f"{shlex.join(words)} -i <(echo h1) -e @<(sleep 2.5; echo 'x: from a pipe') <(cat play.yml)"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", late], cwd=tmp_path, capture_output=True, text=True, check=False, env=environ)
    assert (done.returncode, "from a pipe" in done.stdout) == (0, True), done.stderr
