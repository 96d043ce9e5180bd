"""docker_image_send: images of the controller's engine, brought to the host's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Raw
from nxtplay.modules import _docker, _docker_send
from nxtplay.modules._docker_build import ImageState
from nxtplay.modules._docker_send import Offer, Offered


@dataclass(frozen=True)
class SentImages:
    """Images by name; None: not on the host."""

    images: Mapping[str, Optional[ImageState]]


class DockerImageSend(_docker.DockerOptions, Resource[SentImages]):
    """Have images of the controller's engine on the host, without a registry. Only layers that the host lacks are sent, compressed."""

    libraries = ("docker",)
    private = False

    name: list[str] = arg(help="Names of images on the controller, with their tags.", aliases=["names"], key=True)
    id: Raw | None = arg(None, help="The image's id, as docker_image_build registers it: so that a check which would build it knows.")
    offer: Raw | None = arg(None, help="What the controller has; it is found out there.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        names = args.get("name", args.get("names"))
        wanted = [names] if isinstance(names, str) else [name for name in names or () if isinstance(name, str)]
        return {**args, "offer": _docker_send.offer(wanted)}

    def _offered(self, name: str) -> Optional[Offered]:
        return self.offer.find(name) if isinstance(self.offer, Offer) else None

    def observe(self, host: Reader) -> Optional[SentImages]:
        with _docker.engine(host, self) as api:
            return SentImages({name: _docker_send.observe(host, api, name, self._offered(name)) for name in self.name})

    def desired(self, host: Reader, before: Optional[SentImages]) -> Optional[SentImages]:
        if isinstance(self.id, Unknown):
            return SentImages({name: ImageState(self.id, self.id) for name in self.name})
        return SentImages({name: self._wanted(name).state for name in self.name})

    def _wanted(self, name: str) -> Offered:
        found = self._offered(name)
        if found is None:
            problem = getattr(self.offer, "problem", "") or "build it there first (docker_image_build)"
            raise Failed(f"no image {name} on the controller: {problem}")
        return found

    def apply(self, host: Host, plan: Plan[SentImages]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            for name in self.name:
                offered = self._wanted(name)
                if plan.before is not None and plan.before.images[name] == offered.state:
                    continue
                if not _docker_send.fits(api, offered):
                    raise Failed(f"{name} on the controller is for {offered.platform}, which this host does not run; build it on the host")
                _docker_send.bring(host, api, offered)

    def also_foresee(self, host: Reader, plan: Plan[SentImages]) -> Sequence[tuple[str, Any]]:
        changed = {change.path[1] for change in plan.changes if len(change.path) > 1}
        images = plan.after.images if plan.after else {}
        return [(_docker.image_key(name), image) for name, image in images.items() if name in changed]

    def result(self, before: Optional[SentImages], after: Optional[SentImages]) -> dict[str, Any]:
        return {"images": {name: image.id for name, image in after.images.items() if image} if after else {}}
