"""postgresql_table: tables of a database."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, session, settled
from nxtplay.modules._postgres_relation import Place
from nxtplay.modules._postgres_types import identifier

KINDS = "r,p"


@dataclass(frozen=True)
class TableState:
    """A table. Its columns are told at its making and left alone later: migrations are the place for them."""

    name: str
    owner: str
    tablespace: str
    unlogged: bool
    storage: dict[str, str]


class PostgresqlTable(PostgresLogin, Resource[TableState]):
    """A table: there, gone, emptied, or under another name."""

    name: str = arg(help="Name of the table, with its schema unless that is public.", key=True, aliases=["table"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    columns: list[str] | None = arg(None, help="Columns as CREATE TABLE takes them: `id bigserial PRIMARY KEY`.")
    like: str | None = arg(None, help="Table to take the columns of.")
    including: str | None = arg(None, help="With like: what else to take: DEFAULTS, CONSTRAINTS, INDEXES, ALL.")
    owner: str | None = arg(None, help="Role that owns it.")
    unlogged: bool | None = arg(None, help="Whether it is left out of the write-ahead log (and emptied after a crash).")
    tablespace: str | None = arg(None, help="Tablespace it lies in.")
    storage_params: list[str] | None = arg(None, help="Storage parameters: fillfactor=80.")
    rename: str | None = arg(None, help="New name.")
    truncate: bool = arg(False, help="Empty it.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    rules = (exclusive("columns", "like"),)
    private = False

    @property
    def _place(self) -> Place:
        return relation.place(self.name)

    @property
    def _renamed(self) -> Place:
        return Place(self._place.schema, relation.place(self.rename or self.name).name)

    def key(self) -> str:
        return relation.key("table", self, self._place)

    def observe(self, host: Reader) -> Optional[TableState]:
        found = self._look(host, self._place)
        if not self.rename:
            return found
        new = self._look(host, self._renamed)
        if found and new:
            raise Failed(f"both {self._place} and {self._renamed} are there; one of them has to go before the rename")
        if not found and not new:
            raise Failed(f"neither {self._place} nor {self._renamed} is there; nothing to rename")
        return found or new

    def desired(self, host: Reader, before: Optional[TableState]) -> Optional[TableState]:
        if self.rename and (self.truncate or self.state == "absent"):
            raise Failed("rename goes with neither truncate nor state: absent")
        with session(self, host) as db:
            if self.state == "absent":
                oid = (relation.row(db, self._place, KINDS) or {}).get("oid")
                held = relation.dependents(db, oid) if before and oid and not self.cascade else []
                if held:
                    raise Failed(f"{self._place} is needed by {', '.join(held)}; cascade: true drops them with it")
                return None
            relation.refuse(host, self, db, owner=self.owner, tablespace=self.tablespace)
            storage = relation.parse_options(self.storage_params)
            if before is None:
                if self.truncate:
                    raise Failed(f"there is no table {self._place} to empty")
                relation.refuse(host, self, db, schema=self._place.schema)
                relation.taken(db, self._place, KINDS)
                pattern = relation.place(self.like) if self.like else None
                if pattern and not (self._look(host, pattern) or relation.row(db, pattern, "v,m,f,c")):
                    raise Failed(f"like: there is no table {self.like}")
                before = TableState(str(self._place), str(db.value("SELECT current_user")), "pg_default", False, {})
        wanted: dict[str, Any] = {"storage": {**before.storage, **storage}}
        for name in ("owner", "tablespace", "unlogged"):
            if getattr(self, name) is not None:
                wanted[name] = getattr(self, name)
        if self.rename:
            wanted["name"] = str(self._renamed)
        return dataclasses.replace(before, **wanted)

    def due(self, host: Reader, plan: Plan[TableState]) -> Optional[str]:
        if not self.truncate or plan.before is None:
            return None
        live = None
        with session(self, host) as db:
            if relation.row(db, self._place, KINDS):
                live = db.value(f"SELECT EXISTS (SELECT FROM {self._place.sql})")
        return "it holds rows" if live else None

    def perform(self, host: Host, plan: Plan[TableState]) -> None:
        with session(self, host) as db:
            db.run(f"TRUNCATE {self._place.sql}")

    def apply(self, host: Host, plan: Plan[TableState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def also_foresee(self, host: Reader, plan: Plan[TableState]) -> Sequence[tuple[str, Any]]:
        if not self.rename:
            return ()
        return [(self.key(), None), (relation.key("table", self, self._renamed), plan.after)]

    def result(self, before: Optional[TableState], after: Optional[TableState]) -> dict[str, Any]:
        out: dict[str, Any] = {"table": self.name, "state": "present" if after else "absent", "queries": self._statements(before, after)}
        of = after or before
        if of:
            space = "" if of.tablespace == "pg_default" else of.tablespace
            out.update(owner=of.owner, tablespace=space, storage_params=[f"{name}={value}" for name, value in of.storage.items()])
        return out

    def _look(self, host: Reader, where: Place) -> Optional[TableState]:
        foreseen, state = foreseen_state(host, relation.key("table", self, where))
        if foreseen:
            out: Optional[TableState] = state
            return out
        settled(host, self, database_of(self), "TABLE")
        with session(self, host) as db:
            found = relation.row(db, where, KINDS)
        if found is None:
            return None
        storage = relation.parse_options(found["options"])
        return TableState(str(where), found["owner"], found["tablespace"], found["persistence"] == "u", storage)

    def _statements(self, before: Optional[TableState], after: Optional[TableState]) -> list[str]:
        if after is None:
            return [f"DROP TABLE {self._place.sql}{' CASCADE' if self.cascade else ''}"] if before else []
        where = relation.place(after.name)
        if before is None:
            body = ", ".join(self.columns or ())
            if self.like:
                what = [word.strip() for word in (self.including or "").split(",") if word.strip()]
                body = f"LIKE {relation.place(self.like).sql}" + "".join(f" INCLUDING {word}" for word in what)
            storage = f" WITH ({_storage(after.storage)})" if after.storage else ""
            space = f" TABLESPACE {identifier(after.tablespace)}" if self.tablespace else ""
            out = [f"CREATE {'UNLOGGED ' if after.unlogged else ''}TABLE {where.sql} ({body}){storage}{space}"]
            return [*out, f"ALTER TABLE {where.sql} OWNER TO {identifier(after.owner)}"] if self.owner else out
        out = []
        if before.name != after.name:
            out.append(f"ALTER TABLE {relation.place(before.name).sql} RENAME TO {identifier(where.name)}")
        if before.owner != after.owner:
            out.append(f"ALTER TABLE {where.sql} OWNER TO {identifier(after.owner)}")
        if before.unlogged != after.unlogged:
            out.append(f"ALTER TABLE {where.sql} SET {'UNLOGGED' if after.unlogged else 'LOGGED'}")
        if before.tablespace != after.tablespace:
            out.append(f"ALTER TABLE {where.sql} SET TABLESPACE {identifier(after.tablespace)}")
        new = {name: value for name, value in after.storage.items() if before.storage.get(name) != value}
        return [*out, f"ALTER TABLE {where.sql} SET ({_storage(new)})"] if new else out


def _storage(options: dict[str, str]) -> str:
    return ", ".join(f"{'.'.join(identifier(part) for part in name.split('.'))} = {value}" for name, value in options.items())
