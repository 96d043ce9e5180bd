"""docker_image_build: an image built from a Dockerfile whenever what goes into it changed."""

from __future__ import annotations

import json
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg, required_if
from nxtplay.core.state import Plan, Secret
from nxtplay.core.types import Path, Size
from nxtplay.modules import _docker, _docker_build
from nxtplay.modules._docker_build import ImageState, Recipe


class ContainerLimits(Args):
    """Limits of the containers that build."""

    memory: Optional[Size] = arg(None, help="Memory.")
    memswap: Optional[Size] = arg(None, help="Memory and swap together.")
    cpushares: Optional[int] = arg(None, help="Weight.")
    cpusetcpus: Optional[str] = arg(None, help="Which processors.")

    def given(self) -> dict[str, Any]:
        held = {name: getattr(self, name) for name in ("memory", "memswap", "cpushares", "cpusetcpus")}
        return {name: value for name, value in held.items() if value is not None}


class BuildSecret(Args):
    """A secret that instructions of the Dockerfile may read, and that stays out of the image."""

    rules = (required_if("type", "file", "src"), required_if("type", "env", "env"), required_if("type", "value", "value"))

    id: str = arg(help="Its name; it is the file /run/secrets/ID.")
    type: Literal["file", "env", "value"] = arg(help="Where it comes from.")
    src: Optional[Path] = arg(None, help="With `file`: the file, on the host.")
    env: Optional[str] = arg(None, help="With `env`: the environment variable of the task.")
    value: Optional[Secret] = arg(None, help="With `value`: the secret itself.", secret=True)


class BuildOutput(Args):
    """A further place for what is built."""

    rules = (required_if("type", "local", "dest"), required_if("type", "tar", "dest"), required_if("type", "oci", "dest"))

    type: Literal["local", "tar", "oci", "docker", "image"] = arg(help="In what form.")
    dest: Optional[Path] = arg(None, help="The folder (`local`) or archive, on the host.")
    context: Optional[str] = arg(None, help="With `docker`: the context whose engine gets it.")
    name: list[str] = arg(default_factory=list, help="With `image`: its names; the task's `name` by default.")
    push: bool = arg(False, help="With `image`: push it.")

    def text(self, image: str) -> str:
        """As the docker command takes it."""
        fields = {"type": self.type, "dest": self.dest, "context": self.context if self.type == "docker" else None}
        if self.type == "image":
            fields.update(name=",".join(self.name) or image, push="true" if self.push else None)
        words = [f"{name}={value}" for name, value in fields.items() if value]
        return ",".join('"' + word.replace('"', '""') + '"' if set(',"') & set(word) else word for word in words)


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
    secrets: list[BuildSecret] = arg(default_factory=list, help="Secrets for the build; needs the docker command with buildx.")
    outputs: list[BuildOutput] = arg(default_factory=list, help="Further places for what is built; needs the docker command with buildx.")
    container_limits: Optional[ContainerLimits] = arg(None, help="Limits of the containers that build.")
    docker_cli: Optional[str] = arg(None, help="Accepted for Ansible's sake.")
    cli_context: Optional[str] = arg(None, help="Accepted for Ansible's sake; give docker_host instead.")
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
            limits=self.container_limits.given() if self.container_limits else {},
            secrets=tuple((s.id, s.type, str(s.value or s.env or s.src)) for s in self.secrets),
            outputs=self._outputs(),
        )

    def _outputs(self) -> tuple[str, ...]:
        """What is asked for; the image itself is always among it, as whether it has to be built is remembered in it."""
        own = f"type=image,name={self._image()}"
        texts = [output.text(self._image()) for output in self.outputs]
        loaded = any((o.type == "docker" and not o.dest) or (o.type == "image" and self._image() in o.name) for o in self.outputs)
        return tuple(texts if not texts or own in texts or loaded else [own, *texts])

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
