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
