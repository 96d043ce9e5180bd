"""The containers and images of a stack, with the names that `docker compose ps` and `docker compose images` give their fields."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from nxtplay.modules import _docker
from nxtplay.modules._compose.create import PREFIX
from nxtplay.modules._docker_build import ImageState


def container(found: Mapping[str, Any]) -> dict[str, Any]:
    """An inspected container."""
    config, state, settings = found["Config"], found["State"], found.get("NetworkSettings") or {}
    labels, name, code = config.get("Labels") or {}, found["Name"].lstrip("/"), int(state.get("ExitCode") or 0)
    publishers = [
        {"URL": b.get("HostIp") or "", "TargetPort": int(inner), "PublishedPort": int(b.get("HostPort") or 0), "Protocol": protocol}
        for port, bindings in (settings.get("Ports") or {}).items()
        for inner, _, protocol in (port.partition("/"),)
        for b in bindings or [{}]
    ]
    published = [p for p in publishers if p["PublishedPort"]]
    health = (state.get("Health") or {}).get("Status") or ""
    status = str(state.get("Status"))
    told = ("Up" if status == "running" else status.title()) + (f" ({health or code})" if health or status == "exited" else "")
    return {
        "ID": found["Id"],
        "Name": name,
        "Names": [name],
        "Image": config.get("Image"),
        "Command": " ".join([found.get("Path") or "", *(found.get("Args") or ())]),
        "Project": labels.get(PREFIX + "project"),
        "Service": labels.get(PREFIX + "service"),
        "CreatedAt": found.get("Created"),
        "State": status,
        "Status": told,
        "Health": health,
        "ExitCode": code,
        "Labels": labels,
        "Networks": sorted(settings.get("Networks") or {}),
        "Mounts": [m.get("Name") or m.get("Source") for m in found.get("Mounts") or ()],
        "Ports": ", ".join(f"{p['URL']}:{p['PublishedPort']}->{p['TargetPort']}/{p['Protocol']}" for p in published),
        "Publishers": publishers,
    }


def images(containers: list[dict[str, Any]], known: Mapping[str, Optional[ImageState]]) -> list[dict[str, Any]]:
    """The image of each container."""
    out = []
    for found in containers:
        repository, tag = _docker.split_image(str(found["Config"].get("Image") or ""))
        image = next((i for i in known.values() if i is not None and i.id == found["Image"]), None)
        size = (image.found or {}).get("Size") if image else None
        named = {"ContainerName": found["Name"].lstrip("/"), "Repository": repository, "Tag": tag}
        out.append({**named, "ID": found["Image"], "Size": size})
    return out
