"""Every module of the family once against servers of the other versions: 13, 14, 16, 17, 18, as far as pg_servers.py has fetched them.

All the tests of this folder run against one of them with NXTPLAY_TEST_POSTGRES=17.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from pg_cluster import PASSWORD, Cluster, free_port, start, stop
from pg_laws import obeys
from pg_servers import RELEASES, installed

TASKS: list[tuple[str, dict[str, Any]]] = [
    ("postgresql_user", {"name": "ann", "password": "pw", "role_attr_flags": "CREATEDB", "configuration": {"work_mem": "5MB"}}),
    ("postgresql_user", {"name": "readers", "role_attr_flags": "NOLOGIN"}),
    ("postgresql_membership", {"groups": ["readers"], "target_roles": ["ann"]}),
    ("postgresql_db", {"name": "app", "owner": "ann", "template": "template0", "encoding": "UTF8", "conn_limit": 9}),
    ("postgresql_schema", {"login_db": "app", "name": "s", "owner": "ann", "comment": "why"}),
    ("postgresql_ext", {"login_db": "app", "name": "hstore", "schema": "s"}),
    ("postgresql_table", {"login_db": "app", "name": "s.t", "columns": ["id int primary key", "name text"], "owner": "ann"}),
    ("postgresql_idx", {"login_db": "app", "schema": "s", "table": "t", "columns": ["name"], "idxname": "by_name"}),
    ("postgresql_sequence", {"login_db": "app", "name": "q", "increment": 5, "schema": "s"}),
    ("postgresql_owner", {"login_db": "app", "obj_type": "sequence", "obj_name": "s.q", "new_owner": "ann"}),
    ("postgresql_privs", {"login_db": "app", "schema": "s", "objs": "t", "privs": "SELECT,UPDATE", "roles": "readers"}),
    ("postgresql_privs", {
        "login_db": "app", "type": "default_privs", "objs": "TABLES", "privs": "SELECT", "roles": "readers", "schema": "s",
    }),
    ("postgresql_set", {"name": "work_mem", "value": "6MB"}),
    ("postgresql_alter_system", {"param": "work_mem", "value": "_RESET"}),
    ("postgresql_publication", {"login_db": "app", "name": "p", "tables": ["s.t"], "parameters": {"publish": "insert"}}),
    ("postgresql_slot", {"name": "one"}),
    ("postgresql_slot", {"name": "one", "state": "absent"}),
    ("postgresql_subscription", {
        "login_db": "app", "name": "sub", "publications": ["p"], "connparams": {"host": "127.0.0.1", "dbname": "app", "password": PASSWORD},
        "subsparams": {"connect": "false"},
    }),
    ("postgresql_subscription", {"login_db": "app", "name": "sub", "subsparams": {"slot_name": "NONE"}}),
    ("postgresql_subscription", {"login_db": "app", "name": "sub", "state": "absent"}),
    ("postgresql_publication", {"login_db": "app", "name": "p", "state": "absent"}),
    ("postgresql_owner", {"login_db": "app", "reassign_owned_by": ["ann"], "new_owner": "postgres"}),
    ("postgresql_db", {"name": "app", "state": "absent"}),
]  # fmt: skip
LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("postgresql_ping", {}),
    ("postgresql_info", {}),
    ("postgresql_replication_info", {}),
    ("postgresql_user_obj_stat_info", {}),
    ("postgresql_census", {}),
    ("postgresql_query", {"query": "SELECT %s::int AS n", "positional_args": [7]}),
]


@pytest.fixture(params=sorted(RELEASES))
def other(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    programs = installed().get(request.param)
    if programs is None or os.geteuid() != 0:
        pytest.skip(f"needs root and a server of version {request.param}: python tests/integration/postgres/pg_servers.py {request.param}")
    found = start(tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp"), programs, free_port())
    assert found.version == request.param
    yield found
    stop(found)


def test_all_modules(other: Cluster) -> None:
    there = False
    for module, args in TASKS:
        if args.get("name") == "app" and module == "postgresql_db":
            there = False
        done = obeys(other, module, *(["app"] if there else []), **args)
        assert done.status == "changed", (module, args, done)
        there = there or module == "postgresql_db"
    for module, args in LOOKS:
        looked = other.check(module, **args)
        assert looked.status == "ok", (module, looked)
