"""Who is in the recap: the hosts of the plays, and others only when something was done for them."""

from __future__ import annotations

from pathlib import Path

from playing import play

DELEGATED = """
- hosts: all
  gather_facts: false
  tasks:
    - ping:
      delegate_to: localhost
      when: false
"""


def test_a_host_that_was_only_delegated_to_is_left_out(tmp_path: Path) -> None:
    recap, _, _ = play(DELEGATED, tmp_path)
    assert list(recap.hosts) == ["one"]


def test_a_host_of_an_empty_play_is_there(tmp_path: Path) -> None:
    recap, _, _ = play("- {hosts: all, gather_facts: false}", tmp_path, hosts="one,two,")
    assert list(recap.hosts) == ["one", "two"]
