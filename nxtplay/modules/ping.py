"""ping: whether Python on the host answers."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg


class Ping(Query):
    """Answer with `data`, once the host's Python works."""

    data: str = arg("pong", help="What to answer; `crash` raises an error.")

    def look(self, host: Reader) -> dict[str, Any]:
        if self.data == "crash":
            raise RuntimeError("boom")
        return {"ping": self.data}
