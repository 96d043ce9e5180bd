"""Questions at a terminal: vars_prompt, pause and --step."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars_prompt:
    - {name: colour, prompt: which colour, private: false}
    - {name: size, default: 7}
    - {name: secret, confirm: true}
    - {name: given}
  tasks:
    - {name: one, debug: {msg: "{{ colour }} {{ size }} {{ secret }} {{ given }}"}}
    - {name: two, pause: {prompt: go on}, register: answer}
    - {name: three, debug: {msg: "answer={{ answer.user_input }}"}}
"""


MEANT = """
- name: for {{ who }}
  hosts: "{{ who }}"
  serial: "{{ at_once }}"
  gather_facts: false
  vars_prompt: [{name: who}, {name: at_once}]
  tasks: [{debug: {msg: "{{ ansible_play_batch }} of {{ who }}"}}]
"""


def talk(folder: Path, options: list[str], answers: list[tuple[str, str]], playbook: str = PLAYBOOK) -> str:
    """Run the playbook at a terminal; each answer is typed once its question has been seen. What the terminal showed."""
    (folder / "p.yml").write_text(playbook)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "nxtplay", "-i", "a,", "-c", "local", "-e", "given=g", *options, "p.yml"]
    root = str(Path(__file__).parents[2])
    environ = {**os.environ, "PYTHONPATH": root, "TERM": "dumb", "NO_COLOR": "1"}
    process = subprocess.Popen(words, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen, mark, until = "", 0, time.monotonic() + 60
    waiting = list(answers)
    while time.monotonic() < until:
        if waiting and waiting[0][0] in seen[mark:]:
            mark = len(seen)
            os.write(ours, waiting.pop(0)[1].encode() + b"\n")
        if select.select([ours], [], [], 0.1)[0]:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece.decode(errors="replace")
    assert process.wait(timeout=20) == 0, seen
    os.close(ours)
    assert not waiting, (waiting, seen)
    return seen


QUESTIONS = [("which colour", "red"), ("size [7]", ""), ("secret", "s3"), ("confirm secret", "s4"), ("differ", "s5"), ("confirm", "s5")]


def test_prompts_and_pauses_are_answered_at_the_terminal(tmp_path: Path) -> None:
    seen = talk(tmp_path, [], [*QUESTIONS, ("go on", "yes please")])
    assert "red 7 s5 g" in seen
    assert "answer=yes please" in seen


def test_step_asks_before_each_task(tmp_path: Path) -> None:
    seen = talk(tmp_path, ["--step"], [*QUESTIONS, ("Perform task: one", "n"), ("Perform task: two", "c"), ("go on", "x")])
    assert "red 7" not in seen
    assert "answer=x" in seen


def test_which_hosts_a_play_means_may_be_asked_for(tmp_path: Path) -> None:
    seen = talk(tmp_path, ["-i", "b,c"], [("who", "a:c"), ("at_once", "1")], MEANT)
    assert "PLAY [for a:c]" in seen
    assert ["['a'] of a:c" in seen, "['c'] of a:c" in seen, "b  " in seen] == [True, True, False]
