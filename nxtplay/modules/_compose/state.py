"""A stack as it is: what the engine holds of a project."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from nxtplay.core.host import Reader
from nxtplay.core.state import Secret
from nxtplay.modules import _docker, _docker_build, _dotenv
from nxtplay.modules._compose import create, hashes
from nxtplay.modules._compose.create import CONFIG_LABEL, PREFIX
from nxtplay.modules._compose.project import Project
from nxtplay.modules._docker_build import ImageState
from nxtplay.modules._docker_swap import REPLACES


@dataclass(frozen=True)
class NetworkState:
    """A network; `config` as in the file (or as found, where others made it)."""

    config: Any
    external: bool = False


@dataclass(frozen=True)
class VolumeState:
    config: Any
    external: bool = False


@dataclass(frozen=True)
class ServiceState:
    """The containers of a service, taken together.

    `status`: running, completed (a task that ended well), stopped, or what the engine calls the worst of them. `health`: healthy,
    unhealthy, starting, none. `config` holds the attributes that make a container the right one. `attached`: services whose
    namespaces it shares, to the container it found there. `faults`: what has to be put right (an interrupted replacement, a network
    that was made anew).
    """

    image: Any
    config: Any
    status: str
    health: Any
    containers: int
    attached: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackState:
    services: dict[str, ServiceState]
    networks: dict[str, NetworkState]
    volumes: dict[str, VolumeState]
    images: dict[str, Optional[ImageState]]
    orphans: tuple[str, ...] = ()
    found: Any = field(default=None, compare=False, metadata={"volatile": True})  # inspected containers; None for what is only planned


@dataclass(frozen=True)
class Live:
    """The inspected containers of a project by service, each list by number; `parked` are old ones whose place was being taken."""

    containers: dict[str, list[dict[str, Any]]]
    parked: dict[str, list[dict[str, Any]]]


# -- containers ------------------------------------------------------------------------------------------------------


def look(api: Any, project: str) -> Live:
    """Inspect every container of the project, one-off ones left out."""
    import docker.errors

    found: list[dict[str, Any]] = []
    for summary in api.containers(all=True, filters={"label": f"{PREFIX}project={project}"}):
        if str(summary.get("Labels", {}).get(PREFIX + "oneoff", "False")).lower() == "true":
            continue
        try:
            found.append(api.inspect_container(summary["Id"]))
        except docker.errors.NotFound:
            continue
    replaced = {str(label(c, REPLACES)): c for c in found if label(c, REPLACES)}
    live, parked = {}, {}  # type: dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]
    for container in sorted(found, key=number_of):
        service = str(label(container, PREFIX + "service"))
        is_parked = container["Id"] in replaced or re.match(r"^/[0-9a-f]{12}_", container["Name"]) is not None
        (parked if is_parked else live).setdefault(service, []).append(container)
    return Live(live, parked)


def label(container: Mapping[str, Any], name: str) -> Optional[str]:
    found: Optional[str] = ((container.get("Config") or {}).get("Labels") or {}).get(name)
    return found


def number_of(container: Mapping[str, Any]) -> int:
    try:
        return int(label(container, PREFIX + "container-number") or 0)
    except ValueError:
        return 0


# -- secrets ---------------------------------------------------------------------------------------------------------


def secret_values(project: Project) -> tuple[str, ...]:
    """Values that no output may show: those of variables named like secrets."""
    named = {n: v for n, v in project.environ.items() if _dotenv.SECRET_NAME.search(n)}
    return tuple({v for v in named.values() if len(v) >= 4})


def masked(value: Any, secrets: tuple[str, ...], name: str = "") -> Any:
    """The value with secrets replaced by a hash that can be compared but not shown."""
    if isinstance(value, dict):
        return {key: masked(item, secrets, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, secrets, name) for item in value]
    if isinstance(value, str) and value and (_dotenv.SECRET_NAME.search(name) or any(s in value for s in secrets)):
        return Secret("sha256:" + hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16])
    return value


def config_of(host: Reader, project: Project, service: str) -> dict[str, Any]:
    """The attributes of a service's containers, secrets as hashes. Lists of environment variables and labels are mappings."""
    spec = hashes.attributes(project.services[service])
    out: dict[str, Any] = {}
    secrets = secret_values(project)
    for key, value in spec.items():
        if value is None:
            continue
        out[key] = masked(value, secrets, "" if key in ("secrets", "configs") else key)
    files = create.files_digest(create.inline_files(host, project, service))
    return {**out, "files": files} if files else out


def unmasked_json(config: Any) -> Any:
    """As `config_of` gives it, from JSON: hashes of secrets are Secret again."""
    if isinstance(config, dict):
        return {key: unmasked_json(item) for key, item in config.items()}
    if isinstance(config, list):
        return [unmasked_json(item) for item in config]
    return Secret(config) if isinstance(config, str) and re.match(r"^sha256:[0-9a-f]{16}$", config) else config


# -- the whole -------------------------------------------------------------------------------------------------------


def service_key(project: Project, service: str) -> str:
    """What a service's state is filed under in a check."""
    return f"compose:{project.name}:{service}"


def orphans_key(project: Project) -> str:
    return f"compose:{project.name}:"


def observe(host: Reader, api: Any, project: Project, *, stopped: bool) -> StackState:
    """The stack as the engine holds it, and as earlier tasks of a check would leave it. `stopped`: a container that does not run is
    called stopped."""
    live = look(api, project.name)
    networks = observe_networks(api, project)
    services = {}
    for name in project.services:
        if host.has_foreseen(service_key(project, name)):
            foreseen = host.foreseen(service_key(project, name))
            services.update({name: foreseen} if foreseen is not None else {})
        elif live.containers.get(name) or live.parked.get(name):
            services[name] = _service(host, project, name, live, networks, stopped)
    known = set(project.declared)
    strangers = (cs for group in (live.containers, live.parked) for service, cs in group.items() if service not in known)
    orphans = sorted(c["Name"].lstrip("/") for cs in strangers for c in cs)
    images = {image: _docker_build.observe(host, api, image) for image in dict.fromkeys(project.image(s) for s in project.services)}
    planned = any(host.has_foreseen(service_key(project, name)) for name in project.services)
    return StackState(
        services=services,
        networks=_planned(host, "network", project.networks, {name: state for name, (state, _) in networks.items()}, NetworkState),
        volumes=_planned(host, "volume", project.volumes, observe_volumes(api, project), VolumeState),
        images=images,
        orphans=tuple(host.foreseen(orphans_key(project), orphans)),
        found=None if planned else [c for name in sorted(known & set(live.containers)) for c in live.containers[name]],
    )


def _planned(host: Reader, kind: str, specs: Mapping[str, Any], live: dict[str, Any], made: Any) -> dict[str, Any]:
    """Networks or volumes by name in the file, as earlier tasks of a check would leave them. One that another module would make has
    none of our labels, and is taken as it is."""
    out = dict(live)
    for name, spec in specs.items():
        key = f"{kind}:{spec['name']}"
        if not host.has_foreseen(key):
            continue
        state = host.promised(key)
        out.pop(name, None)
        if state is not None:
            out[name] = state if isinstance(state, made) else made(spec, bool(spec.get("external")))
    return out


def observe_networks(api: Any, project: Project) -> dict[str, tuple[NetworkState, str]]:
    """(state, id) by name in the file."""
    wanted = {spec["name"]: key for key, spec in project.networks.items()}
    out = {}
    for found in api.networks(names=list(wanted)) if wanted else ():
        key = wanted.get(found["Name"])
        if key is None:
            continue
        spec = project.networks[key]
        written = (found.get("Labels") or {}).get(PREFIX + "config-hash")
        same = spec.get("external") or not written or written == hashes.network_hash(spec)
        config = spec if same else _network_config(found, spec)
        out[key] = (NetworkState(config, bool(spec.get("external"))), found["Id"])
    return out


def _network_config(found: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A network that differs, in the words of the file, so that the difference has a name."""
    pools = [{"subnet": p.get("Subnet"), "gateway": p.get("Gateway")} for p in (found.get("IPAM") or {}).get("Config") or ()]
    out = {
        "name": found["Name"],
        "driver": found.get("Driver") if spec.get("driver") or found.get("Driver") != "bridge" else None,
        "driver_opts": found.get("Options") or None,
        "ipam": {"config": pools} if (spec.get("ipam") or {}).get("config") else {},
        "internal": found.get("Internal") or None,
        "attachable": found.get("Attachable") or None,
        "labels": {k: v for k, v in (found.get("Labels") or {}).items() if not k.startswith(PREFIX)} or None,
        "made from": str((found.get("Labels") or {}).get(PREFIX + "config-hash"))[:12],
    }
    return {k: v for k, v in out.items() if v is not None}


def observe_volumes(api: Any, project: Project) -> dict[str, VolumeState]:
    import docker.errors

    out = {}
    for key, spec in project.volumes.items():
        try:
            found = api.inspect_volume(spec["name"])
        except docker.errors.NotFound:
            continue
        labels = found.get("Labels") or {}
        written = labels.get(PREFIX + "config-hash")
        same = spec.get("external") or not written or written == hashes.volume_hash(spec)
        driver = found.get("Driver") if spec.get("driver") or found.get("Driver") != "local" else None
        live = {
            "name": found["Name"],
            "driver": driver,
            "driver_opts": found.get("Options") or None,
            "labels": {k: v for k, v in labels.items() if not k.startswith(PREFIX)} or None,
        }
        out[key] = VolumeState(spec if same else {k: v for k, v in live.items() if v is not None}, bool(spec.get("external")))
    return out


def is_task(project: Project, service: str) -> bool:
    """Whether the service is meant to end: another one waits for its completion."""
    return any(
        (other.get("depends_on") or {}).get(service, {}).get("condition") == "service_completed_successfully"
        for other in project.services.values()
    )


_WORST = ("dead", "removing", "exited", "created", "paused", "restarting", "stopped", "running", "completed")


def _service(
    host: Reader, project: Project, name: str, live: Live, networks: Mapping[str, tuple[NetworkState, str]], stopped: bool
) -> ServiceState:
    containers, parked = live.containers.get(name) or [], live.parked.get(name) or []
    shown = containers or parked
    faults = [f"replacement of {c['Name'].lstrip('/')[13:]} was interrupted" for c in parked]
    states = [_status(c, is_task(project, name), stopped) for c in shown]
    for container in containers:
        faults += _stale_networks(container, project, networks)
    configs = [container_config(host, project, name, c) for c in shown]
    images = list(dict.fromkeys(str(c["Image"]) for c in shown))
    healths = [_health(c) for c in shown]
    return ServiceState(
        image=images[0] if len(images) == 1 else "mixed: " + ", ".join(map(_docker.short, images)),
        config=next((c for c in configs if c != configs[0]), configs[0]),
        status=min((s for s in states), key=lambda s: _WORST.index(s) if s in _WORST else 0),
        health=next((h for h in ("unhealthy", "starting", "healthy") if h in healths), "none"),
        containers=len(shown),
        attached=_attached(project, name, shown),
        faults=tuple(dict.fromkeys(faults)),
    )


def _status(container: Mapping[str, Any], task: bool, stopped: bool) -> str:
    status = str(container["State"].get("Status"))
    if stopped and status in ("exited", "created", "dead"):
        return "stopped"
    return "completed" if status == "exited" and task and container["State"].get("ExitCode") == 0 else status


def _health(container: Mapping[str, Any]) -> str:
    state = container["State"]
    if state.get("Status") != "running":
        return "none"
    return str((state.get("Health") or {}).get("Status") or "none")


def container_config(host: Reader, project: Project, name: str, container: Mapping[str, Any]) -> Any:
    """The attributes a container was made from: ours exactly when Compose's hash says so."""
    wanted = config_of(host, project, name)
    written = label(container, CONFIG_LABEL)
    made = label(container, PREFIX + "config-hash")
    try:
        held = unmasked_json(json.loads(written)) if written else None
    except ValueError:
        held = None
    if made == hashes.service_hash(project.services[name]) and (held or {}).get("files") == wanted.get("files"):
        return wanted
    return held if held is not None and held != wanted else f"made by another program (hash {str(made)[:12]})"


def _stale_networks(container: Mapping[str, Any], project: Project, networks: Mapping[str, tuple[NetworkState, str]]) -> list[str]:
    ids = {project.networks[key]["name"]: identity for key, (_, identity) in networks.items()}
    out = []
    for name, endpoint in ((container.get("NetworkSettings") or {}).get("Networks") or {}).items():
        held = (endpoint or {}).get("NetworkID")
        if name in ids and held and held != ids[name]:
            out.append(f"network {name} was made anew")
    return out


def _attached(project: Project, name: str, containers: list[dict[str, Any]]) -> dict[str, Any]:
    spec = project.services[name]
    out = {}
    for key, field_name in (("network_mode", "NetworkMode"), ("ipc", "IpcMode"), ("pid", "PidMode")):
        value = str(spec.get(key) or "")
        if value.startswith("service:"):
            out[value[8:]] = str(containers[0]["HostConfig"].get(field_name) or "").partition(":")[2]
    return out
