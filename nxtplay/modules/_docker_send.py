"""Images of the controller's engine on their way to the engine of a host."""

from __future__ import annotations

import itertools
import json
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.wire import Stream
from nxtplay.modules import _docker, _docker_build
from nxtplay.modules._docker_build import ImageState, Inputs


@dataclass(frozen=True)
class Offered:
    """An image that the controller has. `layers` are the digests of their content, the lowest first; `archive` brings those that are
    not said to be there."""

    name: str
    id: str
    platform: str
    created: str
    layers: tuple[str, ...]
    inputs: Optional[Inputs]
    size: int
    archive: Stream

    @property
    def state(self) -> ImageState:
        return ImageState(self.id, self.inputs)


@dataclass(frozen=True)
class Offer:
    """What the controller's engine has of what was asked for; `problem` says why there is no engine to ask."""

    images: tuple[Offered, ...] = ()
    problem: str = ""

    def find(self, name: str) -> Optional[Offered]:
        return next((image for image in self.images if image.name == name), None)


# -- on the controller ----------------------------------------------------------------------------------------------


def offer(names: Sequence[str]) -> Offer:
    """Ask the controller's engine for images; it is no failure when there is none."""
    here = Reader()
    try:
        with _docker.engine(here, decode(_docker.DockerOptions, {})) as api:
            found = {name: _docker.inspect_image(here, api, name) for name in names}
    except Failed as failed:
        return Offer(problem=failed.message)
    return Offer(tuple(_offered(name, about) for name, about in found.items() if about is not None))


def _offered(name: str, about: Mapping[str, Any]) -> Offered:
    return Offered(
        name,
        about["Id"],
        _platform(about),
        str(about.get("Created")),
        _layers(about),
        _docker_build.remembered((about.get("Config") or {}).get("Labels") or {}),
        int(about.get("Size") or 0),
        Stream(f"image {name}", lambda have: _archive(name, json.loads(have))),
    )


def _archive(name: str, have: Sequence[str]) -> Iterator[bytes]:
    """What `docker save` writes, compressed, without the layers that are there already: `docker load` does not look for those."""
    with _docker.engine(Reader(), decode(_docker.DockerOptions, {}), timeout=3600) as api, tempfile.TemporaryFile(dir="/var/tmp") as spool:
        for chunk in api.get_image(name):
            spool.write(chunk)
        spool.seek(0)
        squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
        for piece in _without(spool, set(have)):
            squeezed = squeeze.compress(piece)
            if squeezed:
                yield squeezed
        yield squeeze.flush()


def _without(spool: Any, have: set[str]) -> Iterator[bytes]:
    """The archive's blocks, those of known layers left out."""
    with tarfile.open(fileobj=spool) as archive:
        (image,) = _json(archive, "manifest.json")
        digests = _json(archive, image["Config"])["rootfs"]["diff_ids"]
        known = {path for path, digest in zip(image["Layers"], digests) if digest in have}
        for member in archive:
            if member.name in known:
                continue
            yield member.tobuf(tarfile.PAX_FORMAT)
            if member.isreg():
                spool.seek(member.offset_data)
                left = member.size
                while left:
                    chunk = spool.read(min(1 << 20, left))
                    left -= len(chunk)
                    yield chunk
                yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    assert stream is not None
    return json.load(stream)


# -- on the host ----------------------------------------------------------------------------------------------------


def observe(host: Reader, api: Any, name: str, offered: Optional[Offered]) -> Optional[ImageState]:
    """The image as it is. One that is the same as the controller's, though engines number them differently, is told by its id there."""
    state = _docker_build.observe(host, api, name)
    if state is None or offered is None or state.id is offered.id or host.has_foreseen(_docker.image_key(name)):
        return state
    found = _docker.inspect_image(host, api, name)
    return offered.state if found is not None and _same(found, offered) else state


def _same(found: Mapping[str, Any], offered: Offered) -> bool:
    if found["Id"] == offered.id:
        return True
    return (_layers(found), str(found.get("Created")), _platform(found)) == (offered.layers, offered.created, offered.platform)


def fits(api: Any, offered: Offered) -> bool:
    """Whether the host's engine runs images of that kind."""
    version = api.version()
    return offered.platform in (f"{version.get('Os')}/{version.get('Arch')}", "")


def bring(host: Host, api: Any, offered: Offered) -> None:
    """Load the image, of which only the layers travel that no image here has."""
    have = _held(host, api, offered)
    problem = _load(host, api, offered, have)
    if problem and have:  # an engine that wants them all
        problem = _load(host, api, offered, [])
    if problem:
        raise Failed(f"the engine cannot load {offered.name}: {problem}")


def _load(host: Host, api: Any, offered: Offered, have: Sequence[str]) -> str:
    """What the engine had against it."""

    def told() -> Iterator[bytes]:
        sent, shown = 0, 0
        for chunk in offered.archive.chunks(json.dumps(have)):
            sent += len(chunk)
            if sent - shown >= 1 << 23:
                shown = sent
                host.progress(f"{offered.name}: {sent / 1e6:.0f} MB sent (of {offered.size / 1e6:.0f}, compressed)")
            yield chunk

    host.progress(f"{offered.name}: {len(offered.layers) - len(have)} of {len(offered.layers)} layers are sent")
    for event in api.load_image(told()):
        if isinstance(event, dict) and "error" in event:
            return str(event["error"])
    return ""


def _held(host: Host, api: Any, offered: Offered) -> list[str]:
    """The lowest layers that some image here has too. One that occurs again further up is not counted on: archives share such files."""
    most = 0
    for image in api.images():
        about = _docker.inspect_image(host, api, image["Id"])
        layers = _layers(about) if about else ()
        most = max(most, sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(layers, offered.layers))))
    return [digest for digest in offered.layers[:most] if digest not in offered.layers[most:]]


def _layers(about: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple((about.get("RootFS") or {}).get("Layers") or ())


def _platform(about: Mapping[str, Any]) -> str:
    return f"{about.get('Os')}/{about.get('Architecture')}"
