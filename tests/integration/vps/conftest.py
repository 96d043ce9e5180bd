"""One server with an engine for the session, the example deployed to it; tests that change it leave it as they found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import vps_image
import vps_machine
from vps_machine import NO_ENGINE, Deployment, Machine, Stack, docker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    mine = [item for item in items if str(item.path).startswith(here)]
    missing = vps_image.missing_packages() if mine else []
    reason = ""
    if missing:
        reason = f"needs the packages {' '.join(missing)}: the server is cut out of them"
    elif os.geteuid() != 0:
        reason = "needs root: the server is cut out of this machine's packages"
    for item in mine:
        item.add_marker(pytest.mark.skip(reason=reason) if reason else pytest.mark.docker)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The image that servers are started from."""
    if not docker("image", "ls", "-q", vps_image.BASE).strip():
        pytest.skip(f"needs the image {vps_image.BASE}")
    vps_machine.remove_abandoned()
    vps_image.build(vps_machine.IMAGE, tmp_path_factory.mktemp("image"))
    yield


@pytest.fixture(scope="session")
def server(image: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server with an engine."""
    machine = vps_machine.start(tmp_path_factory.mktemp("server") / "server")
    yield machine
    machine.remove()


@pytest.fixture(scope="session")
def bare(image: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server without one."""
    machine = vps_machine.start(tmp_path_factory.mktemp("bare") / "bare", engine=False)
    yield machine
    machine.remove()


@pytest.fixture(scope="session")
def deployment(server: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    stack = Stack(server, vps_machine.sources(tmp_path_factory.mktemp("sources") / "nxtbus"))
    init = stack.play("init")
    assert init.rc == 0, init.text
    yield Deployment(
        stack,
        init,
        foreseen=stack.play("deploy", "--check"),
        first=stack.play("deploy"),
        again=stack.play("deploy", "--check"),
        second=stack.play("deploy", env=NO_ENGINE),
    )
    stack.remove_images()


@pytest.fixture
def deployed(deployment: Deployment) -> Stack:
    """The stack, in service."""
    assert deployment.first.rc == 0, deployment.first.text
    return deployment.stack
