"""postgresql_subscription: what a database takes in by logical replication."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import conninfo, identifier, literal, masked, parse_conninfo

OPTIONS = {
    "enabled": "subenabled",
    "binary": "subbinary",
    "streaming": "substream",
    "synchronous_commit": "subsynccommit",
    "slot_name": "subslotname",
}
ONLY_AT_CREATION = ("copy_data", "create_slot", "connect", "two_phase")


@dataclass(frozen=True)
class SubscriptionState:
    """A subscription; `connection` is what libpq takes, its password masked wherever it is shown."""

    owner: str
    publications: tuple[str, ...]
    connection: Mapping[str, str]
    options: Mapping[str, str]
    comment: Optional[str]


class PostgresqlSubscription(PostgresLogin, Resource[SubscriptionState]):
    """A subscription to another database's publications."""

    name: str = arg(help="Name of the subscription.", key=True)
    state: Literal["present", "absent", "refresh"] = arg("present", help="Whether it should exist; refresh takes up new tables.")
    publications: list[str] | None = arg(None, help="Publications to subscribe to.")
    connparams: dict[str, str] | None = arg(None, help="Where they are: host, port, dbname, user, password ...", secret=True)
    subsparams: dict[str, str] | None = arg(None, help="Options: enabled, slot_name, synchronous_commit, copy_data, create_slot ...")
    owner: str | None = arg(None, help="Role that owns it.")
    comment: str | None = arg(None, help="Comment on it; empty removes it.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    private = False

    def key(self) -> str:
        return object_key("subscription", self, database_of(self), self.name)

    def observe(self, host: Reader) -> Optional[SubscriptionState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[SubscriptionState] = state
            return out
        settled(host, self, database_of(self), "SUBSCRIPTION")
        with session(self, host) as db:
            found = db.one(
                "SELECT pg_get_userbyid(subowner) AS owner, subpublications AS publications, subconninfo AS connection, "
                "to_jsonb(s) AS row, obj_description(oid, 'pg_subscription') AS comment FROM pg_subscription s WHERE subname = %s "
                "AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
                self.name,
            )
        if not found:
            return None
        options = {name: _normal(name, _text(found["row"][column])) for name, column in OPTIONS.items() if column in found["row"]}
        publications = tuple(sorted(found["publications"]))
        return SubscriptionState(found["owner"], publications, parse_conninfo(found["connection"]), options, found["comment"])

    def desired(self, host: Reader, before: Optional[SubscriptionState]) -> Optional[SubscriptionState]:
        if self.state == "absent":
            return None
        if self.state == "refresh":
            if before is None:
                raise Failed(f"there is no subscription {self.name} to refresh")
            return before
        if before is None and not (self.publications and self.connparams):
            raise Failed(f"subscription {self.name} is not there yet; publications and connparams say what to take in, and from where")
        with session(self, host) as db:
            relation.refuse(host, self, db, owner=self.owner)
            user = str(db.value("SELECT current_user"))
            fresh = {**_fresh(db.version), "slot_name": self.name}
        given = {name: value for name, value in (self.subsparams or {}).items() if name not in ONLY_AT_CREATION}
        unknown = sorted(set(given) - set(fresh))
        if unknown:
            raise Failed(f"subsparams: this server does not know {', '.join(unknown)}; legal are {', '.join((*fresh, *ONLY_AT_CREATION))}")
        if not before and _bool((self.subsparams or {}).get("connect", "true")) == "false":
            fresh["enabled"] = "false"
        start = before or SubscriptionState(user, (), {}, fresh, None)
        return dataclasses.replace(
            start,
            owner=self.owner or start.owner,
            publications=tuple(sorted(self.publications)) if self.publications else start.publications,
            connection={**start.connection, **masked(self.connparams or {})},
            options={**start.options, **{name: _normal(name, value) for name, value in given.items()}},
            comment=start.comment if self.comment is None else self.comment or None,
        )

    def apply(self, host: Host, plan: Plan[SubscriptionState]) -> None:
        with session(self, host) as db:
            for statement in self._statements(plan.before, plan.after):  # CREATE SUBSCRIPTION makes a slot far away: no transaction
                db.run(statement)

    def due(self, host: Reader, plan: Plan[SubscriptionState]) -> Optional[str]:
        return "newly published tables are taken up" if self.state == "refresh" else None

    def perform(self, host: Host, plan: Plan[SubscriptionState]) -> None:
        statement = f"ALTER SUBSCRIPTION {identifier(self.name)} REFRESH PUBLICATION"
        with session(self, host) as db:
            db.run(statement)
        host.note(queries=[statement])

    def result(self, before: Optional[SubscriptionState], after: Optional[SubscriptionState]) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "exists": after is not None, "queries": self._statements(before, after, show=True)}
        out.update(initial_state=_told(before), final_state=_told(after))
        if after:
            out.update(owner=after.owner, publications=list(after.publications), enabled=after.options["enabled"] == "true")
        return out

    def _statements(
        self, before: Optional[SubscriptionState], after: Optional[SubscriptionState], *, show: bool = False
    ) -> list[str]:  # fmt: skip
        """The SQL from one state to the other; with `show` the password is masked."""
        name = identifier(self.name)
        if after is None:
            return [f"DROP SUBSCRIPTION {name}{' CASCADE' if self.cascade else ''}"] if before else []
        publications = ", ".join(identifier(p) for p in after.publications)
        connection = {key: "********" if show and key == "password" else value for key, value in after.connection.items()}
        out = []
        if before is None:
            options = ", ".join(f"{key} = {_option(_normal(key, value))}" for key, value in (self.subsparams or {}).items())
            front = f"CREATE SUBSCRIPTION {name} CONNECTION {literal(conninfo(connection))} PUBLICATION {publications}"
            out.append(front + (f" WITH ({options})" if options else ""))
        else:
            if before.connection != after.connection:
                out.append(f"ALTER SUBSCRIPTION {name} CONNECTION {literal(conninfo(connection))}")
            if before.publications != after.publications:
                refresh = "" if after.options["enabled"] == "true" else " WITH (refresh = false)"
                out.append(f"ALTER SUBSCRIPTION {name} SET PUBLICATION {publications}{refresh}")
            new = {k: v for k, v in after.options.items() if before.options[k] != v and k != "enabled"}
            out += [f"ALTER SUBSCRIPTION {name} SET ({', '.join(f'{k} = {_option(v)}' for k, v in new.items())})"] if new else []
            if before.options["enabled"] != after.options["enabled"]:
                out.append(f"ALTER SUBSCRIPTION {name} {'ENABLE' if after.options['enabled'] == 'true' else 'DISABLE'}")
        if self.owner and (before is None or before.owner != after.owner):
            out.append(f"ALTER SUBSCRIPTION {name} OWNER TO {identifier(after.owner)}")
        if (before.comment if before else None) != after.comment:
            out.append(f"COMMENT ON SUBSCRIPTION {name} IS {literal(after.comment)}")
        return out


def _fresh(version: int) -> dict[str, str]:
    """A new subscription's options, as a server of this version has them."""
    later = {"binary": "false", "streaming": "parallel" if version >= 180000 else "false"} if version >= 140000 else {}
    return {"enabled": "true", "synchronous_commit": "off", **later}


def _option(value: str) -> str:
    """NONE is a word of its own: no slot."""
    return "NONE" if value == "NONE" else literal(value)


def _told(state: Optional[SubscriptionState]) -> dict[str, Any]:
    if state is None:
        return {}
    return {
        "owner": state.owner,
        "enabled": state.options["enabled"] == "true",
        "synccommit": state.options["synchronous_commit"] != "off",
        "slotname": None if state.options["slot_name"] == "NONE" else state.options["slot_name"],
        "publications": list(state.publications),
        "comment": state.comment or "",
        "conninfo": {key: int(value) if value.isdigit() and key != "password" else value for key, value in state.connection.items()},
    }


def _normal(name: str, value: str) -> str:
    """An option's value in the one form we compare; synchronous_commit is kept as it was written, and has words beside on and off."""
    if name != "synchronous_commit":
        return _bool(value)
    return {"true": "on", "false": "off"}.get(_bool(value), value.lower())


def _bool(value: str) -> str:
    word = value.lower()
    return "true" if word in ("true", "on", "yes", "t") else "false" if word in ("false", "off", "no", "f") else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"f": "false", "t": "true", "p": "parallel", None: "NONE"}.get(value, str(value))
