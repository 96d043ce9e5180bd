"""docker_image_tag: further names for an image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.modules import _docker, _docker_build
from nxtplay.modules._docker_build import ImageState


@dataclass(frozen=True)
class TagsState:
    """Image ids by full name; None for a name that nothing has."""

    tags: dict[str, Any]
    image: Any = field(default=None, compare=False, metadata={"volatile": True})  # what is to have them


class DockerImageTag(_docker.DockerOptions, Resource[TagsState]):
    """Give an image further names."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="The image: name with tag, or id.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.")
    repository: list[str] = arg(help="The further names.", key=True)
    existing_images: Literal["keep", "overwrite"] = arg("overwrite", help="What to do with a name that another image has.")

    def _names(self) -> list[str]:
        for name in self.repository:
            if "@" in name or name.startswith("sha256:"):
                raise Failed(f"repository: an image cannot be given the name '{name}'; ids and digests are its own")
        return [_docker.full_image(r if ":" in r.rpartition("/")[2] else f"{r}:{self.tag}") for r in self.repository]

    def _source(self) -> str:
        if self.name.startswith("sha256:"):
            return self.name
        return _docker.full_image(self.name, None if ":" in self.name.rpartition("/")[2] else self.tag)

    def observe(self, host: Reader) -> Optional[TagsState]:
        with _docker.engine(host, self) as api:
            image = _docker_build.observe(host, api, self._source())
            return TagsState({name: _docker.image_id(host, api, name) for name in self._names()}, image)

    def desired(self, host: Reader, before: Optional[TagsState]) -> Optional[TagsState]:
        assert before is not None
        if before.image is None:
            raise Failed(f"no image {self._source()} on the host; build, pull or load it first")
        keep = self.existing_images == "keep"
        tags = {n: held if held is not None and keep else before.image.id for n, held in before.tags.items()}
        if (image := before.image).found is not None:
            own = [name for name, identity in tags.items() if identity is image.id or identity == image.id]
            tagged = {"RepoTags": sorted({*(image.found.get("RepoTags") or ()), *own}), "Metadata": Unknown("the time is that of the run")}
            image = replace(image, found={**image.found, **(tagged if own != [n for n, i in before.tags.items() if i == image.id] else {})})
        return TagsState(tags, image)

    def apply(self, host: Host, plan: Plan[TagsState]) -> None:
        with _docker.engine(host, self) as api:
            for name in self._names():
                if plan.changed("tags", name):
                    repository, tag = _docker.split_image(name)
                    api.tag(self._source(), repository, tag)

    def also_foresee(self, host: Reader, plan: Plan[TagsState]) -> Sequence[tuple[str, Any]]:
        tags = plan.after.tags if plan.after else {}
        return [(_docker.image_key(n), ImageState(i, None)) for n, i in tags.items() if plan.changed("tags", n)]

    def result(self, before: Optional[TagsState], after: Optional[TagsState]) -> dict[str, Any]:
        assert before is not None and after is not None
        given = [name for name in after.tags if diff(before.tags.get(name), after.tags[name])]
        return {"image": after.image.described(self._source()), "tagged_images": given}
