"""redis_info: what a Redis server says of itself."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules._redis import RedisLogin, parse_info, session


class RedisInfo(RedisLogin, Query):
    """Read INFO of a Redis server (version, memory, persistence, replication, keyspace)."""

    section: list[str] | None = arg(None, help="Sections to read, such as replication; unset reads the usual ones.")
    cluster: bool = arg(False, help="Read CLUSTER INFO too.")

    def look(self, host: Reader) -> dict[str, Any]:
        with session(self, host) as server:
            info: dict[str, Any] = {}
            for section in self.section or [""]:
                info.update(server.info(section))
            return {"info": info, **({"cluster": parse_info(server.text("CLUSTER", "INFO"))} if self.cluster else {})}
