"""docker_image_load: images from an archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _docker, _docker_archive, _docker_build
from nxtplay.modules._docker_build import ImageState


@dataclass(frozen=True)
class LoadedState:
    """Ids by image name (or by id, for images without a name)."""

    images: Any
    found: Any = field(default_factory=dict, compare=False, metadata={"volatile": True})  # those that are there


class DockerImageLoad(_docker.DockerOptions, Resource[LoadedState]):
    """Load images that `docker save` wrote. What the archive holds is read first, so nothing is done where all of it is there."""

    libraries = ("docker",)
    private = False

    path: Path = arg(help="The archive, on the host.", key=True)

    def observe(self, host: Reader) -> Optional[LoadedState]:
        contents = _docker_archive.contents(host, self.path)
        if isinstance(contents, Unknown):
            return None
        with _docker.engine(host, self) as api:
            there = {name: _docker_build.observe(host, api, name) for name in contents}
        return LoadedState({name: image.id if image else None for name, image in there.items()}, there)

    def desired(self, host: Reader, before: Optional[LoadedState]) -> Optional[LoadedState]:
        return LoadedState(_docker_archive.contents(host, self.path))

    def apply(self, host: Host, plan: Plan[LoadedState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api, open(self.path, "rb") as stream:
            for event in api.load_image(stream):
                if "error" in event:
                    raise Failed(f"cannot load {self.path}: {event['error']}")
                host.progress(f"loading {self.path}: {str(event.get('stream') or event.get('progress') or '').strip()}"[:160])

    def also_foresee(self, host: Reader, plan: Plan[LoadedState]) -> Sequence[tuple[str, Any]]:
        images = plan.after.images if plan.after else {}
        if isinstance(images, Unknown):
            return ()
        return [(_docker.image_key(n), ImageState(i, None)) for n, i in images.items() if not n.startswith("sha256:")]

    def result(self, before: Optional[LoadedState], after: Optional[LoadedState]) -> dict[str, Any]:
        images = after.images if after and not isinstance(after.images, Unknown) else {}
        told = [(after.found.get(n) if after else None) or ImageState(i, None) for n, i in images.items()]
        return {"images": [image.described(n) for n, image in zip(images, told)], "image_names": list(images)}
