"""docker_logs: what containers say."""

from __future__ import annotations

import threading
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg, exclusive, one_of
from nxtplay.modules import _docker
from nxtplay.modules._compose.create import PREFIX


class DockerLogs(_docker.DockerOptions, Query):
    """Read the logs of a container, of a service of a Compose project, or of the whole project; `follow` shows them as they come.

    Registers `logs` by container name, and `stdout` with all lines. With `follow` it ends when the containers do, or when the run is
    interrupted.
    """

    libraries = ("docker",)
    streams = True
    private = False
    rules = (one_of("container", "service", "project_name"), exclusive("container", "service"))

    container: Optional[str] = arg(None, help="Name of a container.", aliases=["name"])
    service: Optional[str] = arg(None, help="Service of a Compose project.")
    project_name: Optional[str] = arg(None, help="The Compose project; not needed when the service's name tells.")
    tail: int = arg(100, help="How many of the last lines; -1 is all.")
    since: Optional[str] = arg(None, help="Not older than this: seconds such as 10m, or a time stamp.")
    timestamps: bool = arg(False, help="Begin each line with its time.")
    follow: bool = arg(False, help="Go on as new lines come.")

    def look(self, host: Reader) -> dict[str, Any]:
        with _docker.engine(host, self, timeout=None if not self.follow else 10**6) as api:
            names = self._containers(api)
            options = self._options()
            if self.follow:
                _follow(host, self, names, options)
                return {"logs": {}, "stdout": "", "stdout_lines": []}
            logs = {name: api.logs(name, **options).decode("utf-8", "replace") for name in names}
        text = "".join(logs.values()) if len(logs) == 1 else "".join(_prefixed(n, t) for n, t in logs.items())
        return {"logs": logs, "stdout": text.rstrip("\n"), "stdout_lines": text.splitlines()}

    def _options(self) -> dict[str, Any]:
        tail = self.tail if self.tail >= 0 else "all"
        out: dict[str, Any] = {"stdout": True, "stderr": True, "timestamps": self.timestamps, "tail": tail}
        if self.since:
            out["since"] = since(self.since)
        return out

    def _containers(self, api: Any) -> list[str]:
        if self.container:
            if _docker.inspect_container(api, self.container) is None:
                known = ", ".join(sorted(c["Names"][0].lstrip("/") for c in api.containers(all=True))[:20])
                raise Failed(f"no container {self.container}; there are: {known or 'none'}")
            return [self.container]
        labels = [f"{PREFIX}service={self.service}"] if self.service else []
        labels += [f"{PREFIX}project={self.project_name}"] if self.project_name else []
        found = api.containers(all=True, filters={"label": labels})
        projects = {c["Labels"].get(PREFIX + "project") for c in found}
        if len(projects) > 1 and not self.project_name:
            raise Failed(f"several projects have a service {self.service}: {', '.join(sorted(map(str, projects)))}; give `project_name`")
        if not found:
            where = f" in project {self.project_name}" if self.project_name else ""
            raise Failed(f"no container of service {self.service}{where}" if self.service else f"no containers{where}")
        return sorted(c["Names"][0].lstrip("/") for c in found)


def since(text: str) -> Any:
    """Seconds since 1970 of `10m`, `90`, or a time stamp."""
    import datetime
    import re
    import time

    parts = re.findall(r"(\d+)([smhd])", text)
    if parts and "".join(a + b for a, b in parts) == text:
        return int(time.time() - sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[u] for n, u in parts))
    if text.isdigit():
        return int(text)
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Failed(f"since: '{text}' is neither a duration such as 10m nor a time such as 2026-01-31T12:00:00") from None


def _prefixed(name: str, text: str) -> str:
    return "".join(f"{name}  {line}\n" for line in text.splitlines())


def _follow(host: Reader, options: _docker.DockerOptions, names: list[str], how: dict[str, Any]) -> None:
    """Show lines of all containers as they come; a thread for each."""
    lock = threading.Lock()
    width = max(map(len, names))

    def one(name: str) -> None:
        with _docker.engine(host, options, timeout=10**6) as api:
            rest = ""
            for chunk in api.logs(name, stream=True, follow=True, **how):
                *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
                if lines:
                    shown = "".join(f"{name:{width}}  {line}\n" if len(names) > 1 else f"{line}\n" for line in lines)
                    with lock:
                        host.show(shown)

    threads = [threading.Thread(target=one, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
