"""postgresql_publication: what a database publishes for logical replication."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import identifier, literal


@dataclass(frozen=True)
class PublicationState:
    """A publication. `tables` None: all of them. `parameters` are publish (actions, sorted) and publish_via_partition_root."""

    owner: str
    tables: Optional[tuple[str, ...]]
    schemas: tuple[str, ...]
    parameters: Mapping[str, str]
    comment: Optional[str]


class PostgresqlPublication(PostgresLogin, Resource[PublicationState]):
    """A publication of a database's tables."""

    name: str = arg(help="Name of the publication.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    tables: list[str] | None = arg(None, help="Tables to publish; unset with no schemas: all, where it is created.")
    tables_in_schema: list[str] | None = arg(None, help="Schemas whose tables are all published; PostgreSQL 15 and later.")
    parameters: dict[str, str] | None = arg(None, help="publish (insert, update, delete, truncate), publish_via_partition_root.")
    owner: str | None = arg(None, help="Role that owns it.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    rules = (exclusive("tables", "tables_in_schema"),)
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
            for table in self.tables or ():
                where = relation.place(table)
                foreseen, state = foreseen_state(host, relation.key("table", self, where))
                if not (state if foreseen else relation.row(db, where, "r,p")):
                    raise Failed(f"tables: there is no table {where}")
            for schema in self.tables_in_schema or ():
                relation.refuse(host, self, db, schema=schema)
            if self.tables_in_schema and db.version < 150000:
                raise Failed("tables_in_schema: needs PostgreSQL 15 or later")
            start = before or self._fresh(str(db.value("SELECT current_user")))
        wanted: dict[str, Any] = {"owner": self.owner or start.owner, "parameters": {**start.parameters, **self._parameters()}}
        if self.comment is not None:
            wanted["comment"] = self.comment or None
        if self.tables is not None:
            wanted.update(tables=self._tables(), schemas=())
        if self.tables_in_schema is not None:
            wanted.update(tables=(), schemas=tuple(sorted(self.tables_in_schema)))
        after = dataclasses.replace(start, **wanted)
        if before is not None and before.tables is None and after.tables is not None:
            raise Failed(f"publication {self.name} is for all tables, which cannot be narrowed; drop it first")
        return after

    def apply(self, host: Host, plan: Plan[PublicationState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def result(self, before: Optional[PublicationState], after: Optional[PublicationState]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if after:
            told = {"alltables": after.tables is None, "tables": list(after.tables or ()), "owner": after.owner}
            told["parameters"] = dict(after.parameters)
        return {"exists": after is not None, "queries": self._statements(before, after), **told}

    def _tables(self) -> tuple[str, ...]:
        return tuple(sorted(str(relation.place(table)) for table in self.tables or ()))

    def _fresh(self, user: str) -> PublicationState:
        every = self.tables is None and self.tables_in_schema is None
        parameters = {"publish": "delete, insert, truncate, update", "publish_via_partition_root": "false"}
        return PublicationState(user, None if every else (), (), parameters, None)

    def _parameters(self) -> dict[str, str]:
        out = {}
        for name, value in (self.parameters or {}).items():
            if name == "publish":
                actions = sorted(part.strip() for part in value.split(",") if part.strip())
                wrong = set(actions) - {"insert", "update", "delete", "truncate"}
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
            out.append(f"CREATE PUBLICATION {name}{target} WITH ({_with(after.parameters)})")
            out += [f"ALTER PUBLICATION {name} OWNER TO {identifier(after.owner)}"] if self.owner else []
        else:
            if (before.tables, before.schemas) != (after.tables, after.schemas):
                out += self._retarget(name, before, after)
            if before.parameters != after.parameters:
                out.append(f"ALTER PUBLICATION {name} SET ({_with(after.parameters)})")
            if before.owner != after.owner:
                out.append(f"ALTER PUBLICATION {name} OWNER TO {identifier(after.owner)}")
        if (before.comment if before else None) != after.comment:
            out.append(f"COMMENT ON PUBLICATION {name} IS {literal(after.comment)}")
        return out

    def _retarget(self, name: str, before: PublicationState, after: PublicationState) -> list[str]:
        target = _target(after, "")
        if target:
            return [f"ALTER PUBLICATION {name} SET {target}"]
        return [f"ALTER PUBLICATION {name} DROP {_target(before, '')}"]


def _target(state: PublicationState, front: str) -> str:
    parts = ["TABLE " + ", ".join(relation.place(t).sql for t in state.tables)] if state.tables else []
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
    rows = db.query(
        "SELECT n.nspname AS schema, c.relname AS name FROM pg_publication_rel p JOIN pg_class c ON c.oid = p.prrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.prpubid = %s",
        found["oid"],
    )
    tables = tuple(sorted(str(relation.Place(row["schema"], row["name"])) for row in rows))
    schemas: tuple[str, ...] = ()
    if db.version >= 150000:
        rows = db.query(
            "SELECT nspname AS name FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid WHERE p.pnpubid = %s",
            found["oid"],
        )
        schemas = tuple(sorted(row["name"] for row in rows))
    actions = [action for action in ("delete", "insert", "truncate", "update") if found[action]]
    parameters = {"publish": ", ".join(actions), "publish_via_partition_root": "true" if found["root"] else "false"}
    return PublicationState(found["owner"], None if found["every"] else tables, schemas, parameters, found["comment"])
