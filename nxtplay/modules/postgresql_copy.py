"""postgresql_copy: rows between a file and a table."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of, together
from nxtplay.core.state import Unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._files import host_path
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import identifier, literal
from nxtplay.modules._postgres_wire import Sink, Source

PIECE = 1 << 18


class PostgresqlCopy(PostgresLogin, Action):
    """Copy rows out of a table (or a query) into a file, or the other way. Files are the host's, streamed, whole or not at all."""

    copy_to: Path | None = arg(None, help="File to write.", aliases=["to"])
    copy_from: Path | None = arg(None, help="File to read.", aliases=["from"])
    src: str | None = arg(None, help="With copy_to: table, or a SELECT.", aliases=["source"])
    dst: str | None = arg(None, help="With copy_from: table.", aliases=["destination"])
    columns: list[str] | None = arg(None, help="Columns, in this order.", aliases=["column"])
    options: dict[str, Raw] | None = arg(None, help="Options of COPY: format, delimiter, header, null ...")
    program: bool = arg(False, help="The server runs copy_to or copy_from as a shell command instead of our reading a file.")

    rules = (one_of("copy_to", "copy_from"), exclusive("copy_to", "copy_from"), together("copy_to", "src"), together("copy_from", "dst"))
    private = False

    def due(self, host: Reader) -> Optional[str]:
        if self.copy_from and not self.program and not host.exists(host_path(self.copy_from)):
            raise Failed(f"copy_from: no file {self.copy_from}")
        table = relation.place(str(self.dst or self.src))
        if not self._is_query():
            settled(host, self, database_of(self), "TABLE")
            foreseen, state = foreseen_state(host, relation.key("table", self, table))
            with session(self, host) as db:
                if not (state if foreseen else relation.row(db, table, "r,p,v,f" if self.src else "r,p,f,v")):
                    raise Failed(f"{'src' if self.src else 'dst'}: there is no table {table}")
        return f"rows are copied {'to' if self.copy_to else 'from'} {self.copy_to or self.copy_from}"

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        reason = Unknown("rows were not copied")
        if self.copy_from:
            return [(object_key("statement", self, database_of(self), "DATA"), reason)]
        return [(f"file:{host_path(str(self.copy_to))}", reason)] if not self.program else []

    def perform(self, host: Host) -> dict[str, Any]:
        path = str(self.copy_to or self.copy_from)
        path = path if self.program else host_path(path)
        with session(self, host) as db:
            sql = self._sql(path)
            if self.program:
                answer = db.run(sql)[-1]
            elif self.copy_from:
                with open(host.resolve(path), "rb") as stream:
                    answer = db.run(sql, source=_pieces(stream))[-1]
            else:
                done: list[Any] = []
                host.replace_with(path, lambda stream: done.extend(db.run(sql, sink=_sink(stream))))
                answer = done[-1]
        return {"changed": bool(self.copy_to) or answer.count > 0, "queries": [sql], "src": self.src or path, "dst": self.dst or path,
                "rowcount": answer.count}  # fmt: skip

    def certain(self) -> bool:
        return self.copy_to is not None

    def _is_query(self) -> bool:
        return (self.src or "").lstrip().lower().startswith(("select", "(", "with", "values", "table "))

    def _sql(self, path: str) -> str:
        what = str(self.src or self.dst)
        columns = f" ({', '.join(identifier(name) for name in self.columns)})" if self.columns else ""
        shown = f"({what.strip().rstrip(';')})" if self._is_query() else relation.place(what).sql + columns
        way = "TO" if self.copy_to else "FROM"
        end = f"PROGRAM {literal(path)}" if self.program else "STDOUT" if self.copy_to else "STDIN"
        options = ", ".join(_option(name, value) for name, value in (self.options or {}).items())
        return f"COPY {shown} {way} {end}" + (f" ({options})" if options else "")


def _option(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{identifier(name.lower())} ({', '.join(identifier(str(item)) for item in value)})"
    return f"{identifier(name.lower())} {literal(str(value).lower() if isinstance(value, bool) else str(value))}"


def _pieces(stream: Any) -> Source:
    def read() -> Iterator[bytes]:
        while True:
            piece = stream.read(PIECE)
            if not piece:
                return
            yield piece

    return read()


def _sink(stream: Any) -> Sink:
    return lambda data: stream.write(data)
