"""redis, redis_data, redis_data_incr, redis_acl against real servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis_laws import obeys
from redis_server import PASSWORD, Server

from nxtplay.core.state import public
from nxtplay.core.world import World

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
SETTINGS = {
    "maxmemory": ["64mb", "67108864", "1k", "0"],
    "maxmemory-policy": ["allkeys-lru", "noeviction"],
    "appendonly": ["no", "False"],
    "save": ["", "900 1 300 10", "900 1"],
    "timeout": ["0", "30"],
    "notify-keyspace-events": ["KEA", "Kx", ""],
    "port": ["1"],
}


@SLOW
@given(data=st.data())
def test_laws_of_settings(start: Callable[..., Server], data: st.DataObject) -> None:
    server = start()
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(sorted(set(SETTINGS) - {"port"})))
        value, persist = data.draw(st.sampled_from(SETTINGS[name])), data.draw(st.booleans())
        obeys(server, "redis", command="config", name=name, value=value, persist=persist)
    server.process.kill()


def test_a_setting_outlives_a_restart_when_it_is_persisted(start: Callable[..., Server]) -> None:
    server = start()
    obeys(server, "redis", command="config", name="maxmemory", value="64mb")
    assert "67108864" not in (server.directory / "redis.conf").read_text()
    done = obeys(server, "redis", command="config", name="maxmemory", value="64mb", persist=True)
    assert [str(c) for c in done.changes] == ["written"]
    assert "64mb" in (server.directory / "redis.conf").read_text()
    assert "did you mean 'maxmemory'?" in server.check("redis", command="config", name="maxmemry", value="1").reason
    assert server.run("redis", command="config", name="maxmemory-policy", value="sometimes").status == "failed"


def test_flushing_asks_first(start: Callable[..., Server]) -> None:
    server = start()
    assert obeys(server, "redis", command="flush").status == "ok"
    server.call("SET", "a", "1")
    refused = obeys(server, "redis", command="flush")
    assert refused.status == "failed" and "holds 1 keys" in refused.reason and server.call("GET", "a") == b"1"
    assert obeys(server, "redis", command="flush", flush_mode="db", db=3).status == "ok"
    world = World()
    assert server.check("redis", world, command="flush", confirm="flush").status == "changed"
    assert server.check("redis_data", world, key="a", state="absent").status == "ok"
    assert obeys(server, "redis", command="flush", confirm="flush").status == "changed"
    assert server.call("DBSIZE") == 0


def test_a_replica_waits_for_its_link(start: Callable[..., Server]) -> None:
    master, replica = start(password=PASSWORD), start(password=PASSWORD)
    master.call("SET", "a", "1")
    follow = {"command": "replica", "master_host": "127.0.0.1", "master_port": master.port, "wait": "20s"}
    assert obeys(replica, "redis", **follow).status == "changed"
    assert replica.call("GET", "a") == b"1"
    assert obeys(replica, "redis", command="slave", slave_mode="master").status == "changed"
    replica.call("CONFIG", "SET", "masterauth", "wrong")
    lost = replica.run("redis", **{**follow, "wait": "1s"})
    assert lost.status == "failed" and "is not up after 1 s" in lost.reason and PASSWORD not in repr(lost)


@SLOW
@given(data=st.data())
def test_laws_of_keys(start: Callable[..., Server], data: st.DataObject) -> None:
    server = start()
    server.call("SET", "a", "1")
    server.call("SET", "short", "x", "PX", 900_000)
    server.call("RPUSH", "list", "x")
    options: dict[str, Any] = {
        "expiration": st.sampled_from([1_000_000, 5_000_000]),
        "non_existing": st.just(True),
        "keep_ttl": st.booleans(),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(["a", "new", "short", "list"]))
        args = data.draw(st.fixed_dictionaries({"value": st.sampled_from(["1", "two\nlines", ""])}, optional=options))
        if "expiration" in args:
            args.pop("keep_ttl", None)
        if data.draw(st.integers(0, 3)) == 0:
            args = {"state": "absent"}
        obeys(server, "redis_data", key=name, **args)
    server.process.kill()


def test_counting(start: Callable[..., Server]) -> None:
    server = start()
    world = World()
    before = server.everything()
    assert server.check("redis_data_incr", world, key="n").status == "changed"
    assert server.check("redis_data", world, key="n", value="1").status == "unknown"
    assert server.everything() == before
    assert server.run("redis_data_incr", key="n", increment_int=5).result["value"] == 5
    assert server.run("redis_data_incr", key="n", increment_float=0.5).result["value"] == 5.5
    server.call("SET", "text", "x")
    assert "no number" in server.check("redis_data_incr", key="text").reason
    assert server.run("redis_data_info", key="text").result == {"exists": True, "value": "x"}
    assert server.run("redis_data_info", key="gone").result == {"exists": False}


@SLOW
@given(data=st.data())
def test_laws_of_users(start: Callable[..., Server], data: st.DataObject) -> None:
    server = start()
    server.call("ACL", "SETUSER", "old", "on", ">pw", "+@all", "-@dangerous", "+config|get", "~a:*", "~b:*", "&*")
    options: dict[str, Any] = {
        "enabled": st.booleans(),
        "passwords": st.sampled_from([["pw"], ["pw", "other"], []]),
        "nopass": st.booleans(),
        "commands": st.sampled_from(
            [["+@all", "-@dangerous", "+config|get"], ["+GET", "+set", "-get"], ["+@read +@write", "-@all", "+ping"], ["+no"], ["+@no"]]
        ),
        "keys": st.sampled_from([["*"], ["b:*", "a:*"], ["%R~x*", "y"], []]),
        "channels": st.sampled_from([["*"], ["news:*"], []]),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if data.draw(st.integers(0, 4)) == 0:
            args = {"state": "absent"}
        obeys(server, "redis_acl", name=data.draw(st.sampled_from(["old", "new"])), **args)
    server.process.kill()


def test_a_user_gets_in_and_its_password_is_not_told(start: Callable[..., Server]) -> None:
    server = start()
    done = server.run("redis_acl", name="app", password="se cret", commands="+@all", keys="*")
    assert "se cret" not in str(public(done.result)) and "se cret" not in repr(done.changes)
    assert server.run("redis_info", login_user="app", login_password="se cret").status == "ok"


def test_a_time_to_live_is_kept_set_or_ended(start: Callable[..., Server]) -> None:
    server = start()
    server.call("SET", "a", "1", "PX", 900_000)
    assert obeys(server, "redis_data", key="a", value="1").status == "ok"
    done = obeys(server, "redis_data", key="a", value="2", keep_ttl=True)
    assert [str(c) for c in done.changes] == ["value"] and server.call("PTTL", "a") > 0
    assert [str(c) for c in obeys(server, "redis_data", key="a", value="2", expiration=5_000_000).changes] == ["ttl"]
    assert [str(c) for c in obeys(server, "redis_data", key="a", value="2", keep_ttl=False).changes] == ["ttl"]
    assert server.call("PTTL", "a") == -1
    assert obeys(server, "redis_data", key="a", value="3", non_existing=True).status == "ok"
    assert obeys(server, "redis_data", key="b", value="3", existing=True).status == "ok"
