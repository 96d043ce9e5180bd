"""`run_once: play`: once for all batches of a play; what it brought is there on every host."""

from pathlib import Path

import pytest
from playing import play, story

PLAYBOOK = """
- hosts: all
  gather_facts: false
  serial: 2
  strategy: {strategy}
  tasks:
    - command: echo "{{{{ inventory_hostname }}}}"
      register: first
      run_once: play
      throttle: 1
    - set_fact: {{told: "{{{{ first.stdout }}}}"}}
      run_once: "{{{{ 'play' }}}}"
    - assert: {{that: ["first.stdout == told", "told == 'a'"]}}
    - ping:
      run_once: true
"""


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_once_for_all_batches(strategy: str, tmp_path: Path) -> None:
    recap, events, _ = play(PLAYBOOK.format(strategy=strategy), tmp_path, hosts="a,b,c,d,e,")
    assert recap.exit_code == 0, story(events)
    started = [(event.module, event.hosts) for event in events if event.kind == "task_started"]
    assert [hosts for module, hosts in started if module == "command"] == [("a",)]
    assert sum(len(hosts) for module, hosts in started if module == "ping") == (3 if strategy == "linear" else 5)


def test_each_play_for_itself(tmp_path: Path) -> None:
    _, events, _ = play(PLAYBOOK.format(strategy="linear") * 2, tmp_path, hosts="a,b,c,")
    assert [event.hosts for event in events if event.kind == "task_started" and event.module == "command"] == [("a",), ("a",)]
