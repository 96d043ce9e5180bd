"""What the modules tell, under the names that playbooks written for community.postgresql ask for."""

from __future__ import annotations

import pytest
from pg_cluster import Cluster
from pg_laws import obeys

from nxtplay.core.resource import decode
from nxtplay.modules import registry


def test_memberships(clean: Cluster) -> None:
    clean.sql("CREATE ROLE a; CREATE ROLE b; CREATE ROLE u; CREATE ROLE v; GRANT b TO u")
    there = {"groups": ["a", "gone", "b"], "target_roles": ["u", "v", "gone"], "fail_on_role": False}
    done = clean.run("postgresql_membership", **there).result
    assert (done["groups"], done["target_roles"], done["state"]) == (["a", "b"], ["u", "v"], "present")
    assert (done["granted"], done["revoked"]) == ({"a": ["u", "v"], "b": ["v"]}, {})
    assert done["queries"] == ['GRANT "a" TO "u"', 'GRANT "a" TO "v"', 'GRANT "b" TO "v"']
    assert clean.run("postgresql_membership", **there).result["granted"] == {"a": [], "b": []}
    exact = clean.run("postgresql_membership", groups=["b"], target_roles=["u"], state="exact").result
    assert (exact["granted"], exact["revoked"]) == ({}, {"a": ["u"]})
    absent = clean.run("postgresql_membership", groups=["a", "b"], target_roles=["u"], state="absent").result
    assert (absent["granted"], absent["revoked"]) == ({}, {"a": [], "b": ["u"]})
    told = clean.check("postgresql_membership", groups=["a", "b; SELECT 1"], target_roles=["u"], trust_input=False)
    assert "is potentially dangerous" in told.reason


def test_indexes(clean: Cluster) -> None:
    clean.sql("CREATE TABLE ix (n int, t text)")
    given = {"name": "Ix", "table": "ix", "columns": ["n", "t"], "storage_params": ["fillfactor=90"]}
    done = clean.run("postgresql_idx", **given).result
    assert done["query"] == 'CREATE INDEX CONCURRENTLY "Ix" ON "public"."ix" USING BTREE (n, t) WITH (fillfactor=90)'
    assert (done["state"], done["tblname"], done["tblspace"], done["valid"]) == ("present", "ix", "", True)
    assert done["storage_params"] == ["fillfactor=90"]
    gone = clean.run("postgresql_idx", name="Ix", state="absent").result
    assert (gone["state"], gone["tblname"], gone["query"]) == ("absent", "", 'DROP INDEX CONCURRENTLY "public"."Ix"')
    assert "unique" in clean.check("postgresql_idx", name="iy", table="ix", columns=["n"], idxtype="brin", unique=True).reason
    clean.sql("DROP TABLE ix")


@pytest.mark.parametrize(
    ("asked", "place"),
    [({}, "public"), ({"schema": "s"}, "s"), ({"schema": "not-specified"}, None), ({"objs": "schemas", "privs": "USAGE"}, None)],
)
def test_where_default_privileges_are_for(clean: Cluster, asked: dict[str, str], place: str | None) -> None:
    clean.sql("CREATE ROLE a")
    clean.sql("CREATE DATABASE p")
    clean.sql("CREATE SCHEMA s", database="p")
    args = {"login_db": "p", "type": "default_privs", "roles": "a", "objs": "TABLES", "privs": "SELECT", **asked}
    assert obeys(clean, "postgresql_privs", "p", **args).status == "changed"
    found = clean.sql("SELECT nspname AS n FROM pg_default_acl LEFT JOIN pg_namespace n ON n.oid = defaclnamespace", database="p")
    assert found == [{"n": place}]


def test_rights_are_given_by_whatever_spelling(clean: Cluster) -> None:
    clean.sql("CREATE ROLE a")
    clean.sql("CREATE DATABASE p")
    clean.sql(
        "CREATE PROCEDURE pr(x int, y double precision) LANGUAGE sql AS '';"
        "CREATE AGGREGATE total(float8) (sfunc = float8pl, stype = float8)",
        database="p",
    )
    args = {"login_db": "p", "type": "procedure", "objs": "pr(int:float8)", "roles": "a", "privs": "EXECUTE"}
    assert obeys(clean, "postgresql_privs", "p", **args).status == "changed"
    wrong = {**clean.login, "password": "wrong"}
    del wrong["login_password"]
    assert decode(registry.load("postgresql_privs"), {**args, **wrong}).login_password == "wrong"  # type: ignore[attr-defined]
    owned = {"login_db": "p", "obj_type": "aggregate", "obj_name": "total(float8)", "new_owner": "a"}
    assert obeys(clean, "postgresql_owner", "p", **owned).status == "changed"
    me = {"login_db": "p", "type": "database", "roles": "session_user", "privs": "CREATE"}
    assert obeys(clean, "postgresql_privs", "p", **me).status == "ok"
    if clean.version >= 15:
        parameter = {"type": "parameter", "objs": "work_mem", "roles": "a", "privs": "ALTER_SYSTEM"}
        assert obeys(clean, "postgresql_privs", **parameter).status == "changed"
        clean.run("postgresql_privs", **parameter, state="absent")


def test_a_schema_may_be_named_in_quotes(clean: Cluster) -> None:
    clean.sql("CREATE DATABASE p")
    assert obeys(clean, "postgresql_schema", "p", login_db="p", name='"with.dot"').status == "changed"
    assert clean.check("postgresql_schema", login_db="p", name="with.dot").status == "ok"


def test_sequences(clean: Cluster) -> None:
    made = clean.run("postgresql_sequence", sequence="q").result
    assert made["queries"] == ['CREATE SEQUENCE "public"."q"'] and (made["increment"], made["cycle"], made["minvalue"]) == ("1", "NO", "1")
    down = {"sequence": "d", "increment": -1, "minvalue": 1, "maxvalue": 1000, "start": 101, "cycle": True}
    asked = 'CREATE SEQUENCE "public"."d" INCREMENT BY -1 MINVALUE 1 MAXVALUE 1000 START WITH 101 CYCLE'
    assert clean.run("postgresql_sequence", **down).result["queries"] == [asked]
    moved = clean.run("postgresql_sequence", sequence="d", rename_to="e").result
    assert (moved["sequence"], moved["newname"], moved["schema"]) == ("d", "e", "public")
    gone = clean.run("postgresql_sequence", sequence="e", state="absent").result
    assert (gone["state"], gone["cycle"], gone["owner"]) == ("absent", "YES", "postgres")
    assert clean.run("postgresql_sequence", sequence="e", state="absent").result["owner"] == ""
    clean.run("postgresql_sequence", sequence="q", state="absent")


def test_tables_and_slots(clean: Cluster) -> None:
    made = clean.run("postgresql_table", name="t1", columns=["id int"]).result
    assert (made["table"], made["tablespace"], made["storage_params"]) == ("t1", "", [])
    gone = clean.run("postgresql_table", name="t1", state="absent").result
    assert (gone["state"], gone["owner"], gone["tablespace"]) == ("absent", "postgres", "")
    slot = clean.run("postgresql_slot", name="s1")
    assert slot.result["queries"] == ["SELECT pg_create_physical_replication_slot('s1', false)"]
    assert clean.run("postgresql_slot", name="s1").result["queries"] == []
    assert clean.run("postgresql_slot", name="s1", state="absent").result["queries"] == ["SELECT pg_drop_replication_slot('s1')"]


def test_roles_extensions_and_statistics(clean: Cluster) -> None:
    clean.run("postgresql_user", name="u")
    assert clean.run("postgresql_user", name="u", state="absent").result["user_removed"] is True
    clean.sql("CREATE DATABASE p")
    told = clean.run("postgresql_ext", login_db="p", name="pg_trgm").result
    assert (told["ext"], told["db"]) == ("pg_trgm", "p")
    assert clean.check("postgresql_user_obj_stat_info", filter="tables").result["functions"] == {}


def test_info_of_what_was_not_asked_for(clean: Cluster) -> None:
    told = clean.check("postgresql_info", filter=["ver*", "settings"]).result
    version = told["version"]
    assert version["full"] == f"{version['major']}.{version['minor']}" and version["patch"] is None
    assert (told["databases"], told["in_recovery"], told["pending_restart_settings"]) == ({}, None, [])
    assert told["settings"]["work_mem"]["val_in_bytes"] == 4 * 1024**2 and told["settings"]["work_mem"]["sourcefile"] == ""
    databases = clean.check("postgresql_info", filter="databases").result["databases"]
    assert databases["template1"]["extensions"]["plpgsql"]["extversion"] == {"major": 1, "minor": 0, "raw": "1.0"}


def test_a_hash_that_cannot_be_compared_is_set_each_time(clean: Cluster) -> None:
    clean.sql("CREATE ROLE lower LOGIN CREATEROLE PASSWORD 'pw'")
    asked = {"login_user": "lower", "login_password": "pw", "name": "u", "password": "md5" + "5" * 32}
    assert clean.run("postgresql_user", **asked).status == "changed"
    assert clean.check("postgresql_user", **asked).status == "changed" and clean.run("postgresql_user", **asked).status == "changed"
    assert clean.run("postgresql_user", **asked, update_password="on_create").status == "ok"
