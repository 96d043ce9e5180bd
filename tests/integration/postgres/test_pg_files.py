"""Scripts and COPY: files on one side, a database on the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from pg_cluster import Cluster

from nxtplay.core.world import World


def test_a_script_is_all_or_nothing_and_names_the_line(clean: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "s.sql"
    lines = ["-- made; of", "CREATE TABLE t (n int);", "/* two */", "INSERT INTO t VALUES (1), (2);", "",
             "-- three", "INSERT INTO gone VALUES (3);"]  # fmt: skip
    script.write_text("\n".join(lines) + "\n")
    before = clean.catalog()
    world = World()
    assert clean.check("postgresql_script", world, path=str(script)).status == "changed"
    assert clean.check("postgresql_table", world, name="t").status == "unknown"
    assert clean.catalog() == before
    done = clean.run("postgresql_script", path=str(script))
    assert done.status == "failed" and f"{script}, line 7" in done.reason and "nothing of it was kept" in done.reason
    assert clean.catalog() == before
    script.write_text("CREATE TEMP TABLE t (n text); INSERT INTO t VALUES (%(x)s), (';');\nSELECT n FROM t ORDER BY n\n")
    done = clean.run("postgresql_script", path=str(script), named_args={"x": "it's"})
    assert done.status == "changed" and done.result["query_result"] == [{"n": ";"}, {"n": "it's"}]
    assert done.result["rowcount"] == 2  # of the last statement alone
    assert done.result["query"] == script.read_text().replace("%(x)s", "'it''s'")


def test_a_script_outside_of_a_transaction(clean: Cluster, tmp_path: Path) -> None:
    (tmp_path / "s.sql").write_text("CREATE DATABASE scripted; VACUUM;")
    assert clean.run("postgresql_script", path=str(tmp_path / "s.sql"), autocommit=True).status == "changed"
    assert clean.sql("SELECT 1 AS x FROM pg_database WHERE datname = 'scripted'") == [{"x": 1}]
    (tmp_path / "s.sql").write_text("ANALYZE pg_class")
    told = clean.run("postgresql_script", path=str(tmp_path / "s.sql")).result
    assert (told["query_result"], told["rowcount"], told["statusmessage"]) == ({}, -1, "ANALYZE")


def test_a_tilde_is_the_home_of_who_runs_it(clean: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "s.sql").write_text("SELECT 1 AS n")
    assert clean.run("postgresql_script", path="~/s.sql").result["query_result"] == [{"n": 1}]
    assert clean.run("postgresql_copy", copy_to="~/out", src="SELECT 5").status == "changed"
    assert (tmp_path / "out").read_text() == "5\n"
    clean.sql("CREATE TABLE t (n int)")
    assert clean.run("postgresql_copy", copy_from="~/out", dst="t").result["rowcount"] == 1
    clean.sql("DROP TABLE t")


def test_rows_go_out_and_come_back(clean: Cluster, tmp_path: Path) -> None:
    clean.run("postgresql_db", name="c")
    clean.sql("CREATE TABLE a AS SELECT g AS n, repeat('é', 40) || g AS x FROM generate_series(1, 20000) g", database="c")
    clean.sql("CREATE TABLE b (LIKE a)", database="c")
    path = tmp_path / "rows.csv"
    world = World()
    out = {"login_db": "c", "copy_to": str(path), "src": "a", "options": {"format": "csv", "header": True}}
    assert clean.check("postgresql_copy", world, **out).status == "changed" and not path.exists()
    assert clean.check("postgresql_copy", world, login_db="c", copy_from=str(path), dst="b").status == "unknown"
    assert clean.run("postgresql_copy", **out).result["rowcount"] == 20000
    back = clean.run("postgresql_copy", login_db="c", copy_from=str(path), dst="b", options={"format": "csv", "header": "true"})
    assert back.status == "changed" and back.result["rowcount"] == 20000
    assert clean.sql("SELECT count(*) AS n FROM (TABLE a EXCEPT TABLE b) d", database="c") == [{"n": 0}]


def test_a_copy_that_fails_leaves_the_old_file(clean: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text("good")
    done = clean.run("postgresql_copy", copy_to=str(path), src="SELECT 1 / (3 - g) FROM generate_series(1, 5) g")
    assert done.status == "failed" and "division by zero" in done.reason
    assert path.read_text() == "good" and list(tmp_path.iterdir()) == [path]
    assert "no file" in clean.check("postgresql_copy", copy_from=str(tmp_path / "none"), dst="pg_class").reason
    assert "no table" in clean.check("postgresql_copy", copy_to=str(path), src="gone").reason
