"""Redis servers of the tests' own, each on a port nobody else has."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry
from nxtplay.modules._redis import RedisLogin, session

PASSWORD = "open sésame"


class Plain(RedisLogin):
    """A login and nothing else."""


@dataclass
class Server:
    """A running server; `login` are the arguments that reach it."""

    directory: Path
    port: int
    process: Any
    login: dict[str, Any] = field(default_factory=dict)

    def call(self, *words: Any) -> Any:
        with session(decode(Plain, self.login), Reader()) as found:
            return found.call(*words)

    def check(self, module: str, world: World | None = None, **args: Any) -> Outcome:
        world = world if world is not None else World()
        return converge(decode(registry.load(module), {**self.login, **args}), Reader(world), world, None)

    def run(self, module: str, **args: Any) -> Outcome:
        host = Host(World())
        return converge(decode(registry.load(module), {**self.login, **args}), host, World(), host)

    def everything(self) -> Any:
        """All a module could have changed: data with its times to live, settings, users, files."""
        with session(decode(Plain, self.login), Reader()) as found:
            keys = sorted(found.texts("KEYS", "*"))
            data = {key: (found.call("DUMP", key), found.call("EXPIRETIME", key)) for key in keys}
            users = sorted(found.texts("ACL", "LIST"))
            settings = found.pairs("CONFIG", "GET", "*")
        paths = [p for p in sorted(self.directory.rglob("*")) if p.is_file() and p.suffix != ".log"]
        files = {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in paths}
        return data, users, settings, files


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
