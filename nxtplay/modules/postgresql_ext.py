"""postgresql_ext: extensions of a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import identifier, literal


@dataclass(frozen=True)
class ExtensionState:
    """An extension as a database has it."""

    version: str
    schema: str
    comment: Optional[str] = None


class PostgresqlExt(PostgresLogin, Resource[ExtensionState]):
    """An extension in a database (PostGIS, pg_trgm ...)."""

    name: str = arg(help="Name of the extension.", key=True, aliases=["ext"])
    state: Literal["present", "absent"] = arg("present", help="Whether the database should have it.")
    version: str | None = arg(None, help="Version it should have; `latest` is the one the server's packages bring. Unset: any.")
    schema: str | None = arg(None, help="Schema its objects should be in.")
    comment: str | None = arg(None, help="Comment on it; empty takes it away.")
    cascade: bool = arg(False, help="Create what it needs as well; with absent, drop what needs it.")

    private = False

    def key(self) -> str:
        return object_key("ext", self, database_of(self), self.name)

    def observe(self, host: Reader) -> Optional[ExtensionState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            found: Optional[ExtensionState] = state
            return found
        settled(host, self, database_of(self), "EXTENSION")
        with session(self, host) as db:
            return _look(db, self.name)

    def desired(self, host: Reader, before: Optional[ExtensionState]) -> Optional[ExtensionState]:
        if self.state == "absent":
            return None
        with session(self, host) as db:
            if before is None:
                made = self._to_create(host, db)
                return made if self.comment is None else replace(made, comment=self.comment or None)
            version = before.version
            if self.version is not None and self.version != version:
                version = self._wanted_version(db) or version
                self._refuse_without_path(db, before.version, version)
            if self.schema and self.schema != before.schema:
                _refuse_missing_schema(host, self, db, self.schema)
            comment = before.comment if self.comment is None else self.comment or None
            return ExtensionState(version, self.schema or before.schema, comment)

    def apply(self, host: Host, plan: Plan[ExtensionState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def also_foresee(self, host: Reader, plan: Plan[ExtensionState]) -> Sequence[tuple[str, Any]]:
        if plan.before is not None or not self.cascade:
            return ()
        with session(self, host) as db:
            return [(object_key("ext", self, database_of(self), name), state) for name, state in self._missing(host, db, self.name).items()]

    def result(self, before: Optional[ExtensionState], after: Optional[ExtensionState]) -> dict[str, Any]:
        queries = self._statements(before, after)
        names = {"ext": self.name, "db": database_of(self)}
        return {**names, "queries": queries, "prev_version": before.version if before else "", "version": after.version if after else ""}

    # -- on the way

    def _statements(self, before: Optional[ExtensionState], after: Optional[ExtensionState]) -> list[str]:
        name, cascade = identifier(self.name), " CASCADE" if self.cascade else ""
        if after is None:
            return [f"DROP EXTENSION {name}{cascade}"] if before else []
        if before is None:
            schema = f" SCHEMA {identifier(self.schema)}" if self.schema else ""
            version = f" VERSION {literal(after.version)}" if self.version not in (None, "latest") else ""
            return [f"CREATE EXTENSION {name}{schema}{version}{cascade}", *self._commented(None, after)]
        out = [f"ALTER EXTENSION {name} UPDATE TO {literal(after.version)}"] if before.version != after.version else []
        if before.schema != after.schema:
            out.append(f"ALTER EXTENSION {name} SET SCHEMA {identifier(after.schema)}")
        return [*out, *self._commented(before, after)]

    def _commented(self, before: Optional[ExtensionState], after: ExtensionState) -> list[str]:
        if self.comment is None or (before and before.comment == after.comment):
            return []
        return [f"COMMENT ON EXTENSION {identifier(self.name)} IS {literal(after.comment)}"]

    def _wanted_version(self, db: Session) -> Optional[str]:
        if self.version and self.version != "latest":
            return self.version
        found = db.value("SELECT default_version FROM pg_available_extensions WHERE name = %s", self.name)
        return str(found) if found else None

    def _to_create(self, host: Reader, db: Session) -> ExtensionState:
        version = self._wanted_version(db)
        control = _control(db, self.name, version)
        if version is None or control is None:
            raise _not_available(host, db, self.name, version)
        missing = self._missing(host, db, self.name, version)
        if missing and not self.cascade:
            raise Failed(f"extension {self.name} needs {', '.join(missing)}; create them before it, or write cascade: true")
        schema = self.schema or control["schema"] or db.value("SELECT current_schema()")
        if self.schema and control["schema"] and self.schema != control["schema"]:
            raise Failed(f"schema: {self.name} can only live in schema {control['schema']}")
        if self.schema:
            _refuse_missing_schema(host, self, db, self.schema)
        return ExtensionState(version, str(schema), control["comment"])

    def _missing(self, host: Reader, db: Session, name: str, version: Optional[str] = None) -> dict[str, ExtensionState]:
        """Extensions that `name` needs and that are not there yet, each with the state it would get."""
        out: dict[str, ExtensionState] = {}
        version = version or db.value("SELECT default_version FROM pg_available_extensions WHERE name = %s", name)
        for needed in (_control(db, name, version) or {}).get("requires") or ():
            foreseen, state = foreseen_state(host, object_key("ext", self, database_of(self), needed))
            if state is not None if foreseen else _look(db, needed) is not None:
                continue
            control = _control(db, needed, None)
            if control is None:
                raise _not_available(host, db, needed, None)
            out.update(self._missing(host, db, needed))
            schema = control["schema"] or self.schema or db.value("SELECT current_schema()")
            out[needed] = ExtensionState(control["version"], str(schema), control["comment"])
        return out

    def _refuse_without_path(self, db: Session, found: str, wanted: str) -> None:
        path = db.value("SELECT path FROM pg_extension_update_paths(%s) WHERE source = %s AND target = %s", self.name, found, wanted)
        if found != wanted and not path:
            raise Failed(f"extension {self.name} is at {found} and has no update path to {wanted}")


def _look(db: Session, name: str) -> Optional[ExtensionState]:
    found = db.one(
        "SELECT e.extversion AS version, n.nspname AS schema, obj_description(e.oid, 'pg_extension') AS comment "
        "FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = %s",
        name,
    )
    return ExtensionState(**found) if found else None


def _control(db: Session, name: str, version: Optional[str]) -> Optional[dict[str, Any]]:
    """What the server's packages say of an extension: version, schema (None: any), requires, comment."""
    return db.one(
        "SELECT v.version, v.schema::text AS schema, v.requires::text[] AS requires, a.comment FROM pg_available_extension_versions v "
        "JOIN pg_available_extensions a ON a.name = v.name WHERE v.name = %s AND v.version = coalesce(%s, a.default_version)",
        name,
        version,
    )


def _refuse_missing_schema(host: Reader, login: PostgresLogin, db: Session, name: str) -> None:
    foreseen, state = foreseen_state(host, object_key("schema", login, database_of(login), name))
    if not (state is not None if foreseen else db.value("SELECT 1 FROM pg_namespace WHERE nspname = %s", name)):
        raise Failed(f"schema: there is no schema {name} in the database; create it first (postgresql_schema)")


def _not_available(host: Reader, db: Session, name: str, version: Optional[str]) -> Exception:
    if any(state is not None and "postgres" in key for key, state in host.foreseen_under("package:").items()):
        return UnknownReached(Unknown(f"extension {name} may come with a package that is only foreseen"))
    versions = db.query("SELECT version FROM pg_available_extension_versions WHERE name = %s ORDER BY 1", name)
    if versions:
        return Failed(f"extension {name} has no version {version} here; available: {', '.join(row['version'] for row in versions)}")
    return Failed(f"extension {name} is not installed on the server: install its package first, or use an image that has it")
