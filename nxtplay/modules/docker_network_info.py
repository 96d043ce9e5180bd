"""docker_network_info: a network as the engine describes it."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown
from nxtplay.modules import _docker


class DockerNetworkInfo(_docker.DockerOptions, Query):
    """Look at a network: `exists`, and `network` as `docker inspect` gives it."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Name or id of the network.", aliases=["network_name"])

    def look(self, host: Reader) -> dict[str, Any]:
        import docker.errors

        key = f"network:{self.name}"
        if host.has_foreseen(key):
            there = host.promised(key) is not None
            return {"exists": there, "network": Unknown(f"network {self.name} is known after the run") if there else None}
        with _docker.engine(host, self) as api:
            try:
                return {"exists": True, "network": api.inspect_network(self.name)}
            except docker.errors.NotFound:
                return {"exists": False, "network": None}
