"""docker_compose_v2_pull: the images of a Compose stack as their registries have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _docker, _docker_build, _docker_registry
from nxtplay.modules._compose import options, plan, project
from nxtplay.modules._compose.project import Project
from nxtplay.modules._docker_build import ImageState


@dataclass(frozen=True)
class PulledState:
    """Images by name."""

    images: dict[str, Optional[ImageState]]


class DockerComposeV2Pull(options.ProjectOptions, _docker.DockerOptions, Resource[PulledState]):
    """Pull the images of a Compose stack. Whether a newer one is there is asked of the registry, in a check as in a run."""

    libraries = ("docker", "pyyaml")
    private = False
    rules = options.RULES

    policy: Literal["always", "missing"] = arg("always", help="`always`: when the registry has another one. `missing`: when none is there.")
    ignore_buildable: bool = arg(False, help="Leave out services that can be built.")
    include_deps: bool = arg(False, help="With `services`: also what they depend on.")
    services: list[str] = arg(default_factory=list, help="Only these services.")

    def key(self) -> str:
        return f"compose-images:{self.project_src or ''}:{self.project_name or ''}"

    def _images(self, host: Reader) -> tuple[Project, dict[str, str]]:
        """The project, and the service of each image that is to be pulled."""
        found = project.read(host, self.request(self.services))
        names = plan.chosen(found, plan.Wish(services=tuple(self.services), dependencies=self.include_deps))
        out: dict[str, str] = {}
        for name in names:
            spec = found.services[name]
            built = spec.get("build") and (self.ignore_buildable or not spec.get("image"))
            if not built and spec.get("pull_policy") not in ("never", "build"):
                out.setdefault(found.image(name), name)
        return found, out

    def observe(self, host: Reader) -> Optional[PulledState]:
        _, images = self._images(host)
        with _docker.engine(host, self) as api:
            return PulledState({image: _docker_build.observe(host, api, image) for image in images})

    def desired(self, host: Reader, before: Optional[PulledState]) -> Optional[PulledState]:
        assert before is not None
        found, images = self._images(host)
        with _docker.engine(host, self) as api:
            return PulledState({i: self._image(host, api, found, name, before.images.get(i)) for i, name in images.items()})

    def _image(self, host: Reader, api: Any, found: Project, name: str, before: Optional[ImageState]) -> Optional[ImageState]:
        spec, image = found.services[name], found.image(name)
        if before is not None and (self.policy == "missing" or spec.get("pull_policy") == "missing"):
            return before
        if spec.get("build") and _docker_registry.ask(host, api, image, hope=True).status != "found":
            return before  # it is to be built
        return plan.pulled_image(host, api, name, image, before)

    def apply(self, host: Host, plan: Plan[PulledState]) -> None:
        found, images = self._images(host)
        with _docker.engine(host, self, timeout=3600) as api:
            for image, name in images.items():
                if plan.changed("images", image):
                    _docker_build.pull(host, api, image, found.services[name].get("platform") or "")

    def also_foresee(self, host: Reader, plan: Plan[PulledState]) -> Sequence[tuple[str, Any]]:
        images = plan.after.images if plan.after else {}
        return [(_docker.image_key(image), after) for image, after in images.items() if plan.changed("images", image)]

    def result(self, before: Optional[PulledState], after: Optional[PulledState]) -> dict[str, Any]:
        was, now = (before.images if before else {}), (after.images if after else {})
        fresh = [i for i, s in now.items() if s is not None and (isinstance(s.id, Unknown) or s.id != getattr(was.get(i), "id", None))]
        return {"actions": [{"what": "image", "id": image, "status": "Pulling"} for image in fresh]}
