"""Playbooks that assert what Ansible's users rely on. Where ansible-core is installed, it has to agree with every one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import scenarios

HERE = Path(__file__).parent / "playbooks"
PLAYBOOKS = sorted(HERE.glob("*.yml"))
OPTIONS = {"tags": ["--tags", "wanted"]}
ANSIBLE = os.environ.get("ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook")


def run(program: list[str], playbook: Path, work: Path) -> subprocess.CompletedProcess[str]:
    words = [*program, "-i", "testhost,", "-c", "local", *OPTIONS.get(playbook.stem, []), str(playbook)]
    environ = {**os.environ, "WORK": str(work), "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(words, capture_output=True, text=True, timeout=300, env=environ, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda p: p.stem)
def test_nxtplay_keeps_what_the_playbook_asserts(playbook: Path, tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "nxtplay"], playbook, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda p: p.stem)
def test_ansible_agrees(playbook: Path, tmp_path: Path) -> None:
    assert ANSIBLE is not None
    done = run([ANSIBLE], playbook, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_check_runs_no_module_of_others(tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "nxtplay", "-C"], HERE / "library.yml", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "says was not run" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scenario", scenarios.every(), ids=str)
def test_nxtplay_takes_the_course_written_down(scenario: scenarios.Scenario) -> None:
    seen = scenarios.by_nxtplay(scenario)
    assert scenarios.told(seen) == scenarios.expected(scenario), seen.output[-3000:]


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed")
@pytest.mark.parametrize("scenario", [one for one in scenarios.every() if not one.differs], ids=str)
def test_ansible_takes_the_course_written_down(scenario: scenarios.Scenario) -> None:
    seen = scenarios.by_ansible(scenario)
    assert scenarios.told(seen) == scenarios.expected(scenario), seen.output[-3000:]
