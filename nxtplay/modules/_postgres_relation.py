"""Tables, indexes and sequences: where a name points, what is common to how they are seen and changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, object_key
from nxtplay.modules._postgres_database import role_exists
from nxtplay.modules._postgres_types import identifier, split_name
from nxtplay.modules._postgres_wire import PgError


@dataclass(frozen=True)
class Place:
    """A relation's schema and name."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def __str__(self) -> str:
        return ".".join(part if re.match(r"^\w+$", part) else identifier(part) for part in (self.schema, self.name))


def place(text: str, schema: Optional[str] = None) -> Place:
    """`t`, `s.t`, `"S x".t`; without a schema of its own it lies in `schema`, else public."""
    *front, name = split_name(text)
    return Place(front[-1] if front else schema or "public", name)


def key(kind: str, login: PostgresLogin, where: Place) -> str:
    return object_key(kind, login, database_of(login), str(where))


def row(db: Session, where: Place, kinds: str) -> Optional[dict[str, Any]]:
    """oid, owner, tablespace, persistence (p, u, t), options of a live relation of one of the pg_class kinds, or None."""
    return db.one(
        "SELECT c.oid, pg_get_userbyid(c.relowner) AS owner, coalesce(t.spcname, 'pg_default') AS tablespace, "
        "c.relpersistence::text AS persistence, coalesce(c.reloptions, '{}') AS options FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace "
        "WHERE n.nspname = %s AND c.relname = %s AND c.relkind = ANY (%s::text[])",
        where.schema,
        where.name,
        kinds.split(","),
    )


def taken(db: Session, where: Place, kinds: str) -> None:
    """Raise Failed where the name belongs to a relation of another kind."""
    found = db.value(
        "SELECT c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s "
        "AND NOT c.relkind = ANY (%s::text[])",
        where.schema,
        where.name,
        kinds.split(","),
    )
    words = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "i": "index", "I": "index", "S": "sequence"}
    if found:
        raise Failed(f"{where} is there already, as a {words.get(found, 'relation of another kind')}")


def refuse(
    host: Reader, login: PostgresLogin, db: Session, *,
    owner: Optional[str] = None, schema: Optional[str] = None, tablespace: Optional[str] = None,
) -> None:  # fmt: skip
    """Raise Failed for a role, schema or tablespace that is neither there nor foreseen."""
    if owner and not role_exists(host, login, db, owner):
        raise Failed(f"owner: there is no role {owner}")
    if schema:
        foreseen, state = foreseen_state(host, object_key("schema", login, database_of(login), schema))
        if not (state is not None if foreseen else db.value("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema)):
            raise Failed(f"schema: there is no schema {schema} in {database_of(login)}")
    if tablespace:
        foreseen, state = foreseen_state(host, object_key("tablespace", login, "", tablespace))
        if not (state is not None if foreseen else db.value("SELECT 1 FROM pg_tablespace WHERE spcname = %s", tablespace)):
            raise Failed(f"tablespace: there is no tablespace {tablespace}")


def options(given: Optional[Mapping[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in (given or {}).items()}


def parse_options(entries: Any) -> dict[str, str]:
    """reloptions, or arguments written `name=value`, as a mapping."""
    return {name.strip().lower(): value.strip() for name, _, value in (entry.partition("=") for entry in entries or ())}


def routine(db: Session, name: str, arguments: str) -> Optional[int]:
    """The oid of a function, aggregate or procedure by its quoted name and its types, in any spelling that the server reads."""
    try:
        found = db.value("SELECT to_regprocedure(%s)::oid", f"{name}({arguments})")
    except PgError:  # a type that the server does not know, or names among the types
        return None
    return int(found) if found else None


def dependents(db: Session, oid: int) -> list[str]:
    """What would stop a DROP without CASCADE: views, foreign keys, defaults of other tables."""
    rows = db.query(
        "SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS what FROM pg_depend d "
        "WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %s AND d.deptype = 'n' AND NOT (d.classid = 'pg_class'::regclass "
        "AND d.objid = %s) AND NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = d.classid AND i.objid = d.objid "
        "AND i.refclassid = 'pg_class'::regclass AND i.refobjid = %s AND i.deptype IN ('a', 'i')) ORDER BY 1",
        oid,
        oid,
        oid,
    )
    return [row["what"] for row in rows]
