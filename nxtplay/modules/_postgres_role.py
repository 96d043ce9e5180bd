"""Roles of a cluster: how they are seen and what SQL makes them so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed
from nxtplay.core.state import Secret
from nxtplay.modules import _postgres_role_rights as rights_
from nxtplay.modules import _postgres_scram as scram
from nxtplay.modules._postgres import Session
from nxtplay.modules._postgres_types import identifier, literal

FLAGS = ("superuser", "createrole", "createdb", "inherit", "login", "replication", "bypassrls")
LISTS = frozenset(
    "search_path temp_tablespaces session_preload_libraries shared_preload_libraries local_preload_libraries "
    "unix_socket_directories".split()
)


@dataclass(frozen=True, eq=False)
class Password:
    """A role's password, as kept by the server or as given; two are equal when one is the other's hash."""

    __leaf__ = True
    kept: Optional[Secret] = field(repr=False)
    user: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Password):
            return False
        mine, theirs = self.kept or "", other.kept or ""
        return scram.matches(mine, self.user, theirs) or scram.matches(theirs, self.user, mine)

    __hash__ = None  # type: ignore[assignment]

    def __public__(self) -> object:
        return "********" if self.kept else None


@dataclass(frozen=True)
class RoleState:
    """A role. `password` None: the server does not let us see it; `expires` is "infinity" or a time in UTC."""

    superuser: bool = False
    createrole: bool = False
    createdb: bool = False
    inherit: bool = True
    login: bool = True
    replication: bool = False
    bypassrls: bool = False
    conn_limit: int = -1
    expires: str = "infinity"
    password: Optional[Password] = None
    comment: Optional[str] = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    rights: rights_.Rights = field(default_factory=dict)  # what it may do with what `priv` names


def look(db: Session, name: str) -> Optional[RoleState]:
    """The live role, or None."""
    found = db.one(
        "SELECT r.oid, rolsuper AS superuser, rolcreaterole AS createrole, rolcreatedb AS createdb, rolinherit AS inherit, "
        "rolcanlogin AS login, rolreplication AS replication, rolbypassrls AS bypassrls, rolconnlimit AS conn_limit, "
        "coalesce((rolvaliduntil AT TIME ZONE 'UTC')::text, 'infinity') AS expires, shobj_description(r.oid, 'pg_authid') AS comment, "
        "(SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0) AS configuration FROM pg_roles r "
        "WHERE rolname = %s",
        name,
    )
    if found is None:
        return None
    oid, settings = found.pop("oid"), found.pop("configuration") or []
    password = None
    if db.value("SELECT has_table_privilege('pg_authid', 'SELECT')"):
        kept = db.value("SELECT rolpassword FROM pg_authid WHERE oid = %s", oid)
        password = Password(Secret(kept) if kept else None, name)
    return RoleState(**found, password=password, configuration=dict(sorted(entry.split("=", 1) for entry in settings)))


def refuse_role(db: Session, name: str, before: Optional[RoleState], after: Optional[RoleState]) -> None:
    """Failed where the one who is logged in may not make this change; since PostgreSQL 16 CREATEROLE is not enough for others' roles."""
    me = db.one("SELECT current_user AS name, rolsuper AS super, rolcreaterole AS creates FROM pg_roles WHERE rolname = current_user")
    if me is None or me["super"]:
        return
    if before and after and name == me["name"] and replace(before, password=after.password) == after:
        return  # everybody may change his own password
    what = "create" if before is None else "drop" if after is None else "change"
    if not me["creates"]:
        raise Failed(f"role {me['name']} may not {what} roles; log in as one that has CREATEROLE")
    if (before and before.superuser) or (after and after.superuser):
        raise Failed(f"role {me['name']} may not {what} superusers; log in as one")
    if before and db.version >= 160000 and not db.value("SELECT pg_has_role(%s, 'USAGE WITH ADMIN OPTION')", name):
        grant = f"GRANT {identifier(name)} TO {identifier(me['name'])} WITH ADMIN OPTION"
        raise Failed(f"role {me['name']} may not {what} {name}: it needs {grant}")


def flags_of(text: str) -> dict[str, bool]:
    """`NOSUPERUSER,CREATEDB` to {"superuser": False, "createdb": True}. ValueError names a word that is no flag."""
    out: dict[str, bool] = {}
    for word in text.replace(",", " ").lower().split():
        name = word[2:] if word.startswith("no") else word
        name = {"createuser": "superuser"}.get(name, name)
        if name not in FLAGS:
            raise ValueError(word)
        out[name] = not word.startswith("no")
    return out


def refuse_settings(db: Session, wanted: Mapping[str, str]) -> None:
    """Have the server say what is wrong with settings, by trying them in a transaction that is taken back. Raises PgError."""
    db.run("BEGIN READ ONLY")
    try:
        for key, value in wanted.items():
            db.run(f"SET LOCAL {identifier(key)} TO {written(key, value)}")
    finally:
        db.run("ROLLBACK")


def written(key: str, value: str) -> str:
    """A setting's value as SET takes it: lists item by item."""
    return ", ".join(literal(part) for part in list_of(value)) if key in LISTS else literal(value)


def setting(name: str, value: Any) -> str:
    """A setting's value as pg_db_role_setting keeps it, so far as that can be told."""
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    return ", ".join(_quoted(part) for part in list_of(text)) if name in LISTS else text


def list_of(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(",")]


def _quoted(name: str) -> str:
    plain = name.replace("_", "a").isalnum() and name == name.lower() and not name[:1].isdigit() and name.isascii() and name != "user"
    return name if plain else identifier(name) if name else '""'


def statements(name: str, before: Optional[RoleState], after: Optional[RoleState], *, encryption: str, show: bool = False) -> list[str]:
    """The SQL from one state to the other. Passwords go hashed, so that no log of the server has them; with `show` they are masked."""
    role = identifier(name)
    granted = rights_.statements(name, before.rights if before else {}, after.rights if after else {})
    if after is None:
        return [*granted, f"DROP ROLE {role}"] if before else []
    words = []
    start = before or RoleState(login=False, password=Password(None, name))
    words += [f"{'' if getattr(after, f) else 'NO'}{f.upper()}" for f in FLAGS if getattr(start, f) != getattr(after, f)]
    if start.conn_limit != after.conn_limit:
        words.append(f"CONNECTION LIMIT {after.conn_limit}")
    if after.password is not None and start.password != after.password:
        words.append(f"PASSWORD {_password(after.password, encryption, show)}")
    if start.expires != after.expires:
        words.append(f"VALID UNTIL {literal(after.expires if after.expires == 'infinity' else after.expires + '+00')}")
    out = []
    if before is None:
        out.append(f"CREATE ROLE {role}{' WITH ' if words else ''}{' '.join(words)}")
    elif words:
        out.append(f"ALTER ROLE {role} WITH {' '.join(words)}")
    if start.comment != after.comment:
        out.append(f"COMMENT ON ROLE {role} IS {literal(after.comment)}")
    for key, value in after.configuration.items():
        if start.configuration.get(key) != value:
            out.append(f"ALTER ROLE {role} SET {identifier(key)} TO {written(key, value)}")
    out += [f"ALTER ROLE {role} RESET {identifier(key)}" for key in start.configuration if key not in after.configuration]
    return out + granted


def _password(wanted: Password, encryption: str, show: bool) -> str:
    if not wanted.kept:
        return "NULL"
    if show:
        return "'********'"
    text = str.__str__(wanted.kept)
    if scram.is_hashed(text):
        return literal(text)
    return literal(scram.md5(text, wanted.user) if encryption in ("md5", "on") else scram.verifier(text))
