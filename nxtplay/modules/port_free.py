"""port_free: whether TCP ports can be taken, and who holds those that cannot."""

from __future__ import annotations

import fnmatch
import json
import os
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import UnknownReached
from nxtplay.modules import _http, _sockets

ANY = ("0.0.0.0", "::")


class PortFree(Query):
    """Look whether ports are free, or held by whom they may be held by."""

    private = False

    ports: list[int] = arg(help="The ports.", aliases=["port"])
    host: str | None = arg(None, help="Only listeners on this address count (and those on all addresses).", aliases=["address"])
    owner: list[str] = arg(
        default_factory=list, help="Patterns of container or process names that may hold a port.", aliases=["owners", "allow_owner"]
    )
    fail: bool = arg(True, help="Fail when a port is taken; else only tell.")

    def look(self, host: Reader) -> dict[str, Any]:
        listeners: dict[int, set[int]] = {}
        for entry in _sockets.entries():
            if entry.state == _sockets.STATES["LISTEN"] and entry.port in self.ports and self._concerns(entry.address):
                listeners.setdefault(entry.port, set()).add(entry.inode)
        containers = self._containers(host)
        holders = _sockets.holders({inode for inodes in listeners.values() for inode in inodes}) if listeners else {}
        told = [
            self._one(port, [holders[i] for i in listeners.get(port, ()) if i in holders], port in listeners, containers.get(port))
            for port in self.ports
        ]
        wrong = [entry for entry in told if not entry["free"] and not entry["allowed"]]
        if wrong and self.fail:
            pending = host.pending()
            if pending is not None:
                raise UnknownReached(pending)
            raise Failed(_message(wrong), ports=told, taken=[entry["port"] for entry in wrong])
        return {"ports": told, "taken": [entry["port"] for entry in wrong], "free": not wrong}

    def _one(self, port: int, holders: list[_sockets.Holder], listening: bool, container: Optional[str]) -> dict[str, Any]:
        process = holders[0] if holders else None
        names = [name for name in (container, process.name if process and not container else None) if name]
        allowed = any(fnmatch.fnmatch(name, pattern) for name in names for pattern in self.owner)
        who = f"container {container}" if container else f"{process.name} (pid {process.pid})" if process else "a process of another user"
        taken = listening or container is not None
        return {
            "port": port,
            "free": not taken,
            "allowed": taken and allowed,
            "holder": who if taken else None,
            "container": container,
            "process": process.name if process else None,
            "pid": process.pid if process else None,
        }

    def _concerns(self, address: str) -> bool:
        return self.host is None or address in (*ANY, self.host)

    def _containers(self, host: Reader) -> dict[int, str]:
        """Host ports that running containers publish, by the engine's own word; none where no engine answers."""
        where = host.environ.get("DOCKER_HOST", "")
        path = where[len("unix://") :] if where.startswith("unix://") else "/var/run/docker.sock"
        if not os.path.exists(path):
            return {}
        try:
            answer = _http.send(_http.Request(url="http://docker/containers/json", unix_socket=path, timeout=5, decompress=False))
            listed = json.loads(answer.body) if answer.status == 200 else []
        except (Failed, ValueError):
            return {}
        out: dict[int, str] = {}
        for container in listed:
            name = (container.get("Names") or ["?"])[0].lstrip("/")
            for port in container.get("Ports") or ():
                if port.get("PublicPort") and port.get("Type") == "tcp" and self._concerns(port.get("IP") or "0.0.0.0"):
                    out[int(port["PublicPort"])] = name
        return out


def _message(wrong: list[dict[str, Any]]) -> str:
    """One message for all of them, with what to do."""
    told = "; ".join(f"port {entry['port']} is held by {entry['holder']}" for entry in wrong)
    first = wrong[0]
    advice = (
        f"docker stop {first['container']}" if first["container"] else f"stop it (kill {first['pid']})" if first["pid"] else "see ss -ltnp"
    )
    return f"{told}; free {'it' if len(wrong) == 1 else 'them'} or choose other ports ({advice})"
