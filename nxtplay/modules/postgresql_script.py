"""postgresql_script: run a file of SQL."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive
from nxtplay.core.state import Unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _postgres_sql as sql_
from nxtplay.modules._files import host_path
from nxtplay.modules._postgres import PostgresLogin, database_of, object_key, session
from nxtplay.modules._postgres_types import SqlError, identifier, interpolate, records
from nxtplay.modules._postgres_wire import Answer, PgError


class PostgresqlScript(PostgresLogin, Action):
    """Run a file of SQL, all of it or none of it; the statement that fails is named with its line."""

    path: Path = arg(help="File on the host.")
    positional_args: list[Raw] | None = arg(None, help="Values for %s.")
    named_args: dict[str, Raw] | None = arg(None, help="Values for %(name)s.")
    search_path: list[str] | None = arg(None, help="Schemas to look in, in this order.")
    encoding: str | None = arg(None, help="There for old playbooks: the file is read as UTF-8.")
    autocommit: bool = arg(False, help="Statement by statement, as VACUUM or CREATE DATABASE ask for.")

    rules = (exclusive("positional_args", "named_args"),)
    private = False

    def due(self, host: Reader) -> Optional[str]:
        return "it runs each time" if self._statements(self._text(host)) else None

    def idle(self, host: Reader) -> dict[str, Any]:
        return {"statusmessage": "", "query_result": [], "rowcount": 0, "query": ""}

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        reason = Unknown(f"the script {self.path} was not run")
        kinds = {touch for text, _ in self._statements(self._text(host)) for touch in sql_.touches(text)}
        database = database_of(self)
        kinds.add((False, "DATA"))
        return [(object_key("statement", self, "" if whole else database, kind), reason) for whole, kind in sorted(kinds)]

    def perform(self, host: Host) -> dict[str, Any]:
        whole = self._text(host)
        statements = self._statements(whole)
        last = Answer("")
        with session(self, host) as db:
            if self.search_path:
                db.run("SET search_path TO " + ", ".join(identifier(name) for name in self.search_path))
            if not self.autocommit:
                db.run("BEGIN")
            for text, line in statements:
                try:
                    last = (db.run(text) or [last])[-1]
                except PgError as error:
                    undone = "" if self.autocommit else "; nothing of it was kept"
                    raise Failed(f"{self.path}, line {line}: {error}{undone}", sqlstate=error.code, line=line) from error
            if not self.autocommit and db.connection.transaction != "I":
                db.run("COMMIT")
        rows = records(last.columns, last.rows) if last.columns else {}
        counted = last.tag.rpartition(" ")[2].isdigit()  # ANALYZE and its like count nothing
        return {"statusmessage": last.tag, "query_result": rows, "rowcount": last.count if counted else -1, "query": whole}

    def _statements(self, text: str) -> list[tuple[str, int]]:
        """Each statement with the line it begins at."""
        out, at = [], 0
        for statement in sql_.split(text):
            found = text.index(statement, at)
            begins = found + sql_.leading(statement)
            out.append((statement, text.count("\n", 0, begins) + 1))
            at = found + len(statement)
        return out

    def _text(self, host: Reader) -> str:
        text = host.read(host_path(self.path)).decode("utf-8", "replace").lstrip("\ufeff")
        if self.positional_args is not None or self.named_args is not None:
            try:
                text = interpolate(text, self.positional_args, self.named_args)
            except SqlError as error:
                raise Failed(f"{self.path}: {error}") from error
        return text
