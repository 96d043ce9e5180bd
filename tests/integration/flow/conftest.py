"""One deployed stack for the session; tests that change it leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flow_stack
import pytest
from flow_stack import Deployment, Stack


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    flow_stack.remove_abandoned()
    stack = flow_stack.make(tmp_path_factory.mktemp("flow") / "nxtbus")
    try:
        init = stack.play("init")
        assert init.rc == 0, init.text
        yield Deployment(
            stack,
            foreseen=stack.play("deploy", "--check"),
            first=stack.play("deploy"),
            again=stack.play("deploy", "--check"),
            second=stack.play("deploy"),
        )
    finally:
        stack.remove()


@pytest.fixture
def deployed(deployment: Deployment) -> Stack:
    """The stack, in service."""
    assert deployment.first.rc == 0, deployment.first.text
    return deployment.stack


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own that is not deployed, with its env file written."""
    stack = flow_stack.make(tmp_path / "nxtbus", "-fresh")
    written = stack.play("init")
    assert written.rc == 0, written.text
    yield stack
    stack.remove()
