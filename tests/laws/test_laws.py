"""The laws of check and run, for every module. A module joins with cases in a file cases_*.py beside this one."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from nxtplay.core.resource import Action, Query
from nxtplay.core.world import World
from nxtplay.modules import registry

from . import harness
from .harness import Case

HERE = os.path.dirname(__file__)
CASES: list[Case] = [
    case
    for name in sorted(os.listdir(HERE))
    if name.startswith("cases_") and name.endswith(".py")
    for case in importlib.import_module(f".{name[:-3]}", __package__).CASES
]


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


class Planted:
    """A case's start in a directory of its own, and its task with the places filled in."""

    def __init__(self, case: Case, place: Path) -> None:
        self.root, self.files = str(place / "root"), str(place / "files")
        harness.plant(self.root, case.start)
        harness.plant(self.files, case.files)
        if case.setup:
            case.setup(self.root)
        self.tasks: list[harness.Task] = [(case.module, harness.filled(dict(case.args), root=self.root, files=self.files))]


def _outside(case: Case) -> bool:
    return issubclass(registry.load(case.module), (Action, Query))


def test_a_check_changes_nothing_and_says_what_the_run_does(case: Case, tmp_path: Path) -> None:
    planted = Planted(case, tmp_path)
    before = harness.picture(planted.root)
    world = World()
    (foreseen,) = harness.check(planted.tasks, planted.files, world)
    assert harness.picture(planted.root) == before, "the check left a mark"

    expected = harness.foreseen_picture(planted.root, world)
    (done,) = harness.run(planted.tasks, planted.files)
    assert "not converged" not in done.reason
    if case.expect:
        assert done.status == case.expect, done
    if foreseen.status == "unknown":
        return
    assert foreseen.status == done.status, (foreseen, done)
    if not harness.unknown_inside(foreseen):
        assert harness.plain(foreseen) == harness.plain(done)
    if foreseen.status != "failed" and not (_outside(case) and foreseen.status == "changed"):
        assert harness.differences(expected, harness.picture(planted.root, exact=False)) == []
    if foreseen.status in ("ok", "failed"):
        assert harness.picture(planted.root) == before, f"a task that was {foreseen.status} wrote something"


def test_a_second_run_changes_and_writes_nothing(case: Case, tmp_path: Path) -> None:
    planted = Planted(case, tmp_path)
    (first,) = harness.run(planted.tasks, planted.files)
    if first.status == "failed":
        pytest.skip("fails")
    after = harness.picture(planted.root)
    (again,) = harness.check(planted.tasks, planted.files)
    assert harness.picture(planted.root) == after
    (second,) = harness.run(planted.tasks, planted.files)
    assert second.status == case.again, second
    if case.again == "ok":
        assert again.status in ("ok", "unknown"), again
        assert harness.picture(planted.root) == after


def test_a_second_task_in_a_check_sees_the_first(case: Case, tmp_path: Path) -> None:
    """Twice in one check is as twice in a run: what was foreseen satisfies the same task."""
    planted = Planted(case, tmp_path)
    first, second = harness.check(planted.tasks * 2, planted.files)
    if first.status == "failed" or "unknown" in (first.status, second.status):
        return
    assert second.status == case.again, second


ELSEWHERE = {
    "ansible_module": "what it runs is other people's: tests/compat/playbooks/library.yml",
    "alternatives apt user group package service systemd_service timezone": "they change the machine: test_machine.py",
    "at": "its queue is the machine's: tests/unit/modules/test_at.py",
    "apt_ deb822_ debconf dpkg_ iptables pip": "they change the machine: test_sources.py",
    "locale_gen modprobe npm ufw": "they need what only a machine of its own has: tests/integration/roles",
    "docker_ redis postgresql_ s3_object mail slack": "they need an engine or a server: tests/integration",
}


def test_every_module_is_held_to_the_laws() -> None:
    held = {case.module for case in CASES}
    prefixes = tuple(word for words in ELSEWHERE for word in words.split())
    missing = sorted(name for name in registry.names() - set(registry.ALIASES) - held if not name.startswith(prefixes))
    assert missing == [], "these modules have no law cases; add them in a file cases_*.py"
