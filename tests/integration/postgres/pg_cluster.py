"""A PostgreSQL server of the tests' own, on a socket and a port nobody else has; what may be asked of it."""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.core import wire
from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry
from nxtplay.modules._postgres import PostgresLogin, session

PASSWORD = "sésame ' \\ open"
SHARED = ("pg_database", "pg_authid", "pg_auth_members", "pg_db_role_setting", "pg_tablespace", "pg_shdescription",
          "pg_replication_slots", "pg_file_settings", "pg_hba_file_rules")  # fmt: skip
OWN = ("pg_class", "pg_namespace", "pg_extension", "pg_attribute", "pg_default_acl", "pg_proc", "pg_publication", "pg_publication_rel",
       "pg_subscription", "pg_description", "pg_index", "pg_sequence", "pg_attrdef", "pg_constraint")  # fmt: skip
VOLATILE = ("datfrozenxid,datminmxid,datlastsysoid,wal_status,safe_wal_size,relpages,reltuples,relallvisible,relfrozenxid,relminmxid,"
            "restart_lsn,xmin,catalog_xmin,confirmed_flush_lsn")  # fmt: skip
PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Cluster:
    """A running server; `login` are the arguments that reach it as its superuser."""

    directory: str
    port: int
    bin: str
    login: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Its major version."""
        return int(self.sql("SELECT current_setting('server_version_num')::int / 10000 AS n")[0]["n"])

    def sql(self, text: str, *params: Any, database: str = "postgres") -> list[dict[str, Any]]:
        with session(decode(Plain, {**self.login, "login_db": database}), Reader()) as db:
            return db.query(text, *params)

    def check(self, module: str, world: World | None = None, **args: Any) -> Outcome:
        world = world if world is not None else World()
        outcome = converge(decode(registry.load(module), {**self.login, **args}), Reader(world), world, None)
        for _, state in world.take_news():
            wire.encode(state)
        return travelled(outcome)

    def run(self, module: str, **args: Any) -> Outcome:
        host = Host(World())
        return travelled(converge(decode(registry.load(module), {**self.login, **args}), host, World(), host))

    def catalog(self, *databases: str) -> dict[str, Any]:
        """Everything a module could have changed, row by row, without what changes by itself."""
        out = self._rows("postgres", SHARED)
        for database in databases or ("postgres", "template1"):
            out.update(self._rows(database, OWN))
        return out

    def _rows(self, database: str, tables: Sequence[str]) -> dict[str, Any]:
        selects = []
        for table in tables:
            column = {"pg_attribute": "attrelid", "pg_index": "indrelid"}.get(table, "oid")
            ours = table in ("pg_class", "pg_proc", "pg_attribute", "pg_index", "pg_constraint")
            where = f"WHERE {column} >= 16384" if ours else ""
            if table == "pg_description":
                where = "WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass"
            selects.append(f"SELECT to_jsonb(t) - '{{{VOLATILE}}}'::text[] FROM {table} t {where}")
        with session(decode(Plain, {**self.login, "login_db": database}), Reader()) as db:
            answers = db.run(";".join(selects))
        return {f"{database}.{table}": sorted(str(row) for row in answer.rows) for table, answer in zip(tables, answers, strict=True)}


class Plain(PostgresLogin):
    """A login and nothing else."""


def travelled(outcome: Outcome) -> Outcome:
    """The outcome after its way to the controller."""
    sent = json.loads(json.dumps(wire.encode(outcome.result)))
    json.dumps(wire.encode([(c.before, c.after) for c in outcome.changes]))
    return dataclasses.replace(outcome, result=wire.decode(sent))


def start(directory: str, programs: str, port: int) -> Cluster:
    """A new cluster below `directory`; SCRAM over TCP, peer on the socket."""
    account = pwd.getpwnam("postgres")
    os.chown(directory, account.pw_uid, account.pw_gid)
    data = os.path.join(directory, "data")
    secret = os.path.join(directory, "password")
    with open(secret, "w", encoding="utf-8") as stream:
        stream.write(PASSWORD + "\n")
    os.chown(secret, account.pw_uid, account.pw_gid)

    def as_postgres(*argv: str) -> None:
        who: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(argv, check=True, cwd=directory, stdout=subprocess.DEVNULL, **who)

    as_postgres(
        f"{programs}/initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        "--auth-local=peer", "--auth-host=scram-sha-256", f"--pwfile={secret}",
    )  # fmt: skip
    with open(os.path.join(data, "postgresql.auto.conf"), "a", encoding="utf-8") as stream:
        stream.write(
            f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{directory}'\nfsync = off\nautovacuum = off\n"
            "wal_level = logical\nshared_buffers = '16MB'\nmax_connections = 40\n"
        )
    as_postgres(f"{programs}/pg_ctl", "-D", data, "-w", "-l", os.path.join(directory, "log"), "start")
    return Cluster(directory, port, programs, {"login_host": "127.0.0.1", "login_port": port, "login_password": PASSWORD})


def stop(cluster: Cluster) -> None:
    account = pwd.getpwnam("postgres")
    command = [f"{cluster.bin}/pg_ctl", "-D", os.path.join(cluster.directory, "data"), "-m", "immediate", "stop"]
    subprocess.run(command, user=account.pw_uid, group=account.pw_gid, cwd="/", stdout=subprocess.DEVNULL, check=False)
    shutil.rmtree(cluster.directory, ignore_errors=True)


def wipe(cluster: Cluster) -> None:
    for row in cluster.sql("SELECT datname AS n FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"):
        name = row["n"].replace('"', '""')
        cluster.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    for row in cluster.sql("SELECT spcname AS n FROM pg_tablespace WHERE spcname !~ '^pg_'"):
        cluster.sql(f'DROP TABLESPACE "{row["n"]}"')
    for row in cluster.sql("SELECT rolname AS n FROM pg_roles WHERE rolname <> 'postgres' AND rolname !~ '^pg_'"):
        name = row["n"].replace('"', '""')
        cluster.sql(f'DROP OWNED BY "{name}"')
        cluster.sql(f'DROP ROLE "{name}"')
    for row in cluster.sql("SELECT extname AS n FROM pg_extension WHERE extname <> 'plpgsql'"):
        cluster.sql(f'DROP EXTENSION IF EXISTS "{row["n"]}" CASCADE')
