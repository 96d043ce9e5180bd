"""postgresql_user: roles of a PostgreSQL cluster."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret
from nxtplay.modules import _postgres_role as roles
from nxtplay.modules import _postgres_role_rights as rights
from nxtplay.modules import _postgres_scram as scram
from nxtplay.modules._postgres import (
    PostgresLogin,
    Session,
    connect,
    database_key,
    database_of,
    foreseen_state,
    role_key,
    server_of,
    session,
    settled,
)  # fmt: skip
from nxtplay.modules._postgres_role import Password, RoleState
from nxtplay.modules._postgres_types import literal
from nxtplay.modules._postgres_wire import PgError
from nxtplay.modules.postgresql_privs import PostgresqlPrivs


class PostgresqlUser(PostgresLogin, Resource[RoleState]):
    """A role that may log in (or not), with its password and settings."""

    name: str = arg(help="Name of the role.", key=True, aliases=["user"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    password: Secret | None = arg(None, help="Password, or its stored form (SCRAM-SHA-256$..., md5...); empty removes it.")
    update_password: Literal["always", "on_create"] = arg("always", help="Whether an existing role's password is set as well.")
    no_password_changes: bool = arg(False, help="The same as update_password: on_create.")
    encrypted: bool = arg(True, help="Passwords are always kept hashed; there for old playbooks.")
    role_attr_flags: str = arg("", help="Flags such as CREATEDB,NOSUPERUSER; what is not named stays.")
    conn_limit: int | None = arg(None, help="How many sessions it may have at once; -1 is no limit.")
    expires: str | None = arg(None, help="When the password stops being good: a time, or infinity.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    configuration: dict[str, str] | None = arg(None, help="Settings of its sessions, such as search_path.")
    reset_unspecified_configuration: bool = arg(False, help="Whether settings that are not named go.")
    quote_configuration_values: bool = arg(True, help="Values are always quoted; there for old playbooks.")
    priv: str | None = arg(None, help="Rights it is given, with absent those that are taken: `CONNECT,TEMP/app.items:SELECT`, ALL.")
    fail_on_user: bool = arg(True, help="With absent: fail where it still owns something; false leaves it.", aliases=["fail_on_role"])

    private = False
    _set: list[bool] = dataclasses.field(default_factory=list, repr=False)  # whether this task has set the password already

    def key(self) -> str:
        return role_key(self, self.name)

    def observe(self, host: Reader) -> Optional[RoleState]:
        found = self._look(host)
        return dataclasses.replace(found, rights=rights.look(host, self.name, self._privs())) if found else None

    def _look(self, host: Reader) -> Optional[RoleState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            found: Optional[RoleState] = state
            return found
        settled(host, self, database_of(self), "ROLE")
        with session(self, host) as db:
            live = roles.look(db, self.name)
        if live is not None and live.password is None and self.password is not None and not self._on_create_only():
            return dataclasses.replace(live, password=self._probed(host))
        return live

    def desired(self, host: Reader, before: Optional[RoleState]) -> Optional[RoleState]:
        if self.state == "absent":
            left = self._after_drop(host, before) if before else None
            self._refuse(host, before, left)
            return left
        try:
            wanted: dict[str, Any] = dict(roles.flags_of(self.role_attr_flags))
        except ValueError as error:
            legal = ", ".join(flag.upper() for flag in roles.FLAGS)
            raise Failed(f"role_attr_flags: '{error}' is no flag; legal are: {legal}, each also with NO before it") from error
        start = before or RoleState(password=Password(None, self.name))
        if self.conn_limit is not None:
            wanted["conn_limit"] = self.conn_limit
        if self.comment is not None:
            wanted["comment"] = self.comment or None
        if self.password is not None and not (before and self._on_create_only()):
            given = Password(self.password or None, self.name)
            wanted["password"] = start.password if start.password == given else given
        if self.expires is not None:
            wanted["expires"] = self._moment(host)
        if self.configuration is not None or self.reset_unspecified_configuration:
            kept = {} if self.reset_unspecified_configuration else dict(start.configuration)
            given_settings = {k: roles.setting(k, v) for k, v in (self.configuration or {}).items()}
            if given_settings:
                with session(self, host) as db:
                    roles.refuse_settings(db, given_settings)
            wanted["configuration"] = dict(sorted({**kept, **given_settings}.items()))
        if self.priv:
            now = before.rights if before else rights.look(host, self.name, self._privs())
            wanted["rights"] = rights.settle(host, self.name, self._privs(), now)
        after = dataclasses.replace(start, **wanted)
        self._refuse(host, before, after)
        return after

    def apply(self, host: Host, plan: Plan[RoleState]) -> None:
        with session(self, host) as db:
            encryption = str(db.value("SHOW password_encryption"))
            db.apply(roles.statements(self.name, plan.before, plan.after, encryption=encryption))
        self._set.append(True)

    def also_foresee(self, host: Reader, plan: Plan[RoleState]) -> Sequence[tuple[str, Any]]:
        return rights.foresee(host, self.name, self._privs(), plan.after.rights if plan.after else {})

    def result(self, before: Optional[RoleState], after: Optional[RoleState]) -> dict[str, Any]:
        out: dict[str, Any] = {"user": self.name, "queries": roles.statements(self.name, before, after, encryption="", show=True)}
        return {**out, "user_removed": after is None} if self.state == "absent" else out

    # -- on the way

    def _privs(self) -> list[PostgresqlPrivs]:
        return rights.tasks_of(self, self.name, self.priv, self.state)

    def _refuse(self, host: Reader, before: Optional[RoleState], after: Optional[RoleState]) -> None:
        if before and after:
            before = dataclasses.replace(before, rights=after.rights)
        if before != after:
            with session(self, host) as db:
                roles.refuse_role(db, self.name, before, after)

    def _on_create_only(self) -> bool:
        return self.no_password_changes or self.update_password == "on_create"

    def _moment(self, host: Reader) -> str:
        with session(self, host) as db:
            return str(db.value("SELECT (%s::timestamptz AT TIME ZONE 'UTC')::text", self.expires))

    def _probed(self, host: Reader) -> Password:
        """Whether the password is the wanted one, told by logging in, where the server hides what it keeps (managed databases)."""
        if scram.is_hashed(str.__str__(self.password or "")):  # nobody logs in with a hash: it is set each time, as in Ansible
            return Password(self.password if self._set else None, self.name)
        if self._logs_in(host, Secret("\x01 no one's password")):
            raise Failed(f"role {self.name}: the server lets it in with any password, so it cannot be told whether to set it; "
                         "write update_password: on_create")  # fmt: skip
        return Password(self.password if self._logs_in(host, self.password or Secret("")) else None, self.name)

    def _logs_in(self, host: Reader, password: Secret) -> bool:
        login = dataclasses.replace(self, login_user=self.name, login_password=password)
        try:
            connect(login, host, database_of(self)).close()
        except PgError as error:
            if error.code == "28P01":
                return False
            if not error.code.startswith(("42501", "3D", "53", "28")):
                raise Failed(f"role {self.name}: cannot tell whether its password is the wanted one: {error}") from error
            if error.code.startswith("28"):
                raise Failed(f"role {self.name}: its password cannot be compared: {error}; write update_password: on_create") from error
        return True

    def _after_drop(self, host: Reader, before: RoleState) -> Optional[RoleState]:
        kept = rights.settle(host, self.name, self._privs(), before.rights)
        with session(self, host) as db:
            left = self._belongings(host, db, rights.untouched(kept))
        if not left:
            return None
        if not self.fail_on_user:
            return dataclasses.replace(before, rights=kept)
        raise Failed(f"role {self.name} cannot go: it owns, or has rights on, objects in {', '.join(left)}; "
                     "give them to another role first (postgresql_owner: reassign_owned_by) or write fail_on_user: false")  # fmt: skip

    def _belongings(self, host: Reader, db: Session, condition: str) -> list[str]:
        rows = db.query(
            "SELECT DISTINCT coalesce(d.datname, own.datname, 'the cluster') AS place FROM pg_shdepend s "
            "LEFT JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_database own ON s.dbid = 0 AND s.classid = 'pg_database'::regclass "
            "AND own.oid = s.objid WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = "
            f"(SELECT oid FROM pg_roles WHERE rolname = {literal(self.name)}) AND {condition} ORDER BY 1"
        )
        foreseen = host.foreseen_under(f"postgresqldb:{server_of(self)}:")
        owned = [key.rpartition(":")[2] for key, state in foreseen.items() if getattr(state, "owner", None) == self.name]
        return sorted({*owned, *(row["place"] for row in rows if foreseen.get(database_key(self, row["place"]), row) is not None)})
