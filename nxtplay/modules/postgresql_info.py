"""postgresql_info: what a server holds."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Callable

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules._postgres import PostgresLogin, Session, session

SUBSETS: dict[str, str] = {
    "roles": "SELECT r.rolname AS key, rolsuper AS superuser, rolcanlogin AS canlogin, coalesce(rolvaliduntil::text, '') AS valid_until, "
    "array(SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)::text[] AS member_of "
    "FROM pg_roles r WHERE r.rolname !~ '^pg_'",
    "tablespaces": "SELECT spcname AS key, pg_get_userbyid(spcowner) AS spcowner, spcacl::text AS spcacl, "
    "coalesce(spcoptions, '{}') AS spcoptions FROM pg_tablespace",
    "repl_slots": "SELECT slot_name AS key, slot_type, plugin, database, temporary, active, active_pid, restart_lsn::text AS restart_lsn "
    "FROM pg_replication_slots",
    "replications": "SELECT pid::text AS key, usename, application_name AS app_name, client_addr::text AS client_addr, client_hostname, "
    "state, backend_start::text AS backend_start, sync_state, sent_lsn::text AS sent_lsn, replay_lsn::text AS replay_lsn, "
    "extract(epoch FROM replay_lag)::float8 AS replay_lag_seconds FROM pg_stat_replication",
    "settings": "SELECT name AS key, setting, unit, category, context, vartype, boot_val, min_val, max_val, sourcefile, pending_restart, "
    "current_setting(name, true) AS pretty_val FROM pg_settings",
}
DATABASES = (
    "SELECT datname AS key, pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, "
    "datctype AS ctype, datacl::text AS access_priv, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid)::text "
    "ELSE '' END AS size FROM pg_database WHERE datallowconn"
)
INSIDE: dict[str, str] = {
    "namespaces": "SELECT nspname AS key, pg_get_userbyid(nspowner) AS nspowner, nspacl::text AS nspacl FROM pg_namespace "
    "WHERE nspname !~ '^pg_(toast|temp)'",
    "extensions": "SELECT extname AS key, extversion, n.nspname, obj_description(e.oid, 'pg_extension') AS description FROM pg_extension e "
    "JOIN pg_namespace n ON n.oid = extnamespace",
    "languages": "SELECT lanname AS key, pg_get_userbyid(lanowner) AS lanowner, lanacl::text AS lanacl FROM pg_language",
    "publications": "SELECT pubname AS key, pg_get_userbyid(pubowner) AS ownername, puballtables, pubinsert, pubupdate, pubdelete, "
    "pubtruncate FROM pg_publication",
    "subscriptions": "SELECT subname AS key, pg_get_userbyid(subowner) AS ownername, subenabled, subslotname, subpublications FROM "
    "pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
}
NOTHING: dict[str, Any] = {"in_recovery": None, "pending_restart_settings": []}  # of what was not asked for; else {}
MEMORY_UNITS = {"kB": 1024, "8kB": 8192, "MB": 1024**2}
ALL = ("version", "in_recovery", "pending_restart_settings", "databases", *SUBSETS)


class PostgresqlInfo(PostgresLogin, Query):
    """Read what a server holds: version, databases with their extensions, roles, settings, replication with its lag."""

    filter: list[str] | None = arg(None, help="Subsets to read, such as ver*, databases, !settings; unset reads all.")
    subset: list[str] | None = arg(None, help="The same as filter.")

    def look(self, host: Reader) -> dict[str, Any]:
        wanted = self._wanted()
        out: dict[str, Any] = {name: NOTHING.get(name, {}) for name in ALL}
        with session(self, host) as db:
            readers: dict[str, Callable[[], Any]] = {
                "version": lambda: _version(db),
                "in_recovery": lambda: db.value("SELECT pg_is_in_recovery()"),
                "pending_restart_settings": lambda: [r["name"] for r in db.query("SELECT name FROM pg_settings WHERE pending_restart")],
                "databases": lambda: self._databases(host, db),
            }
            for name in wanted:
                out[name] = readers[name]() if name in readers else _keyed(db, SUBSETS[name])
        for entry in out["settings"].values():
            if entry["unit"] in MEMORY_UNITS and int(entry["setting"]) > 0:
                entry["val_in_bytes"] = int(entry["setting"]) * MEMORY_UNITS[entry["unit"]]
        return out

    def _wanted(self) -> list[str]:
        asked = [*(self.filter or ()), *(self.subset or ())]
        for pattern in asked:
            if not fnmatch.filter(ALL, pattern.lstrip("!")):
                raise Failed(f"filter: '{pattern}' matches nothing; legal are: {', '.join(ALL)}, each also with ! before it")
        chosen = [name for name in ALL if any(fnmatch.fnmatch(name, p) for p in asked if not p.startswith("!"))]
        refused = [name for name in ALL if any(fnmatch.fnmatch(name, p[1:]) for p in asked if p.startswith("!"))]
        return [name for name in (chosen or ALL) if name not in refused]

    def _databases(self, host: Reader, db: Session) -> dict[str, Any]:
        """Each database, with what is inside of those that let us in."""
        out = _keyed(db, DATABASES)
        for name, entry in out.items():
            try:
                with session(self, host, name) as inner:
                    entry.update({subset: _keyed(inner, sql) for subset, sql in INSIDE.items()})
                for extension in entry["extensions"].values():
                    extension["extversion"] = _numbers(extension["extversion"])
            except Failed as failed:
                entry["unreadable"] = failed.message
        return out


def _keyed(db: Session, sql: str) -> dict[str, Any]:
    """Rows by their key; what is not there is an empty text."""
    rows = db.query(sql)
    return {row["key"]: {name: "" if value is None else value for name, value in row.items() if name != "key"} for row in rows}


def _numbers(version: str) -> dict[str, Any]:
    """1.3-2 as major 1, minor 3; none where it is no number, such as 3.beta."""
    plain = re.fullmatch(r"\d+(?:-\d+)?(?:\.\d+(?:-\d+)?)*", version)
    found = [int(number) for number in re.findall(r"\d+", version)] if plain else []
    return {"major": found[0] if found else None, "minor": found[1] if len(found) > 1 else None, "raw": version}


def _version(db: Session) -> dict[str, Any]:
    raw = str(db.value("SELECT version()"))
    full = db.connection.parameters.get("server_version", "").partition(" ")[0]  # without what a distribution adds
    return {"raw": raw, "full": full, "major": db.version // 10000, "minor": db.version % 10000, "patch": None}
