"""Dumps of databases and tables whose names need quoting, in a server of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from backup_peers import run

pytestmark = pytest.mark.docker
IMAGE = "postgis/postgis:15-3.3"
ROWS = 1_000_000
TABLES = ['"Mixed Case"', '"with ""quotes"""', '"dot.ted"', '"Überland (β)"', '"x=y\'z"', "plain"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not subprocess.run(["docker", "images", "-q", IMAGE], capture_output=True, text=True).stdout:
        pytest.skip(f"needs the image {IMAGE}")
    words = ["docker", "run", "-d", "-e", "POSTGRES_USER=nxt", "-e", "POSTGRES_PASSWORD=secret", IMAGE]
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()[:12]
    try:
        assert run("postgresql_ping", container=name, wait="50s").result["is_available"]
        yield name
    finally:
        subprocess.run(["docker", "rm", "-fv", name], capture_output=True)


@pytest.mark.parametrize("suffix", ["dump", "sql.gz", "tar"])
@pytest.mark.parametrize("name", ["Mixed Case", 'quo"ted', "it's", "ünïcode β", "key=value", "back\\slash", "postgresql://x"])
def test_names_that_need_quoting(server: str, tmp_path: Path, name: str, suffix: str) -> None:
    target = str(tmp_path / f"it.{suffix}")
    restored = f"{name} again {suffix}"
    for one in (name, restored):
        assert run("postgresql_db", container=server, name=one).status != "failed"
    tables = "; ".join(f'CREATE TABLE IF NOT EXISTS "S"".p".{table} AS SELECT 1 AS "a ""b"' for table in TABLES)
    made = run("postgresql_query", container=server, login_db=name, query=f'CREATE SCHEMA IF NOT EXISTS "S"".p"; {tables}')
    assert made.status != "failed", made.reason
    dumped = run("postgresql_db", container=server, name=name, state="dump", target=target)
    assert dumped.status == "changed", dumped.reason
    assert len(dumped.result["census"]["tables"]) == len(TABLES) and set(dumped.result["census"]["tables"].values()) == {1}
    back = run("postgresql_db", container=server, name=restored, state="restore", target=target)
    assert back.status == "changed", back.reason
    found = run("postgresql_census", container=server, login_db=restored, expect=dumped.result["census"])
    assert found.status == "ok", found.reason


# The session that counts has done so, and pg_dump is still there.
COUNTED = (
    "FROM pg_stat_activity a, pg_stat_activity b WHERE a.application_name LIKE 'nxtplay-dump-%' AND a.datname = 'busy'"
    " AND b.query = 'RESET search_path' AND b.state = 'idle in transaction'"
)


def when_counted(server: str, statement: str) -> subprocess.Popen[bytes]:
    """Runs it as soon as rows are counted; ends with 124 when that never happens."""
    ask = f'psql -qAt -U nxt postgres -c "SELECT 1 {COUNTED}"'
    words = f'for i in $(seq 400); do if {ask} | grep -q 1; then exec psql -qAt -U nxt busy -c "{statement}"; fi; done; exit 124'
    return subprocess.Popen(["docker", "exec", server, "sh", "-c", words])


@pytest.fixture(scope="module")
def busy(server: str) -> str:
    assert run("postgresql_db", container=server, name="busy").status == "changed"
    fill = f"CREATE TABLE t AS SELECT n, md5(n::text) || md5((n + 1)::text) AS w FROM generate_series(1, {ROWS}) n"
    assert run("postgresql_query", container=server, login_db="busy", query=fill).status != "failed"
    return server


def test_rows_are_counted_while_the_dump_runs(busy: str, tmp_path: Path) -> None:
    """And at its snapshot: what commits meanwhile is in neither."""
    watcher = when_counted(busy, "INSERT INTO t VALUES (0, 'late')")
    dumped = run("postgresql_db", container=busy, name="busy", state="dump", target=str(tmp_path / "busy.dump"))
    assert dumped.status == "changed", dumped.reason
    assert watcher.wait() == 0, "nobody counted while pg_dump ran"
    assert dumped.result["census"]["tables"] == {"public.t": ROWS}
    assert run("postgresql_db", container=busy, name="back").status == "changed"
    assert run("postgresql_db", container=busy, name="back", state="restore", target=str(tmp_path / "busy.dump")).status == "changed"
    found = run("postgresql_census", container=busy, login_db="back", expect=dumped.result["census"])
    assert found.status == "ok", found.reason


def test_a_dump_that_fails_ends_the_count(busy: str, tmp_path: Path) -> None:
    watcher = when_counted(busy, f"SELECT pg_terminate_backend(a.pid) {COUNTED}")
    made = run("postgresql_db", container=busy, name="busy", state="dump", target=str(tmp_path / "x.dump"))
    assert watcher.wait() == 0 and made.status == "failed" and "pg_dump ended with 1" in made.reason, made.reason
    assert not list(tmp_path.iterdir())
    left = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = 'busy' AND state <> 'idle'"
    assert run("postgresql_query", container=busy, query=left).result["query_result"] == [{"n": 0}]
