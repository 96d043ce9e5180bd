"""What a registry holds, asked through the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.modules import _docker


@dataclass(frozen=True)
class Answer:
    """`status`: found, missing, denied, unreachable; `digest` of the manifest where it was found."""

    status: str
    digest: Optional[str] = None
    message: str = ""


def ask(host: Reader, api: Any, image: str, *, hope: bool = False) -> Answer:
    """Ask the image's registry for its manifest digest. Nothing is pulled. `hope`: an engine that is only foreseen, and so cannot ask,
    is taken to find it; without, UnknownReached is raised there."""
    import docker.errors

    if hope and isinstance(api, _docker.EmptyEngine):
        return Answer("found")
    try:
        found = api.inspect_distribution(_docker.full_image(image), auth_config=credentials(image))
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        return Answer(_status(said, error.status_code or 0), message=said)
    return Answer("found", (found.get("Descriptor") or {}).get("digest"))


def _status(said: str, code: int) -> str:
    lowered = said.lower()
    if any(sign in lowered for sign in ("no such host", "connection refused", "timeout", "dial tcp")):
        return "unreachable"
    if "manifest unknown" in lowered or "not found" in lowered or code == 404:
        return "missing"
    if "denied" in lowered or "unauthorized" in lowered or code in (401, 403):
        return "denied"
    return "unreachable"


def credentials(image: str) -> Optional[dict[str, str]]:
    """The login for the image's registry in this user's Docker configuration, or None."""
    from docker import auth

    registry, _ = auth.resolve_repository_name(_docker.split_image(image)[0])
    found: Optional[dict[str, str]] = auth.load_config().resolve_authconfig(registry)
    return found


def has(host: Reader, api: Any, image: str) -> bool:
    """Whether the registry has the image as it is here under this name."""
    live = _docker.inspect_image(host, api, image)
    if live is None or host.has_foreseen(_docker.image_key(image)):
        return False
    digest = ask(host, api, image).digest
    return bool(digest) and any(d.endswith(f"@{digest}") for d in live.get("RepoDigests") or ())


def push(host: Host, api: Any, image: str) -> None:
    """Push an image and show how far it is."""
    repository, tag = _docker.split_image(image)
    layers: dict[str, str] = {}
    for event in api.push(repository, tag=tag, stream=True, decode=True, auth_config=credentials(image)):
        if "error" in event:
            raise Failed(f"cannot push {image}: {event['error']}")
        if "id" in event:
            layers[event["id"]] = str(event.get("status"))
            finished = sum(1 for s in layers.values() if s in ("Pushed", "Layer already exists"))
            host.progress(f"pushing {image}: {finished} of {len(layers)} layers")


def why_not(image: str, answer: Answer) -> str:
    """One sentence for an image that cannot be pulled."""
    if answer.status == "missing":
        return f"the registry has no image {image}; check the name and the tag"
    if answer.status == "denied":
        return f"the registry refuses {image}: it is private or does not exist; `docker login` first ({answer.message})"
    return f"the registry of {image} cannot be reached ({answer.message}); build or load the image on this host instead"
