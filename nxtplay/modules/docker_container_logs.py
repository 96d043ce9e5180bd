"""docker_container_logs: what a container printed, and what it prints from now on."""

from __future__ import annotations

import codecs
import re
import time
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.modules import _docker

KEPT = 100_000  # characters of a followed log that are registered
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class DockerContainerLogs(_docker.DockerOptions, Query):
    """Show the last lines of a container's log as they are; with `follow`, go on showing until the container ends or Ctrl-C."""

    libraries = ("docker",)
    streams = True

    name: str = arg(help="The container's name or id.", aliases=["container"])
    tail: int = arg(50, help="How many lines from the end; -1 for all.", aliases=["lines"])
    since: Optional[str] = arg(None, help="Only lines that are younger than this, such as 10m or 2h.")
    timestamps: bool = arg(False, help="Write the time before every line.")
    follow: bool = arg(False, help="Go on with the lines to come.")

    def look(self, host: Reader) -> dict[str, Any]:
        with _docker.engine(host, self) as api:
            if _docker.inspect_container(api, self.name) is None:
                if host.foreseen(f"container:{self.name}") is not None:
                    raise UnknownReached(Unknown(f"container {self.name} is only foreseen"))
                raise Failed(f"no container {self.name} on this host (`docker ps -a` lists what is there)")
            return self._read(host, api)

    def _read(self, host: Reader, api: Any) -> dict[str, Any]:
        if self.follow:
            api.timeout = None  # a container may be silent for long
        asked: dict[str, Any] = {"tail": "all" if self.tail < 0 else self.tail, "timestamps": self.timestamps}
        if self.since:
            asked["since"] = int(time.time()) - _seconds(self.since)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        kept = ""
        for chunk in api.logs(self.name, stream=True, follow=self.follow, stdout=True, stderr=True, **asked):
            text = decoder.decode(chunk)
            host.show(text)
            kept = (kept + text)[-KEPT:]
        return {"stdout": kept, "stdout_lines": kept.splitlines()}


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd]?)", text.strip())
    if found is None:
        raise Failed(f"since: '{text}' is no length of time; write it as 30s, 10m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2] or "s"]
