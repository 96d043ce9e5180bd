"""postgresql_idx: indexes of a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, session, settled
from nxtplay.modules._postgres_relation import Place
from nxtplay.modules._postgres_types import PLAIN, identifier


@dataclass(frozen=True)
class IndexState:
    """An index. `valid` false: a concurrent build of it broke off, and it serves nobody."""

    table: str
    method: str
    unique: bool
    tablespace: str
    storage: dict[str, str]
    valid: bool


class PostgresqlIdx(PostgresLogin, Resource[IndexState]):
    """An index on a table. One left invalid by a build that broke off is built again."""

    idxname: str = arg(help="Name of the index.", key=True, aliases=["name"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    table: str | None = arg(None, help="Table it is on.")
    columns: list[str] | None = arg(None, help="Columns or expressions.", aliases=["column"])
    idxtype: str | None = arg(None, help="Method: btree, gist, gin, brin, hash ...", aliases=["type"])
    unique: bool | None = arg(None, help="Whether values must differ.", aliases=["unique_index"])
    cond: str | None = arg(None, help="Condition of a partial index.")
    schema: str | None = arg(None, help="Schema of table and index; public unless given.")
    tablespace: str | None = arg(None, help="Tablespace it lies in.")
    storage_params: list[str] | None = arg(None, help="Storage parameters: fillfactor=90.")
    concurrent: bool = arg(True, help="Build and drop without locking out writers.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    rules = (required_if("state", "present", "table", "columns"),)
    private = False

    @property
    def _place(self) -> Place:
        return relation.place(self.idxname, self.schema)

    def key(self) -> str:
        return relation.key("idx", self, self._place)

    def observe(self, host: Reader) -> Optional[IndexState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[IndexState] = state
            return out
        settled(host, self, database_of(self), "INDEX", "TABLE")
        with session(self, host) as db:
            found = relation.row(db, self._place, "i,I")
            more = found and db.one(
                "SELECT t.relname AS table, m.amname AS method, i.indisunique AS unique, i.indisvalid AS valid FROM pg_index i "
                "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam "
                "WHERE i.indexrelid = %s",
                found["oid"],
            )
        if not found or not more:
            return None
        return IndexState(**more, tablespace=found["tablespace"], storage=relation.parse_options(found["options"]))

    def desired(self, host: Reader, before: Optional[IndexState]) -> Optional[IndexState]:
        with session(self, host) as db:
            if self.state == "absent":
                self._refuse_needed(db, before)
                return None
            relation.refuse(host, self, db, tablespace=self.tablespace)
            table = relation.place(str(self.table), self.schema)
            if before is None:
                relation.taken(db, self._place, "i,I")
                foreseen, state = foreseen_state(host, relation.key("table", self, table))
                if not (state if foreseen else relation.row(db, table, "r,p,m")):
                    raise Failed(f"table: there is no table {table}")
                self._refuse_method(db)
        fixed = {"method": (self.idxtype or "btree").lower(), "unique": bool(self.unique), "table": table.name}
        if before is not None:
            for name, wanted in fixed.items():
                asked = {"method": self.idxtype, "unique": self.unique, "table": self.table}[name]
                if asked is not None and getattr(before, name) != wanted:
                    raise Failed(f"index {self._place} is there with {name} {getattr(before, name)}, wanted is {wanted}; drop it first")
        storage = {**(before.storage if before else {}), **relation.parse_options(self.storage_params)}
        space = self.tablespace or (before.tablespace if before else "pg_default")
        kept = before or IndexState(**fixed, tablespace=space, storage=storage, valid=True)  # type: ignore[arg-type]
        return IndexState(kept.table, kept.method, kept.unique, space, storage, True)

    def apply(self, host: Host, plan: Plan[IndexState]) -> None:
        with session(self, host) as db:
            for statement in self._statements(plan.before, plan.after):
                db.run(statement)

    def result(self, before: Optional[IndexState], after: Optional[IndexState]) -> dict[str, Any]:
        queries = self._statements(before, after)
        return {
            "name": self._place.name,
            "state": "present" if after else "absent",
            "schema": self._place.schema,
            "tblname": after.table if after else "",
            "tblspace": after.tablespace if after and after.tablespace != "pg_default" else "",
            "storage_params": [f"{name}={value}" for name, value in after.storage.items()] if after else [],
            "valid": after.valid if after else False,
            "query": queries[-1] if queries else "",
            "queries": queries,
        }

    def _refuse_method(self, db: Session) -> None:
        method = self.idxtype or "btree"
        found = db.one(
            "SELECT pg_indexam_has_property(oid, 'can_unique') AS may FROM pg_am WHERE amtype = 'i' AND amname = lower(%s)", method
        )
        if not found:
            raise Failed(f"idxtype: the server has no index method {method}")
        if self.unique and not found["may"]:
            raise Failed(f"unique: {method} has no unique indexes; take btree")

    def _refuse_needed(self, db: Session, before: Optional[IndexState]) -> None:
        found = relation.row(db, self._place, "i,I") if before else None
        if not found:
            return
        owner = db.value("SELECT conname FROM pg_constraint WHERE conindid = %s AND contype IN ('p', 'u', 'x')", found["oid"])
        if owner:
            raise Failed(f"index {self._place} belongs to constraint {owner}; drop the constraint instead")

    def _statements(self, before: Optional[IndexState], after: Optional[IndexState]) -> list[str]:
        concurrently = " CONCURRENTLY" if self.concurrent and not self.cascade else ""
        drop = f"DROP INDEX{concurrently} {self._place.sql}{' CASCADE' if self.cascade else ''}"
        if after is None:
            return [drop] if before else []
        if before is not None and before.valid:
            out = []
            if before.tablespace != after.tablespace:
                out.append(f"ALTER INDEX {self._place.sql} SET TABLESPACE {identifier(after.tablespace)}")
            new = {name: value for name, value in after.storage.items() if before.storage.get(name) != value}
            return [*out, f"ALTER INDEX {self._place.sql} SET ({_storage(new)})"] if new else out
        table = relation.place(str(self.table), self.schema)
        unique = " UNIQUE" if after.unique else ""
        sql = f"CREATE{unique} INDEX{concurrently} {identifier(self._place.name)} ON {table.sql}"
        sql += f" USING {self.idxtype or after.method.upper()} ({', '.join(self.columns or ())})"
        sql += f" WITH ({_storage(after.storage)})" if after.storage else ""
        sql += f" TABLESPACE {identifier(after.tablespace)}" if self.tablespace else ""
        sql += f" WHERE {self.cond}" if self.cond else ""
        return [*([drop] if before else []), sql]


def _storage(options: dict[str, str]) -> str:
    return ", ".join(f"{name if PLAIN.fullmatch(name) else identifier(name)}={value}" for name, value in options.items())
