"""A standby out of nothing: copied, started, followed, told apart once it is promoted, and brought back as a standby."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pg_cluster import PASSWORD, Cluster, free_port, start, stop
from pg_servers import installed

ROLE, SECRET = "replicator", "it's \\ a secret"


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    if 15 not in installed() or os.geteuid() != 0 or not shutil.which("pg_basebackup"):
        pytest.skip("needs root and the package postgresql-15")
    found = start(tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp"), installed()[15], free_port())
    found.run("postgresql_user", name=ROLE, password=SECRET, role_attr_flags="REPLICATION")
    found.sql("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 1000)")
    yield found
    stop(found)


@pytest.fixture
def place(primary: Cluster) -> Iterator[Cluster]:
    """Where a standby may come to be; it is not there yet."""
    directory = tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp")
    os.chmod(directory, 0o755)
    port = free_port()
    yield Cluster(directory, port, primary.bin, {**primary.login, "login_port": port})
    stop(Cluster(directory, port, primary.bin))
    primary.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")


def following(primary: Cluster, place: Cluster, **more: Any) -> dict[str, Any]:
    return {
        "data_directory": f"{place.directory}/data", "primary_host": "127.0.0.1", "primary_port": primary.port,
        "primary_password": SECRET, "slot": "second", **more,
    }  # fmt: skip


def standby(cluster: Cluster, **args: Any) -> Any:
    """Check, run, check: the check leaves no mark and foresees the run. The run's outcome."""
    bare = replace(cluster, login={})
    before = picture(cluster)
    foreseen = bare.check("postgresql_standby", **args)
    assert picture(cluster) == before
    done = bare.run("postgresql_standby", **args)
    assert (foreseen.status, [str(c) for c in foreseen.changes]) == (done.status, [str(c) for c in done.changes]), (foreseen, done)
    assert SECRET not in repr((foreseen, done))
    if done.status != "failed":
        assert bare.check("postgresql_standby", **args).status == bare.run("postgresql_standby", **args).status == "ok"
    return done


def picture(cluster: Cluster) -> dict[str, Any]:
    return {str(p): p.stat().st_mtime_ns for p in Path(cluster.directory).rglob("*.conf")} | {"": sorted(os.listdir(cluster.directory))}


def begin(cluster: Cluster) -> None:
    account = pwd.getpwnam("postgres")
    settings = f"-p {cluster.port} -k {cluster.directory}"
    os.chown(cluster.directory, account.pw_uid, account.pw_gid)
    words = [f"{cluster.bin}/pg_ctl", "-D", f"{cluster.directory}/data", "-w", "-l", f"{cluster.directory}/log", "-o", settings, "start"]
    done = subprocess.run(words, user=account.pw_uid, group=account.pw_gid, cwd="/", stdout=subprocess.DEVNULL)
    assert done.returncode == 0, Path(cluster.directory, "log").read_text()


def test_copied_followed_promoted_and_brought_back(primary: Cluster, place: Cluster) -> None:
    args = following(primary, place)
    assert standby(place, **args).status == "changed"
    begin(place)
    followed = primary.run("postgresql_replication_info", standbys=1, max_lag="1MB", wait="20s")
    assert followed.status == "ok", followed.reason
    (row,) = followed.result["standbys"]
    assert (followed.result["role"], row["state"], row["slot"]) == ("primary", "streaming", "second") and row["lag_bytes"] >= 0
    primary.sql("INSERT INTO t VALUES (1001)")
    assert primary.run("postgresql_replication_info", standbys=1, max_lag=0, wait="20s").status == "ok"
    behind = place.run("postgresql_replication_info", max_lag=0, max_lag_time="1s", wait="20s")
    assert behind.status == "ok" and behind.result["role"] == "standby" and behind.result["receiver"]["slot"] == "second", behind
    assert place.sql("SELECT count(*) AS n FROM t")[0]["n"] == 1001
    missing = primary.run("postgresql_replication_info", standbys=2)
    assert missing.status == "failed" and "1 of 2 standbys are streaming" in missing.reason

    named = following(primary, place, primary_options={"application_name": "second"})
    assert standby(place, **named).status == "changed", "what it follows by changes while it runs"
    deadline = time.monotonic() + 20
    while [row["application_name"] for row in primary.run("postgresql_replication_info").result["standbys"]] != ["second"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert standby(place, data_directory=args["data_directory"], state="promoted").status == "changed"
    place.sql("INSERT INTO t VALUES (1002)")
    told = standby(place, **args)
    assert told.status == "failed" and "promoted: it takes writes of its own" in told.reason, told
    told = standby(place, **args, confirm_data_loss=True)
    assert told.status == "failed" and "stop it first" in told.reason
    assert place.sql("SELECT count(*) AS n FROM t")[0]["n"] == 1002
    halt(place)
    assert standby(place, **args, confirm_data_loss=True).status == "changed"
    begin(place)
    assert primary.run("postgresql_replication_info", standbys=1, max_lag=0, wait="20s").status == "ok"
    assert place.sql("SELECT count(*) AS n FROM t")[0]["n"] == 1001


def halt(cluster: Cluster) -> None:
    words = [f"{cluster.bin}/pg_ctl", "-D", f"{cluster.directory}/data", "-w", "-m", "fast", "stop"]
    subprocess.run(words, check=True, user="postgres", group="postgres", cwd="/", stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"primary_password": "another"}, "password authentication failed"),
        ({"primary_user": "nobody at all"}, "does not let nobody at all in"),
        ({"primary_port": 1}, "port 1 does not let"),
        ({"primary_host": "no such host.example"}, "could not translate host name"),
        ({"data_directory": "/tmp/no/such/place/data"}, "does not exist"),
    ],
)
def test_what_cannot_be_is_foreseen_and_leaves_nothing(primary: Cluster, place: Cluster, more: dict[str, Any], message: str) -> None:
    told = standby(place, **following(primary, place, **more))
    assert told.status == "failed" and message in told.reason, told.reason
    assert os.listdir(place.directory) == [] and primary.run("postgresql_replication_info").result["slots"] == []


def test_other_files_are_not_overwritten(primary: Cluster, place: Cluster) -> None:
    os.mkdir(f"{place.directory}/data")
    Path(place.directory, "data/kept.txt").write_text("x")
    told = standby(place, **following(primary, place))
    assert told.status == "failed" and "is not empty and holds no PostgreSQL data (kept.txt)" in told.reason


def test_a_copy_that_fails_half_way_leaves_neither_data_nor_slot(primary: Cluster, place: Cluster) -> None:
    done = replace(place, login={}).run("postgresql_standby", **following(primary, place, options=["--no-such-option"]))
    assert done.status == "failed" and "pg_basebackup from" in done.reason
    assert os.listdir(f"{place.directory}/data") == [] and primary.run("postgresql_replication_info").result["slots"] == []


def test_the_data_of_a_server_of_its_own_are_kept(primary: Cluster) -> None:
    own = {"data_directory": f"{primary.directory}/data", "primary_host": "127.0.0.1", "primary_port": primary.port}
    told = replace(primary, login={}).run("postgresql_standby", **own, primary_user="postgres", primary_password=PASSWORD)
    assert told.status == "failed" and "of a server that is no standby" in told.reason
