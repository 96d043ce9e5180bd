"""One module on some hosts, without a playbook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .test_app import ROOT, nxtplay

HERE = ("-i", "a,b", "-c", "local")


def test_what_a_command_prints_is_shown_as_it_is(tmp_path: Path) -> None:
    done = nxtplay("exec", "a", *HERE, "-a", "echo -n one two", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a | CHANGED | rc=0 >>\none two\n", "")
    failed = nxtplay("exec", "a", *HERE, "-m", "shell", "-a", "echo out; echo err >&2; exit 3", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (2, "a | FAILED | rc=3 >>\nout\nerr\nnon-zero return code\n")


def test_a_line_for_each_host(tmp_path: Path) -> None:
    done = nxtplay("exec", "all", *HERE, "-o", "-m", "shell", "-a", "printf 'x\\ny'", cwd=tmp_path)
    assert sorted(done.stdout.splitlines()) == ["a | CHANGED | rc=0 | (stdout) x\\ny", "b | CHANGED | rc=0 | (stdout) x\\ny"]


def test_other_results_are_json(tmp_path: Path) -> None:
    done = nxtplay("exec", "b", *HERE, "-m", "ping", cwd=tmp_path)
    head, _, rest = done.stdout.partition(" => ")
    assert head == "b | SUCCESS"
    assert json.loads(rest) == {"changed": False, "ping": "pong"}


@pytest.mark.parametrize("arguments", ["content={{ inventory_hostname }} dest={{ place }}/f", '{"content": "b", "dest": "{{ place }}/f"}'])
def test_a_check_tells_and_a_run_does(tmp_path: Path, arguments: str) -> None:
    words = ("exec", "b", *HERE, "-m", "copy", "-a", arguments, "-e", f"place={tmp_path}")
    foreseen = nxtplay(*words, "-C", "--exit-code", cwd=tmp_path)
    assert foreseen.returncode == 3 and foreseen.stdout.startswith("b | CHANGED => {"), foreseen.stdout + foreseen.stderr
    assert not (tmp_path / "f").exists()
    assert nxtplay(*words, cwd=tmp_path).stdout.startswith("b | CHANGED => {")
    assert (tmp_path / "f").read_text() == "b"
    assert nxtplay(*words, cwd=tmp_path).stdout.startswith("b | SUCCESS => {")


def test_files_and_variables_are_found_where_a_playbook_would_lie(tmp_path: Path) -> None:
    (tmp_path / "at/files").mkdir(parents=True)
    (tmp_path / "at/group_vars").mkdir()
    (tmp_path / "at/files/f").write_text("content")
    (tmp_path / "at/group_vars/all.yml").write_text(f"place: {tmp_path}/copied\n")
    done = nxtplay("exec", "a", *HERE, "--playbook-dir", "at", "-m", "copy", "-a", "src=f dest={{ place }}", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copied").read_text() == "content"


def test_in_the_background(tmp_path: Path) -> None:
    done = nxtplay("exec", "a", *HERE, "-B", "20", "-P", "1", "-a", "echo done", cwd=tmp_path, environ={"HOME": str(tmp_path)})
    assert done.stdout == "a | CHANGED | rc=0 >>\ndone\n"


def test_an_interrupt_is_told(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "nxtplay", "exec", "a", *HERE, "-m", "shell", "-a", "touch begun; sleep 60", "-e", "x=1"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.Popen(words, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists():
        assert done.poll() is None
        time.sleep(0.02)
    done.send_signal(signal.SIGINT)
    assert done.communicate(timeout=60) == ("", "Interrupted.\n")
    assert done.returncode == 99


def test_hosts_are_listed_without_a_module(tmp_path: Path) -> None:
    assert nxtplay("exec", "all:!a", *HERE, "--list-hosts", cwd=tmp_path).stdout == "  hosts (1):\n    b\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("all", "-i", "a,", "-m", "pnig"), "did you mean 'ping'?"),
        (("all", "-i", "a,"), "one of 'cmd', 'argv' is required"),
        (("all", "-i", "a,", "-m", "copy", "-a", "dst=/x"), "did you mean 'dest'?"),
        (("c", "-i", "a,", "-m", "ping"), "no host matches 'c'"),
        (("all", "-m", "ping"), "the inventory holds no host; -i names one"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = nxtplay("exec", *words, cwd=tmp_path)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_habit_of_leaving_the_word_out_is_met_with_it(tmp_path: Path) -> None:
    assert "nxtplay exec PATTERN -m MODULE -a ARGS" in nxtplay("all", "-m", "ping", cwd=tmp_path).stderr


def test_results_go_to_a_folder_too_and_kept_facts_are_forgotten(tmp_path: Path) -> None:
    kept = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts")}
    assert nxtplay("exec", "a", *HERE, "-m", "setup", "-t", "tree", cwd=tmp_path, environ=kept).returncode == 0
    assert json.loads((tmp_path / "tree/a").read_text())["ansible_facts"]["module_setup"] is True
    say = ("exec", "a", *HERE, "-m", "debug", "-a", "msg={{ ansible_facts.system | default('forgotten') ~ ' ' ~ playbook_dir }}")
    assert "forgotten" not in nxtplay(*say, cwd=tmp_path, environ=kept).stdout
    assert "forgotten /nowhere" in nxtplay(*say, "--flush-cache", cwd=tmp_path, environ={**kept, "ANSIBLE_PLAYBOOK_DIR": "/nowhere"}).stdout


def test_the_interpreter_that_was_found_is_a_fact(tmp_path: Path) -> None:
    def found(*words: str) -> object:
        done = nxtplay("exec", "a", *HERE, "-m", "setup", "-a", "filter=nothing", *words, cwd=tmp_path)
        return json.loads(done.stdout.partition(" => ")[2])["ansible_facts"].get("discovered_interpreter_python")

    assert os.path.isabs(str(found()))
    assert found("-e", f"ansible_python_interpreter={sys.executable}") is None


def test_differences_come_before_the_result(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    copy = ("exec", "a", *HERE, "-m", "copy", "-a", f"content=new dest={tmp_path}/f", "--check")
    done = nxtplay(*copy, "--diff", cwd=tmp_path)
    shown, _, result = done.stdout.partition("a | CHANGED => ")
    heads = [f"--- before: {tmp_path}/f", f"+++ after: {tmp_path}/f", "@@ -1 +1 @@"]
    assert shown.splitlines() == [*heads, "-old", "+new", "\\ No newline at end of file", ""]
    assert "diff" not in json.loads(result)
    assert nxtplay(*copy, cwd=tmp_path).stdout.startswith("a | CHANGED => ")
