"""postgresql_db: databases of a PostgreSQL cluster, their dumps and the way back."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _files
from nxtplay.modules import _postgres_database as databases
from nxtplay.modules import _postgres_dump as dumps
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, Session, database_key, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_database import DatabaseState

FIXED = ("encoding", "lc_collate", "lc_ctype", "icu_locale", "locale_provider")  # a database keeps what it was made with


class PostgresqlDb(PostgresLogin, Resource[DatabaseState]):
    """A database: there, gone, under another name; dumped to a file, restored from one."""

    name: str = arg(help="Name of the database.", key=True, aliases=["db"])
    state: Literal["present", "absent", "rename", "dump", "restore"] = arg(
        "present",
        help="Whether it should exist; `rename` gives it the name `target`, `dump` writes it to the file `target`, `restore` reads that.",
    )
    target: str | None = arg(
        None, help="With rename: the new name. With dump and restore: a file: .dump (.pgc), .tar, .sql, or these with .gz, .bz2, .xz."
    )
    target_opts: str | None = arg(None, help="With dump and restore: further options of pg_dump, pg_restore or psql.")
    dump_extra_args: str | None = arg(None, help="With dump: further options of pg_dump.")
    census: bool = arg(True, help="With dump: count rows and hash the schema at the dump's own snapshot; see that no table is missing.")
    owner: str | None = arg(None, help="Role that owns it.")
    template: str | None = arg(None, help="Database to copy when it is created; template1 unless given.")
    encoding: str | None = arg(None, help="Character encoding; cannot be changed later.")
    lc_collate: str | None = arg(None, help="Collation; cannot be changed later, and other than the template's needs template0.")
    lc_ctype: str | None = arg(None, help="Character classes; as lc_collate.")
    icu_locale: str | None = arg(None, help="ICU locale, with locale_provider icu; PostgreSQL 15 and later.")
    locale_provider: Literal["icu", "libc", "builtin"] | None = arg(None, help="Who compares text; PostgreSQL 15 and later.")
    tablespace: str | None = arg(None, help="Tablespace it lies in.")
    conn_limit: int | None = arg(None, help="How many may be connected at once; -1 is no limit.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    force: bool = arg(False, help="With absent and rename: end the sessions that use it. With restore: even into one that holds tables.")
    login_db: str | None = arg(None, help="Database to connect to; default postgres.", aliases=["maintenance_db"])

    rules = tuple(required_if("state", state, "target") for state in ("rename", "dump", "restore"))
    private = False

    def key(self) -> str:
        return database_key(self, self.name)

    def observe(self, host: Reader) -> Optional[DatabaseState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen and (state is not None or self.state != "rename"):
            found: Optional[DatabaseState] = state
            return found
        settled(host, self, "", "DATABASE")
        with self._session(host) as db:
            if self.state != "rename":
                return databases.look(db, self.name)
            old = databases.look_through(host, self, db, self.name)
            new = databases.look_through(host, self, db, str(self.target))
        if old and new:
            raise Failed(f"both {self.name} and {self.target} are there; one of them has to go before the rename")
        if not old and not new:
            raise Failed(f"neither {self.name} nor {self.target} is there; nothing to rename")
        return old or new

    def desired(self, host: Reader, before: Optional[DatabaseState]) -> Optional[DatabaseState]:
        if self.state in ("absent", "rename") and self.name == (self.login_db or "postgres"):
            raise Failed(f"{self.name} is the database that would be connected to meanwhile; name another one as login_db")
        if self.state == "absent":
            return None
        if self.state in ("dump", "restore"):
            if before is None:
                raise Failed(f"there is no database {self.name} to {'dump' if self.state == 'dump' else 'restore into; create it first'}")
            return before
        if self.state == "rename":
            return dataclasses.replace(before, name=str(self.target)) if before else None
        with self._session(host) as db:
            relation.refuse(host, self, db, owner=self.owner, tablespace=self.tablespace)
            wanted = {name: getattr(self, name) for name in ("owner", "tablespace", "conn_limit") if getattr(self, name) is not None}
            if before is None:
                return self._to_create(host, db, wanted)
            self._refuse_fixed(db, before)
            if self.comment is not None:
                wanted["comment"] = self.comment or None
            return dataclasses.replace(before, **wanted)

    def due(self, host: Reader, plan: Plan[DatabaseState]) -> Optional[str]:
        if self.state not in ("dump", "restore"):
            return None
        path = _files.host_path(str(self.target))
        form = dumps.format_of(path)
        if self.state == "dump":
            dumps.need(host, self, "pg_dump", *(["pg_restore"] if form.kind != "plain" else []))
            _files.parent_state(host, path)
            return f"dump to {path}"
        dumps.need(host, self, "psql" if form.kind == "plain" else "pg_restore")
        found = host.stat(path, follow=True)
        if found is None:
            raise Failed(f"target: no file {path} to restore from")
        if not (self.force or foreseen_state(host, self.key())[0]):
            with session(self, host, self.name) as db:
                holds = dumps.obstacle(db)
            if holds:
                raise Failed(f"{self.name} holds {holds} already: restore into a new database, or say force: true")
        return f"restore from {path}"

    def perform(self, host: Host, plan: Plan[DatabaseState]) -> None:
        path = _files.host_path(str(self.target))
        options = shlex.split(f"{self.target_opts or ''} {self.dump_extra_args or ''}")
        if self.state == "restore":
            entries = dumps.restore(self, host, self.name, path, options=options)
            host.note(target=path, entries=len(entries or ()))
            return
        done = dumps.dump(self, host, self.name, path, options=options, census=self.census)
        census = done.census.public() if done.census else None
        host.note(target=path, size=done.size, sha256=done.sha256, census=census, server_version=done.server_version)

    def apply(self, host: Host, plan: Plan[DatabaseState]) -> None:
        with self._session(host) as db:
            if self.state == "rename" and self.force:
                db.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", self.name)
            for statement in self._statements(plan.before, plan.after):
                db.run(statement)

    def also_foresee(self, host: Reader, plan: Plan[DatabaseState]) -> Sequence[tuple[str, Any]]:
        if self.state == "dump":
            path = _files.host_path(str(self.target))
            live = host.stat(path)
            mode = live.mode if live else 0o600
            made = dataclasses.replace(_files.fresh(host, path, "file"), mode=mode, content=Unknown(f"the dump {path} is not written yet"))
            return [(_files.file_key(path), dataclasses.replace(made, uid=live.uid, gid=live.gid) if live else made)]
        if self.state == "restore":
            return [(object_key("statement", self, self.name, "ANY"), Unknown(f"the restore into {self.name} was not run"))]
        if self.state != "rename":
            return ()
        return [(self.key(), None), (database_key(self, str(self.target)), plan.after)]

    def result(self, before: Optional[DatabaseState], after: Optional[DatabaseState]) -> dict[str, Any]:
        found: dict[str, Any] = {"db": self.name, "executed_commands": self._statements(before, after) if before != after else []}
        if self.state == "dump":  # what the dump itself notes takes their place
            later = Unknown(f"{self.name} was not dumped")
            found.update(target=_files.host_path(str(self.target)), size=later, sha256=later, census=later, server_version=later)
        return found

    # -- on the way

    def _session(self, host: Reader) -> Any:
        database = self.login_db or "postgres"
        return session(self, host, "template1" if database == self.name else database)

    def _statements(self, before: Optional[DatabaseState], after: Optional[DatabaseState]) -> list[str]:
        return databases.statements(before, after, vars(self), force=self.force)

    def _to_create(self, host: Reader, db: Session, wanted: dict[str, Any]) -> DatabaseState:
        name = self.template or "template1"
        template = databases.look_through(host, self, db, name)
        if template is None:
            raise Failed(f"template: there is no database {name} to copy")
        for key in FIXED:
            given = getattr(self, key)
            if given:
                wanted[key] = databases.encoding_name(db, given) if key == "encoding" else given
        for key in ("encoding", "lc_collate", "lc_ctype"):
            if key in wanted and name != "template0" and wanted[key] != getattr(template, key):
                found = getattr(template, key)
                raise Failed(f"{key}: {name} has {found}, a copy of it cannot have {wanted[key]}; write template: template0")
        user = str(db.value("SELECT current_user"))
        if not db.value("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"):
            raise Failed(f"role {user} may not create databases; log in as one that has CREATEDB")
        fresh = {"name": self.name, "owner": user, "conn_limit": -1, "comment": self.comment or None, "stand_in": template.stand_in or name}
        return dataclasses.replace(template, **{**fresh, **wanted})

    def _refuse_fixed(self, db: Session, before: DatabaseState) -> None:
        for key in FIXED:
            given, found = getattr(self, key), getattr(before, key)
            if not given:
                continue
            wanted = databases.encoding_name(db, given) if key == "encoding" else given
            if not (wanted == found or (key.startswith("lc_") and databases.same_locale(wanted, found))):
                raise Failed(f"{key}: {self.name} has {found}; it cannot become {wanted}, only a new database can (dump, create, restore)")
