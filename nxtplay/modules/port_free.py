"""port_free: whether TCP ports can be listened on, and who holds those that cannot."""

from __future__ import annotations

import fnmatch
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.modules import _inside, _sockets


class PortFree(Query):
    """Fail unless every port is free, or held by somebody who may. Names the process or container behind each of the others."""

    private = False

    ports: list[int] = arg(help="TCP ports.", aliases=["port"])
    allow_owner: list[str] = arg(default_factory=list, help="Patterns of containers or processes that may hold them, such as `web-*`.")

    def look(self, host: Reader) -> dict[str, Any]:
        listening = [entry for entry in _sockets.entries() if entry.state == _sockets.STATES["LISTEN"]]
        held = {entry.port: entry.inode for entry in listening if entry.port in self.ports}
        published = _published(host) if held else {}
        processes = _sockets.holders({inode for port, inode in held.items() if port not in published})
        found, taken = [], []
        for port in self.ports:
            container, process = published.get(port), processes.get(held.get(port, -1))
            if port not in held and container is None:
                found.append({"port": port, "free": True, "allowed": True, "holder": ""})
                continue
            if container is not None and host.has_foreseen(f"container:{container}") and host.foreseen(f"container:{container}") is None:
                found.append({"port": port, "free": True, "allowed": True, "holder": ""})  # gone by then
                continue
            name = container or (process.name if process else "")
            said = f"container {container}" if container else _said(process)
            allowed = any(fnmatch.fnmatch(name, pattern) for pattern in self.allow_owner)
            found.append({"port": port, "free": False, "allowed": allowed, "holder": said})
            if not allowed:
                taken.append(f"port {port} is held by {said}")
        if taken:
            raise Failed("; ".join(taken), ports=found, taken=taken)
        return {"ports": found, "taken": []}


def _said(process: Optional[_sockets.Holder]) -> str:
    return f"process {process.name} (pid {process.pid})" if process else "a process of another user"


def _published(host: Reader) -> dict[int, str]:
    """Ports that running containers publish, with the container's name; nothing where no engine answers."""
    try:
        status, found = _inside._call(host, "GET", "/containers/json")
    except (OSError, Failed):
        return {}
    out: dict[int, str] = {}
    for container in found if status == 200 else []:
        for port in container.get("Ports") or []:
            if port.get("PublicPort") and port.get("Type") == "tcp":
                out[int(port["PublicPort"])] = container["Names"][0].lstrip("/")
    return out
