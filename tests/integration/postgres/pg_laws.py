"""What holds for every module of the family, asked of a real server."""

from __future__ import annotations

from typing import Any

from pg_cluster import Cluster

from nxtplay.core.converge import Outcome
from nxtplay.core.host import Reader
from nxtplay.core.resource import Resource, decode
from nxtplay.core.state import Unknown, diff
from nxtplay.core.world import World
from nxtplay.modules import registry


def obeys(cluster: Cluster, module: str, *databases: str, **args: Any) -> Outcome:
    """Check, run, run again: a check touches nothing and foresees the run; a second run has nothing to do. The first run's outcome."""
    before = cluster.catalog(*databases)
    world = World()
    foreseen = cluster.check(module, world, **args)
    assert cluster.catalog(*databases) == before, "a check left something behind"
    done = cluster.run(module, **args)
    assert foreseen.status == done.status, (foreseen, done)
    if done.status == "failed":
        assert cluster.catalog(*databases) == before, "a run that failed, as was foreseen, changed something"
        return done
    assert [str(c) for c in foreseen.changes] == [str(c) for c in done.changes]
    same_foresight(cluster, module, world, args)
    if done.status == "ok":
        assert cluster.catalog(*databases) == before, "a run that changed nothing wrote something"
    after = cluster.catalog(*databases)
    assert cluster.check(module, **args).status == "ok"
    assert cluster.run(module, **args).status == "ok", "a second run changed something"
    assert cluster.catalog(*databases) == after
    return done


def same_foresight(cluster: Cluster, module: str, world: World, args: dict[str, Any]) -> None:
    """What a check foresaw is what a look finds after the run, wherever it was not unknown."""
    found = decode(registry.load(module), {**cluster.login, **args})
    assert isinstance(found, Resource)
    state, live = found.observe(Reader(world)), found.observe(Reader(World()))
    left = [change for change in diff(state, live) if not isinstance(change.before, Unknown)]
    assert not left, left
    assert cluster.check(module, world, **args).status == "ok", "a check does not see what it foresaw"
