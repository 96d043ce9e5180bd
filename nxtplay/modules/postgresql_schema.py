"""postgresql_schema: schemas of a database."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_database import SchemaState, look_schema, role_exists
from nxtplay.modules._postgres_types import identifier, literal, split_name


class PostgresqlSchema(PostgresLogin, Resource[SchemaState]):
    """A schema in a database."""

    name: str = arg(help="Name of the schema.", key=True, aliases=["schema"])
    login_db: str | None = arg(None, help="Database to connect to; default postgres.", aliases=["db", "database"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    owner: str | None = arg(None, help="Role that owns it.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    cascade_drop: bool = arg(False, help="With absent: drop what is in it too.")

    private = False

    @property
    def _name(self) -> str:
        """A name may come in its quotes."""
        return split_name(self.name)[0] if re.fullmatch('"(?:[^"]|"")+"', self.name) else self.name

    def key(self) -> str:
        return object_key("schema", self, database_of(self), self._name)

    def observe(self, host: Reader) -> Optional[SchemaState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[SchemaState] = state
            return out
        settled(host, self, database_of(self), "SCHEMA")
        with session(self, host) as db:
            return look_schema(db, self._name)

    def desired(self, host: Reader, before: Optional[SchemaState]) -> Optional[SchemaState]:
        with session(self, host) as db:
            if self.state == "absent":
                held = db.value(
                    "SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND deptype = 'n' "
                    "AND refobjid = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
                    self._name,
                )
                if before and held and not self.cascade_drop:
                    raise Failed(f"schema {self._name} is not empty ({held} objects); cascade_drop: true drops them with it")
                return None
            if self.owner and not role_exists(host, self, db, self.owner):
                raise Failed(f"owner: there is no role {self.owner}")
            if before is None and self._name.startswith("pg_"):
                raise Failed(f"schema {self._name}: names that begin with pg_ are the server's own")
            start = before or SchemaState(owner=str(db.value("SELECT current_user")), comment=None)
        comment = start.comment if self.comment is None else self.comment or None
        return dataclasses.replace(start, owner=self.owner or start.owner, comment=comment)

    def apply(self, host: Host, plan: Plan[SchemaState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def result(self, before: Optional[SchemaState], after: Optional[SchemaState]) -> dict[str, Any]:
        return {"schema": self._name, "queries": self._statements(before, after)}

    def _statements(self, before: Optional[SchemaState], after: Optional[SchemaState]) -> list[str]:
        name = identifier(self._name)
        if after is None:
            return [f"DROP SCHEMA {name}{' CASCADE' if self.cascade_drop else ''}"] if before else []
        out = []
        if before is None:
            out.append(f"CREATE SCHEMA {name}" + (f" AUTHORIZATION {identifier(self.owner)}" if self.owner else ""))
        elif before.owner != after.owner:
            out.append(f"ALTER SCHEMA {name} OWNER TO {identifier(after.owner)}")
        if (before.comment if before else None) != after.comment:
            out.append(f"COMMENT ON SCHEMA {name} IS {literal(after.comment)}")
        return out
