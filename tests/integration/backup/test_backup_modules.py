"""Dump and restore, roles, Redis snapshots, locks: what a check foresees of them, what they refuse, what they leave alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from backup_peers import check, run
from backup_stack import Backed

from nxtplay.core.converge import converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import registry

pytestmark = pytest.mark.docker
FORMATS = ["dump", "tar", "sql", "sql.gz", "sql.xz", "tar.bz2"]


SMALL = """
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."Odd table" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Some text" text);
INSERT INTO "Odd schema"."Odd table" ("Some text") SELECT E'line\\n\\\\.\\nCOPY x (y) FROM stdin; ' || g FROM generate_series(1, 3000) g;
CREATE TABLE parts (id int, kind text) PARTITION BY LIST (kind); CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
INSERT INTO parts SELECT g, 'a' FROM generate_series(1, 500) g; CREATE INDEX parts_id ON parts (id);
CREATE VIEW few AS SELECT * FROM parts WHERE id < 10; CREATE MATERIALIZED VIEW many AS SELECT count(*) AS n FROM parts;
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i'; CREATE TABLE empty (a int CHECK (a > 0));
"""


@pytest.fixture(scope="module")
def small(deployed_stack: Backed) -> Any:
    """A database that dumps in a moment, with objects of many kinds; its name."""
    args = {"container": deployed_stack.postgres, "name": "small"}
    run("postgresql_db", **args, state="absent", force=True)
    assert run("postgresql_db", **args, template="template0").status == "changed"
    deployed_stack.sql(SMALL, "small")
    yield "small"
    run("postgresql_db", **args, state="absent", force=True)


@pytest.fixture
def spare(backed: Backed) -> Any:
    """An empty database; its name."""
    args = {"container": backed.postgres, "name": "spare"}
    run("postgresql_db", **args, state="absent", force=True)
    assert run("postgresql_db", **args, template="template0").status == "changed"
    yield args
    run("postgresql_db", **args, state="absent", force=True)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_there_and_back(backed: Backed, small: str, spare: dict[str, Any], tmp_path: Path, suffix: str) -> None:
    target = str(tmp_path / f"x.{suffix}")
    dump = {"container": backed.postgres, "name": small, "state": "dump", "target": target}
    world = World()
    foreseen = converge(decode(registry.load("postgresql_db"), dump), Reader(world), world, None)
    assert foreseen.status == "changed" and os.listdir(tmp_path) == []
    found = Reader(world).stat(target)
    assert found is not None and isinstance(found.content, Unknown)
    done = run("postgresql_db", **dump)
    assert done.status == "changed" and os.stat(target).st_mode & 0o777 == found.mode == 0o600
    assert foreseen.result.keys() <= done.result.keys() and os.path.getsize(target) == done.result["size"]

    restore = {**spare, "state": "restore", "target": target}
    assert check("postgresql_db", **restore).status == "changed"
    assert run("postgresql_census", container=backed.postgres, login_db="spare").result["rows"] == 0
    assert run("postgresql_db", **restore).status == "changed"
    compared = run("postgresql_census", container=backed.postgres, login_db="spare", expect=done.result["census"])
    assert compared.status == "ok", compared.reason
    again = (check("postgresql_db", **restore), run("postgresql_db", **restore))
    assert [o.status for o in again] == ["failed"] * 2 and "holds" in again[0].reason and again[0].reason == again[1].reason


@pytest.mark.parametrize("suffix", ["dump", "sql", "sql.gz", "sql.xz"])
def test_a_damaged_file_is_refused_before_anything_is_touched(
    backed: Backed, small: str, spare: dict[str, Any], tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"x.{suffix}"
    assert run("postgresql_db", container=backed.postgres, name=small, state="dump", target=str(target)).status == "changed"
    whole = target.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 200):
        target.write_bytes(whole[:length])
        failed = run("postgresql_db", **spare, state="restore", target=str(target))
        assert failed.status == "failed", length
        assert run("postgresql_census", container=backed.postgres, login_db="spare").result["census"]["tables"] == {}


def test_a_restore_with_an_error_in_it_leaves_nothing(backed: Backed, spare: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("CREATE TABLE a (b int);\nINSERT INTO a VALUES ('no number');\n-- PostgreSQL database dump complete\n")
    failed = run("postgresql_db", **spare, state="restore", target=str(path))
    assert failed.status == "failed" and "no number" in failed.reason
    assert run("postgresql_census", container=backed.postgres, login_db="spare").result["census"]["tables"] == {}


def test_a_dump_that_fails_leaves_the_last_good_one(backed: Backed, tmp_path: Path) -> None:
    target = tmp_path / "x.dump"
    target.write_text("the last good one")
    args = {"container": backed.postgres, "name": "nxtbus", "state": "dump", "target": str(target)}
    failed = run("postgresql_db", **args, dump_extra_args="--no-such-option")
    assert failed.status == "failed" and "pg_dump ended with 1" in failed.reason
    assert target.read_text() == "the last good one" and os.listdir(tmp_path) == ["x.dump"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"target": "/no/such/folder/x.dump"}, "does not exist"),
        ({"target": "/tmp/x.zip"}, "does not say which format"),
        ({"target": "/tmp/x.dump", "name": "gone"}, "no database gone"),
        ({"target": "/tmp/none-at-all.dump", "state": "restore"}, "no file /tmp/none-at-all.dump"),
    ],
)
def test_failures_are_foreseen(backed: Backed, args: dict[str, Any], message: str) -> None:
    args = {"container": backed.postgres, "name": "nxtbus", "state": "dump", **args}
    foreseen, done = check("postgresql_db", **args), run("postgresql_db", **args)
    assert foreseen.status == done.status == "failed" and message in foreseen.reason and foreseen.reason == done.reason


def test_roles_there_and_back(backed: Backed, tmp_path: Path) -> None:
    target = str(tmp_path / "globals.sql")
    login = {"container": backed.postgres}
    for name in ("reader of things", "reader_group"):
        run("postgresql_user", **login, name=name, password="sesame open", state="present")
    run("postgresql_membership", **login, groups=["reader_group"], target_roles=["reader of things"])
    look = "SELECT r.rolname, a.rolpassword, m.roleid::regrole::text AS g FROM pg_roles r JOIN pg_authid a USING (rolname)"
    look += " LEFT JOIN pg_auth_members m ON m.member = a.oid WHERE r.rolname LIKE 'reader%' ORDER BY 1"
    try:
        assert check("postgresql_globals", **login, state="dump", target=target).status == "changed" and not os.path.exists(target)
        assert run("postgresql_globals", **login, state="dump", target=target).status == "changed"
        before = backed.sql(look, "postgres")
        assert check("postgresql_globals", **login, target=target).status == "ok"
        for name in ("reader of things", "reader_group"):
            run("postgresql_user", **login, name=name, state="absent")
        assert check("postgresql_globals", **login, target=target).status == "changed" and backed.sql(look, "postgres") == []
        made = run("postgresql_globals", **login, target=target)
        assert made.status == "changed", made
        assert backed.sql(look, "postgres") == before
        assert run("postgresql_globals", **login, target=target).status == "ok"
        Path(target).write_text(Path(target).read_text()[:-60])
        assert "is cut off" in run("postgresql_globals", **login, target=target).reason
    finally:
        for name in ("reader of things", "reader_group"):
            run("postgresql_user", **login, name=name, state="absent")


@pytest.mark.parametrize("method", ["bgsave", "save", "stream"])
def test_redis_there_and_back(backed: Backed, tmp_path: Path, method: str) -> None:
    path = tmp_path / "x.rdb"
    login = {"container": backed.redis}
    backed.redis_cli("set", "a", "1")
    assert check("redis_backup", **login, dest=str(path), method=method).status == "changed" and not path.exists()
    done = run("redis_backup", **login, dest=str(path), method=method)
    assert done.status == "changed" and done.result["size"] == path.stat().st_size, done
    backed.redis_cli("set", "a", "2")
    backed.redis_cli("set", "b", "new")
    restored = run("redis_restore", **login, src=str(path), keep=f"before-restore-{method}")
    assert restored.status == "changed" and restored.result["key_count"] == done.result["key_count"], restored
    assert (backed.redis_cli("get", "a"), backed.redis_cli("get", "b")) == ("1", "")
    assert backed.redis_cli("config", "get", "appendonly").split() == ["appendonly", "yes"]
    subprocess.run(["docker", "exec", backed.redis, "rm", "-r", restored.result["kept"]], check=True)


def test_a_damaged_snapshot_is_refused(backed: Backed, tmp_path: Path) -> None:
    path = tmp_path / "x.rdb"
    backed.redis_cli("set", "a", "1")
    assert run("redis_backup", container=backed.redis, dest=str(path)).status == "changed"
    path.write_bytes(path.read_bytes()[:-1])
    failed = run("redis_restore", container=backed.redis, src=str(path))
    assert failed.status == "failed" and "is cut off" in failed.reason and backed.redis_cli("get", "a") == "1"


def test_a_lock_ends_with_whoever_held_it(tmp_path: Path) -> None:
    program = f"""
from backup_peers import run
import os, signal
assert run("lock", path={str(tmp_path / "lock")!r}, purpose="the other").status == "changed"
print("held", flush=True)
signal.pause()
"""
    words = [sys.executable, "-c", program]
    other = subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)}, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    args = {"path": str(tmp_path / "lock")}
    foreseen, failed = check("lock", **args), run("lock", **args)
    assert foreseen.status == failed.status == "failed" and f"the other (pid {other.pid}, since" in failed.reason
    other.kill()
    other.wait()
    assert run("lock", **args).status == "changed"
    assert [run("lock", **args, state="absent").status for _ in range(2)] == ["changed", "ok"]
