"""In a check, what a loop over commands would have registered is unknown field by field, not missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {command: 'echo {{ item }}', loop: [a, b], register: found, changed_when: false}
    - debug: msg={{ item.1 }}
      with_subelements: ['{{ found.results }}', stdout_lines]
    - {debug: {msg: '{{ item.1 }}'}, loop: "{{ found.results | subelements('stdout_lines') }}"}
    - {debug: {msg: '{{ item }}'}, loop: "{{ found.results | map(attribute='stdout') | list }}"}
"""


def test_items_taken_from_them_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    words = [sys.executable, "-m", "nxtplay", str(tmp_path / "site.yml"), "--check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown=3" in done.stdout


def check(tmp_path: Path, tasks: str) -> tuple[int, str]:
    (tmp_path / "site.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n" + tasks)
    words = [sys.executable, "-m", "nxtplay", str(tmp_path / "site.yml"), "--check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_command_of_a_check_that_misses_what_an_act_may_bring_is_unknown(tmp_path: Path) -> None:
    """With `check_mode: false` it runs in the check, before what the act would have done."""
    looks = "    - {command: cat /nowhere/version, check_mode: false, changed_when: false, register: found}\n"
    code, text = check(tmp_path, looks)
    assert code == 2, text
    code, text = check(tmp_path, "    - command: install-it\n" + looks + "    - debug: {msg: '{{ found.stdout }}'}\n")
    assert code == 0 and "as things are this would fail" in text, text
    code, text = check(tmp_path, "    - command: install-it\n" + looks.replace("changed_when", "failed_when: false, changed_when"))
    assert code == 0 and "as things are" not in text, "what the task makes of its failure is told"
    code, text = check(tmp_path, "    - command: install-it\n" + looks.replace("changed_when", "ignore_errors: true, changed_when"))
    assert "ignored=1" in text, text


def test_what_a_file_nobody_can_name_yet_may_define_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("brought: 1\n")
    include = '    - {command: echo x, register: said}\n    - include_vars: "{{ said.stdout }}.yml"\n'
    code, text = check(tmp_path, include + "    - debug: msg={{ brought }}\n    - {ping: , loop: '{{ brought }}'}\n")
    assert code == 0 and "unknown=3" in text and "as things are" in text, text
    code, text = check(tmp_path, "    - include_vars: x.yml\n    - debug: msg={{ brought }}{{ broght }}\n")
    assert code != 0, text


def test_the_job_of_a_task_that_is_not_waited_for_is_unknown(tmp_path: Path) -> None:
    background = f"    - {{copy: {{dest: {tmp_path}/new, content: x}}, async: 30, poll: 0, register: job}}\n"
    code, text = check(tmp_path, background + "    - async_status: {jid: '{{ job.ansible_job_id }}'}\n")
    assert code == 0 and "changed=1" in text and "unknown=1" in text, text
