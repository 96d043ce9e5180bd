"""docker_image_push: an image brought to its registry."""

from __future__ import annotations

from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.modules import _docker, _docker_build, _docker_registry


class DockerImagePush(_docker.DockerOptions, Action):
    """Push an image. Whether the registry has it already is asked first, in a check as in a run."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Image name, with its registry and tag.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.", key=True)

    def _image(self) -> str:
        if self.name.startswith("sha256:") or "@" in self.name:
            raise Failed("an image is pushed by its name, not by an id or a digest")
        return _docker.named(self.name, self.tag)

    def due(self, host: Reader) -> Optional[str]:
        with _docker.engine(host, self) as api:
            if _docker.image_id(host, api, self._image()) is None:
                raise Failed(f"no image {self._image()} on the host; build, tag or load it first")
            return None if _docker_registry.has(host, api, self._image()) else "the registry has not got it"

    def idle(self, host: Reader) -> dict[str, Any]:
        with _docker.engine(host, self) as api:
            image = _docker_build.observe(host, api, self._image())
        return {"image": image.described(self._image()) if image else {}, "actions": []}

    def perform(self, host: Host) -> dict[str, Any]:
        with _docker.engine(host, self, timeout=3600) as api:
            _docker_registry.push(host, api, self._image())
        return {**self.idle(host), "actions": [f"Pushed image {self._image()}"]}
