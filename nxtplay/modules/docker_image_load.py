"""docker_image_load: images from an archive."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _docker, _docker_build
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

    def contents(self, host: Reader) -> Any:
        """Name to id, or Unknown for an archive that is only foreseen."""
        state = host.stat(self.path, follow=True)
        if state is None:
            raise Failed(f"no archive {self.path} on the host")
        if host.has_foreseen(f"file:{self.path}"):
            return Unknown(f"what {self.path} holds is known once it is there")
        try:
            with tarfile.open(self.path) as archive:
                member = archive.extractfile("manifest.json")
                manifest = json.load(member) if member else []
        except (tarfile.TarError, KeyError, ValueError, OSError) as error:
            hint = "`docker save` writes one, `docker import` takes file systems"
            raise Failed(f"{self.path} is no archive of images ({error}); {hint}") from None
        found = {}
        for image in manifest:
            identity = "sha256:" + str(image["Config"]).rpartition("/")[2].replace(".json", "")
            for name in image.get("RepoTags") or [identity]:
                found[name] = identity
        return found

    def observe(self, host: Reader) -> Optional[LoadedState]:
        contents = self.contents(host)
        if isinstance(contents, Unknown):
            return None
        with _docker.engine(host, self) as api:
            there = {name: _docker_build.observe(host, api, name) for name in contents}
        return LoadedState({name: image.id if image else None for name, image in there.items()}, there)

    def desired(self, host: Reader, before: Optional[LoadedState]) -> Optional[LoadedState]:
        return LoadedState(self.contents(host))

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
