"""Run docker modules against the real engine, and look at it by other means than theirs."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import docker
import yaml

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import UnknownReached, public
from nxtplay.core.world import World
from nxtplay.modules import registry

ME = str(os.getpid())  # sessions beside this one keep off what is ours
IMAGE = f"nxtplay-test/busybox:{ME}"
LABEL = "nxtplay.test.session"
LABELS = {LABEL: ME}
PROJECT = f"nxtdockertest{ME}"
SPEC = importlib.util.find_spec("compose")
COMPOSE = os.path.join(os.path.dirname(SPEC.origin), "docker-compose") if SPEC and SPEC.origin else ""


def check(module: str, args: dict[str, Any], world: World | None = None) -> Outcome:
    world = world if world is not None else World()
    return converge(decode(registry.load(module), args), Reader(world), world, None)


def run(module: str, args: dict[str, Any], said: list[tuple[str, Any]] | None = None) -> Outcome:
    host = Host(World(), emit=lambda kind, data: said.append((kind, data)) if said is not None else None)
    return converge(decode(registry.load(module), args), host, World(), host)


def paths(outcome: Outcome) -> set[str]:
    return {str(change) for change in outcome.changes}


def plain(outcome: Outcome) -> list[tuple[str, Any, Any]]:
    """Changes as plain data; what a check could not know is left out."""
    return sorted((str(c), repr(_steady(c.before)), repr(_steady(c.after))) for c in outcome.changes)


def _steady(value: Any) -> Any:
    """Without the engine's own words, in which a container's health checks are added up."""
    told = public(value)
    return {key: one for key, one in told.items() if key != "found"} if isinstance(told, dict) else told


def settle(module: str, args: dict[str, Any]) -> Outcome:
    """Check, run, check, run: the first foresees the second, the rest find nothing to do. The run's outcome."""
    foreseen = check(module, args)
    done = run(module, args)
    assert done.status != "failed", done.reason
    assert (foreseen.status, paths(foreseen)) == (done.status, paths(done)), (plain(foreseen), plain(done))
    if "known after the run" not in repr(plain(foreseen)):
        assert plain(foreseen) == plain(done), (plain(foreseen), plain(done))
    again = check(module, args)
    assert again.status == "ok", plain(again)
    assert run(module, args).status == "ok"
    return done


def is_unknown(act: Any) -> bool:
    try:
        act()
    except UnknownReached:
        return True
    return False


def engine() -> Any:
    return docker.APIClient(version="auto")


def write(folder: Path, services: dict[str, Any], **top: Any) -> None:
    labelled = {name: {"image": IMAGE, "labels": LABELS, "stop_grace_period": "1s", **spec} for name, spec in services.items()}
    (folder / "compose.yaml").write_text(yaml.safe_dump({"name": PROJECT, "services": labelled, **top}))


def stack(folder: Path, **more: Any) -> dict[str, Any]:
    return {"project_src": str(folder), **more}


def compose(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMPOSE, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def containers() -> dict[str, dict[str, Any]]:
    """Every container of the project by name, inspected."""
    client = engine()
    found = client.containers(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"})
    return {c["Names"][0].lstrip("/"): client.inspect_container(c["Id"]) for c in found}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def remove_containers(session: str = ME) -> None:
    client = engine()
    for label in (f"com.docker.compose.project=nxtdockertest{session}", f"{LABEL}={session}"):
        for found in client.containers(all=True, filters={"label": label}):
            client.remove_container(found["Id"], force=True, v=True)
        for network in client.networks(filters={"label": label}):
            client.remove_network(network["Id"])
        for volume in client.volumes(filters={"label": label})["Volumes"] or ():
            client.remove_volume(volume["Name"])


def remove_all(session: str = ME) -> None:
    """Everything that a session made."""
    remove_containers(session)
    client = engine()
    for image in client.images(filters={"label": f"{LABEL}={session}"}):
        client.remove_image(image["Id"], force=True)


def remove_abandoned() -> None:
    """What killed sessions left."""
    for image in engine().images(filters={"label": LABEL}):
        session = image["Labels"][LABEL]
        if not os.path.exists(f"/proc/{session}"):
            remove_all(session)
