"""docker_container_info: a container as the engine describes it."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown
from nxtplay.modules import _docker


class DockerContainerInfo(_docker.DockerOptions, Query):
    """Look at a container: `exists`, and `container` as `docker inspect` gives it."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Name or id of the container.", aliases=["container_name"])

    def look(self, host: Reader) -> dict[str, Any]:
        import docker.errors

        key = f"container:{self.name}"
        if host.has_foreseen(key):
            there = host.promised(key) is not None
            return {"exists": there, "container": Unknown(f"container {self.name} is known after the run") if there else None}
        with _docker.engine(host, self) as api:
            try:
                found = api.inspect_container(self.name)
            except docker.errors.NotFound:
                return {"exists": False, "container": None}
        return {"exists": True, "container": _docker.shown(found)}
