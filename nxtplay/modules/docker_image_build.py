"""docker_image_build: an image built from a Dockerfile whenever what goes into it changed."""

from __future__ import annotations

import json
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path, Size
from nxtplay.modules import _docker, _docker_build
from nxtplay.modules._docker_build import ImageState, Recipe


class DockerImageBuild(_docker.DockerOptions, Resource[ImageState]):
    """Build an image when its inputs changed: the context after .dockerignore, the Dockerfile, arguments, options, base images.

    The inputs are remembered in the image's labels, so nothing else has to be kept, and what changed can be named.
    """

    libraries = ("docker",)
    private = False

    name: str = arg(help="Image name, `repository` or `repository:tag`.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.", key=True)
    path: Path = arg(help="The build context: a folder on the host.")
    dockerfile: Optional[str] = arg(None, help="The Dockerfile, relative to `path` or absolute. Default `Dockerfile`.")
    target: Optional[str] = arg(None, help="Stage to build.")
    args: dict[str, Any] = arg(default_factory=dict, help="Build arguments.")
    labels: dict[str, str] = arg(default_factory=dict, help="Labels for the image.")
    cache_from: list[str] = arg(default_factory=list, help="Images whose layers may serve as cache.")
    platform: list[str] = arg(default_factory=list, help="Platform such as linux/amd64; one.")
    network: Optional[str] = arg(None, help="Network for RUN instructions.")
    shm_size: Optional[Size] = arg(None, help="Size of /dev/shm while building.")
    etc_hosts: dict[str, str] = arg(default_factory=dict, help="Extra hosts while building, name to address.")
    nocache: bool = arg(False, help="Build without cached layers.")
    pull: bool = arg(False, help="Fetch newer base images first.")
    rebuild: Literal["never", "always"] = arg("never", help="`never`: build when the inputs changed. `always`: build every time.")

    def key(self) -> str:
        return _docker.image_key(self._image())

    def _image(self) -> str:
        return _docker.full_image(self.name, None if ":" in self.name.rpartition("/")[2] else self.tag)

    def _recipe(self) -> Recipe:
        if len(self.platform) > 1:
            raise Failed("`platform` takes one platform here; build one image per platform")
        return Recipe(
            image=self._image(),
            path=self.path.rstrip("/") or "/",
            dockerfile=self.dockerfile or "Dockerfile",
            args={name: _text(value) for name, value in self.args.items()},
            target=self.target or "",
            platform=self.platform[0] if self.platform else "",
            labels=self.labels,
            cache_from=tuple(self.cache_from),
            network=self.network or "",
            shm_size=self.shm_size,
            extra_hosts=self.etc_hosts,
            nocache=self.nocache,
            pull=self.pull,
        )

    def observe(self, host: Reader) -> Optional[ImageState]:
        with _docker.engine(host, self) as api:
            return _docker_build.observe(host, api, self._image())

    def desired(self, host: Reader, before: Optional[ImageState]) -> Optional[ImageState]:
        with _docker.engine(host, self) as api:
            return _docker_build.desired(host, api, self._recipe(), before)

    def apply(self, host: Host, plan: Plan[ImageState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            _docker_build.build(host, api, self._recipe(), plan.after.inputs if plan.after else None)

    def due(self, host: Reader, plan: Plan[ImageState]) -> Optional[str]:
        return "rebuild: always" if self.rebuild == "always" and not plan else None

    def perform(self, host: Host, plan: Plan[ImageState]) -> None:
        self.apply(host, plan)

    def also_foresee(self, host: Reader, plan: Plan[ImageState]) -> Sequence[tuple[str, Any]]:
        return ()

    def result(self, before: Optional[ImageState], after: Optional[ImageState]) -> dict[str, Any]:
        if after is None:
            return {}
        built = before is None or before.inputs != after.inputs
        return {"image": after.described(self._image()), "actions": [f"Built image {self._image()}"] if built else []}


def _text(value: Any) -> str:
    """A build argument as the command line would give it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
