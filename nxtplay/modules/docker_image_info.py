"""docker_image_info: what images are there."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown
from nxtplay.modules import _docker


class DockerImageInfo(_docker.DockerOptions, Query):
    """Look at images; names that nothing has are left out."""

    libraries = ("docker",)
    private = False

    name: list[str] = arg(default_factory=list, help="Names or ids; none is all.")

    def look(self, host: Reader) -> dict[str, Any]:
        found: list[Any] = []
        with _docker.engine(host, self) as api:
            names = self.name or [i["Id"] for i in api.images()]
            for name in names:
                key = _docker.image_key(name)
                if host.has_foreseen(key):
                    state = host.promised(key)
                    if state is not None:
                        identity = getattr(state, "id", state)
                        rest = Unknown(f"the image {name} is known after the run")
                        found.append({"Id": identity, "RepoTags": [_docker.full_image(name)], "Config": rest})
                    continue
                live = _docker.inspect_image(host, api, name)
                if live is not None:
                    found.append(live)
        return {"images": found}
