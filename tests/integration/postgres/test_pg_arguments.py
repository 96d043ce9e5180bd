"""Arguments and modules that playbooks written for community.postgresql bring along."""

from __future__ import annotations

from typing import Any

import pytest
from pg_cluster import Cluster
from pg_laws import obeys

OWNED = [
    ("aggregate", "total(integer)", "CREATE AGGREGATE total(integer) (sfunc = int4pl, stype = integer, initcond = '0')"),
    ("routine", "f(integer)", "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'"),
    ("collation", "c", "CREATE COLLATION c (locale = 'C')"),
    ("conversion", "cv", "CREATE CONVERSION cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8"),
    ("statistics", "st", "CREATE TABLE s (a int, b int); CREATE STATISTICS st ON a, b FROM s"),
    ("text_search_configuration", "tc", "CREATE TEXT SEARCH CONFIGURATION tc (COPY = simple)"),
    ("text_search_dictionary", "td", "CREATE TEXT SEARCH DICTIONARY td (TEMPLATE = simple)"),
    ("large_object", "4711", "SELECT lo_create(4711)"),
    ("server", "sv", "CREATE EXTENSION postgres_fdw; CREATE SERVER sv FOREIGN DATA WRAPPER postgres_fdw"),
    ("foreign_server", "sw", "CREATE SERVER sw FOREIGN DATA WRAPPER postgres_fdw"),
]


def test_whatever_can_be_owned_changes_hands(clean: Cluster) -> None:
    clean.sql("CREATE ROLE ann SUPERUSER")
    clean.sql("CREATE DATABASE o")
    for kind, name, made in OWNED:
        clean.sql(made, database="o")
        done = obeys(clean, "postgresql_owner", "o", login_db="o", new_owner="ann", obj_type=kind, obj_name=name)
        assert done.status == "changed", (kind, done)
    told = clean.check("postgresql_owner", login_db="o", new_owner="ann", obj_type="aggregate", obj_name="total")
    assert told.status == "failed" and "argument types" in told.reason


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("postgresql_ext", {"login_db": "o", "name": "hstore", "comment": "it's why"}),
        ("postgresql_ext", {"login_db": "o", "name": "hstore", "comment": "other"}),
        ("postgresql_ext", {"login_db": "o", "name": "hstore", "comment": ""}),
        ("postgresql_schema", {"database": "o", "name": "s"}),
        ("postgresql_sequence", {"database": "o", "name": "q"}),
    ],
)
def test_arguments(clean: Cluster, module: str, args: dict[str, Any]) -> None:
    clean.sql("CREATE DATABASE o")
    if args.get("comment") != "it's why":
        clean.sql("CREATE EXTENSION hstore", database="o")
    assert obeys(clean, module, "o", **args).status == "changed"


def test_rights_on_parameters(clean: Cluster) -> None:
    if clean.version < 15:
        pytest.skip("parameters have rights since PostgreSQL 15")
    clean.sql("CREATE ROLE ann")
    args = {"type": "parameter", "objs": "work_mem,log_min_messages", "privs": "SET", "roles": "ann"}
    assert obeys(clean, "postgresql_privs", **args).status == "changed"
    assert obeys(clean, "postgresql_privs", **args, state="absent").status == "changed"


def test_alter_system_by_its_own_name(clean: Cluster) -> None:
    try:
        assert obeys(clean, "postgresql_alter_system", param="work_mem", value="5MB").status == "changed"
    finally:
        assert clean.run("postgresql_alter_system", param="work_mem", value="_RESET").status == "changed"
    assert clean.run("postgresql_alter_system", param="work_mem", value="_RESET").status == "ok"


def test_statistics_of_what_users_made(clean: Cluster) -> None:
    clean.sql("CREATE DATABASE o")
    clean.sql("CREATE SCHEMA s; CREATE TABLE s.t (n int PRIMARY KEY)", database="o")
    found = clean.check("postgresql_user_obj_stat_info", login_db="o", filter=["tables", "indexes"]).result
    assert found["tables"]["s"]["t"]["n_live_tup"] == 0 and found["indexes"]["s"]["t_pkey"]["size"] > 0 and found["functions"] == {}
    assert "legal are" in clean.check("postgresql_user_obj_stat_info", filter="table").reason


def test_lists_and_time_spans_in_queries(clean: Cluster) -> None:
    given = [['a "b"', None, "x\\y", "NULL", "", "it's"], [1, 2]]
    asked = "SELECT %s::text[] AS a, 2 = ANY(%s) AS b, make_interval(secs => 3) AS c"
    done = clean.run("postgresql_query", query=asked, positional_args=given)
    assert done.result["query_result"] == [{"a": given[0], "b": True, "c": "0:00:03"}]
    assert clean.run("postgresql_query", query="SELECT 1", encoding="UTF-8").status == "ok"
    assert "encoding" in clean.run("postgresql_query", query="SELECT 1", encoding="UTF-888").reason
