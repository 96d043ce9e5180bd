"""Ways in to a Redis server, and redis_info."""

from __future__ import annotations

from collections.abc import Callable

from redis_server import PASSWORD, Server

from nxtplay.core.world import World


def test_info(start: Callable[..., Server]) -> None:
    server = start()
    server.call("SET", "a", "1")
    found = server.run("redis_info").result["info"]
    assert found["tcp_port"] == server.port and found["db0"]["keys"] == 1 and isinstance(found["redis_version"], str)
    assert set(server.check("redis_info", section=["replication"]).result["info"]) < set(found)


def test_password_and_user(start: Callable[..., Server]) -> None:
    server = start(password=PASSWORD)
    server.call("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "~*")
    assert server.run("redis_info").status == "ok"
    assert server.run("redis_info", login_user="ann", login_password="pw").status == "ok"
    for wrong in ({"login_password": "no"}, {"login_password": None}, {"login_user": "ann", "login_password": "no"}):
        done = server.run("redis_info", **wrong)
        assert done.status == "failed" and ("WRONGPASS" in done.reason or "NOAUTH" in done.reason)
        assert PASSWORD not in repr(done)


def test_unix_socket(start: Callable[..., Server]) -> None:
    server = start()
    assert server.run("redis_info", login_unix_socket=str(server.directory / "sock"), login_port=1).status == "ok"


def test_nobody_there_and_a_server_that_is_only_foreseen(start: Callable[..., Server]) -> None:
    server = start()
    gone = server.check("redis_info", login_port=1)
    assert gone.status == "failed" and "cannot reach Redis at 127.0.0.1 port 1" in gone.reason
    world = World()
    world.foresee("container:cache", {"running": True})
    assert server.check("redis_info", world, container="cache").status == "unknown"
    assert "no container cache" in server.check("redis_info", container="cache").reason
