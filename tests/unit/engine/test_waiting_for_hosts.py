"""wait_for_connection."""

from __future__ import annotations

from pathlib import Path

from playing import play


def test_the_delay_counts_as_time_that_has_passed(tmp_path: Path) -> None:
    text = """
- hosts: all
  gather_facts: false
  tasks:
    - {wait_for_connection: {delay: 1, timeout: 5}, register: waited}
    - assert: {that: waited.elapsed >= 1}
"""
    recap, _, _ = play(text, tmp_path)
    assert recap.exit_code == 0, recap
