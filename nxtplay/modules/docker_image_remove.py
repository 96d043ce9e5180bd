"""docker_image_remove: no such image."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _docker, _docker_build
from nxtplay.modules._docker_build import ImageState


class DockerImageRemove(_docker.DockerOptions, Resource[ImageState]):
    """Take a name from an image; with the last one the image goes."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Name with tag, or id.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.", key=True)
    force: bool = arg(False, help="Though containers use it.")
    prune: bool = arg(True, help="Remove layers that nothing needs any more, too.")

    def key(self) -> str:
        return _docker.image_key(self._image())

    def _image(self) -> str:
        if self.name.startswith("sha256:"):
            return self.name
        return _docker.full_image(self.name, None if ":" in self.name.rpartition("/")[2] else self.tag)

    def observe(self, host: Reader) -> Optional[ImageState]:
        with _docker.engine(host, self) as api:
            return _docker_build.observe(host, api, self._image())

    def desired(self, host: Reader, before: Optional[ImageState]) -> Optional[ImageState]:
        return None

    def apply(self, host: Host, plan: Plan[ImageState]) -> None:
        with _docker.engine(host, self) as api:
            went: list[dict[str, str]] = api.remove_image(self._image(), force=self.force, noprune=not self.prune)
            host.note(**{word: sorted(w[word.title()] for w in went if word.title() in w) for word in ("deleted", "untagged")})

    def also_foresee(self, host: Reader, plan: Plan[ImageState]) -> Sequence[tuple[str, Any]]:
        tags = (plan.before.found or {}).get("RepoTags") or [] if plan.before and self.name.startswith("sha256:") else []
        return [(_docker.image_key(tag), None) for tag in tags]

    def result(self, before: Optional[ImageState], after: Optional[ImageState]) -> dict[str, Any]:
        if before is None:
            return {"image": {}, "actions": [], "deleted": [], "untagged": []}
        image, name = before.described(self._image()), self._image()
        untagged, deleted = [name], []
        if before.found is not None:
            tags, digests = image.get("RepoTags") or [], image.get("RepoDigests") or []
            if name == before.id or not {*tags} - {name}:
                untagged, deleted = sorted({*tags, *digests}), [before.id]
        return {"image": image, "actions": [f"Removed image {name}"], "deleted": deleted, "untagged": untagged}
