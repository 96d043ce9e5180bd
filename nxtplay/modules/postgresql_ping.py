"""postgresql_ping: whether a server answers, and which version it is."""

from __future__ import annotations

import re
import time
from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Duration
from nxtplay.modules._postgres import PostgresLogin, guard, session


class PostgresqlPing(PostgresLogin, Query):
    """Ask a PostgreSQL server for its version. One that does not answer is no failure: see is_available."""

    wait: Duration = arg(Duration(0), help="How long to keep trying, such as 30s; a server that starts up counts as not there yet.")

    def look(self, host: Reader) -> dict[str, Any]:
        guard(self)
        deadline = time.monotonic() + self.wait
        pause = 0.05
        while True:
            try:
                with session(self, host, role=False) as db:
                    found = db.value("SELECT version()")
                    if self.session_role:
                        db.run("SELECT 1")
                return {"is_available": True, "server_version": _version(found, db.version), "conn_err_msg": ""}
            except Failed as failed:
                if time.monotonic() + pause > deadline or failed.result.get("sqlstate", "")[:2] in ("28", "3D"):
                    return {"is_available": False, "server_version": {}, "conn_err_msg": failed.message}
            host.progress(f"waiting for PostgreSQL at {self.container or self.login_host or 'the local socket'}")
            time.sleep(pause)
            pause = min(pause * 1.6, 1.0)


def _version(raw: str, number: int) -> dict[str, Any]:
    shown = re.search(r"PostgreSQL (\S+)", raw)
    return {"raw": raw, "full": shown[1] if shown else "", "major": number // 10000, "minor": number % 10000}
