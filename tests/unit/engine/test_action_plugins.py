"""An action plugin in a check: what it does through us is foreseen or unknown, what it does by itself is held back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGIN = """
import os, socket, subprocess, tempfile

from ansible.plugins.action import ActionBase
{word}

class ActionModule(ActionBase):
    {more}

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        path = self._task.args.get("path")
        {body}
        return result
"""


def outcome(folder: Path, body: str, *options: str, more: str = "pass", word: str = "") -> dict[str, Any]:
    """How a task with a plugin of this body goes."""
    (folder / "action_plugins").mkdir(exist_ok=True)
    (folder / "action_plugins/mine.py").write_text(PLUGIN.format(body=body.replace("\n", "\n        "), more=more, word=word))
    play = "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks: [{mine: {path: %s}, register: r}]\n"
    (folder / "site.yml").write_text(play % (folder / "made"))
    words = [sys.executable, "-m", "nxtplay", str(folder / "site.yml"), *options, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = next(event for event in events if event["kind"] == "task_finished")
    return found


BY_ITSELF = {
    "writes": "open(path, 'w').write('x')",
    "starts": "subprocess.run(['touch', path])",
    "shell": "os.system('touch ' + path)",
    "folder": "os.mkdir(path)",
    "swallowed": "try:\n    open(path, 'w').write('x')\nexcept BaseException:\n    result['changed'] = False",
    "talks": "socket.create_connection(('127.0.0.1', 9), timeout=1)",
}


@pytest.mark.parametrize("body", BY_ITSELF.values(), ids=list(BY_ITSELF))
def test_one_that_says_nothing_of_checks_is_held_back(tmp_path: Path, body: str) -> None:
    assert outcome(tmp_path, body, "--check")["status"] == "unknown"
    assert not (tmp_path / "made").exists()


def test_one_that_speaks_of_checks_is_taken_at_its_word(tmp_path: Path) -> None:
    body = "result['changed'] = True\nif not self._task.check_mode:\n    open(path, 'w').write('x')"
    assert outcome(tmp_path, body, "--check")["status"] == "changed"
    assert not (tmp_path / "made").exists()
    assert outcome(tmp_path, body)["status"] == "changed"
    assert (tmp_path / "made").exists()


def test_what_computes_and_what_makes_temporary_files_is_told(tmp_path: Path) -> None:
    body = "with tempfile.TemporaryDirectory() as own:\n    open(own + '/x', 'w').write('x')\n"
    body += "result['read'] = len(open('/etc/passwd').read())"
    found = outcome(tmp_path, body, "--check")
    assert (found["status"], found["result"]["read"] > 0) == ("ok", True), found


THROUGH_US = {
    "command": ("self._low_level_execute_command('touch ' + path)", "unknown"),
    "swallowed": ("try:\n    self._connection.exec_command('true')\nexcept Exception:\n    pass", "unknown"),
    "file": ("self._transfer_data(path, 'x')", "unknown"),
    "module": ("result.update(self._execute_module('copy', {'dest': path, 'content': 'x'}, task_vars=task_vars))", "changed"),
    "query": ("result.update(self._execute_module('stat', {'path': '/'}, task_vars=task_vars))", "ok"),
    "decision": ("result['failed'] = self._execute_module('command', {'cmd': 'true'})['rc'] != 0", "unknown"),
    "passed on": ("result.update(self._execute_module('command', {'cmd': 'true'}))", "changed"),
    "missing": ("if 'rows' in self._execute_module('command', {'cmd': 'true'}):\n    result['changed'] = True", "unknown"),
    "wrong": ("self._execute_module('command', {'cmd': 'true'})\nraise ValueError('it')", "unknown"),
}


@pytest.mark.parametrize(("body", "status"), THROUGH_US.values(), ids=list(THROUGH_US))
def test_what_goes_through_us_is_foreseen_or_unknown(tmp_path: Path, body: str, status: str) -> None:
    assert outcome(tmp_path, body, "--check")["status"] == status
    assert not (tmp_path / "made").exists()


def test_one_without_a_check_is_unknown_and_not_skipped(tmp_path: Path) -> None:
    assert outcome(tmp_path, "result['changed'] = False", "--check", more="_supports_check_mode = False")["status"] == "unknown"


def test_what_cannot_be_kept_fails_the_task(tmp_path: Path) -> None:
    found = outcome(tmp_path, "result['obj'] = self")
    assert (found["status"], "obj" in found["result"]["msg"]) == ("failed", True)


def test_an_error_of_the_plugin_is_told_with_its_trace(tmp_path: Path) -> None:
    found = outcome(tmp_path, "raise ValueError('boom')")
    assert found["status"] == "failed"
    assert found["result"]["msg"] == "Task failed: boom"
    assert "ValueError" in found["result"]["exception"]
