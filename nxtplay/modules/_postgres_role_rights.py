"""`priv` of postgresql_user: what a role may do with its database and with tables, `CONNECT,TEMP/app.items:SELECT,INSERT`."""

from __future__ import annotations

from typing import Any, Literal, Mapping, Optional, Sequence

from nxtplay.core.host import Reader
from nxtplay.modules import _postgres_acl as acl
from nxtplay.modules._postgres import PostgresLogin, database_of, session, settled
from nxtplay.modules._postgres_types import identifier, literal
from nxtplay.modules.postgresql_privs import PostgresqlPrivs

Rights = Mapping[str, tuple[str, ...]]  # by target as GRANT names it: {'TABLE "app"."items"': ("INSERT", "SELECT")}


def tasks_of(login: PostgresLogin, role: str, text: Optional[str], state: Literal["present", "absent"]) -> list[PostgresqlPrivs]:
    """The postgresql_privs that a `priv` comes to, one for each part."""
    shared = {name: getattr(login, name) for name in PostgresLogin.specs()}
    shared["login_db"] = database_of(login)
    out = []
    for part in filter(None, (part.strip() for part in (text or "").split("/"))):
        place, colon, privs = part.rpartition(":")
        named: dict[str, Any] = {"type": "database", "objs": identifier(database_of(login))}
        if colon:
            schema, _, table = place.strip().rpartition(".")
            named = {"type": "table", "schema": schema.strip('"') or "public", "objs": identifier(table.strip('"'))}
        out.append(PostgresqlPrivs(**shared, **named, roles=identifier(role), privs=privs.strip(), state=state))
    return out


def look(host: Reader, role: str, tasks: Sequence[PostgresqlPrivs]) -> Rights:
    """What the role holds of each target now, as a check has foreseen it, else live."""
    return {target: held.get(role, ()) for target, _, held in _found(host, tasks)}


def settle(host: Reader, role: str, tasks: Sequence[PostgresqlPrivs], now: Rights) -> Rights:
    """What it holds once all are carried out."""
    out = dict(now)
    for task in tasks:
        with session(task, host) as db:
            rights = task.rights(db, "")
        for target, _, _ in _found(host, [task]):
            out[target] = acl.settle({role: out[target]}, [role], rights, give=task.state == "present", pass_on=None).get(role, ())
    return out


def foresee(host: Reader, role: str, tasks: Sequence[PostgresqlPrivs], after: Rights) -> list[tuple[str, Any]]:
    """(key, rights of everybody) of each target once it has come so."""
    others = [(target, key, {name: rights for name, rights in held.items() if name != role}) for target, key, held in _found(host, tasks)]
    return [(key, {**held, **({role: after[target]} if after.get(target) else {})}) for target, key, held in others]


def statements(role: str, before: Rights, after: Rights) -> list[str]:
    """GRANT and REVOKE from one to the other."""
    targets = {**before, **after}
    return [sql for target in targets for sql in acl.statements(target, _of(role, before, target), _of(role, after, target))]


def untouched(rights: Rights) -> str:
    """A condition on rows `s` of pg_shdepend: not one of the rights on targets of which nothing is left."""
    out = ["true"]
    for target in (target for target, left in rights.items() if not left):
        kind, _, name = target.partition(" ")
        oid = f"to_regclass({literal(name)})"
        if kind == "DATABASE":
            plain = name[1:-1].replace('""', '"')
            oid = f"(SELECT oid FROM pg_database WHERE datname = {literal(plain)})"
        catalog = {"DATABASE": "pg_database"}.get(kind, "pg_class")
        out.append(f"NOT coalesce(s.deptype = 'a' AND s.classid = '{catalog}'::regclass AND s.objid = {oid}, false)")
    return " AND ".join(out)


def _of(role: str, rights: Rights, target: str) -> dict[str, tuple[str, ...]]:
    return {role: rights[target]} if rights.get(target) else {}


def _found(host: Reader, tasks: Sequence[PostgresqlPrivs]) -> list[tuple[str, str, acl.Held]]:
    """(target, key, who holds what) of all that the tasks are about."""
    out: list[tuple[str, str, acl.Held]] = []
    for task in tasks:
        settled(host, task, database_of(task), "GRANT", "ROLE", task.type.upper())
        with session(task, host) as db:
            found = task.found(host, db)
        out += [(f"{acl.KINDS[task.type].word} {task.target(name)}", task.acl_key(name), held) for name, held in found.items()]
    return out
