"""The code keeps its own rules: style, types, and imports that only go downward."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, "-m"]
RULES = {
    "style": [*MODULE, "ruff", "check", "nxtplay", "tests", "benchmarks", "roles"],
    "types": [*MODULE, "mypy"],
    "rooms": [str(Path(sys.executable).with_name("lint-imports"))],
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_are_kept(rule: str) -> None:
    done = subprocess.run(RULES[rule], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
