"""postgresql_privs: rights of roles on a database's objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret, Unknown, UnknownReached
from nxtplay.modules import _postgres_acl as acl
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import (
    PostgresLogin,
    Session,
    database_key,
    database_of,
    foreseen_state,
    object_key,
    role_key,
    session,
    settled,
)
from nxtplay.modules._postgres_database import role_exists
from nxtplay.modules._postgres_types import identifier

SHARED = ("database", "tablespace", "parameter")  # kinds that belong to the cluster: the same from whichever database one looks


@dataclass(frozen=True)
class PrivsState:
    """Rights by object: {object: {role: (right, ...)}}; a right that may be passed on is written `SELECT*`."""

    held: dict[str, dict[str, tuple[str, ...]]]


class PostgresqlPrivs(PostgresLogin, Resource[PrivsState]):
    """Rights that roles have on tables, sequences, schemas, databases ..., or on what will be created."""

    login_db: str | None = arg(None, help="Database to connect to.", aliases=["db", "database"])
    login_password: Secret | None = arg(None, help="Its password; else the container's own, PGPASSWORD or ~/.pgpass.", aliases=["password"])
    type: Literal[
        "table", "sequence", "function", "procedure", "type", "database", "schema", "language", "tablespace", "foreign_data_wrapper",
        "foreign_server", "parameter", "default_privs", "group",
    ] = arg("table", help="Kind of object.")  # fmt: skip
    objs: str | None = arg(None, help="Objects, parted by commas; ALL_IN_SCHEMA; with default_privs TABLES, SEQUENCES ...", aliases=["obj"])
    roles: str = arg(help="Roles, parted by commas; PUBLIC is everybody.", key=True, aliases=["role"])
    privs: str | None = arg(None, help="Rights, parted by commas, or ALL.", aliases=["priv"])
    schema: str | None = arg(None, help="Schema of the objects; public unless given. With default_privs, not-specified is all of them.")
    state: Literal["present", "absent"] = arg("present", help="Whether the roles should have them.")
    grant_option: bool | None = arg(None, help="Whether the roles may pass them on; unset leaves that.", aliases=["admin_option"])
    target_roles: str | None = arg(None, help="With default_privs: whose new objects; the login's own unless given.")
    fail_on_role: bool = arg(True, help="Fail where a role is not there; false leaves it out.")

    private = False

    def key(self) -> str:
        return object_key("privs", self, database_of(self), self.type, self.schema or "", self.objs or "", self.roles)

    def observe(self, host: Reader) -> Optional[PrivsState]:
        settled(host, self, database_of(self), "GRANT", "ROLE", *([] if self.type in ("default_privs", "group") else [self.type.upper()]))
        with session(self, host) as db:
            roles = self._roles(host, db)
            found = self.found(host, db)
        return PrivsState({name: {role: rights for role, rights in held.items() if role in roles} for name, held in found.items()})

    def desired(self, host: Reader, before: Optional[PrivsState]) -> Optional[PrivsState]:
        if before is None:
            return None
        with session(self, host) as db:
            roles = self._roles(host, db)
            if "PUBLIC" in roles and self.grant_option and self.state == "present":
                raise Failed("grant_option: rights may be passed on by roles, not by PUBLIC")
            out = {}
            for name, held in before.held.items():
                rights = self.rights(db, name)
                out[name] = acl.settle(held, roles, rights, give=self.state == "present", pass_on=self.grant_option)
        return PrivsState(out)

    def apply(self, host: Host, plan: Plan[PrivsState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def also_foresee(self, host: Reader, plan: Plan[PrivsState]) -> Sequence[tuple[str, Any]]:
        with session(self, host) as db:
            found = self.found(host, db)
            roles = self._roles(host, db)
        out = []
        for name, held in (plan.after.held if plan.after else {}).items():
            others = {role: rights for role, rights in found.get(name, {}).items() if role not in roles}
            out.append((self.acl_key(name), {**others, **held}))
        return out

    def result(self, before: Optional[PrivsState], after: Optional[PrivsState]) -> dict[str, Any]:
        return {"queries": self._statements(before, after)}

    # -- on the way

    def _statements(self, before: Optional[PrivsState], after: Optional[PrivsState]) -> list[str]:
        out = []
        for name, held in (after.held if after else {}).items():
            old = before.held.get(name, {}) if before else {}
            if self.type == "group":
                out += _memberships(name, old, held)
            elif self.type == "default_privs":
                owner, _, word = name.rpartition(" ")
                where = f" IN SCHEMA {identifier(self._within)}" if self._within else ""
                out += acl.statements(word, old, held, f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(owner)}{where} ")
            else:
                out += acl.statements(f"{acl.KINDS[self.type].word} {self.target(name)}", old, held)
        return out

    @property
    def _within(self) -> Optional[str]:
        """The one schema that default privileges are for, or None: as in Ansible that has to be said, except of schemas themselves."""
        if self.schema == "not-specified" or (self.objs or "").strip().upper() == "SCHEMAS":
            return None
        return self.schema or "public"

    def target(self, name: str) -> str:
        if self.type in ("function", "procedure"):
            plain, _, rest = name.partition("(")
            return f"{identifier(self.schema or 'public')}.{identifier(plain)}({rest}"
        return f"{identifier(self.schema or 'public')}.{identifier(name)}" if acl.KINDS[self.type].in_schema else identifier(name)

    def _roles(self, host: Reader, db: Session) -> list[str]:
        names = [self._named(db, name) for name in acl.names(self.roles)]
        there = [name for name in names if name == "PUBLIC" or role_exists(host, self, db, name)]
        missing = [name for name in names if name not in there]
        if missing and self.fail_on_role:
            raise Failed(f"roles: there is no role {', '.join(missing)}; create it first (postgresql_user)")
        return there

    def _named(self, db: Session, name: str) -> str:
        """PUBLIC is everybody, SESSION_USER who logged in; both in any case."""
        if name.upper() == "SESSION_USER":
            return str(db.value("SELECT session_user"))
        return "PUBLIC" if name.upper() == "PUBLIC" else name

    def rights(self, db: Session, name: str) -> tuple[str, ...]:
        if self.type == "group":
            return ("MEMBER",)
        if not self.privs:
            raise Failed("privs: say which rights, or ALL")
        letter = acl.DEFAULTS[name.rpartition(" ")[2]][1] if self.type == "default_privs" else acl.KINDS[self.type].letter
        return acl.expand(acl.names(self.privs), acl.all_rights(db, letter))

    def acl_key(self, name: str) -> str:
        if self.type == "group":
            return object_key("acl", self, "", "group", name)
        return object_key("acl", self, "" if self.type in SHARED else database_of(self), self.type, self.schema or "public", name)

    def found(self, host: Reader, db: Session) -> dict[str, dict[str, tuple[str, ...]]]:
        """Who holds what on the named objects, as a check has foreseen it, else live."""
        live = {"default_privs": self._defaults, "group": self._groups}.get(self.type, self._objects)(host, db)
        out = {}
        for name, held in live.items():
            foreseen, state = foreseen_state(host, self.acl_key(name))
            out[name] = dict(state) if foreseen and state is not None else held
        return out

    def _objects(self, host: Reader, db: Session) -> dict[str, dict[str, tuple[str, ...]]]:
        kind = acl.KINDS[self.type]
        schema = self.schema or "public"
        if kind.in_schema:
            self._refuse_missing_schema(host, db, schema)
        found = acl.held(db, kind, schema)
        if self.objs == "ALL_IN_SCHEMA":
            return found
        wanted = acl.names(self.objs or (database_of(self) if self.type == "database" else ""))
        if not wanted:
            raise Failed(f"objs: say which {self.type}s, or ALL_IN_SCHEMA")
        out = {}
        for name in wanted:
            matched = self._match(db, name, found)
            out.update(matched or {_plain(name): self._of_foreseen(host, db, kind, _plain(name))})
        return out

    def _refuse_missing_schema(self, host: Reader, db: Session, name: str) -> None:
        foreseen, state = foreseen_state(host, object_key("schema", self, database_of(self), name))
        if not (state is not None if foreseen else db.value("SELECT 1 FROM pg_namespace WHERE nspname = %s", name)):
            raise Failed(f"schema: there is no schema {name} in {database_of(self)}")

    def _match(self, db: Session, name: str, found: dict[str, dict[str, tuple[str, ...]]]) -> dict[str, dict[str, tuple[str, ...]]]:
        if self.type not in ("function", "procedure"):
            return {_plain(name): found[_plain(name)]} if _plain(name) in found else {}
        called, paren, types = name.replace(":", ",").rpartition(")")[0].partition("(")
        if paren:
            oid = relation.routine(db, f"{identifier(self.schema or 'public')}.{identifier(called.strip())}", types)
            shown = db.value("SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc WHERE oid = %s", oid)
            if shown in found:
                return {shown: found[shown]}
        wanted = "".join(name.replace(":", ",").split()).lower()
        return {n: h for n, h in found.items() if wanted in ("".join(n.split()).lower(), n.partition("(")[0].lower(), _types_only(n))}

    def _of_foreseen(self, host: Reader, db: Session, kind: acl.Kind, name: str) -> dict[str, tuple[str, ...]]:
        """Rights on an object that is not there but foreseen: its owner's, and what is everybody's by default."""
        keys = {
            "database": database_key(self, name),
            "schema": object_key("schema", self, database_of(self), name),
            "tablespace": object_key("tablespace", self, "", name),
        }
        key = keys.get(self.type, object_key(self.type, self, database_of(self), f"{self.schema or 'public'}.{name}"))
        foreseen, state = foreseen_state(host, key)
        if not foreseen or state is None:
            what = "trusted language" if self.type == "language" else self.type
            raise Failed(f"objs: there is no {what} {name}" + (f" in schema {self.schema or 'public'}" if kind.in_schema else ""))
        if db.value("SELECT count(*) FROM pg_default_acl"):
            raise UnknownReached(Unknown(f"{self.type} {name} is only foreseen, and default privileges would apply to it"))
        return acl.by_default(db, kind, state.owner)

    def _defaults(self, host: Reader, db: Session) -> dict[str, dict[str, tuple[str, ...]]]:
        words = [word.upper() for word in acl.names(self.objs or "ALL_DEFAULT")]
        if words == ["ALL_DEFAULT"]:
            words = [word for word in acl.DEFAULTS if word != "SCHEMAS"]
        within = self._within
        wrong = [word for word in words if word not in acl.DEFAULTS or (word == "SCHEMAS" and within)]
        if wrong:
            legal = ", ".join(acl.DEFAULTS)
            raise Failed(f"objs: default privileges are for {legal} (SCHEMAS not in a schema), not for {', '.join(wrong)}")
        if within:
            self._refuse_missing_schema(host, db, within)
        owners = acl.names(self.target_roles or "") or [str(db.value("SELECT current_user"))]
        out = {}
        for owner in owners:
            if not role_exists(host, self, db, owner):
                raise Failed(f"target_roles: there is no role {owner}")
            only_foreseen = foreseen_state(host, role_key(self, owner))[1] is not None
            for word in words:
                held = acl.defaults(db, owner, within, word)
                if not held and only_foreseen and not within:
                    kind = next(k for k in acl.KINDS.values() if k.letter == acl.DEFAULTS[word][1])
                    held = acl.by_default(db, kind, owner)
                out[f"{owner} {word}"] = held
        return out

    def _groups(self, host: Reader, db: Session) -> dict[str, dict[str, tuple[str, ...]]]:
        out: dict[str, dict[str, tuple[str, ...]]] = {}
        for group in acl.names(self.objs or ""):
            if not role_exists(host, self, db, group):
                raise Failed(f"objs: there is no group role {group}")
            rows = db.query(
                "SELECT m.rolname AS name, bool_or(a.admin_option) AS admin FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member "
                "JOIN pg_roles g ON g.oid = a.roleid WHERE g.rolname = %s GROUP BY 1",
                group,
            )
            out[group] = {row["name"]: ("MEMBER*" if row["admin"] else "MEMBER",) for row in rows}
        return out


def _plain(name: str) -> str:
    """A name without the quotes that it may be written in."""
    return name[1:-1].replace('""', '"') if len(name) > 1 and name.startswith('"') and name.endswith('"') else name


def _types_only(signature: str) -> str:
    """`f(a integer, b text)` as `f(integer,text)`."""
    name, _, rest = signature.rstrip(")").partition("(")
    types = [part.strip().split(" ", 1)[-1] for part in rest.split(",") if part.strip()]
    return f"{name}({','.join(''.join(t.split()) for t in types)})".lower()


def _memberships(group: str, before: acl.Held, after: acl.Held) -> list[str]:
    out = []
    for role in [*before, *(r for r in after if r not in before)]:
        old, new = before.get(role), after.get(role)
        if old == new:
            continue
        if new is None:
            out.append(f"REVOKE {identifier(group)} FROM {identifier(role)}")
        elif new == ("MEMBER*",):
            out.append(f"GRANT {identifier(group)} TO {identifier(role)} WITH ADMIN OPTION")
        elif old is None:
            out.append(f"GRANT {identifier(group)} TO {identifier(role)}")
        else:
            out.append(f"REVOKE ADMIN OPTION FOR {identifier(group)} FROM {identifier(role)}")
    return out
