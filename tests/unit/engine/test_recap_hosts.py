"""Which hosts a play means. Who is in the recap: those, and others only when something was done for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from playing import play

from nxtplay.engine.options import Options
from nxtplay.errors import PlaybookErrors

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


TEMPLATED = "- {hosts: '{{ target }}', gather_facts: false}"


@pytest.mark.parametrize("target", ["", " ", None, {"a": 1}, ["one", ""], [["one"]]])
def test_a_variable_that_is_no_pattern_means_nobody(target: object, tmp_path: Path) -> None:
    with pytest.raises(PlaybookErrors, match="takes a pattern of hosts"):
        play(TEMPLATED, tmp_path, options=Options(extra_vars={"target": target}))


@pytest.mark.parametrize(("target", "meant"), [([], []), (["two"], ["two"]), ("two:one", ["two", "one"]), (5, [])])
def test_a_variable_says_which_hosts(target: object, meant: list[str], tmp_path: Path) -> None:
    recap, _, _ = play(TEMPLATED, tmp_path, hosts="one,two,", options=Options(extra_vars={"target": target}))
    assert list(recap.hosts) == meant
