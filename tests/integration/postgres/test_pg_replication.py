"""Slots, publications, subscriptions, and info."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pg_cluster import PASSWORD, Cluster, wipe
from pg_laws import obeys

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])


def no_slots(cluster: Cluster) -> None:
    cluster.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")


@SLOW
@given(data=st.data())
def test_laws_of_slots(clean: Cluster, data: st.DataObject) -> None:
    no_slots(clean)
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "absent"]),
        "slot_type": st.sampled_from(["physical", "logical"]),
        "immediately_reserve": st.booleans(),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        obeys(clean, "postgresql_slot", name=data.draw(st.sampled_from(["one", "NO"])), **args)
    no_slots(clean)


@SLOW
@given(data=st.data())
def test_laws_of_publications(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE a")
    clean.sql("CREATE DATABASE p")
    clean.sql('CREATE SCHEMA s; CREATE TABLE t (n int, x text); CREATE TABLE "T.x" (n int); CREATE TABLE s.t (n int)', database="p")
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "present", "absent"]),
        "parameters": st.sampled_from(
            [{"publish": "insert"}, {"publish": "insert, delete", "publish_via_partition_root": "yes"}, {"x": "1"}]
        ),
        "owner": st.sampled_from(["a", "nobody"]),
        "comment": st.sampled_from(["", "why"]),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        targets: list[dict[str, Any]] = [{}, {"tables": ["t", '"T.x"']}, {"tables": ["s.t"]}, {"tables_in_schema": ["s"]}]
        targets.append({"tables": ["z"]})
        if clean.version >= 15:
            targets += [{"columns": {"t": ["x", "n"], "s.t": []}}, {"columns": {"t": "n"}, "rowfilters": {"t": "n > 1 and x='it''s'"}}]
            targets.append({"tables": ["t"], "rowfilters": {"t": "n >  1 AND (x = 'it''s')"}})
            targets += [{"tables": ["t"], "rowfilters": {"s.t": "true"}}, {"tables": ["t"], "rowfilters": {"t": "gone = 1"}}]
        args.update(data.draw(st.sampled_from(targets)))
        obeys(clean, "postgresql_publication", "p", login_db="p", name="pub one", **args)


def test_columns_and_rows_that_are_published(clean: Cluster) -> None:
    if clean.version < 15:
        pytest.skip("lists of columns and filters came with PostgreSQL 15")
    clean.sql("CREATE DATABASE p")
    clean.sql("CREATE SCHEMA s; CREATE TABLE t (n int, x text); CREATE TABLE s.t (n int)", database="p")
    asked: dict[str, Any] = {"login_db": "p", "name": "pub", "columns": {"t": ["n"], "s.t": None}, "rowfilters": {"t": "n IN (1, 2)"}}
    done = obeys(clean, "postgresql_publication", "p", **asked).result
    assert done["queries"] == ['CREATE PUBLICATION "pub" FOR TABLE "public"."t" ("n") WHERE ((n = ANY (ARRAY[1, 2]))), "s"."t"']
    assert done["tables"] == ['"public"."t"', '"s"."t"'] and done["columns"] == {'"public"."t"': ["n"]}
    assert done["parameters"]["publish"] == {"insert": True, "update": True, "delete": True, "truncate": True}
    found = clean.sql("SELECT tablename, attnames, rowfilter FROM pg_publication_tables ORDER BY schemaname", database="p")
    assert found[0]["attnames"] == ["n"] and found[0]["rowfilter"] == "(n = ANY (ARRAY[1, 2]))" and found[1]["rowfilter"] is None
    assert obeys(clean, "postgresql_publication", "p", **{**asked, "rowfilters": {}}).status == "changed"
    told = clean.check("postgresql_publication", **{**asked, "rowfilters": {"t": "true); DROP TABLE t; --"}})
    assert told.status == "failed" and "more than a condition" in told.reason


def test_rows_flow_through_a_subscription(clean: Cluster) -> None:
    no_slots(clean)
    for name in ("source", "copy"):
        clean.run("postgresql_db", name=name)
        clean.run("postgresql_table", login_db=name, name="t", columns=["n int primary key"])
    clean.run("postgresql_query", login_db="source", query="INSERT INTO t VALUES (1)")
    clean.run("postgresql_publication", login_db="source", name="pub", tables=["t"])
    clean.run("postgresql_slot", login_db="source", name="slot", slot_type="logical", output_plugin="pgoutput")
    where = {"host": "127.0.0.1", "port": str(clean.port), "dbname": "source", "user": "postgres", "password": PASSWORD}
    args = {
        "login_db": "copy", "name": "sub", "publications": ["pub"], "connparams": where,
        "subsparams": {"create_slot": "false", "slot_name": "slot", "copy_data": "true"},
    }  # fmt: skip
    foreseen = clean.check("postgresql_subscription", **args)
    done = clean.run("postgresql_subscription", **args)
    assert (foreseen.status, done.status) == ("changed", "changed"), done
    assert PASSWORD not in repr((foreseen, done))
    try:
        assert clean.run("postgresql_subscription", **args).status == "ok"
        for _ in range(100):
            if clean.sql("SELECT n FROM t", database="copy") == [{"n": 1}]:
                break
            time.sleep(0.1)
        assert clean.sql("SELECT n FROM t", database="copy") == [{"n": 1}]
        other = {**args, "comment": "c", "subsparams": {"synchronous_commit": "on"}}
        assert clean.run("postgresql_subscription", **other).status == "changed"
        assert clean.check("postgresql_subscription", **{**args, "state": "refresh"}).status == "changed"
        refreshed = clean.run("postgresql_subscription", **{**args, "state": "refresh"})
        assert refreshed.status == "changed" and refreshed.result["queries"] == ['ALTER SUBSCRIPTION "sub" REFRESH PUBLICATION']
        busy = clean.run("postgresql_slot", login_db="source", name="slot", state="absent")
        assert busy.status == "failed" and "in use by process" in busy.reason
        slow = clean.run("postgresql_info", filter=["replications"]).result["replications"]
        assert [row["app_name"] for row in slow.values()] == ["sub"]
        assert clean.run("postgresql_subscription", **{**args, "subsparams": {"enabled": "false"}}).status == "changed"
    finally:
        assert clean.run("postgresql_subscription", login_db="copy", name="sub", state="absent").status == "changed"
    assert clean.sql("SELECT 1 FROM pg_replication_slots") == []


def test_a_subscription_tells_what_it_was_and_is(clean: Cluster) -> None:
    clean.sql("CREATE DATABASE p")
    where = {"host": "127.0.0.1", "port": "1", "dbname": "p", "password": "hidden words"}
    args = {"login_db": "p", "name": "sub", "publications": ["pub"], "connparams": where}
    try:
        done = obeys(clean, "postgresql_subscription", "p", **args, subsparams={"connect": "false", "synchronous_commit": "False"})
        assert done.result["initial_state"] == {} and done.result["final_state"]["conninfo"]["port"] == 1
        assert "********" in done.result["queries"][0] and "hidden words" not in repr(done)
        assert obeys(clean, "postgresql_subscription", "p", **args, subsparams={"synchronous_commit": "ON"}).status == "changed"
    finally:
        clean.sql("ALTER SUBSCRIPTION sub SET (slot_name = NONE)", database="p")
        clean.run("postgresql_subscription", login_db="p", name="sub", state="absent")


def test_info(clean: Cluster) -> None:
    clean.run("postgresql_db", name="odd 'name")
    found = clean.check("postgresql_info").result
    assert found["databases"]["odd 'name"]["extensions"]["plpgsql"]["nspname"] == "pg_catalog"
    assert found["version"]["major"] >= 13 and found["in_recovery"] is False and found["settings"]["port"]["setting"] == str(clean.port)
    asked = clean.run("postgresql_info", filter="ver*,rol*,!roles").result
    assert [name for name, value in asked.items() if value] == ["version"]
    assert "matches nothing" in clean.run("postgresql_info", filter="vresion").reason
