"""A few random playbooks through both programs; `python tests/compat/differential.py` runs them by the hour."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import differential
import grammar
import outcome


def test_a_seed_gives_the_same_playbook_each_time() -> None:
    assert grammar.case(7) == grammar.case(7)
    assert grammar.case(7) != grammar.case(8)


@pytest.mark.parametrize("seed", range(40, 46))
def test_nxtplay_runs_what_the_grammar_gives(seed: int, tmp_path: Path) -> None:
    case = grammar.case(seed)
    differential.lay_out(case, tmp_path)
    seen = outcome.nxtplay(case.words, cwd=tmp_path, environ=differential.ENVIRON)
    assert seen.recap or seen.code == 0, seen.output[-2000:]
    assert "Traceback" not in seen.output, seen.output[-2000:]


@pytest.mark.skipif(outcome.ANSIBLE is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("seed", range(50, 55))
def test_both_do_the_same(seed: int, tmp_path: Path) -> None:
    assert differential.differences(grammar.case(seed, budget=25), tmp_path) == []
