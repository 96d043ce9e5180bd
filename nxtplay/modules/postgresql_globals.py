"""postgresql_globals: the roles of a cluster, which no dump of a database holds, written to a file and made anew from it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _files
from nxtplay.modules import _postgres_dump as dumps
from nxtplay.modules._postgres import PostgresLogin, role_key, server_of, session

TRAILER = b"-- PostgreSQL database cluster dump complete"
_ROLE = re.compile(r'^(?:CREATE|ALTER) ROLE ((?:"(?:[^"]|"")+")|\S+?)(?:;| )')
_GRANT = re.compile(r'^GRANT .+ TO ((?:"(?:[^"]|"")+")|\S+?)(?:;| )')


@dataclass(frozen=True)
class Roles:
    """Those of the file's roles that the cluster has."""

    names: tuple[str, ...]


class PostgresqlGlobals(PostgresLogin, Resource[Roles]):
    """Dump the roles with their passwords (as the server keeps them) and memberships; or make those that are missing. Roles that are there
    stay as they are, their passwords too."""

    private = False

    target: Path = arg(help="The file.", key=True)
    state: Literal["dump", "restore"] = arg("restore", help="Which way.")

    def key(self) -> str:
        return f"postgresqlglobals:{server_of(self)}:{self.target}"

    def observe(self, host: Reader) -> Optional[Roles]:
        if self.state == "dump":
            with session(self, host, "postgres"):
                return Roles(())
        if host.has_foreseen(self.key()):
            found: Optional[Roles] = host.foreseen(self.key())
            return found
        with session(self, host, "postgres") as db:
            live = {str(row["n"]) for row in db.query("SELECT quote_ident(rolname) AS n FROM pg_roles")}
        return Roles(tuple(name for name in self._names(host) if name in live or self._foreseen(host, name)))

    def desired(self, host: Reader, before: Optional[Roles]) -> Optional[Roles]:
        return before if self.state == "dump" else Roles(tuple(self._names(host)))

    def apply(self, host: Host, plan: Plan[Roles]) -> None:
        missing = set(plan.after.names if plan.after else ()) - set(plan.before.names if plan.before else ())
        lines = [line for line in self._lines(host) if (match := _ROLE.match(line) or _GRANT.match(line)) and match[1] in missing]
        with session(self, host, "postgres") as db:
            db.apply(lines)

    def due(self, host: Reader, plan: Plan[Roles]) -> Optional[str]:
        if self.state != "dump":
            return None
        _files.parent_state(host, _files.host_path(self.target))
        dumps.need(host, self, "pg_dumpall")
        return f"dump to {self.target}"

    def perform(self, host: Host, plan: Plan[Roles]) -> None:
        path = _files.host_path(self.target)
        program = dumps.client(self, host, "nxtplay-globals")
        argv = program.argv("pg_dumpall", "--globals-only", "--no-tablespaces", "--database=postgres")
        held = bytearray()
        dumps._run(host, program, argv, sink=held.extend, what="dumping the roles")
        if TRAILER not in held[-4096:]:
            raise Failed(f"the dump of the roles is cut off: it does not end with '{TRAILER.decode()}'")
        host.write(path, bytes(held), mode=None if os.path.exists(path) else 0o600)
        host.note(target=path, size=len(held), sha256=hashlib.sha256(held).hexdigest())

    def also_foresee(self, host: Reader, plan: Plan[Roles]) -> Sequence[tuple[str, Any]]:
        if self.state == "restore":
            return ()
        path = _files.host_path(self.target)
        live = host.stat(path) or dataclasses.replace(_files.fresh(host, path, "file"), mode=0o600)
        return [(_files.file_key(path), dataclasses.replace(live, content=Unknown(f"{path} is not written yet"), inode=None))]

    def result(self, before: Optional[Roles], after: Optional[Roles]) -> dict[str, Any]:
        if self.state == "dump":
            later = Unknown("the roles were not dumped")
            return {"target": _files.host_path(self.target), "size": later, "sha256": later}
        return {"created": [name for name in (after.names if after else ()) if name not in (before.names if before else ())]}

    # -- on the way

    def _lines(self, host: Reader) -> list[str]:
        data = host.read(_files.host_path(self.target))
        if TRAILER not in data[-4096:]:
            raise Failed(f"{self.target} is cut off: it does not end with '{TRAILER.decode()}'")
        return data.decode("utf-8").splitlines()

    def _names(self, host: Reader) -> list[str]:
        """The roles of the file, quoted where they have to be, in its order."""
        found = (_ROLE.match(line) for line in self._lines(host) if line.startswith("CREATE ROLE "))
        return [match[1] for match in found if match]

    def _foreseen(self, host: Reader, name: str) -> bool:
        key = role_key(self, name.strip('"').replace('""', '"'))
        if not host.has_foreseen(key):
            return False
        return host.foreseen(key) is not None
