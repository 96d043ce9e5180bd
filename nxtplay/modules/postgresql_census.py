"""postgresql_census: the rows of every table and a hash of every definition, and whether they are as they were."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Raw
from nxtplay.modules._postgres import PostgresLogin, database_of, session, settled
from nxtplay.modules._postgres_census import differences, take_census


class PostgresqlCensus(PostgresLogin, Query):
    """Count the rows of a database's tables and hash its definitions, at one moment. With `expect`, fail where they differ."""

    expect: dict[str, Raw] | None = arg(None, help="A census taken before, by postgresql_db or here: fail where they differ.")

    def look(self, host: Reader) -> dict[str, Any]:
        settled(host, self, database_of(self), "TABLE", "DATA")
        with session(self, host) as db:
            db.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = take_census(db)
            db.run("COMMIT")
        out = {"census": found.public(), "rows": sum(found.tables.values())}
        if self.expect is not None:
            left = differences(self.expect, found)
            if left:
                more = f" … and {len(left) - 12} more" if len(left) > 12 else ""
                raise Failed(f"database {database_of(self)} is not as in the backup: {'; '.join(left[:12])}{more}", differences=left, **out)
        return out
