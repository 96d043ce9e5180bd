"""Settings, owners, tablespaces."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pg_cluster import Cluster, wipe
from pg_laws import obeys

from nxtplay.core.world import World

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = {
    "work_mem": ["64MB", "65536", "64 MB", "65536kB", "0.5GB", "12mb", "1", "12XB"],
    "shared_buffers": ["16MB", "2048", "24MB"],
    "checkpoint_timeout": ["5min", "300", "300s", "10 min", "1ms", "nonsense"],
    "autovacuum": ["off", "OFF", "false", "on", "1", "perhaps"],
    "synchronous_commit": ["on", "yes", "remote_apply", "LOCAL", "sometimes"],
    "random_page_cost": ["4", "4.0", "1.1", "1e0"],
    "log_line_prefix": ["%m [%p] ", "it's \\ %u", "%m [%p] "],
    "log_min_duration_statement": ["-1", "250ms", "1s"],
    "search_path": ["app,public", '"$user", public'],
    "max_wal_size": ["1GB", "1024", "2GB"],
    "vacuum_cost_delay": ["0.5", "20ms", "0"],
    "track_io_timing": ["on"],
    "server_version": ["1"],
    "no_such_thing": ["1"],
}


@SLOW
@given(data=st.data())
def test_laws_of_settings(clean: Cluster, data: st.DataObject) -> None:
    clean.sql("ALTER SYSTEM RESET work_mem")
    try:
        for _ in range(data.draw(st.integers(1, 5))):
            name = data.draw(st.sampled_from(sorted(VALUES)))
            given_values = [{"value": value} for value in (*VALUES[name], "default")]
            args: dict[str, Any] = data.draw(st.sampled_from([*given_values, {"reset": True}]))
            obeys(clean, "postgresql_set", name=name, **args)
    finally:
        clean.sql("ALTER SYSTEM SET shared_buffers = '16MB'")
        clean.sql("SELECT pg_reload_conf(), pg_sleep(0.05)")


@pytest.mark.parametrize(
    "name",
    "work_mem checkpoint_timeout vacuum_cost_delay track_io_timing random_page_cost autovacuum synchronous_commit search_path".split(),
)
def test_a_value_is_read_as_the_server_reads_it(clean: Cluster, name: str) -> None:
    for value in VALUES[name]:
        done = clean.run("postgresql_set", name=name, value=value)
        try:
            if done.status == "failed":
                continue
            rows = clean.sql(
                "SELECT current_setting(name) AS shown, setting, unit FROM pg_settings WHERE name = %s AND source = 'configuration file'",
                name,
            )
            if rows:
                assert rows[0]["shown"] == done.result["value_pretty"]
                if rows[0]["unit"] != "kB":
                    assert done.result["value"] == {"value": rows[0]["setting"], "unit": rows[0]["unit"]}
        finally:
            clean.run("postgresql_set", name=name, reset=True)


def test_what_takes_a_restart_says_so(clean: Cluster) -> None:
    try:
        assert clean.run("postgresql_set", name="max_connections", value="41").result["restart_required"] is True
        assert clean.run("postgresql_set", name="work_mem", value="5MB").result["restart_required"] is False
    finally:
        clean.sql("ALTER SYSTEM SET max_connections = 40")
        clean.sql("ALTER SYSTEM RESET work_mem")


def test_what_was_done_is_told(clean: Cluster) -> None:
    done = clean.run("postgresql_set", name="work_mem", value="12mb").result
    assert done["queries"] == ["ALTER SYSTEM SET work_mem = '12MB'"] and done["value"] == {"value": 12582912, "unit": "b"}
    assert (done["prev_val_pretty"], done["value_pretty"], done["context"]) == ("4MB", "12MB", "user")
    assert clean.run("postgresql_set", name="work_mem", value="default").result["queries"] == ["ALTER SYSTEM SET work_mem = DEFAULT"]
    assert clean.run("postgresql_set", name="work_mem", reset=True).result["queries"] == []


def test_an_empty_list_that_would_stop_the_server_is_refused(clean: Cluster) -> None:
    assert "would not start" in clean.run("postgresql_set", name="shared_preload_libraries", value="").reason


def test_a_misspelt_setting_is_named(clean: Cluster) -> None:
    assert "did you mean 'work_mem'?" in clean.check("postgresql_set", name="wrok_mem", value="1MB").reason


@SLOW
@given(data=st.data())
def test_laws_of_owners(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE a; CREATE ROLE b")
    clean.sql("CREATE DATABASE o")
    clean.sql(
        "CREATE SCHEMA s; CREATE TABLE s.t (n serial); CREATE TABLE t (n int); CREATE VIEW v AS SELECT 1 AS n; CREATE SEQUENCE q;"
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql "
        "AS 'SELECT 1'; CREATE TYPE kind AS ENUM ('x'); CREATE DOMAIN d AS int; CREATE MATERIALIZED VIEW m AS "
        "SELECT 1 AS n; CREATE PUBLICATION p; CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1'",
        database="o",
    )
    objects = [
        ("table", "s.t"), ("table", "t"), ("table", "gone"), ("view", "v"), ("sequence", "q"), ("function", "f(integer)"),
        ("function", "f"),
        ("type", "kind"), ("domain", "public.d"), ("matview", "m"), ("publication", "p"), ("procedure", "pr()"), ("database", "o"),
        ("schema", "s"), ("language", "plpgsql"),
    ]  # fmt: skip
    for _ in range(data.draw(st.integers(1, 4))):
        new_owner = data.draw(st.sampled_from(["a", "b", "nobody"]))
        if data.draw(st.integers(0, 3)) == 0:
            roles = data.draw(st.lists(st.sampled_from(["a", "b", "nobody"]), min_size=1, unique=True))
            obeys(clean, "postgresql_owner", "o", login_db="o", new_owner=new_owner, reassign_owned_by=roles)
        else:
            kind, name = data.draw(st.sampled_from(objects))
            obeys(clean, "postgresql_owner", "o", login_db="o", new_owner=new_owner, obj_type=kind, obj_name=name)


def test_the_owner_of_what_is_only_foreseen(clean: Cluster) -> None:
    world = World()
    clean.check("postgresql_user", world, name="ann")
    clean.check("postgresql_db", world, name="later")
    assert clean.check("postgresql_owner", world, obj_type="database", obj_name="later", new_owner="ann").status == "changed"
    assert clean.check("postgresql_owner", world, obj_type="database", obj_name="later", new_owner="ann").status == "ok"
    assert clean.check("postgresql_db", world, name="later", owner="ann").status == "ok"


@SLOW
@given(data=st.data())
def test_laws_of_tablespaces(clean: Cluster, data: st.DataObject) -> None:
    wipe(clean)
    clean.sql("CREATE ROLE a")
    places = {name: os.path.join(clean.directory, name) for name in ("one", "two")}
    for path in places.values():
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
        shutil.chown(path, "postgres", "postgres")
    options: dict[str, Any] = {
        "state": st.sampled_from(["present", "present", "absent"]),
        "location": st.sampled_from([*places.values(), clean.directory + "/none", "relative"]),
        "owner": st.sampled_from(["a", "nobody"]),
        "set": st.sampled_from([{"random_page_cost": "1.5"}, {"seq_page_cost": "2", "random_page_cost": "reset"}]),
        "rename_to": st.just("other one"),
    }
    for _ in range(data.draw(st.integers(1, 4))):
        args = data.draw(st.fixed_dictionaries({}, optional=options))
        if args.get("state") == "absent":
            args.pop("rename_to", None)
        obeys(clean, "postgresql_tablespace", name="space", **args)


def test_the_last_word_in_the_files_counts(clean: Cluster) -> None:
    """postgresql.conf says one thing (initdb's shared_buffers), ALTER SYSTEM another; a reset goes back to the first."""
    in_conf = clean.sql("SELECT setting FROM pg_file_settings WHERE name = 'shared_buffers' ORDER BY seqno")[0]["setting"]
    try:
        assert obeys(clean, "postgresql_set", name="shared_buffers", value="24MB").status == "changed"
        assert obeys(clean, "postgresql_set", name="shared_buffers", value=str(24 * 128)).status == "ok"
        assert obeys(clean, "postgresql_set", name="shared_buffers", reset=True).status == "changed"
        assert obeys(clean, "postgresql_set", name="shared_buffers", value=in_conf).status == "ok"
    finally:
        clean.sql("ALTER SYSTEM SET shared_buffers = '16MB'")
