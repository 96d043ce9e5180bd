"""What a result warns of is told beside it: once for a task, however many items and hosts say so."""

from __future__ import annotations

import io
from pathlib import Path

from playing import play

from nxtplay.report.classic import Classic

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - debug: {var: "nowhere | string"}
      loop: [1, 2]
    - debug: {msg: short}
      loop: [1]
      loop_control: {index_var: place}
    - debug: {msg: "{{ nowhere }}"}
      no_log: true
      ignore_errors: true
"""


def test_a_warning_is_told_once(tmp_path: Path) -> None:
    _, events, _ = play(PLAYBOOK, tmp_path, hosts="one,two")
    told = [event for event in events if event.kind == "notice"]
    assert [(event.host, event.text) for event in told] == [("one", "error 1 - 'nowhere' is undefined")]


def test_the_classic_form_keeps_to_what_debug_was_asked_for(tmp_path: Path) -> None:
    _, events, _ = play(PLAYBOOK, tmp_path, hosts="one,")
    stream = io.StringIO()
    report = Classic(stream, notices=stream)
    for event in events:
        report.emit(event)
    assert 'ok: [one] => (item=1) => {\n    "msg": "short"\n}' in stream.getvalue()
    assert "[WARNING]: one: error 1 - 'nowhere' is undefined" in stream.getvalue()
    assert '"warnings"' not in stream.getvalue()
