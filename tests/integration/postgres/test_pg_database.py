"""postgresql_ping, _query, _db and _ext against a real server."""

from __future__ import annotations

import os
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg_cluster import PASSWORD, Cluster, Plain, wipe
from pg_laws import obeys

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules._postgres import pgpass, session

SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# -- ways in


def test_a_password_over_tcp(cluster: Cluster) -> None:
    found = cluster.run("postgresql_ping").result
    assert found["is_available"] and found["server_version"]["major"] >= 13


def test_a_wrong_password_is_said(cluster: Cluster) -> None:
    found = cluster.run("postgresql_ping", login_password="wrong").result
    assert not found["is_available"] and "password authentication failed" in found["conn_err_msg"]


@pytest.mark.parametrize("name", ["", "localhost"])  # a socket that is given counts before localhost
def test_root_needs_no_become_for_peer_authentication(cluster: Cluster, name: str) -> None:
    args = {"login_host": name, "login_unix_socket": cluster.directory, "login_password": None}
    assert cluster.run("postgresql_query", query="SELECT current_user AS u", **args).result["query_result"] == [{"u": "postgres"}]
    assert os.geteuid() == 0


def test_md5_passwords(clean: Cluster) -> None:
    clean.sql("SET password_encryption = md5; CREATE ROLE older LOGIN PASSWORD 'x y'")
    hba = os.path.join(clean.directory, "data", "pg_hba.conf")
    with open(hba, encoding="utf-8") as stream:
        kept = stream.read()
    try:
        with open(hba, "w", encoding="utf-8") as stream:
            stream.write("host all older all md5\n" + kept)
        clean.sql("SELECT pg_reload_conf()")
        assert clean.run("postgresql_ping", login_user="older", login_password="x y", wait="5s").result["is_available"]
    finally:
        with open(hba, "w", encoding="utf-8") as stream:
            stream.write(kept)
        clean.sql("SELECT pg_reload_conf()")


def test_password_file(cluster: Cluster, tmp_path: Any) -> None:
    path = tmp_path / "pgpass"
    path.write_text("# here\nother:*:*:*:no\n127.0.0.1:5432:*:a\\:b:pass\\\\word\n")
    path.chmod(0o600)
    reader = Reader(environ={"PGPASSFILE": str(path)})
    assert pgpass(reader, "127.0.0.1", 5432, "db", "a:b") == "pass\\word"
    path.chmod(0o644)
    assert pgpass(reader, "127.0.0.1", 5432, "db", "a:b") is None


def test_nobody_there(cluster: Cluster) -> None:
    done = cluster.run("postgresql_db", login_port=1, name="x")
    assert done.status == "failed" and "cannot reach PostgreSQL at 127.0.0.1 port 1" in done.reason


def test_a_server_that_is_only_foreseen_is_unknown(cluster: Cluster) -> None:
    world = World()
    world.foresee("service:postgresql", {"running": True})
    assert cluster.check("postgresql_db", world, login_port=1, name="x").status == "unknown"
    assert cluster.check("postgresql_ping", World(), login_port=1).status == "ok"


# -- queries


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO t VALUES (1)",
        "SELECT grow()",
        "WITH x AS (INSERT INTO t VALUES (2) RETURNING n) SELECT * FROM x",
        "CREATE TABLE u (n int)",
        "SELECT nextval('s')",
        ["SELECT 1", "DELETE FROM t"],
        "SELECT 1; DELETE FROM t",
        "EXPLAIN ANALYZE DELETE FROM t",
        "DO $$ BEGIN DELETE FROM t; END $$",
        "SELECT pg_terminate_backend(0)",
    ],
)
def test_a_check_runs_no_query_that_may_write(clean: Cluster, query: Any) -> None:
    clean.sql("CREATE DATABASE q")
    clean.sql(
        "CREATE TABLE t (n int); INSERT INTO t VALUES (0); CREATE SEQUENCE s;"
        "CREATE FUNCTION grow() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (9) RETURNING n'",
        database="q",
    )
    before = clean.catalog("q"), clean.sql("SELECT last_value, is_called FROM s", database="q")
    outcome = clean.check("postgresql_query", login_db="q", query=query)
    assert outcome.status in ("changed", "unknown") and outcome.unknown is not None
    assert (clean.catalog("q"), clean.sql("SELECT last_value, is_called FROM s", database="q")) == before
    assert clean.sql("SELECT n FROM t", database="q") == [{"n": 0}]
    done = clean.run("postgresql_query", login_db="q", query=query)
    assert done.status in ("ok", "changed")


def test_a_check_runs_a_query_that_only_looks(cluster: Cluster) -> None:
    outcome = cluster.check("postgresql_query", query="SELECT %s::int AS n, '%%' AS p", positional_args=[4])
    assert outcome.status == "ok"
    assert outcome.result["query_result"] == [{"n": 4, "p": "%"}]
    assert outcome.result["statusmessage"] == "SELECT 1" and outcome.result["rowcount"] == 1


def test_results_as_ansible_gives_them(clean: Cluster) -> None:
    queries = ["CREATE TEMP TABLE t (n int)", "INSERT INTO t VALUES (1), (2)", "SELECT n FROM t ORDER BY n"]
    made = clean.run("postgresql_query", query=queries)
    assert made.status == "changed"
    assert made.result["query_all_results"] == [{}, {}, [{"n": 1}, {"n": 2}]]
    assert made.result["statusmessage"] == "SELECT 2" and made.result["query_result"] == [{"n": 1}, {"n": 2}]
    idle = clean.run("postgresql_query", query="UPDATE pg_database SET datname = datname WHERE false")
    assert idle.status == "ok" and idle.result["statusmessage"] == "UPDATE 0"


def test_what_an_unrun_query_may_have_made_is_unknown_to_a_later_one(clean: Cluster) -> None:
    world = World()
    assert clean.check("postgresql_query", world, query="CREATE DATABASE w").status == "changed"
    assert clean.check("postgresql_db", world, name="w").status == "unknown"
    assert clean.check("postgresql_query", world, query="SELECT 1").status == "unknown"


def test_a_statement_that_fails_says_which(cluster: Cluster) -> None:
    done = cluster.run("postgresql_query", query="SELECT * FROM nowhere")
    assert done.status == "failed" and "nowhere" in done.reason and done.result["sqlstate"] == "42P01"


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@SLOW
@given(values=st.lists(texts, max_size=4), number=st.integers(-(2**31), 2**31))
def test_arguments_arrive_as_they_left(cluster: Cluster, values: list[str], number: int) -> None:
    query = "SELECT %(v)s::text[] AS v, %(n)s AS n, %(o)s AS o"
    found = cluster.run("postgresql_query", query=query, named_args={"v": values, "n": number, "o": "".join(values)})
    assert found.result["query_result"] == [{"v": values, "n": number, "o": "".join(values)}]


# -- databases

names = st.text(string.ascii_letters + string.digits + "_- \"'é%\\;", min_size=1, max_size=12)


@SLOW
@given(data=st.data())
def test_laws_of_databases(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE ann; CREATE ROLE ben")
    name = data.draw(names)
    for _ in range(data.draw(st.integers(1, 3))):
        options = {
            "state": st.sampled_from(["present", "absent"]),
            "owner": st.sampled_from(["ann", "ben", "nobody at all"]),
            "conn_limit": st.sampled_from([-1, 0, 7]),
            "comment": st.sampled_from(["", "it's \\ there"]),
            "encoding": st.sampled_from(["UTF-8", "unicode", "LATIN1", "SQL_ASCII", "nonsense"]),
            "template": st.sampled_from(["template0", "template1", "missing"]),
            "lc_collate": st.sampled_from(["C", "C.utf8"]),
            "tablespace": st.sampled_from(["pg_default", "missing"]),
        }
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if args.get("encoding") == "LATIN1":
            args["lc_collate"] = args["lc_ctype"] = "C"
        obeys(clean, "postgresql_db", name=name, **args)


def test_rename_is_foreseen(clean: Cluster) -> None:
    clean.sql("CREATE DATABASE a")
    world = World()
    assert clean.check("postgresql_db", world, name="a", state="rename", target="b").status == "changed"
    assert clean.check("postgresql_db", world, name="b", comment="moved").status == "changed"
    assert clean.check("postgresql_ext", world, login_db="b", name="pg_trgm").status == "changed"
    assert clean.check("postgresql_ext", world, login_db="a", name="pg_trgm").status == "failed"
    obeys(clean, "postgresql_db", name="a", state="rename", target="b")


def test_the_database_one_connects_to_stays(clean: Cluster) -> None:
    for args in ({"state": "absent"}, {"state": "rename", "target": "b"}):
        assert "login_db" in obeys(clean, "postgresql_db", name="postgres", **args).reason
    clean.sql("CREATE DATABASE a")
    assert obeys(clean, "postgresql_db", name="a", login_db="a", state="absent").status == "failed"
    by_template = {"login_db": "template1", "state": "rename", "force": True}  # as a restore swaps databases
    try:
        assert clean.run("postgresql_db", name="postgres", target="aside", **by_template).status == "changed"
        assert clean.run("postgresql_db", name="a", target="postgres", **by_template).status == "changed"
    finally:
        clean.run("postgresql_db", name="postgres", target="a", **by_template)
        assert clean.run("postgresql_db", name="aside", target="postgres", **by_template).status == "changed"


def test_drop_ends_sessions_only_when_told_to(clean: Cluster) -> None:
    clean.sql("CREATE DATABASE used")
    login = decode(Plain, {**clean.login, "login_db": "used"})
    with pytest.raises(Failed, match="terminating connection"), session(login, Reader()) as db:
        assert clean.run("postgresql_db", name="used", state="absent").status == "failed"
        assert clean.run("postgresql_db", name="used", state="absent", force=True).status == "changed"
        db.query("SELECT 1")


# -- extensions


@SLOW
@given(data=st.data())
def test_laws_of_extensions(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE DATABASE e")
    clean.sql("CREATE SCHEMA ext", database="e")
    for _ in range(data.draw(st.integers(1, 4))):
        options = {
            "state": st.sampled_from(["present", "absent"]),
            "version": st.sampled_from(["latest", "1.0", "1.3", "1.4", "1.6", "77"]),
            "schema": st.sampled_from(["public", "ext", "missing"]),
            "cascade": st.booleans(),
        }
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        name = data.draw(st.sampled_from(["pg_trgm", "cube", "earthdistance", "hstore", "no such", "dblink"]))
        obeys(clean, "postgresql_ext", "e", login_db="e", name=name, **args)


def test_an_extension_in_a_database_that_is_only_foreseen(clean: Cluster) -> None:
    world = World()
    clean.check("postgresql_db", world, name="later", template="template0")
    assert clean.check("postgresql_ext", world, login_db="later", name="pg_trgm").status == "changed"
    assert clean.check("postgresql_ext", world, login_db="later", name="pg_trgm").status == "ok"
    assert clean.check("postgresql_ext", world, login_db="later", name="plpgsql").status == "ok"
    assert clean.check("postgresql_query", world, login_db="later", query="SELECT 1").status == "unknown"
    clean.check("postgresql_db", world, name="later", state="absent")
    assert clean.check("postgresql_ext", world, login_db="later", name="hstore").status == "failed"


def test_the_password_is_nowhere_in_what_is_told(clean: Cluster) -> None:
    for outcome in (clean.run("postgresql_db", name="s"), clean.run("postgresql_ping"), clean.check("postgresql_db", name="t")):
        assert PASSWORD not in repr(outcome)


@pytest.mark.parametrize("args", [{"tablespace": "missing"}, {"owner": "missing"}, {"encoding": "nonsense"}, {"lc_collate": "C.none"}])
def test_what_an_existing_database_cannot_become_is_foreseen(clean: Cluster, args: dict[str, str]) -> None:
    clean.sql("CREATE DATABASE d")
    assert obeys(clean, "postgresql_db", name="d", **args).status == "failed"
