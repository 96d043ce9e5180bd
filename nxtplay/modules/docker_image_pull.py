"""docker_image_pull: an image as its registry has it."""

from __future__ import annotations

from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _docker, _docker_build, _docker_registry
from nxtplay.modules._docker_build import ImageState


class DockerImagePull(_docker.DockerOptions, Resource[ImageState]):
    """Pull an image. Whether a newer one is there is asked of the registry, in a check as in a run."""

    libraries = ("docker",)
    private = False

    name: str = arg(help="Image name, with tag or digest.", key=True)
    tag: str = arg("latest", help="Tag, where the name has none.", key=True)
    platform: Optional[str] = arg(None, help="Platform such as linux/amd64.")
    pull: Literal["always", "not_present"] = arg(
        "always", help="`always`: when the registry has another one. `not_present`: when none is there."
    )

    def key(self) -> str:
        return _docker.image_key(self._image())

    def _image(self) -> str:
        if self.name.startswith("sha256:"):
            raise Failed("an image is pulled by its name, not by its id")
        return _docker.named(self.name, self.tag)

    def observe(self, host: Reader) -> Optional[ImageState]:
        with _docker.engine(host, self) as api:
            return _docker_build.observe(host, api, self._image())

    def desired(self, host: Reader, before: Optional[ImageState]) -> Optional[ImageState]:
        if before is not None and self.pull == "not_present" and not self._is_other_platform(before):
            return before
        image = self._image()
        with _docker.engine(host, self) as api:
            answer = _docker_registry.ask(host, api, image, hope=True)
            if answer.status != "found":
                raise Failed(f"cannot pull {image}: {_docker_registry.why_not(image, answer)}")
            live = _docker.inspect_image(host, api, image) if before is not None else None
        digests = (live or {}).get("RepoDigests") or ()
        same = bool(answer.digest) and any(d.endswith(f"@{answer.digest}") for d in digests)
        if before is not None and same and not self._is_other_platform(before):
            return before
        return ImageState(Unknown(f"the id of {image} is known once it is pulled"), None)

    def _is_other_platform(self, image: ImageState) -> bool:
        """Whether a named image is there, and for another platform than is asked for."""
        words = [_ALSO.get(word, word) for word in (self.platform or "").lower().split("/")]
        has = [str((image.found or {}).get(name) or "").lower() for name in ("Os", "Architecture")]
        return bool(image.found and self.platform) and words[:2] != (has if len(words) > 1 else [has[0 if words[0] == has[0] else 1]])

    def apply(self, host: Host, plan: Plan[ImageState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            _docker_build.pull(host, api, self._image(), self.platform or "")

    def result(self, before: Optional[ImageState], after: Optional[ImageState]) -> dict[str, Any]:
        same = before is not None and after is not None and (before.id is after.id or before.id == after.id)
        action = [] if same else [f"Pulled image {self._image()}"]
        return {"image": after.described(self._image()) if after else {}, "actions": action}


_ALSO = {"x86_64": "amd64", "x86-64": "amd64", "i386": "386", "aarch64": "arm64", "armhf": "arm"}
