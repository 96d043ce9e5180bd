"""postgresql_set: settings of a server, as ALTER SYSTEM keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, one_of
from nxtplay.core.state import Plan
from nxtplay.core.types import near
from nxtplay.modules import _postgres_role as roles
from nxtplay.modules._postgres import PostgresLogin, Session, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_setting import measured, normal, pretty, spelled
from nxtplay.modules._postgres_types import PLAIN, identifier, literal

LOOK = (
    "SELECT name, setting, unit, context, vartype, enumvals, min_val, max_val, boot_val, pending_restart, reset_val FROM pg_settings "
    "WHERE lower(name) = lower(%s)"
)
FILES = "SELECT setting, sourcefile FROM pg_file_settings WHERE lower(name) = lower(%s) ORDER BY seqno"
AUTO = "postgresql.auto.conf"
NEVER_EMPTY = ("local_preload_libraries", "session_preload_libraries", "shared_preload_libraries", "unix_socket_directories")


@dataclass(frozen=True)
class SettingState:
    """A setting as the configuration files have it (what runs may lag behind until a restart), in the server's own unit."""

    value: Optional[str]
    altered: bool  # whether ALTER SYSTEM has set it
    context: str = field(default="", metadata={"volatile": True})  # postmaster: takes a restart to count
    unit: Optional[str] = field(default=None, metadata={"volatile": True})


class PostgresqlSet(PostgresLogin, Resource[SettingState]):
    """A server's setting; it is reloaded at once, and `restart_required` says whether that is not enough."""

    name: str = arg(help="Name of the setting.", key=True)
    value: str | None = arg(None, help="Value, in any unit the server understands; `default` resets it.")
    reset: bool = arg(False, help="Take back what ALTER SYSTEM set.")

    rules = (one_of("value", "reset"),)
    private = False
    resets: ClassVar[str] = "default"  # the value that means no value

    def key(self) -> str:
        return object_key("set", self, "", self.name.lower())

    def observe(self, host: Reader) -> Optional[SettingState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[SettingState] = state
            return out
        settled(host, self, "", "SYSTEM")
        with session(self, host) as db:
            return self._look(db, self._row(db))

    def desired(self, host: Reader, before: Optional[SettingState]) -> Optional[SettingState]:
        with session(self, host) as db:
            row = self._row(db)
            if row["context"] == "internal":
                raise Failed(f"{self.name} cannot be changed: the server was built, or its data made, with it")
            if self.reset or self.value == self.resets:
                return self._look(db, row, without_auto=True)
        name = str(row["name"])
        if not self.value and name in NEVER_EMPTY:
            raise Failed(f"{name}: the server would not start with what ALTER SYSTEM makes of an empty list; write reset: true")
        value = roles.setting(name, self.value) if name in roles.LISTS else normal(spelled(str(self.value)), row)
        if before is not None and before.value == value:
            return before
        return SettingState(value, True, str(row["context"]), row["unit"])

    def apply(self, host: Host, plan: Plan[SettingState]) -> None:
        with session(self, host) as db:
            db.run(self._statement(plan.after))
            loaded = db.value("SELECT pg_conf_load_time()")
            db.run("SELECT pg_reload_conf()")
            for _ in range(100):  # the postmaster takes a moment to hear it
                if db.value("SELECT pg_conf_load_time() > %s OR pg_sleep(0.02) IS NULL", loaded):
                    break

    def result(self, before: Optional[SettingState], after: Optional[SettingState]) -> dict[str, Any]:
        shown = {name: pretty(state.value, state.unit) if state else None for name, state in (("old", before), ("new", after))}
        return {
            "name": self.name,
            "prev_val_pretty": shown["old"],
            "value_pretty": shown["new"],
            "value": measured(after.value, after.unit) if after else {"value": None, "unit": None},
            "context": after.context if after else "",
            "restart_required": before != after and after is not None and after.context == "postmaster",
            "queries": [self._statement(after)] if before != after else [],
        }

    # -- on the way

    def _row(self, db: Session) -> Mapping[str, Any]:
        row = db.one(LOOK, self.name)
        if row is None and "." in self.name:  # an extension's, which any session may hold
            row = {"name": self.name, "vartype": "string", "context": "user", "boot_val": None, "setting": None, "unit": None}
        if row is None:
            hint = near(self.name, [r["name"] for r in db.query("SELECT name FROM pg_settings")])
            raise Failed(f"the server has no setting {self.name}" + (f"; {hint}" if hint else ""))
        return row

    def _look(self, db: Session, row: Mapping[str, Any], *, without_auto: bool = False) -> SettingState:
        entries = db.query(FILES, self.name)
        altered = any(entry["sourcefile"].endswith(AUTO) for entry in entries)
        told = [entry["setting"] for entry in entries if not (without_auto and entry["sourcefile"].endswith(AUTO))]
        value = normal(told[-1], row) if told else (None if row["boot_val"] is None else str(row["boot_val"]))
        return SettingState(value, altered and not without_auto, str(row["context"]), row["unit"])

    def _statement(self, after: Optional[SettingState]) -> str:
        name = ".".join(part if PLAIN.fullmatch(part) else identifier(part) for part in self.name.lower().split("."))
        if after is None or not after.altered:
            return f"ALTER SYSTEM RESET {name}" if self.reset else f"ALTER SYSTEM SET {name} = DEFAULT"
        text = spelled(str(self.value))
        if self.name.lower() in roles.LISTS or self.name.lower() == "synchronous_standby_names":
            parts = roles.list_of(text) if self.name.lower() in roles.LISTS else [text]
            return f"ALTER SYSTEM SET {name} = {', '.join(literal(part) for part in parts)}"
        return f"ALTER SYSTEM SET {name} = {literal(text)}"
