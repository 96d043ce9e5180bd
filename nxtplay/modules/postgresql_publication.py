"""postgresql_publication: what a database publishes for logical replication."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.core.types import Raw
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules import _postgres_sql as sql
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import identifier, literal
from nxtplay.modules._postgres_wire import PgError

ACTIONS = ("insert", "update", "delete", "truncate")


@dataclass(frozen=True)
class PublicationState:
    """A publication. `tables` None: all of them. `parameters` are publish (actions, sorted) and publish_via_partition_root.

    `columns` and `filters` are by table; a table that has none there is published whole. The server writes conditions in its own way:
    `filters` has how it plans them, which tells whether two mean the same, and `texts` how they were written.
    """

    owner: str
    tables: Optional[tuple[str, ...]]
    schemas: tuple[str, ...]
    parameters: Mapping[str, str]
    comment: Optional[str]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, metadata={"volatile": True})


class PostgresqlPublication(PostgresLogin, Resource[PublicationState]):
    """A publication of a database's tables."""

    name: str = arg(help="Name of the publication.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    tables: list[str] | None = arg(None, help="Tables to publish; unset with no schemas: all, where it is created.")
    tables_in_schema: list[str] | None = arg(None, help="Schemas whose tables are all published; PostgreSQL 15 and later.")
    columns: dict[str, Raw] | None = arg(None, help="Tables to publish, each with a list of columns (empty: all); PostgreSQL 15 and later.")
    rowfilters: dict[str, str] | None = arg(
        None, help="Conditions by table: only rows that meet them are published; other tables lose theirs. PostgreSQL 15 and later."
    )
    parameters: dict[str, str] | None = arg(None, help="publish (insert, update, delete, truncate), publish_via_partition_root.")
    owner: str | None = arg(None, help="Role that owns it.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    rules = (exclusive("tables", "tables_in_schema", "columns"), exclusive("rowfilters", "tables_in_schema"))
    private = False

    def key(self) -> str:
        return object_key("publication", self, database_of(self), self.name)

    def observe(self, host: Reader) -> Optional[PublicationState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[PublicationState] = state
            return out
        settled(host, self, database_of(self), "PUBLICATION", "TABLE")
        with session(self, host) as db:
            return _look(db, self.name)

    def desired(self, host: Reader, before: Optional[PublicationState]) -> Optional[PublicationState]:
        if self.state == "absent":
            return None
        with session(self, host) as db:
            relation.refuse(host, self, db, owner=self.owner)
            for table in self.tables or self.columns or ():
                where = relation.place(table)
                foreseen, state = foreseen_state(host, relation.key("table", self, where))
                if not (state if foreseen else relation.row(db, where, "r,p")):
                    raise Failed(f"{'tables' if self.tables else 'columns'}: there is no table {where}")
            for schema in self.tables_in_schema or ():
                relation.refuse(host, self, db, schema=schema)
            for name in ("tables_in_schema", "columns", "rowfilters"):
                if getattr(self, name) and db.version < 150000:
                    raise Failed(f"{name}: needs PostgreSQL 15 or later")
            start = before or self._fresh(str(db.value("SELECT current_user")))
        wanted: dict[str, Any] = {"owner": self.owner or start.owner, "parameters": {**start.parameters, **self._parameters()}}
        if self.comment is not None:
            wanted["comment"] = self.comment or None
        named = self.tables if self.tables is not None else self.columns
        if named is not None:
            wanted.update(tables=tuple(sorted(_plain(table) for table in named)), schemas=())
        if self.tables_in_schema is not None:
            wanted.update(tables=(), schemas=tuple(sorted(self.tables_in_schema)))
        if self.columns is not None:
            given = {_plain(table): _names(columns) for table, columns in self.columns.items()}
            wanted["columns"] = {table: tuple(sorted(columns)) for table, columns in given.items() if columns}
        after = dataclasses.replace(start, **wanted)
        filters, texts = self._filters(host, after)
        after = dataclasses.replace(after, filters=filters, texts=texts, columns=_of(after, after.columns))
        if before is not None and before.tables is None and after.tables is not None:
            raise Failed(f"publication {self.name} is for all tables, which cannot be narrowed; drop it first")
        return after

    def apply(self, host: Host, plan: Plan[PublicationState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def result(self, before: Optional[PublicationState], after: Optional[PublicationState]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if after:
            published = after.parameters["publish"].split(", ")
            told = {
                "alltables": after.tables is None,
                "tables": [relation.place(table).sql for table in after.tables or ()],
                "columns": {relation.place(table).sql: list(columns) for table, columns in after.columns.items()},
                "rowfilters": {relation.place(table).sql: text for table, text in after.texts.items()},
                "schemas": list(after.schemas),
                "owner": after.owner,
                "comment": after.comment or "",
                "parameters": {
                    "publish": {action: action in published for action in ACTIONS},
                    "publish_via_partition_root": after.parameters["publish_via_partition_root"] == "true",
                },
            }
        return {"exists": after is not None, "queries": self._statements(before, after), **told}

    def _filters(self, host: Reader, after: PublicationState) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What the wanted condition of each table means, and how it is written."""
        if self.rowfilters is None:
            return _of(after, after.filters), _of(after, after.texts)
        wanted = {_plain(table): text for table, text in self.rowfilters.items()}
        strange = sorted(set(wanted) - set(after.tables or ()))
        if strange:
            raise Failed(f"rowfilters: {', '.join(strange)} is not among the tables")
        with session(self, host) as db:
            return {table: _meaning(db, table, text) for table, text in sorted(wanted.items())}, wanted

    def _fresh(self, user: str) -> PublicationState:
        every = self.tables is None and self.tables_in_schema is None and self.columns is None
        parameters = {"publish": "delete, insert, truncate, update", "publish_via_partition_root": "false"}
        return PublicationState(user, None if every else (), (), parameters, None)

    def _parameters(self) -> dict[str, str]:
        out = {}
        for name, value in (self.parameters or {}).items():
            if name == "publish":
                actions = sorted(part.strip() for part in value.split(",") if part.strip())
                wrong = set(actions) - set(ACTIONS)
                if wrong:
                    raise Failed(f"parameters: publish cannot be '{', '.join(wrong)}'; insert, update, delete, truncate are what there is")
                out[name] = ", ".join(actions)
            elif name == "publish_via_partition_root":
                out[name] = "true" if value.lower() in ("true", "on", "yes", "1", "t", "y") else "false"
            else:
                raise Failed(f"parameters: unknown '{name}'; legal are publish, publish_via_partition_root")
        return out

    def _statements(self, before: Optional[PublicationState], after: Optional[PublicationState]) -> list[str]:
        name = identifier(self.name)
        if after is None:
            return [f"DROP PUBLICATION {name}{' CASCADE' if self.cascade else ''}"] if before else []
        out = []
        if before is None:
            target = " FOR ALL TABLES" if after.tables is None else _target(after, " FOR ")
            given = {key: value for key, value in after.parameters.items() if key in (self.parameters or {})}
            out.append(f"CREATE PUBLICATION {name}{target}" + (f" WITH ({_with(given)})" if given else ""))
            out += [f"ALTER PUBLICATION {name} OWNER TO {identifier(after.owner)}"] if self.owner else []
        else:
            if _targets(before) != _targets(after):
                out += self._retarget(name, before, after)
            if before.parameters != after.parameters:
                new = {key: value for key, value in after.parameters.items() if before.parameters.get(key) != value}
                out.append(f"ALTER PUBLICATION {name} SET ({_with(new)})")
            if before.owner != after.owner:
                out.append(f"ALTER PUBLICATION {name} OWNER TO {identifier(after.owner)}")
        if (before.comment if before else None) != after.comment:
            out.append(f"COMMENT ON PUBLICATION {name} IS {literal(after.comment)}")
        return out

    def _retarget(self, name: str, before: PublicationState, after: PublicationState) -> list[str]:
        target = _target(after, "")
        if target:
            return [f"ALTER PUBLICATION {name} SET {target}"]
        whole = dataclasses.replace(before, columns={}, filters={}, texts={})
        return [f"ALTER PUBLICATION {name} DROP {_target(whole, '')}"]


def _names(columns: Any) -> list[str]:
    """A list of columns as given: `[a, b]`, `"a, b"` or nothing."""
    found = columns.split(",") if isinstance(columns, str) else columns or ()
    return [str(name).strip() for name in found]


def _plain(table: str) -> str:
    return str(relation.place(table))


def _of(state: PublicationState, by_table: Mapping[str, Any]) -> dict[str, Any]:
    """What of it belongs to tables that are published."""
    return {table: by_table[table] for table in sorted(by_table) if table in (state.tables or ())}


def _targets(state: PublicationState) -> tuple[Any, ...]:
    return state.tables, state.schemas, state.columns, state.filters


def _meaning(db: Session, table: str, condition: str) -> str:
    """How the server plans it: two texts of one meaning are planned alike. A table that is not there yet has the text itself."""
    if len(sql.split(f"SELECT {condition}")) != 1:
        raise Failed(f"rowfilters: '{condition}' is more than a condition")
    where = relation.place(table)
    if not relation.row(db, where, "r,p"):
        return condition
    try:
        return "\n".join(str(row["QUERY PLAN"]) for row in db.query(f"EXPLAIN (COSTS OFF) SELECT FROM {where.sql} WHERE ({condition})"))
    except PgError as error:
        if error.code == "42501":  # who may not read the table may publish it all the same
            return condition
        raise Failed(f"rowfilters: '{condition}' is no condition for {where}: {error}") from error


def _table(state: PublicationState, table: str) -> str:
    columns = state.columns.get(table)
    shown = f" ({', '.join(identifier(name) for name in columns)})" if columns else ""
    return relation.place(table).sql + shown + (f" WHERE ({state.texts[table]})" if table in state.texts else "")


def _target(state: PublicationState, front: str) -> str:
    parts = ["TABLE " + ", ".join(_table(state, t) for t in state.tables)] if state.tables else []
    parts += ["TABLES IN SCHEMA " + ", ".join(identifier(s) for s in state.schemas)] if state.schemas else []
    return front + ", ".join(parts) if parts else ""


def _with(parameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {literal(value)}" for name, value in parameters.items())


def _look(db: Session, name: str) -> Optional[PublicationState]:
    found = db.one(
        "SELECT oid, pg_get_userbyid(pubowner) AS owner, puballtables AS every, pubinsert AS insert, pubupdate AS update, "
        "pubdelete AS delete, pubtruncate AS truncate, pubviaroot AS root, obj_description(oid, 'pg_publication') AS comment "
        "FROM pg_publication WHERE pubname = %s",
        name,
    )
    if not found:
        return None
    parts = (
        "array(SELECT attname FROM pg_attribute WHERE attrelid = p.prrelid AND attnum = ANY (p.prattrs))::text[] AS columns, "
        "pg_get_expr(p.prqual, p.prrelid) AS filter" if db.version >= 150000 else "NULL::text[] AS columns, NULL AS filter"
    )  # fmt: skip
    rows = db.query(
        f"SELECT n.nspname AS schema, c.relname AS name, {parts} FROM pg_publication_rel p JOIN pg_class c ON c.oid = p.prrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.prpubid = %s",
        found["oid"],
    )
    by_table = {str(relation.Place(row["schema"], row["name"])): row for row in rows}
    columns = {table: tuple(sorted(row["columns"])) for table, row in sorted(by_table.items()) if row["columns"]}
    texts = {table: row["filter"] for table, row in sorted(by_table.items()) if row["filter"]}
    filters = {table: _meaning(db, table, text) for table, text in texts.items()}
    tables = tuple(sorted(by_table))
    schemas: tuple[str, ...] = ()
    if db.version >= 150000:
        rows = db.query(
            "SELECT nspname AS name FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid WHERE p.pnpubid = %s",
            found["oid"],
        )
        schemas = tuple(sorted(row["name"] for row in rows))
    actions = [action for action in ("delete", "insert", "truncate", "update") if found[action]]
    parameters = {"publish": ", ".join(actions), "publish_via_partition_root": "true" if found["root"] else "false"}
    every = None if found["every"] else tables
    return PublicationState(found["owner"], every, schemas, parameters, found["comment"], columns, filters, texts)
