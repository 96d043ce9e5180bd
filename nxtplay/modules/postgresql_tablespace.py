"""postgresql_tablespace: places where a cluster's data may lie."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import identifier, literal


@dataclass(frozen=True)
class TablespaceState:
    """A tablespace; `location` is a directory of the server."""

    name: str
    owner: str
    location: str
    options: Mapping[str, str]
    comment: Optional[str] = None


class PostgresqlTablespace(PostgresLogin, Resource[TablespaceState]):
    """A tablespace: there, gone, or under another name."""

    tablespace: str = arg(help="Name of the tablespace.", key=True, aliases=["name"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    location: str | None = arg(None, help="Directory on the server, empty and its own, to lie in.", aliases=["path"])
    owner: str | None = arg(None, help="Role that owns it.")
    set: dict[str, str] | None = arg(None, help="Parameters such as random_page_cost; `reset` takes one back.")
    comment: str | None = arg(None, help="Comment on it; empty takes it away.")
    rename_to: str | None = arg(None, help="New name.")

    private = False

    def key(self) -> str:
        return object_key("tablespace", self, "", self.tablespace)

    def observe(self, host: Reader) -> Optional[TablespaceState]:
        found = self._look(host, self.tablespace)
        if not self.rename_to:
            return found
        new = self._look(host, self.rename_to)
        if found and new:
            raise Failed(f"both {self.tablespace} and {self.rename_to} are there; one of them has to go before the rename")
        if not found and not new:
            raise Failed(f"neither {self.tablespace} nor {self.rename_to} is there; nothing to rename")
        return found or new

    def desired(self, host: Reader, before: Optional[TablespaceState]) -> Optional[TablespaceState]:
        with session(self, host) as db:
            if self.state == "absent":
                _refuse_used(db, self.tablespace)
                return None
            relation.refuse(host, self, db, owner=self.owner)
            if before is None:
                self._refuse_place(host, db)
                before = TablespaceState(self.tablespace, str(db.value("SELECT current_user")), str(self.location), {})
        if self.location and self.location.rstrip("/") != before.location.rstrip("/"):
            raise Failed(f"location: {before.name} lies in {before.location} and cannot be moved to {self.location}")
        name = self.rename_to or before.name
        options = {**before.options, **relation.options(self.set)}
        options = dict(sorted((key, value) for key, value in options.items() if value != "reset"))
        comment = before.comment if self.comment is None else self.comment or None
        return dataclasses.replace(before, name=name, owner=self.owner or before.owner, options=options, comment=comment)

    def apply(self, host: Host, plan: Plan[TablespaceState]) -> None:
        with session(self, host) as db:
            for statement in self._statements(plan.before, plan.after):
                db.run(statement)

    def also_foresee(self, host: Reader, plan: Plan[TablespaceState]) -> Sequence[tuple[str, Any]]:
        return [(self.key(), None), (object_key("tablespace", self, "", self.rename_to), plan.after)] if self.rename_to else ()

    def result(self, before: Optional[TablespaceState], after: Optional[TablespaceState]) -> dict[str, Any]:
        of = after or before
        out: dict[str, Any] = {"tablespace": self.tablespace, "state": "present" if after else "absent"}
        out.update(queries=self._statements(before, after), owner=of.owner if of else "", location=of.location if of else "")
        out.update(options=dict(of.options) if of else {}, comment=(of.comment or "") if of else "")
        return {**out, "newname": self.rename_to} if self.rename_to else out

    def _look(self, host: Reader, name: str) -> Optional[TablespaceState]:
        foreseen, state = foreseen_state(host, object_key("tablespace", self, "", name))
        if foreseen:
            out: Optional[TablespaceState] = state
            return out
        settled(host, self, database_of(self), "TABLESPACE")
        with session(self, host) as db:
            found = db.one(
                "SELECT spcname AS name, pg_get_userbyid(spcowner) AS owner, pg_tablespace_location(oid) AS location, "
                "spcoptions AS options, shobj_description(oid, 'pg_tablespace') AS comment FROM pg_tablespace WHERE spcname = %s",
                name,
            )
        return TablespaceState(**{**found, "options": relation.parse_options(found["options"])}) if found else None

    def _refuse_place(self, host: Reader, db: Session) -> None:
        if not self.location:
            raise Failed(f"location: tablespace {self.tablespace} is not there yet; say in which directory of the server to make it")
        if not self.location.startswith("/"):
            raise Failed(f"location: {self.location} must be an absolute path")
        if host.has_foreseen("file:" + self.location.rstrip("/")):
            return
        found = db.one("SELECT isdir FROM pg_stat_file(%s, true)", self.location)
        if not found or not found["isdir"]:
            raise Failed(f"location: the server has no directory {self.location}; make it first, owned by the user it runs as")
        other = db.value("SELECT spcname FROM pg_tablespace WHERE pg_tablespace_location(oid) = %s", self.location.rstrip("/"))
        if other:
            raise Failed(f"location: {self.location} is tablespace {other}'s already")

    def _statements(self, before: Optional[TablespaceState], after: Optional[TablespaceState]) -> list[str]:
        if after is None:
            return [f"DROP TABLESPACE {identifier(self.tablespace)}"] if before else []
        name = identifier(after.name)
        out = []
        if before is None:
            owner = f" OWNER {identifier(self.owner)}" if self.owner else ""
            out.append(f"CREATE TABLESPACE {name}{owner} LOCATION {literal(after.location)}")
        else:
            out += [f"ALTER TABLESPACE {identifier(before.name)} RENAME TO {name}"] if before.name != after.name else []
            out += [f"ALTER TABLESPACE {name} OWNER TO {identifier(after.owner)}"] if before.owner != after.owner else []
        if (before.comment if before else None) != after.comment:
            out.append(f"COMMENT ON TABLESPACE {name} IS {literal(after.comment)}")
        old = before.options if before else {}
        new = {key: value for key, value in after.options.items() if old.get(key) != value}
        gone = [key for key in old if key not in after.options]
        out += [f"ALTER TABLESPACE {name} SET ({', '.join(f'{identifier(k)} = {v}' for k, v in new.items())})"] if new else []
        return [*out, f"ALTER TABLESPACE {name} RESET ({', '.join(identifier(k) for k in gone)})"] if gone else out


def _refuse_used(db: Session, name: str) -> None:
    rows = db.query(
        "SELECT d.datname AS name FROM pg_tablespace t, LATERAL pg_tablespace_databases(t.oid) AS u(oid) "
        "JOIN pg_database d ON d.oid = u.oid WHERE t.spcname = %s ORDER BY 1",
        name,
    )
    if rows:
        raise Failed(f"tablespace {name} is not empty: {', '.join(row['name'] for row in rows)} has data in it")
