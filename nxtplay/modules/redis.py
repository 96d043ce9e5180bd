"""redis: settings, replication and emptying of a Redis server."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any, Literal, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan
from nxtplay.core.types import Duration
from nxtplay.modules import _redis_config as config
from nxtplay.modules._redis import RedisError, RedisLogin, Session, foreseen_state, server_of, session


@dataclass(frozen=True)
class RedisState:
    """The part of a server that the task speaks of: a setting, whom it follows, or how many keys it holds."""

    value: Optional[str] = None
    written: bool = True  # whether the configuration file has the value too, so that it outlives a restart
    master: str = ""  # host:port, empty for a server of its own
    link_up: bool = True
    keys: int = 0


class Redis(RedisLogin, Resource[RedisState]):
    """A setting of a Redis server, its place in replication, or its emptying."""

    command: Literal["config", "flush", "replica", "slave"] = arg(help="What to see to.", key=True)
    name: str | None = arg(None, help="With config: name of the setting.")
    value: str | None = arg(None, help="With config: its value; 64mb, 1gb, yes and the like are understood.")
    persist: bool = arg(False, help="With config: write it to the server's configuration file too.")
    flush_mode: Literal["all", "db"] = arg("all", help="With flush: all databases, or one.")
    db: int | None = arg(None, help="With flush_mode db: which.")
    confirm: str | None = arg(None, help="With flush of a server that holds keys: `flush`, since all of them go for good.")
    replica_mode: Literal["master", "replica", "slave"] = arg("replica", help="With replica: its place.", aliases=["slave_mode"])
    master_host: str | None = arg(None, help="With replica: server to follow.")
    master_port: int | None = arg(None, help="With replica: its port.")
    wait: Duration = arg(Duration(60), help="With replica: how long the link may take to come up; 0 does not wait.")

    rules = (required_if("command", "config", "name", "value"), required_if("flush_mode", "db", "db"))
    private = False
    _rewritten: list[bool] = dataclasses.field(default_factory=list, repr=False)  # whether this task had the file written

    @property
    def _what(self) -> str:
        return "replica" if self.command == "slave" else self.command

    def key(self) -> str:
        flushed = "all" if self.flush_mode == "all" else f"db{self.db}"
        part = {"config": (self.name or "").lower(), "flush": flushed}.get(self._what, "")
        return f"redis:{server_of(self)}:{self._what}:{part}"

    def observe(self, host: Reader) -> Optional[RedisState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[RedisState] = state
            return out
        with session(self, host) as server:
            if self._what == "config":
                return self._setting(host, server)
            if self._what == "flush":
                return RedisState(keys=self._count(server))
            return _replication(server)

    def desired(self, host: Reader, before: Optional[RedisState]) -> Optional[RedisState]:
        start = before or RedisState()
        if self._what == "config":
            value = config.normal(str(self.name), str(self.value))
            same = start.value is not None and config.same(str(self.name), value, start.value)
            return RedisState(value=start.value if same else value, written=True)
        if self._what == "flush":
            if start.keys and self.confirm != "flush":
                what = f"database {self.db}" if self.flush_mode == "db" else "the server"
                raise Failed(f"{what} holds {start.keys} keys, and flushing removes them for good; write confirm: flush if that is meant")
            return RedisState()
        if self.replica_mode == "master":
            return RedisState()
        if not self.master_host or not self.master_port:
            raise Failed("a replica needs master_host and master_port")
        return RedisState(master=f"{self.master_host}:{self.master_port}", link_up=True if self.wait else start.link_up)

    def apply(self, host: Host, plan: Plan[RedisState]) -> None:
        assert plan.after is not None
        with session(self, host) as server:
            if self._what == "config":
                self._configure(server, plan)
            elif self._what == "flush":
                if self.flush_mode == "all":
                    server.call("FLUSHALL")
                else:
                    server.call("SELECT", self.db or 0)
                    server.call("FLUSHDB")
            else:
                target = ("NO", "ONE") if not plan.after.master else tuple(plan.after.master.rpartition(":")[::2])
                if plan.changed("master"):
                    server.call("REPLICAOF", *target)
                self._await_link(host, server)

    def result(self, before: Optional[RedisState], after: Optional[RedisState]) -> dict[str, Any]:
        if self._what == "config":
            return {"name": self.name, "value": after.value if after else None}
        if self._what == "flush":
            return {"flushed": True, "flush_mode": self.flush_mode, "removed": before.keys if before else 0}
        return {"mode": {"mode": "slave" if after and after.master else "master", "master": after.master if after else ""}}

    # -- on the way

    def _setting(self, host: Reader, server: Session) -> RedisState:
        found = server.pairs("CONFIG", "GET", str(self.name))
        if not found:
            raise Failed(f"the server has no setting {self.name}{config.hint(str(self.name), server.pairs('CONFIG', 'GET', '*'))}")
        if len(found) > 1:
            raise Failed(f"name: {self.name} is a pattern that fits {', '.join(sorted(found))}; name one setting")
        value = next(iter(found.values()))
        return RedisState(value=value, written=not self.persist or self._is_written(host, server, value))

    def _is_written(self, host: Reader, server: Session, value: str) -> bool:
        """Whether the configuration file has the value. One on another machine is out of sight; it is written at each change then."""
        path = str(server.info("server").get("config_file") or "")
        if not path:
            raise Failed("persist: the server was started without a configuration file, so nothing can be written to one")
        text = config.read_file(host, self, path)
        if text is None:
            return True
        found = config.in_file(text, str(self.name))
        if found is None:  # CONFIG REWRITE leaves out what is as it is by default
            return bool(self._rewritten) or config.is_default(str(self.name), value)
        return config.same(str(self.name), found, value)

    def _configure(self, server: Session, plan: Plan[RedisState]) -> None:
        assert plan.after is not None
        if plan.changed("value"):
            try:
                server.call("CONFIG", "SET", str(self.name), str(plan.after.value))
            except RedisError as error:
                raise Failed(f"the server does not take {self.name} = {self.value}: {error}") from error
        if self.persist:
            server.call("CONFIG", "REWRITE")
            self._rewritten.append(True)

    def _count(self, server: Session) -> int:
        if self.flush_mode == "db":
            server.call("SELECT", self.db or 0)
            return int(server.call("DBSIZE"))
        spaces: Mapping[str, Any] = server.info("keyspace")
        return sum(int(space["keys"]) for space in spaces.values() if isinstance(space, dict))

    def _await_link(self, host: Reader, server: Session) -> None:
        deadline = time.monotonic() + self.wait
        while self.wait and self.replica_mode != "master" and not _replication(server).link_up:
            if time.monotonic() > deadline:
                info = server.info("replication")
                copies = info.get("master_sync_in_progress")
                copying = "a first copy is under way" if copies else "it does not answer, or refuses (masterauth?)"
                raise Failed(f"the link to {self.master_host}:{self.master_port} is not up after {self.wait:g} s: {copying}")
            host.progress(f"waiting for the link to {self.master_host}:{self.master_port}")
            time.sleep(0.1)


def _replication(server: Session) -> RedisState:
    info = server.info("replication")
    if info.get("role") == "master":
        return RedisState()
    return RedisState(master=f"{info['master_host']}:{info['master_port']}", link_up=info.get("master_link_status") == "up")
