"""What an earlier task of a check leaves open is open for whoever asks for it, whatever the module."""

from __future__ import annotations

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import registry


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("service", {"name": "cron", "state": "started"}),
        ("modprobe", {"name": "dummy"}),
        ("user", {"name": "nobody"}),
        ("group", {"name": "nogroup"}),
    ],
)
def test_a_state_that_is_unknown_makes_the_task_unknown(module: str, args: dict[str, str]) -> None:
    world = World()
    made = decode(registry.load(module), args)
    world.foresee(made.key(), Unknown("it may have been restarted"))
    found = converge(made, Reader(world), world, None)
    assert found.status == "unknown" and found.unknown is not None and "restarted" in found.unknown.reason
