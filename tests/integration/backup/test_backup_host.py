"""A server on the host itself: dumped over TCP with a password and over its socket by peer authentication, with programs of the host."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backup_peers import check, run

sys.path.insert(0, str(Path(__file__).parents[1] / "postgres"))
from pg_cluster import PROGRAMS, Cluster, free_port, start, stop


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    if not PROGRAMS or os.geteuid() != 0 or not shutil.which("pg_dump"):
        pytest.skip("needs root and the package postgresql-15")
    found = start(tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp"), os.path.dirname(PROGRAMS[-1]), free_port())
    found.sql("CREATE DATABASE app")
    found.sql("CREATE TABLE t AS SELECT g AS id, 'row ' || g AS name FROM generate_series(1, 1000) g", database="app")
    yield found
    stop(found)


@pytest.mark.parametrize("way", ["password", "peer"])
@pytest.mark.parametrize("suffix", ["dump", "sql.gz"])
def test_there_and_back(server: Cluster, tmp_path: Path, way: str, suffix: str) -> None:
    peer = {"login_unix_socket": server.directory, "login_port": server.port}
    login: dict[str, Any] = server.login if way == "password" else peer
    target = str(tmp_path / f"x.{suffix}")
    dump = {**login, "name": "app", "state": "dump", "target": target}
    assert check("postgresql_db", **dump).status == "changed" and not os.path.exists(target)
    done = run("postgresql_db", **dump)
    assert done.status == "changed" and done.result["census"]["tables"] == {"public.t": 1000}, done
    name = f"back_{way}_{suffix.replace('.', '')}"
    assert run("postgresql_db", **login, name=name, template="template0").status == "changed"
    restored = run("postgresql_db", **login, name=name, state="restore", target=target)
    assert restored.status == "changed", restored
    assert run("postgresql_census", **login, login_db=name, expect=done.result["census"]).status == "ok"
    roles = run("postgresql_globals", **login, state="dump", target=str(tmp_path / "globals.sql"))
    assert roles.status == "changed", roles


def test_a_plain_dump_of_one_schema_comes_back(server: Cluster, tmp_path: Path) -> None:
    target = str(tmp_path / "one.sql")
    done = run("postgresql_db", **server.login, name="app", state="dump", target=target, target_opts="-n public")
    assert "-n public" in done.result["executed_commands"][0], done
    assert run("postgresql_db", **server.login, name="back_one", template="template0").status == "changed"
    restored = run("postgresql_db", **server.login, name="back_one", state="restore", target=target)
    assert restored.status == "changed" and restored.result["executed_commands"][0].startswith("psql "), restored


def test_a_wrong_password(server: Cluster, tmp_path: Path) -> None:
    args = {**server.login, "login_password": "sesame, closed", "name": "app", "state": "dump", "target": str(tmp_path / "x.dump")}
    foreseen, done = check("postgresql_db", **args), run("postgresql_db", **args)
    assert foreseen.status == done.status == "failed" and "password authentication failed" in done.reason
    assert os.listdir(tmp_path) == [] and "sesame, closed" not in str(done)


def test_one_change_in_what_was_counted_is_named(server: Cluster) -> None:
    before = run("postgresql_census", **server.login, login_db="app").result["census"]
    server.sql("DELETE FROM t WHERE id = 7; ALTER TABLE t ADD extra int; CREATE INDEX i ON t (id)", database="app")
    found = run("postgresql_census", **server.login, login_db="app", expect=before)
    assert found.status == "failed"
    assert found.result["differences"] == [
        "table public.t has 999 rows, 1000 in the backup", "index public.i is not in the backup", "table public.t is defined differently",
    ]  # fmt: skip
