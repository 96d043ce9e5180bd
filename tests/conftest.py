"""What the machine offers to the tests. Being here, this file also makes `tests/` importable: `from mutations import survivors`."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings


def pytest_configure(config: pytest.Config) -> None:
    # Tests that were started in the background ignore these, and so would every nxtplay that they start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    settings.register_profile("nxtplay", deadline=None)  # a machine may have other things to do
    settings.load_profile("nxtplay")
    config.addinivalue_line("markers", "docker: needs a Docker engine that answers")


def engine_version() -> str | None:
    """The version of the engine that the tests may use; None where none answers."""
    from nxtplay.core.host import Failed
    from nxtplay.modules import _docker_engine

    try:
        return _docker_engine.version(os.environ.get("DOCKER_HOST") or _docker_engine.LOCAL[0])
    except Failed:
        return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("docker")]
    if marked and engine_version() is None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a Docker engine: `apt-get install docker.io`, or `dockerd &`"))
