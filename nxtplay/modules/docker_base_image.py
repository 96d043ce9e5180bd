"""docker_base_image: images that others are built from, pulled where a registry has them, else made on the host."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader, run
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import TRUE, Path, Raw
from nxtplay.modules import _docker, _docker_build, _docker_registry, _docker_send
from nxtplay.modules._docker_build import ImageState
from nxtplay.modules._docker_send import Offer


@dataclass(frozen=True)
class BaseImages:
    """Images by name; None: not on the host."""

    images: Mapping[str, Optional[ImageState]]


class DockerBaseImage(_docker.DockerOptions, Resource[BaseImages]):
    """Have images on the host: those that are missing are pulled, else sent from the controller, else made by a program.

    So a machine that reaches no container registry comes by its base images too. An image that is there is left as it is.
    """

    libraries = ("docker",)
    private = False

    name: list[str] = arg(help="Names of images, with their tags.", aliases=["names"], key=True)
    pull: bool = arg(True, help="Ask the registries first.")
    send: bool = arg(True, help="What no registry gives is sent from the controller, where its engine has it.")
    offer: Raw | None = arg(None, help="What the controller has; it is found out there.")
    program: Optional[Path] = arg(
        None, help="What makes images on the host: run as PROGRAM --out FOLDER NAME ..., it leaves FOLDER/*.tar for `docker load`."
    )

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        names = args.get("name", args.get("names"))
        if str(args.get("send", True)).lower() not in TRUE or not isinstance(names, list):
            return args
        return {**args, "offer": _docker_send.offer([name for name in names if isinstance(name, str)])}

    def observe(self, host: Reader) -> Optional[BaseImages]:
        with _docker.engine(host, self) as api:
            return BaseImages({name: _docker_build.observe(host, api, name) for name in self.name})

    def desired(self, host: Reader, before: Optional[BaseImages]) -> Optional[BaseImages]:
        found: Mapping[str, Optional[ImageState]] = before.images if before else {}
        wanted = {name: found.get(name) or ImageState(Unknown(f"the id of {name} is known once it is there"), None) for name in self.name}
        return BaseImages(wanted)

    def apply(self, host: Host, plan: Plan[BaseImages]) -> None:
        missing = [name for name in self.name if not (plan.before and plan.before.images[name])]
        with _docker.engine(host, self, timeout=1800) as api:
            refused = self._pull(host, api, missing) if self.pull else dict.fromkeys(missing, "pulling is off")
            pulled = [name for name in missing if name not in refused]
            sent = self._take(host, api, refused)
            lacking = {name: why for name, why in refused.items() if name not in sent}
            if lacking:
                self._make(host, api, lacking)
        host.note(pulled=pulled, sent=sent, made=list(lacking))

    def _pull(self, host: Host, api: Any, names: Sequence[str]) -> dict[str, str]:
        """Pull what can be pulled; why not, for each of the others. A registry that cannot be reached is asked once."""
        refused: dict[str, str] = {}
        silent: dict[str, str] = {}
        for name in names:
            registry = _docker.split_image(name)[0].partition("/")[0]
            registry = registry if "." in registry or ":" in registry or registry == "localhost" else ""
            if registry in silent:
                refused[name] = silent[registry]
                continue
            host.progress(f"asking the registry for {name}")
            answer = _docker_registry.ask(host, api, name)
            if answer.status != "found":
                refused[name] = _docker_registry.why_not(name, answer)
                if answer.status == "unreachable":
                    silent[registry] = refused[name]
                continue
            try:
                _docker_build.pull(host, api, name)
            except Failed as failed:
                refused[name] = failed.message
        return refused

    def _take(self, host: Host, api: Any, names: Iterable[str]) -> list[str]:
        """Bring what the controller has of the names; which these were."""
        offered = [image for name in names if isinstance(self.offer, Offer) and (image := self.offer.find(name)) is not None]
        fitting = [image for image in offered if _docker_send.fits(api, image)]
        for image in fitting:
            _docker_send.bring(host, api, image)
        return [image.name for image in fitting]

    def _make(self, host: Host, api: Any, refused: dict[str, str]) -> None:
        """Have the program make the images, and load them."""
        if self.program is None:
            raise Failed("\n".join(refused.values()))
        with tempfile.TemporaryDirectory(prefix="nxtplay-images-", dir="/var/tmp") as folder:
            host.progress(f"making {', '.join(refused)}")
            done = run(
                [self.program, "--out", folder, *refused],
                env=host.environ,
                on_output=lambda text: _show(host, text),
            )
            if done.rc != 0:
                why = "\n".join(dict.fromkeys(refused.values()))
                raise Failed(f"{why}\n{self.program} ended with {done.rc}: {done.stderr.strip()[-2000:]}", rc=done.rc)
            for archive in sorted(os.listdir(folder)):
                host.progress(f"loading {archive}")
                with open(os.path.join(folder, archive), "rb") as stream:
                    for event in api.load_image(stream):
                        if isinstance(event, dict) and "error" in event:
                            raise Failed(f"the engine cannot load {archive}: {event['error']}")
        lacking = [name for name in refused if _docker.inspect_image(host, api, name) is None]
        if lacking:
            raise Failed(f"{self.program} ended well but made no image {', '.join(lacking)}")

    def also_foresee(self, host: Reader, plan: Plan[BaseImages]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return ()
        changed = {change.path[-1] for change in plan.changes}
        return [(_docker.image_key(name), image) for name, image in plan.after.images.items() if name in changed]

    def result(self, before: Optional[BaseImages], after: Optional[BaseImages]) -> dict[str, Any]:
        return {"images": {name: image.id for name, image in after.images.items() if image} if after else {}}


def _show(host: Host, text: str) -> None:
    """The last line for people; what is for programs (JSON) is left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("{")]
    if lines:
        host.progress(lines[-1].strip()[:160])
