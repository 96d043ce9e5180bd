"""Servers inside containers whose ports nobody published."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import _inside, _pipe, registry

PASSWORD = "in the box"


def docker(*words: str) -> str:
    try:
        return subprocess.run(["docker", *words], check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"docker {words[0]}: {error}")


@contextlib.contextmanager
def container(image: str, *words: str) -> Iterator[str]:
    if not docker("images", "-q", image):
        pytest.skip(f"needs the image {image}")
    identity = docker("run", "-d", *words, image)
    try:
        yield identity[:12]
    finally:
        docker("rm", "-f", "-v", identity)


def run(module: str, **args: Any) -> Outcome:
    host = Host(World())
    return converge(decode(registry.load(module), args), host, World(), host)


def check(module: str, **args: Any) -> Outcome:
    world = World()
    return converge(decode(registry.load(module), args), Reader(world), world, None)


@pytest.mark.parametrize("network", ["bridge", "none"])  # none: only through the engine
def test_a_database_in_a_container(network: str) -> None:
    words = ("--network", network, "-e", "POSTGRES_USER=nxt", "-e", f"POSTGRES_PASSWORD={PASSWORD}")
    with container("postgis/postgis:15-3.3", *words) as name:
        found = run("postgresql_ping", container=name, wait="50s").result
        assert found["is_available"], found["conn_err_msg"]
        made = run("postgresql_db", container=name, name="app")
        assert made.status == "changed", made
        assert run("postgresql_ext", container=name, login_db="app", name="postgis").status == "changed"
        assert run("postgresql_ext", container=name, login_db="app", name="postgis").status == "ok"
        query = "SELECT current_user AS u, repeat('x', 300000) AS long, ST_AsText(ST_Point(1, 2)) AS p"
        row = run("postgresql_query", container=name, login_db="app", query=query).result["query_result"][0]
        assert row == {"u": "nxt", "long": "x" * 300000, "p": "POINT(1 2)"}
        processes = docker("top", name, "-o", "pid,args")
        assert PASSWORD not in processes and PASSWORD not in repr(made)


@pytest.mark.parametrize("network", ["bridge", "none"])
def test_a_redis_in_a_container(network: str) -> None:
    with container("redis:7", "--network", network) as name:
        found = run("redis_info", container=name)
        assert found.status == "ok", found
        assert found.result["info"]["tcp_port"] == 6379


def test_a_container_that_stopped() -> None:
    with container("redis:7") as name:
        docker("stop", "-t", "1", name)
        done = run("redis_info", container=name)
        assert done.status == "failed" and "is exited, not running" in done.reason


def test_looking_from_inside_leaves_the_server_alone() -> None:
    """A relay that died as an orphan would be taken for a crashed backend: every session would be thrown out."""
    with container("postgis/postgis:15-3.3", "--network", "none", "-e", f"POSTGRES_PASSWORD={PASSWORD}") as name:
        assert run("postgresql_ping", container=name, wait="50s").result["is_available"]
        for _ in range(5):
            assert run("postgresql_query", container=name, query="SELECT 1").status == "ok"
        log = docker("logs", name) + subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True).stderr
        assert "terminated by" not in log and "recovery" not in log.rpartition("ready for start up")[2], log


def test_a_standby_in_a_container() -> None:
    """Its container is made, filled, started; promoted in the end. Nothing runs in it before its data are there."""
    image, network = "postgis/postgis:15-3.3", f"nxtplay-test-{os.getpid()}"
    docker("network", "create", network)
    common = ("--network", network, "-e", f"POSTGRES_PASSWORD={PASSWORD}")
    try:
        with container(image, *common, "-e", "POSTGRES_INITDB_ARGS=--no-sync", "--network-alias", "first") as first:
            assert run("postgresql_ping", container=first, wait="50s").result["is_available"]
            run("postgresql_user", container=first, name="replicator", password="sesame", role_attr_flags="REPLICATION")
            hba = docker("exec", first, "psql", "-XAt", "-U", "postgres", "-c", "SHOW hba_file")
            docker("exec", first, "sh", "-c", f"echo 'host replication replicator all scram-sha-256' >> {hba}")
            docker("exec", first, "psql", "-U", "postgres", "-c", "SELECT pg_reload_conf()", "-c", "CREATE TABLE t AS SELECT 7 AS n")
            second = docker("create", *common, "-v", "/var/lib/postgresql/data", image)[:12]
            args = {"container": second, "primary_host": "first", "primary_password": "sesame", "slot": "second"}
            try:
                wrong = run("postgresql_standby", **{**args, "primary_password": "open"})
                assert wrong.status == "failed" and "sesame" not in repr(wrong)
                assert check("postgresql_standby", **args).status == run("postgresql_standby", **args).status == "changed"
                assert check("postgresql_standby", **args).status == run("postgresql_standby", **args).status == "ok"
                docker("start", second)
                followed = run("postgresql_replication_info", container=first, standbys=1, max_lag=0, wait="50s")
                assert followed.status == "ok", followed.reason
                asked = run("postgresql_query", container=second, query="SELECT n, pg_is_in_recovery() AS standby FROM t")
                assert asked.result["query_result"] == [{"n": 7, "standby": True}]
                assert run("postgresql_standby", container=second, state="promoted").status == "changed"
                assert run("postgresql_replication_info", container=second).result["role"] == "primary"
                told = check("postgresql_standby", **args)
                assert told.status == "failed" and "promoted: it takes writes of its own" in told.reason
            finally:
                docker("rm", "-f", "-v", second)
            left = docker("ps", "-a", "--format", "{{.Names}}", "--filter", f"network={network}")
            assert len(left.splitlines()) == 1, left
    finally:
        docker("network", "rm", network)


def test_a_program_that_reads_no_further_is_not_waited_for() -> None:
    """What feeds it ends with it, though the engine would take no more."""
    before = set(threading.enumerate())
    taken = bytearray()
    with container("postgis/postgis:15-3.3", "-e", f"POSTGRES_PASSWORD={PASSWORD}") as name:
        host = Host(World())
        argv = ["sh", "-c", "exec <&-; sleep 1; echo abc"]
        endless = itertools.repeat(b"abcdef" * 10_000)
        code, errors = _pipe.through(host, argv, container=_inside.find(host, name), source=endless, sink=taken.extend)
        left = [thread for thread in threading.enumerate() if thread not in before]
    assert (code, errors, bytes(taken)) == (0, "", b"abc\n")
    assert left == []
