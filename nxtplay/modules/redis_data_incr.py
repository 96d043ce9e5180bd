"""redis_data_incr: count a key of a Redis server up."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive
from nxtplay.core.state import Unknown
from nxtplay.modules._redis import RedisLogin, server_of, session, text_of


class RedisDataIncr(RedisLogin, Action):
    """Add to a number that a key holds; a key that is not there counts from 0."""

    key: str = arg(help="The key.")
    increment_int: int | None = arg(None, help="Whole number to add; 1 unless given.")
    increment_float: float | None = arg(None, help="Number to add.")

    rules = (exclusive("increment_int", "increment_float"),)
    private = False

    def due(self, host: Reader) -> Optional[str]:
        with session(self, host) as server:
            kind = server.text("TYPE", self.key)
            found = text_of(server.call("GET", self.key)) if kind == "string" else "0"
        try:
            (float if self.increment_float is not None else int)(found)
        except ValueError:
            kind = "text that is no number"
        if kind not in ("string", "none"):
            raise Failed(f"key {self.key} holds {kind}; only numbers can be counted up")
        return "it counts each time"

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return [(f"redisdata:{server_of(self)}:{self.key}", Unknown(f"{self.key} was not counted up"))]

    def perform(self, host: Host) -> dict[str, Any]:
        with session(self, host) as server:
            if self.increment_float is not None:
                return {"key": self.key, "value": float(server.text("INCRBYFLOAT", self.key, self.increment_float))}
            return {"key": self.key, "value": int(server.call("INCRBY", self.key, 1 if self.increment_int is None else self.increment_int))}
