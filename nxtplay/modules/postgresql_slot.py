"""postgresql_slot: replication slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, object_key, session, settled
from nxtplay.modules._postgres_types import literal


@dataclass(frozen=True)
class SlotState:
    """A replication slot; plugin and database belong to logical ones."""

    slot_type: str
    plugin: Optional[str]
    database: Optional[str]


class PostgresqlSlot(PostgresLogin, Resource[SlotState]):
    """A replication slot. A slot that nobody reads keeps the write-ahead log growing: remove those not in use."""

    name: str = arg(help="Name of the slot: lower case, digits, underscores.", key=True, aliases=["slot_name"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    slot_type: Literal["physical", "logical"] = arg("physical", help="Kind of slot.")
    output_plugin: str = arg("test_decoding", help="Plugin of a logical slot; pgoutput for subscriptions.")
    immediately_reserve: bool = arg(False, help="Whether a physical slot keeps the log from now on, not from its first use.")

    private = False

    def key(self) -> str:
        return object_key("slot", self, "", self.name)

    def observe(self, host: Reader) -> Optional[SlotState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[SlotState] = state
            return out
        settled(host, self, database_of(self), "SUBSCRIPTION")
        with session(self, host) as db:
            found = db.one("SELECT slot_type, plugin, database FROM pg_replication_slots WHERE slot_name = %s", self.name)
        return SlotState(**found) if found else None

    def desired(self, host: Reader, before: Optional[SlotState]) -> Optional[SlotState]:
        if self.state == "absent":
            self._refuse_active(host)
            return None
        if before is not None:
            if before.slot_type != self.slot_type:
                raise Failed(f"slot {self.name} is there as a {before.slot_type} one; drop it before making a {self.slot_type} one")
            return before
        if not self.name or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in self.name):
            raise Failed(f"name: '{self.name}' is no slot name: lower-case letters, digits and underscores only")
        logical = self.slot_type == "logical"
        self._refuse_setting(host, logical)
        return SlotState(self.slot_type, self.output_plugin if logical else None, database_of(self) if logical else None)

    def apply(self, host: Host, plan: Plan[SlotState]) -> None:
        with session(self, host) as db:
            db.run(self._statement(plan.after))

    def result(self, before: Optional[SlotState], after: Optional[SlotState]) -> dict[str, Any]:
        return {"name": self.name, "queries": [self._statement(after)] if before != after else []}

    def _statement(self, after: Optional[SlotState]) -> str:
        name = literal(self.name)
        if after is None:
            return f"SELECT pg_drop_replication_slot({name})"
        if self.slot_type == "logical":
            return f"SELECT pg_create_logical_replication_slot({name}, {literal(self.output_plugin)})"
        return f"SELECT pg_create_physical_replication_slot({name}, {literal(self.immediately_reserve)})"

    def _refuse_active(self, host: Reader) -> None:
        with session(self, host) as db:
            pid = db.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", self.name)
        if pid:
            raise Failed(f"slot {self.name} is in use by process {pid}; stop the standby or subscription that reads it first")

    def _refuse_setting(self, host: Reader, logical: bool) -> None:
        with session(self, host) as db:
            level = db.value("SHOW wal_level")
            free = db.value("SELECT current_setting('max_replication_slots')::int - count(*) FROM pg_replication_slots")
        if logical and level != "logical":
            raise Failed(f"logical slots need wal_level = logical; the server has {level} (postgresql_set, then a restart)")
        if level == "minimal" or free <= 0:
            raise Failed(f"the server has no room for a slot: wal_level is {level}, {max(free, 0)} of max_replication_slots are free")
