"""redis_data: keys of a Redis server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive, required_if
from nxtplay.core.state import Plan
from nxtplay.modules._redis import RedisLogin, Session, foreseen_state, server_of, session, text_of

CLOSE = 5000  # milliseconds by which a time to live may differ and still be the wanted one: it runs down as we look


@dataclass(frozen=True)
class TimeToLive:
    """Milliseconds a key has left, None for ever; near enough is equal."""

    __leaf__ = True
    left: Optional[int]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeToLive) or self.left is None or other.left is None:
            return isinstance(other, TimeToLive) and self.left == other.left
        return abs(self.left - other.left) <= max(CLOSE, self.left // 50)

    __hash__ = None  # type: ignore[assignment]

    def __public__(self) -> object:
        return self.left


@dataclass(frozen=True)
class KeyState:
    """A key that holds text."""

    value: str
    ttl: TimeToLive


class RedisData(RedisLogin, Resource[KeyState]):
    """A key with a text value: there or gone."""

    key_: str = arg(help="The key.", key=True)
    value: str | None = arg(None, help="Its value.")
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    expiration: int | None = arg(None, help="Milliseconds it has to live.")
    non_existing: bool | None = arg(None, help="Set it only where it is not there yet.")
    existing: bool | None = arg(None, help="Set it only where it is there already.")
    keep_ttl: bool | None = arg(None, help="Whether an existing key keeps its time to live.")

    rules = (required_if("state", "present", "value"), exclusive("non_existing", "existing"), exclusive("expiration", "keep_ttl"))
    private = False

    def key(self) -> str:
        return f"redisdata:{server_of(self)}:{self.key_}"

    def observe(self, host: Reader) -> Optional[KeyState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[KeyState] = state
            return out
        emptied, _ = foreseen_state(host, f"redis:{server_of(self)}:flush:all")
        with session(self, host) as server:
            return None if emptied else self._look(server)

    def desired(self, host: Reader, before: Optional[KeyState]) -> Optional[KeyState]:
        if self.state == "absent":
            return None
        if (before and self.non_existing) or (not before and self.existing):
            return before
        ttl = TimeToLive(self.expiration)
        if before and (self.keep_ttl or (self.expiration is None and self.keep_ttl is None and before.value == self.value)):
            ttl = before.ttl
        return KeyState(self.value or "", ttl)

    def apply(self, host: Host, plan: Plan[KeyState]) -> None:
        with session(self, host) as server:
            if plan.after is None:
                server.call("DEL", self.key_)
                return
            left = plan.after.ttl.left
            options: tuple[Any, ...] = ("KEEPTTL",) if self.keep_ttl else () if left is None else ("PX", left)
            server.call("SET", self.key_, plan.after.value, *options)

    def result(self, before: Optional[KeyState], after: Optional[KeyState]) -> dict[str, Any]:
        return {"key": self.key_, "old_value": before.value if before else None, "value": after.value if after else None}

    def _look(self, server: Session) -> Optional[KeyState]:
        kind = server.text("TYPE", self.key_)
        if kind == "none":
            return None
        if kind != "string":
            if self.state == "absent":
                return KeyState(f"({kind})", TimeToLive(None))
            raise Failed(f"key {self.key_} holds a {kind}, not text; remove it first if it may go")
        left = int(server.call("PTTL", self.key_))
        return KeyState(text_of(server.call("GET", self.key_)), TimeToLive(left if left >= 0 else None))
