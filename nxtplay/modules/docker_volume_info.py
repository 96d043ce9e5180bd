"""docker_volume_info: a volume as the engine describes it."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown
from nxtplay.modules import _docker


class DockerVolumeInfo(_docker.DockerOptions, Query):
    """Look at a volume: `exists`, and `volume` as `docker inspect` gives it."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Name or id of the volume.", aliases=["volume_name"])

    def look(self, host: Reader) -> dict[str, Any]:
        import docker.errors

        key = f"volume:{self.name}"
        if host.has_foreseen(key):
            there = host.promised(key) is not None
            return {"exists": there, "volume": Unknown(f"volume {self.name} is known after the run") if there else None}
        with _docker.engine(host, self) as api:
            try:
                return {"exists": True, "volume": api.inspect_volume(self.name)}
            except docker.errors.NotFound:
                return {"exists": False, "volume": None}
