"""postgresql_membership: which roles are members of which groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules._postgres import PostgresLogin, Session, database_of, foreseen_state, role_key, server_of, session, settled
from nxtplay.modules._postgres_database import role_exists
from nxtplay.modules._postgres_types import identifier


@dataclass(frozen=True)
class MembershipState:
    """The groups of each role, by the role's name; which of the groups that were asked for there are."""

    groups: dict[str, tuple[str, ...]]
    asked: tuple[str, ...] = field(default=(), metadata={"volatile": True})


class PostgresqlMembership(PostgresLogin, Resource[MembershipState]):
    """Memberships of roles in group roles."""

    groups: list[str] = arg(help="Group roles.", key=True, aliases=["group", "source_role", "source_roles"])
    target_roles: list[str] = arg(help="Roles that are to be members.", key=True, aliases=["target_role", "users", "user"])
    state: Literal["present", "absent", "exact"] = arg("present", help="Whether they should be members; exact: of these groups alone.")
    fail_on_role: bool = arg(True, help="Fail where a role is not there; false leaves it out.")

    private = False

    def key(self) -> str:
        return f"postgresqlmembership:{server_of(self)}:{','.join(sorted(self.target_roles))}"

    def observe(self, host: Reader) -> Optional[MembershipState]:
        settled(host, self, database_of(self), "ROLE", "GRANT")
        with session(self, host) as db:
            asked = tuple(self._there(host, db, self.groups))
            return MembershipState({role: self._groups_of(host, db, role) for role in self._there(host, db, self.target_roles)}, asked)

    def desired(self, host: Reader, before: Optional[MembershipState]) -> Optional[MembershipState]:
        if before is None:
            return None
        groups = set(before.asked)
        with session(self, host) as db:
            self._refuse_loops(db, before, groups)
        out = {}
        for role, found in before.groups.items():
            wanted = groups if self.state == "exact" else {*found, *groups} if self.state == "present" else {*found} - groups
            out[role] = tuple(sorted(wanted))
        return MembershipState(out, before.asked)

    def apply(self, host: Host, plan: Plan[MembershipState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def also_foresee(self, host: Reader, plan: Plan[MembershipState]) -> list[tuple[str, Any]]:
        after = plan.after.groups if plan.after else {}
        return [(f"postgresqlgroups:{server_of(self)}:{role}", groups) for role, groups in after.items()]

    def result(self, before: Optional[MembershipState], after: Optional[MembershipState]) -> dict[str, Any]:
        told = after or MembershipState({})
        return {
            "queries": self._statements(before, after),
            "granted": self._by_group(after, before, "present"),
            "revoked": self._by_group(before, after, "absent"),
            "state": self.state,
            "groups": list(told.asked),
            "target_roles": list(told.groups),
        }

    def _by_group(self, more: Optional[MembershipState], less: Optional[MembershipState], state: str) -> dict[str, list[str]]:
        """Who is a member of what in `more` and not in `less`; the groups that were asked for are told in any case."""
        out: dict[str, list[str]] = {group: [] for group in (more.asked if more and self.state == state else ())}
        for role, groups in (more.groups if more else {}).items():
            for group in groups:
                if group not in (less.groups if less else {}).get(role, ()):
                    out.setdefault(group, []).append(role)
        return out

    def _statements(self, before: Optional[MembershipState], after: Optional[MembershipState]) -> list[str]:
        gone, new = self._by_group(before, after, "absent"), self._by_group(after, before, "present")
        out = [f"REVOKE {identifier(group)} FROM {identifier(role)}" for group, roles in gone.items() for role in roles]
        return out + [f"GRANT {identifier(group)} TO {identifier(role)}" for group, roles in new.items() for role in roles]

    def _there(self, host: Reader, db: Session, names: list[str]) -> list[str]:
        there = [name for name in names if role_exists(host, self, db, name)]
        missing = [name for name in names if name not in there]
        if missing and self.fail_on_role:
            raise Failed(f"there is no role {', '.join(missing)}")
        return there

    def _groups_of(self, host: Reader, db: Session, role: str) -> tuple[str, ...]:
        foreseen, groups = foreseen_state(host, f"postgresqlgroups:{server_of(self)}:{role}")
        if foreseen and foreseen_state(host, role_key(self, role)) != (True, None):
            return tuple(groups)
        rows = db.query(
            "SELECT DISTINCT g.rolname AS name FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
            "JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s",
            role,
        )
        return tuple(sorted(row["name"] for row in rows))

    def _refuse_loops(self, db: Session, before: MembershipState, groups: set[str]) -> None:
        if self.state == "absent":
            return
        for role, found in before.groups.items():
            for group in groups - set(found):
                above = db.value(
                    "WITH RECURSIVE up(oid) AS (SELECT oid FROM pg_roles WHERE rolname = %s "
                    "UNION SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.oid) "
                    "SELECT 1 FROM up JOIN pg_roles USING (oid) WHERE rolname = %s",
                    group,
                    role,
                )
                if group == role or above:
                    raise Failed(f"{role} cannot become a member of {group}: {group} is a member of {role} already")
