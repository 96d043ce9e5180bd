"""docker_engine: a Docker engine installed and answering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _docker_engine as engine


@dataclass(frozen=True)
class EngineState:
    """An installed engine; `version` is None where it does not answer."""

    running: bool
    version: Optional[str] = field(default=None, metadata={"volatile": True})


class DockerEngine(Resource[EngineState]):
    """Install the Docker engine from the distribution's packages (Debian and its relatives, as root) and have it answer.

    An engine that answers is left alone, whoever installed it.
    """

    private = False

    state: Literal["started", "present"] = arg("started", help="`present`: installed. `started`: installed and answering.")
    packages: list[str] = arg(default_factory=lambda: ["docker.io", "iptables"], help="What to install where there is no engine.")
    docker_host: Optional[str] = arg(None, help="The engine's address; else DOCKER_HOST, else the local socket.", aliases=["docker_url"])
    log: Path = arg("/var/log/dockerd.log", help="The engine's log on machines without an init system.")
    timeout: int = arg(60, help="Seconds to wait for the engine to answer once it was started.")

    def key(self) -> str:
        return engine.KEY

    def observe(self, host: Reader) -> Optional[EngineState]:
        if host.has_foreseen(engine.KEY):
            found: Optional[EngineState] = host.promised(engine.KEY)
            return found
        version = engine.version(engine.address(host, self.docker_host))
        if version is not None:
            return EngineState(True, version)
        return EngineState(False) if engine.is_installed(host) else None

    def desired(self, host: Reader, before: Optional[EngineState]) -> Optional[EngineState]:
        if before is not None and (before.running or self.state == "present"):
            return before
        url = engine.address(host, self.docker_host)
        if not engine.is_ours(url):
            raise Failed(
                f"no Docker engine answers at {url}, and only the one of this machine can be started from here. "
                "Correct DOCKER_HOST (or docker_host), or unset it to use this machine's engine"
            )
        obstacle = engine.obstacle(host, installed=before is not None)
        if obstacle:
            raise Failed(obstacle)
        return EngineState(self.state == "started")

    def apply(self, host: Host, plan: Plan[EngineState]) -> None:
        if plan.before is None:
            engine.install(host, self.packages)
        if self.state == "started":
            engine.start(host, engine.address(host, self.docker_host), self.log, self.timeout)

    def result(self, before: Optional[EngineState], after: Optional[EngineState]) -> dict[str, object]:
        return {"running": bool(after and after.running), "version": after.version if after else None}
