"""postgresql_owner: who owns an object, or what a role owned."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive, one_of, together
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, Session, database_key, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_database import look_schema, look_through, role_exists
from nxtplay.modules._postgres_types import identifier, qualified, split_name

RELATIONS = {"table": "r,p", "view": "v", "matview": "m", "sequence": "S", "foreign_table": "f"}
WORDS = {"matview": "MATERIALIZED VIEW", "foreign_server": "SERVER"}
FUNCTIONS = ("function", "procedure", "aggregate", "routine")
PLAIN = {
    "database": ("pg_database", "datname", "datdba"),
    "schema": ("pg_namespace", "nspname", "nspowner"),
    "tablespace": ("pg_tablespace", "spcname", "spcowner"),
    "language": ("pg_language", "lanname", "lanowner"),
    "publication": ("pg_publication", "pubname", "pubowner"),
    "subscription": ("pg_subscription", "subname", "subowner"),
    "foreign_data_wrapper": ("pg_foreign_data_wrapper", "fdwname", "fdwowner"),
    "foreign_server": ("pg_foreign_server", "srvname", "srvowner"),
    "server": ("pg_foreign_server", "srvname", "srvowner"),
    "event_trigger": ("pg_event_trigger", "evtname", "evtowner"),
    "large_object": ("pg_largeobject_metadata", "oid::text", "lomowner"),
}
IN_SCHEMAS = {  # catalogue, prefix of its columns, what tells whether one is visible
    "type": ("pg_type", "typ", "pg_type"),
    "domain": ("pg_type", "typ", "pg_type"),
    "collation": ("pg_collation", "coll", "pg_collation"),
    "conversion": ("pg_conversion", "con", "pg_conversion"),
    "statistics": ("pg_statistic_ext", "stx", "pg_statistics_obj"),
    "text_search_configuration": ("pg_ts_config", "cfg", "pg_ts_config"),
    "text_search_dictionary": ("pg_ts_dict", "dict", "pg_ts_dict"),
}
PATH = "CASE WHEN %s::text IS NULL THEN {t}_is_visible({a}.oid) ELSE {a}.{n} = (SELECT oid FROM pg_namespace WHERE nspname = %s) END"


@dataclass(frozen=True)
class OwnerState:
    """An object's owner; or, with reassign_owned_by, how many objects in the database those roles own still."""

    owner: str = ""
    owned: int = 0


class PostgresqlOwner(PostgresLogin, Resource[OwnerState]):
    """The owner of an object, or of all that some roles own in a database."""

    new_owner: str = arg(help="Role that should own it.")
    obj_name: str | None = arg(None, help="Name of the object, with its schema where it has one.")
    obj_type: Literal[
        "database", "function", "procedure", "matview", "sequence", "schema", "table", "tablespace", "view", "type", "domain", "language",
        "publication", "subscription", "foreign_data_wrapper", "foreign_server", "server", "foreign_table", "aggregate", "routine",
        "collation", "conversion", "event_trigger", "large_object", "statistics", "text_search_configuration", "text_search_dictionary",
    ] | None = arg(None, help="Kind of the object.", aliases=["type"])  # fmt: skip
    reassign_owned_by: list[str] | None = arg(None, help="Roles whose objects in this database the new owner takes over.")
    fail_on_role: bool = arg(True, help="With reassign_owned_by: fail where a role is not there.")

    rules = (one_of("obj_name", "reassign_owned_by"), exclusive("obj_name", "reassign_owned_by"), together("obj_name", "obj_type"))
    private = False

    def key(self) -> str:
        whose = ",".join(self.reassign_owned_by or ())
        return object_key("owner", self, database_of(self), self.obj_type or "reassigned", self.obj_name or whose)

    def observe(self, host: Reader) -> Optional[OwnerState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[OwnerState] = state
            return out
        settled(host, self, database_of(self), (self.obj_type or "any").upper())
        with session(self, host) as db:
            if self.reassign_owned_by:
                return OwnerState(owned=self._owned(host, db))
            owner = self._foreseen_owner(host) or self._owner(db)
        if owner is None:
            raise Failed(f"there is no {self.obj_type} {self.obj_name} in {database_of(self)}")
        return OwnerState(owner=owner)

    def desired(self, host: Reader, before: Optional[OwnerState]) -> Optional[OwnerState]:
        with session(self, host) as db:
            if not role_exists(host, self, db, self.new_owner):
                raise Failed(f"new_owner: there is no role {self.new_owner}")
        return OwnerState() if self.reassign_owned_by else OwnerState(owner=self.new_owner)

    def apply(self, host: Host, plan: Plan[OwnerState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements())

    def also_foresee(self, host: Reader, plan: Plan[OwnerState]) -> Sequence[tuple[str, Any]]:
        name = str(self.obj_name)
        with session(self, host) as db:
            if self.obj_type == "database":
                found: Any = look_through(host, self, db, name)
                key = database_key(self, name)
            elif self.obj_type == "schema":
                key = object_key("schema", self, database_of(self), name)
                foreseen, state = foreseen_state(host, key)
                found = state if foreseen else look_schema(db, name)
            else:
                return ()
        return [(key, dataclasses.replace(found, owner=self.new_owner))] if found else ()

    def result(self, before: Optional[OwnerState], after: Optional[OwnerState]) -> dict[str, Any]:
        return {"queries": self._statements() if before != after else []}

    def _statements(self) -> list[str]:
        owner = identifier(self.new_owner)
        if self.reassign_owned_by:
            roles = ", ".join(identifier(role) for role in self.reassign_owned_by)
            return [f"REASSIGN OWNED BY {roles} TO {owner}"]
        kind = str(self.obj_type)
        word = WORDS.get(kind, kind.replace("_", " ").upper())
        name = str(self.obj_name)
        if kind == "large_object":
            return [f"ALTER {word} {int(name)} OWNER TO {owner}"]
        if kind in FUNCTIONS:
            plain, paren, rest = name.partition("(")
            return [f"ALTER {word} {qualified(plain.strip())}{paren}{rest} OWNER TO {owner}"]
        return [f"ALTER {word} {identifier(name) if kind in PLAIN else qualified(name)} OWNER TO {owner}"]

    def _owned(self, host: Reader, db: Session) -> int:
        names = list(self.reassign_owned_by or ())
        missing = [name for name in names if not role_exists(host, self, db, name)]
        if missing and self.fail_on_role:
            raise Failed(f"reassign_owned_by: there is no role {', '.join(missing)}")
        return int(
            db.value(
                "SELECT count(*) FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass "
                "WHERE s.deptype = 'o' AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
                "AND r.rolname = ANY (%s::text[]) AND r.rolname <> %s",
                names,
                self.new_owner,
            )
        )

    def _foreseen_owner(self, host: Reader) -> Optional[str]:
        place = "" if self.obj_type in ("database", "tablespace") else database_of(self)
        kind = {"database": "db"}.get(str(self.obj_type), str(self.obj_type))
        key = object_key(kind, self, *([place] if kind != "db" else []), str(self.obj_name))
        foreseen, state = foreseen_state(host, key)
        if foreseen and state is None:
            raise Failed(f"{self.obj_type} {self.obj_name} would not be there any more")
        return str(state.owner) if foreseen else None

    def _owner(self, db: Session) -> Optional[str]:
        kind, name = str(self.obj_type), str(self.obj_name)
        if kind in PLAIN:
            table, column, owner = PLAIN[kind]
            return db.value(f"SELECT pg_get_userbyid({owner}) FROM {table} WHERE {column} = %s", name)  # type: ignore[no-any-return]
        *schemas, plain = split_name(name.partition("(")[0].strip())
        schema = schemas[0] if schemas else None
        if kind in RELATIONS:
            where = PATH.format(t="pg_table", a="c", n="relnamespace")
            sql = "SELECT pg_get_userbyid(relowner) FROM pg_class c WHERE relname = %s AND "
            sql += f"relkind = ANY ('{{{RELATIONS[kind]}}}') AND {where}"
            return db.value(sql, plain, schema, schema)  # type: ignore[no-any-return]
        if kind in IN_SCHEMAS:
            table, column, visible = IN_SCHEMAS[kind]
            where = PATH.format(t=visible, a="t", n=f"{column}namespace")
            sql = f"SELECT pg_get_userbyid({column}owner) FROM {table} t WHERE {column}name = %s AND {where}"
            return db.value(sql, plain, schema, schema)  # type: ignore[no-any-return]
        if kind == "aggregate" and "(" not in name:
            raise Failed(f"obj_name: an aggregate is named with its argument types: {name}(integer)")
        where = PATH.format(t="pg_function", a="p", n="pronamespace")
        if "(" in name:
            called, _, types = name.rpartition(")")[0].partition("(")
            oid = relation.routine(db, qualified(called.strip()), types)
            if oid is not None:
                return str(db.value("SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid = %s", oid))
        arguments = name.partition("(")[2].rstrip(")").strip() if "(" in name else None
        sql = f"SELECT pg_get_userbyid(proowner) FROM pg_proc p WHERE proname = %s AND {where}"
        sql += " AND (%s::text IS NULL OR replace(oidvectortypes(proargtypes), ' ', '') = replace(%s, ' ', ''))"
        rows = db.query(sql, plain, schema, schema, arguments, arguments)
        if len(rows) > 1:
            raise Failed(f"there are {len(rows)} {kind}s named {name}; say which by its argument types")
        return str(next(iter(rows[0].values()))) if rows else None
