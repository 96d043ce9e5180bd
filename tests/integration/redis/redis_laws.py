"""What holds for every module of the family, asked of a real server."""

from __future__ import annotations

from typing import Any

from redis_server import Server

from nxtplay.core.converge import Outcome
from nxtplay.core.host import Reader
from nxtplay.core.resource import Resource, decode
from nxtplay.core.state import diff
from nxtplay.core.world import World
from nxtplay.modules import registry


def obeys(server: Server, module: str, **args: Any) -> Outcome:
    """Check, run, run again: a check touches nothing and foresees the run; a second run has nothing to do. The first run's outcome."""
    before = server.everything()
    world = World()
    foreseen = server.check(module, world, **args)
    assert server.everything() == before, "a check left something behind"
    done = server.run(module, **args)
    assert foreseen.status == done.status, (foreseen, done)
    if done.status == "failed":
        assert server.everything() == before, "a run that failed, as was foreseen, changed something"
        return done
    assert [str(c) for c in foreseen.changes] == [str(c) for c in done.changes]
    found = decode(registry.load(module), {**server.login, **args})
    assert isinstance(found, Resource)
    assert not diff(found.observe(Reader(world)), found.observe(Reader(World())))
    assert server.check(module, world, **args).status == "ok", "a check does not see what it foresaw"
    after = server.everything()
    assert server.run(module, **args).status == "ok", "a second run changed something"
    assert server.everything() == after
    return done
