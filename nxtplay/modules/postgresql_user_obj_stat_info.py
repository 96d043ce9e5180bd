"""postgresql_user_obj_stat_info: how the tables, indexes and functions of a database are used."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules._postgres import PostgresLogin, session

VIEWS = {
    "tables": ("pg_stat_user_tables", "relname", ", pg_total_relation_size(relid) AS total_size, pg_relation_size(relid) AS size"),
    "indexes": ("pg_stat_user_indexes", "indexrelname", ", pg_relation_size(indexrelid) AS size"),
    "functions": ("pg_stat_user_functions", "funcname", ""),
}


class PostgresqlUserObjStatInfo(PostgresLogin, Query):
    """Read the server's statistics of the objects users made, by schema and name."""

    filter: list[str] | None = arg(None, help="tables, indexes, functions; unset reads all of them.")
    schema: str | None = arg(None, help="One schema instead of all.")

    def look(self, host: Reader) -> dict[str, Any]:
        asked = [name.strip() for text in self.filter or VIEWS for name in text.split(",")]
        unknown = sorted(set(asked) - set(VIEWS))
        if unknown:
            raise Failed(f"filter: unknown {', '.join(unknown)}; legal are {', '.join(VIEWS)}")
        out: dict[str, Any] = {kind: {} for kind in VIEWS}
        with session(self, host) as db:
            if self.schema and not db.value("SELECT 1 FROM pg_namespace WHERE nspname = %s", self.schema):
                raise Failed(f"schema: there is no schema {self.schema}")
            for kind in asked:
                view, name, more = VIEWS[kind]
                rows = db.query(f"SELECT *{more} FROM {view} WHERE schemaname = coalesce(%s, schemaname) ORDER BY {name}", self.schema)
                found: dict[str, Any] = {}
                for row in rows:
                    found.setdefault(row.pop("schemaname"), {})[row.pop(name)] = row
                out[kind] = found
        return out
