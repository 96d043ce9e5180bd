"""redis_data_info: what a key of a Redis server holds."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules._redis import RedisLogin, foreseen_state, server_of, session, text_of


class RedisDataInfo(RedisLogin, Query):
    """Look at a key: whether it exists, and its text."""

    key: str = arg(help="The key.")

    def look(self, host: Reader) -> dict[str, Any]:
        foreseen, state = foreseen_state(host, f"redisdata:{server_of(self)}:{self.key}")
        if foreseen:
            return {"exists": state is not None, **({"value": state.value} if state else {})}
        with session(self, host) as server:
            kind = server.text("TYPE", self.key)
            if kind == "none":
                return {"exists": False}
            if kind != "string":
                raise Failed(f"key {self.key} holds a {kind}, not text")
            return {"exists": True, "value": text_of(server.call("GET", self.key))}
