"""The shipped playbooks are right, and a typo in any of their keys, modules, arguments, handlers or variables is found at its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from mutations import mutations, survivors

from nxtplay.errors import Diagnostic
from nxtplay.playbook.lint import check
from nxtplay.playbook.load import load

ROOT = Path(__file__).resolve().parents[3]
NAMES = [path.name for path in sorted((ROOT / "playbooks").glob("*.yml"))]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that nobody ever runs a mutation."""
    copy = tmp_path_factory.mktemp("shipped")
    for name in ("playbooks", "roles", "inventory", "examples"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    return copy


def lint(playbook: Path) -> list[Diagnostic]:
    root = playbook.parent.parent
    files = [*(root / "playbooks").glob("group_vars/**/*.yml"), *(root / "inventory").glob("group_vars/**/*.yml")]
    names = {str(name) for file in files for name in yaml.safe_load(file.read_text()) or {}}
    return check(load(str(playbook)), names_for_host={"localhost": names})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_a_shipped_playbook(shipped: Path, name: str) -> None:
    assert [str(one) for one in lint(shipped / "playbooks" / name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_typo_in_the_shipped_playbooks_is_found_at_its_line(shipped: Path, name: str) -> None:
    playbook = shipped / "playbooks" / name
    files = [Path(source).resolve() for source in load(str(playbook)).sources]
    files = [file for file in files if file.parent.name in ("tasks", "handlers", "playbooks")]
    assert len(list(mutations(files))) > 5
    assert survivors(files, lambda: lint(playbook)) == []
