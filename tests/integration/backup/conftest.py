"""One deployed stack with generated routes, for all tests of backup and restore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import backup_stack
import flow_stack
import pytest
from backup_stack import Backed

ROWS = int(os.environ.get("NXTPLAY_TEST_ROWS", "50000"))  # a million takes minutes


@pytest.fixture(scope="session")
def deployed_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    flow_stack.remove_abandoned()
    stack = flow_stack.make(tmp_path_factory.mktemp("backup") / "nxtbus", "-backup")
    try:
        for book in ("init", "deploy"):
            done = stack.play(book)
            assert done.rc == 0, done.text
        found = backup_stack.Backed(stack, Path())
        found.fill(ROWS)
        yield found
    finally:
        stack.remove()


@pytest.fixture
def backed(deployed_stack: Backed, tmp_path: Path) -> Backed:
    """The stack with an empty folder for backups."""
    return Backed(deployed_stack.stack, tmp_path / "backups")
