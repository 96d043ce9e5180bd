"""Roles, memberships, schemas, owners."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pg_cluster import Cluster, wipe
from pg_laws import obeys

from nxtplay.core.state import public
from nxtplay.core.world import World
from nxtplay.modules import _postgres_scram as scram

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # to shrink against a server takes minutes
SLOW = settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
PASSWORDS = ["", "secret", "seсret", "a\u00a0b", "it's \\ %s", scram.verifier("secret", salt=b"0123456789abcdef"), "md5" + "0" * 32]


@SLOW
@given(data=st.data())
def test_laws_of_roles(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "present", "absent"]),
        "password": st.sampled_from(PASSWORDS),
        "update_password": st.sampled_from(["always", "on_create"]),
        "role_attr_flags": st.sampled_from(["", "CREATEDB,NOLOGIN", "nosuperuser login", "BYPASSRLS,REPLICATION", "FLY"]),
        "conn_limit": st.sampled_from([-1, 0, 3]),
        "expires": st.sampled_from(["infinity", "2031-01-01 12:00:00+02", "Jan 5 2032", "nonsense"]),
        "comment": st.sampled_from(["", "who's this"]),
        "configuration": st.dictionaries(
            st.sampled_from(["search_path", "work_mem", "statement_timeout", "my.own", "no_such_thing", "max_connections"]),
            st.sampled_from(["app, public", "64MB", "10s", "$user", '"MiXed"']),
            max_size=2,
        ),
        "reset_unspecified_configuration": st.booleans(),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        obeys(clean, "postgresql_user", name="o'ne \"two", **data.draw(st.fixed_dictionaries({}, optional=options)))


@pytest.mark.parametrize("password", PASSWORDS[1:5])
@pytest.mark.parametrize("encryption", ["md5", "scram-sha-256"])
def test_a_password_lets_in_and_is_recognised(clean: Cluster, password: str, encryption: str) -> None:
    clean.sql(f"ALTER SYSTEM SET password_encryption = '{encryption}'")
    clean.sql("SELECT pg_reload_conf(), pg_sleep(0.1)")
    try:
        outcome = obeys(clean, "postgresql_user", name="ann", password=password)
        assert password not in str(public(outcome.result)) and password not in str([public(c.after) for c in outcome.changes])
        kept = clean.sql("SELECT rolpassword AS p FROM pg_authid WHERE rolname = 'ann'")[0]["p"]
        assert kept.startswith("SCRAM" if encryption != "md5" else "md5")
        assert clean.run("postgresql_user", name="ann", password=password + "x").status == "changed"
        if encryption != "md5":
            assert clean.run("postgresql_ping", login_user="ann", login_password=password + "x").result["is_available"]
            assert not clean.run("postgresql_ping", login_user="ann", login_password=password).result["is_available"]
    finally:
        clean.sql("ALTER SYSTEM RESET password_encryption")
        clean.sql("SELECT pg_reload_conf(), pg_sleep(0.1)")


def test_a_password_that_the_server_set_itself_is_recognised(clean: Cluster) -> None:
    for password in PASSWORDS[1:5]:
        clean.sql("DROP ROLE IF EXISTS ann")
        clean.sql(f"CREATE ROLE ann LOGIN PASSWORD {clean.sql('SELECT quote_literal(%s) AS q', password)[0]['q']}")
        assert clean.run("postgresql_user", name="ann", password=password).status == "ok"


def test_a_password_behind_a_curtain_is_tried_at_the_door(clean: Cluster) -> None:
    clean.sql("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'b'; CREATE ROLE ann LOGIN PASSWORD 'a'")
    as_boss = {"login_user": "boss", "login_password": "b", "name": "ann"}
    if clean.version >= 16:
        refused = clean.check("postgresql_user", password="z", **as_boss), clean.run("postgresql_user", password="z", **as_boss)
        assert [o.status for o in refused] == ["failed"] * 2 and 'it needs GRANT "ann" TO "boss" WITH ADMIN OPTION' in refused[0].reason
        clean.sql("GRANT ann TO boss WITH ADMIN OPTION")
    assert clean.run("postgresql_user", password="a", **as_boss).status == "ok"
    assert clean.check("postgresql_user", password="z", **as_boss).status == "changed"
    assert clean.run("postgresql_user", password="z", **as_boss).status == "changed"
    assert clean.run("postgresql_user", password="z", **as_boss).status == "ok"


def test_who_may_not_change_roles_is_told_beforehand(clean: Cluster) -> None:
    clean.sql("CREATE ROLE low LOGIN PASSWORD 'l'; CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'b'")
    low, boss = ({"login_user": name, "login_password": name[0]} for name in ("low", "boss"))
    for login, args, message in [
        (low, {"name": "new"}, "low may not create roles"),
        (low, {"name": "boss", "state": "absent"}, "low may not drop roles"),
        (boss, {"name": "new", "role_attr_flags": "SUPERUSER"}, "boss may not create superusers"),
        (boss, {"name": "postgres", "conn_limit": 3}, "boss may not change superusers"),
    ]:
        assert message in obeys(clean, "postgresql_user", **login, **args).reason
    assert clean.run("postgresql_user", name="low", password="m", **low).status == "changed", "his own password"
    assert clean.run("postgresql_user", name="new", **boss).status == "changed"


def test_a_role_that_owns_something_stays(clean: Cluster) -> None:
    clean.sql("CREATE ROLE ann")
    clean.sql("CREATE DATABASE a OWNER ann")
    assert obeys(clean, "postgresql_user", name="ann", state="absent").status == "failed"
    assert obeys(clean, "postgresql_user", name="ann", state="absent", fail_on_user=False).status == "ok"
    world = World()
    clean.check("postgresql_db", world, name="a", state="absent")
    assert clean.check("postgresql_user", world, name="ann", state="absent").status == "changed"


def test_a_stack_of_foreseen_things(clean: Cluster) -> None:
    """Role, database owned by it, schema, rights inside: each foreseen on top of the other, then run; a check foresees nothing more."""
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("postgresql_user", {"name": "app", "password": "pw"}),
        ("postgresql_user", {"name": "readers", "role_attr_flags": "NOLOGIN"}),
        ("postgresql_membership", {"groups": ["readers"], "target_roles": ["app"]}),
        ("postgresql_db", {"name": "app", "owner": "app", "template": "template0", "encoding": "utf8"}),
        ("postgresql_schema", {"login_db": "app", "name": "data", "owner": "app"}),
        ("postgresql_ext", {"login_db": "app", "name": "pg_trgm", "schema": "data"}),
    ]
    world = World()
    foreseen = [clean.check(module, world, **args) for module, args in tasks]
    assert [o.status for o in foreseen] == ["changed"] * len(tasks), foreseen
    done = [clean.run(module, **args) for module, args in tasks]
    assert [[str(c) for c in o.changes] for o in foreseen] == [[str(c) for c in o.changes] for o in done]
    assert {o.status for o in (clean.check(module, **args) for module, args in tasks)} == {"ok"}
    assert clean.check("postgresql_query", login_db="app", login_user="app", login_password="pw", query="SELECT 1").status == "ok"


@SLOW
@given(data=st.data())
def test_laws_of_memberships(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE a; CREATE ROLE b; CREATE ROLE c; CREATE ROLE d; GRANT d TO c")
    some = st.lists(st.sampled_from(["a", "b", "c", "d", "nobody"]), min_size=1, max_size=3, unique=True)
    for _ in range(data.draw(st.integers(1, 3))):
        args = data.draw(
            st.fixed_dictionaries(
                {"groups": some, "target_roles": some},
                optional={"state": st.sampled_from(["present", "absent", "exact"]), "fail_on_role": st.booleans()},
            )
        )
        obeys(clean, "postgresql_membership", **args)


@SLOW
@given(data=st.data())
def test_laws_of_schemas(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE ann")
    clean.sql("CREATE DATABASE s")
    clean.sql('CREATE SCHEMA full_one; CREATE TABLE full_one.t (n int); CREATE SCHEMA "wi""erd"', database="s")
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "absent"]),
        "owner": st.sampled_from(["ann", "postgres", "nobody"]),
        "comment": st.sampled_from(["", "it's"]),
        "cascade_drop": st.booleans(),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(["full_one", 'wi"erd', "new", "pg_no"]))
        obeys(clean, "postgresql_schema", "s", login_db="s", name=name, **data.draw(st.fixed_dictionaries({}, optional=options)))




@SLOW
@given(data=st.data())
def test_laws_of_rights(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql('CREATE ROLE a; CREATE ROLE "b c"; CREATE ROLE own')
    clean.sql("CREATE DATABASE p OWNER own")
    clean.sql(
        "CREATE SCHEMA s AUTHORIZATION own; SET ROLE own; CREATE TABLE s.t (n serial); CREATE VIEW s.\"V w\" AS SELECT 1 AS n;"
        "CREATE FUNCTION s.f(x int, y text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE s.kind AS ENUM ('x')",
        database="p",
    )
    objects = {
        "table": ["t", "V w", "t,V w", "ALL_IN_SCHEMA", "gone"],
        "sequence": ["t_n_seq", "ALL_IN_SCHEMA"],
        "function": ["f(integer, text)", "f", "ALL_IN_SCHEMA"],
        "database": ["p"],
        "schema": ["s", "s,public"],
        "type": ["kind"],
        "language": ["sql", "c"],
        "default_privs": ["TABLES", "ALL_DEFAULT", "SEQUENCES,FUNCTIONS", "schemas"],
        "group": ["own"],
    }
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(sorted(objects)))
        args = data.draw(
            st.fixed_dictionaries(
                {
                    "privs": st.sampled_from(["ALL", "USAGE", "SELECT,insert", "CONNECT, TEMP", "EXECUTE", "CREATE"]),
                    "roles": st.sampled_from(["a", "b c", "a,PUBLIC", "own", "nobody"] if kind != "group" else ["a"]),
                    "objs": st.sampled_from(objects[kind]),
                },
                optional={
                    "state": st.sampled_from(["present", "absent"]),
                    "grant_option": st.booleans(),
                    "target_roles": st.sampled_from(["own", "own,a"]),
                },
            )
        )
        if kind in ("table", "sequence", "function", "type") or data.draw(st.booleans()):
            args["schema"] = data.draw(st.sampled_from(["s", "not-specified"])) if kind == "default_privs" else "s"
        obeys(clean, "postgresql_privs", "p", login_db="p", type=kind, **args)


def test_what_is_not_given_stays(clean: Cluster) -> None:
    """Each argument alone changes its attribute alone; an empty comment removes one; the order of a role's life."""
    both = ["configuration.search_path", "configuration.work_mem"]
    steps: list[tuple[str, dict[str, Any], list[str]]] = [
        ("postgresql_schema", {"name": "s", "comment": "c"}, ["state"]),
        ("postgresql_schema", {"name": "s"}, []),
        ("postgresql_schema", {"name": "s", "owner": "postgres"}, []),
        ("postgresql_schema", {"name": "s", "comment": ""}, ["comment"]),
        ("postgresql_schema", {"name": "s", "state": "absent"}, ["state"]),
        ("postgresql_user", {"name": "u", "password": "p", "comment": "c", "configuration": {"work_mem": "8MB"}}, ["state"]),
        ("postgresql_user", {"name": "u"}, []),
        ("postgresql_user", {"name": "u", "password": "q", "update_password": "on_create"}, []),
        ("postgresql_user", {"name": "u", "password": "q"}, ["password"]),
        ("postgresql_user", {"name": "u", "role_attr_flags": "CREATEDB"}, ["createdb"]),
        ("postgresql_user", {"name": "u", "comment": ""}, ["comment"]),
        ("postgresql_user", {"name": "u", "configuration": {"search_path": "a, b"}}, ["configuration.search_path"]),
        ("postgresql_user", {"name": "u", "reset_unspecified_configuration": True}, both),
        ("postgresql_user", {"name": "u", "password": ""}, ["password"]),
        ("postgresql_db", {"name": "d", "conn_limit": 0, "comment": "c"}, ["state"]),
        ("postgresql_db", {"name": "d"}, []),
        ("postgresql_db", {"name": "d", "comment": "", "owner": "u"}, ["comment", "owner"]),
        ("postgresql_user", {"name": "u", "state": "absent", "fail_on_user": False}, []),
        ("postgresql_db", {"name": "d", "state": "absent"}, ["state"]),
        ("postgresql_user", {"name": "u", "state": "absent"}, ["state"]),
    ]
    for module, args, changes in steps:
        done = obeys(clean, module, **args)
        assert sorted(str(c) for c in done.changes) == sorted(changes), (module, args, done)


def test_a_role_and_its_rights_in_one_task(clean: Cluster) -> None:
    clean.run("postgresql_db", name="app")
    clean.sql("CREATE SCHEMA s; CREATE TABLE s.items (n int); CREATE TABLE items (n int)", database="app")
    args = {"name": "ann", "login_db": "app", "priv": "CONNECT,TEMP/items:SELECT/s.items:ALL"}
    told = obeys(clean, "postgresql_user", "app", **args)
    assert [sql for sql in told.result["queries"] if "s.items" in sql.replace('"', "")] != []
    held = "has_table_privilege('ann', 's.items', 'INSERT') AND has_table_privilege('ann', 'items', 'SELECT')"
    assert clean.sql(f"SELECT {held} AND NOT has_table_privilege('ann', 'items', 'DELETE') AS ok", database="app") == [{"ok": True}]
    more = obeys(clean, "postgresql_user", "app", **{**args, "priv": "ALL/items:DELETE"})
    assert len(more.result["queries"]) == 2  # what it has stays
    with_another = {"type": "table", "objs": "items", "privs": "SELECT,DELETE", "roles": "ann", "login_db": "app"}
    assert clean.check("postgresql_privs", **with_another).status == "ok"


def test_a_role_goes_with_the_rights_that_are_taken(clean: Cluster) -> None:
    clean.run("postgresql_db", name="app")
    clean.sql("CREATE TABLE items (n int)", database="app")
    args = {"name": "ann", "login_db": "app"}
    obeys(clean, "postgresql_user", "app", **args, priv="ALL/items:SELECT,INSERT")
    told = obeys(clean, "postgresql_user", "app", **args, state="absent", priv="ALL/items:SELECT")
    assert told.status == "failed" and "rights on" in told.reason
    left = clean.run("postgresql_user", **args, state="absent", priv="items:SELECT", fail_on_user=False)
    assert left.status == "changed" and not left.result["user_removed"]
    assert obeys(clean, "postgresql_user", "app", **args, state="absent", priv="ALL/items:ALL").result["user_removed"]
    wrong = obeys(clean, "postgresql_user", "app", **args, priv="items:CONNECT")
    assert wrong.status == "failed" and "there is no right 'CONNECT'" in wrong.reason


def test_rights_of_a_role_on_what_is_only_foreseen(clean: Cluster) -> None:
    world = World()
    assert clean.check("postgresql_db", world, name="app").status == "changed"
    assert clean.check("postgresql_user", world, name="ann", login_db="app", priv="ALL").status == "changed"
    assert clean.check("postgresql_user", world, name="ann", login_db="app", priv="CONNECT,CREATE").status == "ok"
    rights = {"type": "database", "privs": "ALL", "roles": "ann", "login_db": "app"}
    assert clean.check("postgresql_privs", world, **rights).status == "ok"
