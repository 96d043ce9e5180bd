"""A handler that includes a file may bring in blocks, though none can be written among handlers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {command: echo it, notify: go}
  handlers:
    - {name: go, include_tasks: more.yml}
"""
MORE = """
- when: true
  block:
    - debug: msg=inside
    - fail:
  rescue:
    - debug: msg=mended
"""


def test_blocks_in_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    (tmp_path / "more.yml").write_text(MORE)
    done = subprocess.run([sys.executable, "-m", "nxtplay", str(tmp_path / "site.yml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "inside" in done.stdout and "mended" in done.stdout and "rescued=1" in done.stdout
