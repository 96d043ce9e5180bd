"""Tables, indexes, sequences."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pg_cluster import Cluster, wipe
from pg_laws import obeys

from nxtplay.core.world import World

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
HERE = {"login_db": "r"}


def prepare(clean: Cluster) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE a; CREATE ROLE b")
    clean.sql("CREATE DATABASE r")
    clean.sql(
        "CREATE SCHEMA s; CREATE TABLE t (n int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'x'); CREATE TABLE s.t (n int);"
        "CREATE VIEW v AS SELECT * FROM t; CREATE TABLE free (n serial); CREATE INDEX i ON free (n); CREATE SEQUENCE q;"
        "CREATE SEQUENCE s.q2",
        database="r",
    )


@SLOW
@given(data=st.data())
def test_laws_of_tables(clean: Cluster, data: st.DataObject) -> None:
    prepare(clean)
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "present", "absent"]),
        "columns": st.just(["n int", "b text DEFAULT 'x, y'"]),
        "owner": st.sampled_from(["a", "b", "nobody"]),
        "unlogged": st.booleans(),
        "tablespace": st.sampled_from(["pg_default", "missing"]),
        "storage_params": st.sampled_from([["fillfactor=80"], ["fillfactor=70", "autovacuum_enabled=false"]]),
        "cascade": st.booleans(),
        "truncate": st.booleans(),
        "rename": st.sampled_from(["other", "free"]),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(["t", "s.t", "new", 's."odd . name"', "v", "nowhere.t", "free"]))
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if args.get("truncate"):
            args.pop("rename", None)
            args.pop("state", None)
        if args.get("state") == "absent":
            args.pop("rename", None)
        obeys(clean, "postgresql_table", "r", **HERE, name=name, **args)


def test_a_table_like_another(clean: Cluster) -> None:
    prepare(clean)
    obeys(clean, "postgresql_table", "r", **HERE, name="s.copy", like="t", including="indexes, defaults", owner="a")
    assert clean.sql("SELECT count(*) AS n FROM pg_indexes WHERE schemaname = 's' AND tablename = 'copy'", database="r") == [{"n": 1}]


@SLOW
@given(data=st.data())
def test_laws_of_indexes(clean: Cluster, data: st.DataObject) -> None:
    prepare(clean)
    options: dict[str, Any] = {
        "unique": st.booleans(),
        "idxtype": st.sampled_from(["btree", "BRIN", "hash", "magic"]),
        "cond": st.just("n > 3"),
        "tablespace": st.sampled_from(["pg_default", "missing"]),
        "concurrent": st.booleans(),
        "cascade": st.booleans(),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(["i", "j", "t_pkey", "free"]))
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if args.get("idxtype") in ("BRIN", "hash"):
            args.pop("unique", None)
        if data.draw(st.booleans()):
            args.update(table=data.draw(st.sampled_from(["free", "t", "gone"])), columns=["n"])
        else:
            args["state"] = "absent"
        obeys(clean, "postgresql_idx", "r", **HERE, name=name, **args)


def test_an_index_that_broke_off_is_built_again(clean: Cluster) -> None:
    prepare(clean)
    clean.sql("INSERT INTO free VALUES (1), (1)", database="r")
    failed = clean.run("postgresql_idx", **HERE, name="u", table="free", columns=["n"], unique=True)
    valid = "SELECT indisvalid AS v FROM pg_index WHERE indexrelid = 'u'::regclass"
    assert failed.status == "failed" and clean.sql(valid, database="r") == [{"v": False}]
    clean.sql("DELETE FROM free", database="r")
    assert obeys(clean, "postgresql_idx", "r", **HERE, name="u", table="free", columns=["n"], unique=True).status == "changed"


@SLOW
@given(data=st.data())
def test_laws_of_sequences(clean: Cluster, data: st.DataObject) -> None:
    prepare(clean)
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "present", "absent"]),
        "data_type": st.sampled_from(["smallint", "integer", "bigint"]),
        "increment": st.sampled_from([1, -2, 0, 5]),
        "minvalue": st.sampled_from([1, -10, 70000]),
        "maxvalue": st.sampled_from([10, 30000, 100000]),
        "start": st.sampled_from([1, 5]),
        "cache": st.sampled_from([1, 20]),
        "cycle": st.booleans(),
        "owner": st.sampled_from(["a", "nobody"]),
        "rename_to": st.sampled_from(["z"]),
        "newschema": st.sampled_from(["s", "gone"]),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(["q", "new", "free_n_seq", "t"]))
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if args.get("state") == "absent":
            args = {"state": "absent"}
        obeys(clean, "postgresql_sequence", "r", **HERE, name=name, **args)


def test_a_table_then_its_index_are_foreseen(clean: Cluster) -> None:
    prepare(clean)
    world = World()
    assert clean.check("postgresql_schema", world, **HERE, name="app").status == "changed"
    assert clean.check("postgresql_table", world, **HERE, name="app.items", columns=["n int"]).status == "changed"
    assert clean.check("postgresql_idx", world, **HERE, schema="app", name="ix", table="items", columns=["n"]).status == "changed"
    assert clean.check("postgresql_privs", world, **HERE, schema="app", objs="items", roles="a", privs="SELECT").status == "changed"
    assert clean.check("postgresql_table", world, **HERE, name="app.items", rename="goods").status == "changed"
    assert clean.check("postgresql_table", world, **HERE, name="app.goods").status == "ok"
