"""postgresql_query: run SQL."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive
from nxtplay.core.state import Unknown
from nxtplay.core.types import Raw
from nxtplay.modules import _postgres_sql as sql_
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, object_key, session, steady
from nxtplay.modules._postgres_types import SqlError, identifier, interpolate, records
from nxtplay.modules._postgres_wire import Answer, PgError

READ_ONLY_VIOLATION = "25006"


class PostgresqlQuery(PostgresLogin, Action):
    """Run one query or several. One that only looks runs in a read-only transaction, in a check too; others are not run in a check."""

    query: Raw = arg(help="SQL, or a list of it; %s and %(name)s stand for arguments.")
    positional_args: list[Raw] | None = arg(None, help="Values for %s.")
    named_args: dict[str, Raw] | None = arg(None, help="Values for %(name)s.")
    autocommit: bool = arg(False, help="Run outside of a transaction, as VACUUM or CREATE DATABASE ask for.")
    search_path: list[str] | None = arg(None, help="Schemas to look in, in this order.")
    encoding: str | None = arg(None, help="Client encoding of the session; rows come as UTF-8 all the same.")

    rules = (exclusive("positional_args", "named_args"),)
    private = False
    _seen: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)  # what `due` read, for `idle` to hand on

    def due(self, host: Reader) -> Optional[str]:
        queries = self._queries()
        if not all(sql_.may_only_look(text) for text in queries):
            return "it may write"
        steady(host, self)
        try:
            self._seen.update(self._run(host, queries, read_only=True))
        except Failed as failed:
            if failed.result.get("sqlstate") != READ_ONLY_VIOLATION:
                raise
            return "it writes"
        return None

    def idle(self, host: Reader) -> dict[str, Any]:
        return {name: value for name, value in self._seen.items() if name != "changed"}

    def perform(self, host: Host) -> dict[str, Any]:
        return self._run(host, self._queries(), read_only=False)

    def certain(self) -> bool:
        counted = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "WITH", *sql_._LOOKS)
        return any(sql_.first_word(text) not in counted for text in self._queries())

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        reason = Unknown("a query before it was not run")
        touched = {touch for text in self._queries() for touch in sql_.touches(text)}
        database = database_of(self)
        keys = [object_key("statement", self, "" if whole else database, kind) for whole, kind in sorted(touched)]
        return [(key, reason) for key in [*keys, object_key("statement", self, database, "DATA")]]

    def _queries(self) -> list[str]:
        texts: Sequence[Any] = self.query if isinstance(self.query, (list, tuple)) else [self.query]
        try:
            if self.positional_args is None and self.named_args is None:
                return [str(text) for text in texts]
            return [interpolate(str(text), self.positional_args, self.named_args) for text in texts]
        except SqlError as error:
            raise Failed(str(error)) from error

    def _run(self, host: Reader, queries: Sequence[str], *, read_only: bool) -> dict[str, Any]:
        answers: list[Answer] = []
        times: list[float] = []
        with session(self, host) as db:
            if self.encoding and db.value("SELECT pg_char_to_encoding(%s) < 0", self.encoding):
                raise Failed(f"encoding: PostgreSQL knows none of the name {self.encoding}")
            if self.search_path:
                db.run("SET search_path TO " + ", ".join(identifier(name) for name in self.search_path))
            single = read_only or not self.autocommit
            if single:
                db.run("BEGIN READ ONLY" if read_only else "BEGIN")
            for text in queries:
                began = time.monotonic()
                answers += [_last(db, text)]
                times.append(round((time.monotonic() - began) * 1000, 3))
            if single:
                db.run("ROLLBACK" if read_only else "COMMIT")
        results = [rows_of(answer) for answer in answers]
        return {
            "changed": any(sql_.changed_by(answer.tag, answer.count) for answer in answers),
            "query": queries[-1] if queries else "",
            "query_list": list(queries),
            "query_result": results[-1] if results else {},
            "query_all_results": results,
            "rowcount": sum(answer.count for answer in answers),
            "statusmessage": answers[-1].tag if answers else "",
            "execution_time_ms": times,
        }


def rows_of(answer: Answer) -> Any:
    """The rows of a statement; {} for one that has none to bring, as Ansible's users know it."""
    return records(answer.columns, answer.rows) if answer.columns else {}


def _last(db: Session, text: str) -> Answer:
    try:
        answers = db.run(text)
    except PgError as error:
        message = f"cannot run '{text if len(text) < 400 else text[:400] + '…'}': {error}"
        raise Failed(message, sqlstate=error.code, query=text) from error
    return answers[-1] if answers else Answer("")
