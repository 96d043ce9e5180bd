"""docker_image: an image from wherever `source` says, its further name, and the registry it is pushed to."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional, Sequence, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg, required_if
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.core.types import Path, Size
from nxtplay.modules import _docker, _docker_archive, _docker_build, _docker_registry
from nxtplay.modules._docker_build import ImageState
from nxtplay.modules.docker_image_build import ContainerLimits, DockerImageBuild
from nxtplay.modules.docker_image_export import DockerImageExport
from nxtplay.modules.docker_image_load import DockerImageLoad
from nxtplay.modules.docker_image_pull import DockerImagePull


class Build(Args):
    """How the image is built."""

    path: Path = arg(help="The build context: a folder on the host.")
    dockerfile: Optional[str] = arg(None, help="The Dockerfile, relative to `path` or absolute.")
    target: Optional[str] = arg(None, help="Stage to build.")
    args: dict[str, Any] = arg(default_factory=dict, help="Build arguments.")
    labels: dict[str, str] = arg(default_factory=dict, help="Labels for the image.")
    cache_from: list[str] = arg(default_factory=list, help="Images whose layers may serve as cache.")
    platform: Optional[str] = arg(None, help="Platform such as linux/amd64.")
    network: Optional[str] = arg(None, help="Network for RUN instructions.")
    shm_size: Optional[Size] = arg(None, help="Size of /dev/shm while building.")
    etc_hosts: dict[str, str] = arg(default_factory=dict, help="Extra hosts while building, name to address.")
    container_limits: Optional[ContainerLimits] = arg(None, help="Limits of the containers that build.")
    nocache: bool = arg(False, help="Build without cached layers.")
    pull: bool = arg(False, help="Fetch newer base images first.")
    rm: bool = arg(True, help="Accepted for Ansible's sake; containers of a build do not stay.")
    http_timeout: Optional[int] = arg(None, help="Accepted for Ansible's sake.")
    use_config_proxy: Optional[bool] = arg(None, help="Accepted for Ansible's sake.")


class Pull(Args):
    """How the image is pulled."""

    platform: Optional[str] = arg(None, help="Platform such as linux/amd64.")


class DockerImage(_docker.DockerOptions, Resource[ImageState]):
    """An image that is there, or is not. One that is there is left as it is, unless `force_source` says otherwise; to build when the
    inputs changed use docker_image_build."""

    libraries = ("docker",)
    private = False
    rules = (required_if("source", "build", "build"), required_if("source", "load", "load_path"))

    name: str = arg(help="Image name, or id.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the image should be there.")
    source: Optional[Literal["build", "load", "pull", "local"]] = arg(None, help="Where it comes from; `local`: it has to be there.")
    build: Optional[Build] = arg(None, help="With `source: build`: how.")
    pull: Optional[Pull] = arg(None, help="With `source: pull`: how.")
    load_path: Optional[Path] = arg(None, help="With `source: load`: the archive, on the host.")
    archive_path: Optional[Path] = arg(None, help="Write it into this archive on the host, too.")
    repository: Optional[str] = arg(None, help="A further name for it.")
    push: bool = arg(False, help="Push it, by its further name where it has one.")
    force_source: bool = arg(False, help="Pull it, load it, or build it where the inputs changed, though it is there.")
    force_tag: bool = arg(False, help="Accepted for Ansible's sake; a further name always ends up on this image.")
    force_absent: bool = arg(False, help="Remove it though containers use it.")

    def key(self) -> str:
        return _docker.image_key(self._image())

    def _image(self) -> str:
        return _docker.named(self.name, self.tag)

    def _further(self) -> Optional[str]:
        if not self.repository:
            return None
        return _docker.named(self.repository, self.tag)

    def _way(self) -> dict[str, Any]:
        """How to reach the engine."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(_docker.DockerOptions)}

    def _loader(self) -> DockerImageLoad:
        assert self.load_path is not None
        return DockerImageLoad(path=self.load_path, **self._way())

    def _export(self) -> Optional[DockerImageExport]:
        return DockerImageExport(names=[self._image()], path=self.archive_path, **self._way()) if self.archive_path else None

    def _maker(self) -> Union[DockerImageBuild, DockerImagePull]:
        if self.source == "pull":
            return DockerImagePull(name=self._image(), platform=self.pull.platform if self.pull else None, **self._way())
        assert self.build is not None
        names = [f.name for f in dataclasses.fields(DockerImageBuild) if hasattr(self.build, f.name)]
        how: dict[str, Any] = {name: getattr(self.build, name) for name in names}
        how["platform"] = [self.build.platform] if self.build.platform else []
        return DockerImageBuild(name=self._image(), **{**self._way(), **how})

    def observe(self, host: Reader) -> Optional[ImageState]:
        with _docker.engine(host, self) as api:
            return _docker_build.observe(host, api, self._image())

    def desired(self, host: Reader, before: Optional[ImageState]) -> Optional[ImageState]:
        if self.state == "absent":
            return None
        if self.name.startswith("sha256:") and (self.source in ("build", "pull") or (self.push and not self.repository)):
            raise Failed("an image is built, pulled and pushed by a name, not by an id")
        if (self.repository or "").startswith("sha256:"):
            raise Failed("repository: an id is no name")
        if before is not None and (not self.force_source or self.source in (None, "local")):
            return before
        if self.source in (None, "local"):
            raise Failed(f"no image {self._image()} on the host; `source` says where to get it: build, load or pull")
        if self.source != "load":
            return self._maker().desired(host, before)
        held = _docker_archive.contents(host, self.load_path or "")
        if isinstance(held, Unknown):
            return ImageState(held, None)
        if self._image() not in held:
            raise Failed(f"{self.load_path} does not hold {self._image()}, but {', '.join(held) or 'nothing'}")
        return before if before is not None and before.id == held[self._image()] else ImageState(held[self._image()], None)

    def apply(self, host: Host, plan: Plan[ImageState]) -> None:
        if plan.after is None:
            with _docker.engine(host, self) as api:
                api.remove_image(self._image(), force=self.force_absent)
        elif self.source == "load":
            self._loader().apply(host, Plan(None, None, ()))
        else:
            self._maker().apply(host, plan)

    def due(self, host: Reader, plan: Plan[ImageState]) -> Optional[str]:
        if plan.after is None:
            return None
        further, export = self._further(), self._export()
        if export and export.differs(host, {self._image(): plan.after.id}):
            return f"{export.path} does not hold this image"
        with _docker.engine(host, self) as api:
            if further and diff(_docker.image_id(host, api, further), plan.after.id):
                return f"{further} is another image, or none"
            if self.push and (plan or not _docker_registry.has(host, api, further or self._image())):
                return "the registry has not got it"
        return None

    def perform(self, host: Host, plan: Plan[ImageState]) -> None:
        further = self._further()
        with _docker.engine(host, self, timeout=3600) as api:
            if further:
                repository, tag = _docker.split_image(further)
                api.tag(self._image(), repository, tag, force=True)
            if self.push:
                _docker_registry.push(host, api, further or self._image())
        export = self._export()
        if export and plan.after and export.differs(host, {self._image(): plan.after.id}):
            export.write(host)

    def also_foresee(self, host: Reader, plan: Plan[ImageState]) -> Sequence[tuple[str, Any]]:
        further, export = self._further(), self._export()
        out: list[tuple[str, Any]] = [(_docker.image_key(further), ImageState(plan.after.id, None))] if further and plan.after else []
        if export and plan.after and export.differs(host, {self._image(): plan.after.id}):
            out += export.foretold(host)
        return out

    def result(self, before: Optional[ImageState], after: Optional[ImageState]) -> dict[str, Any]:
        if after is None:
            return {"image": {}, "actions": [f"Removed image {self._image()}"] if before else []}
        same = before is not None and not diff(before.id, after.id)
        verb = {"build": "Built", "load": "Loaded", "pull": "Pulled"}.get(self.source or "", "")
        return {"image": after.described(self._image()), "actions": [] if same or not verb else [f"{verb} image {self._image()}"]}
