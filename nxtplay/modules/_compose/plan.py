"""A stack as it should be, given the one found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.state import Unknown, diff
from nxtplay.modules import _docker, _docker_build, _docker_registry
from nxtplay.modules._compose import state as state_
from nxtplay.modules._compose.project import Project
from nxtplay.modules._compose.state import NetworkState, ServiceState, StackState, VolumeState
from nxtplay.modules._docker_build import ImageState, Recipe


@dataclass(frozen=True)
class Wish:
    """How the stack is to be brought about."""

    state: str = "present"  # present, stopped, absent
    services: tuple[str, ...] = ()  # only these (with what they depend on, if `dependencies`); () is all
    dependencies: bool = True
    pull: str = "policy"  # always, missing, never, policy
    build: str = "policy"  # always, never, policy
    recreate: str = "auto"  # always, never, auto
    wait: bool = True
    scale: Mapping[str, int] = ()  # type: ignore[assignment]
    remove_orphans: bool = False
    remove_volumes: bool = False
    remove_images: str = ""  # all, local
    assume_yes: bool = False


def chosen(project: Project, wish: Wish) -> list[str]:
    """The services that are to be brought about, dependencies first."""
    if not wish.services:
        return list(project.services)
    wanted = set(wish.services)
    if wish.dependencies:
        grown = True
        while grown:
            more = {d for s in wanted for d in project.services[s].get("depends_on") or {} if d in project.services} - wanted
            wanted |= more
            grown = bool(more)
    return [name for name in project.services if name in wanted]


def scale(project: Project, wish: Wish, service: str) -> int:
    given = dict(wish.scale or {})
    return int(given.get(service, project.scale(service)))


def desired(host: Reader, api: Any, project: Project, wish: Wish, before: StackState) -> StackState:
    """The stack wanted. Failed where it can be foreseen that it cannot be."""
    if wish.state == "absent":
        return _absent(project, wish, before)
    names = chosen(project, wish)
    networks, volumes = dict(before.networks), dict(before.volumes)
    used_networks = {n for s in names for n in project.services[s].get("networks") or {}}
    mounts = [v for s in names for v in project.services[s].get("volumes") or ()]
    used_volumes = {v["source"] for v in mounts if v["type"] == "volume" and v.get("source")}
    for key in sorted(used_networks):
        networks[key] = _network(host, project, key, before)
    for key in sorted(used_volumes):
        volumes[key] = _volume(host, project, wish, key, before)
    images, services = dict(before.images), dict(before.services)
    replaced: set[str] = set()
    for name in names:
        image = project.image(name)
        images[image] = desired_image(host, api, project, wish, name, before.images.get(image))
        found = before.services.get(name)
        services[name] = _service(host, api, project, wish, name, images[image], found, replaced, before, networks)
        if found is None or needs_new(found, services[name]):
            replaced.add(name)
        if services[name].containers == 0:
            del services[name]
    orphans = () if wish.remove_orphans else before.orphans
    return StackState(services, networks, volumes, images, orphans)


def needs_new(before: ServiceState, after: ServiceState) -> bool:
    """Whether containers have to be made anew (rather than started, stopped or waited for)."""
    return bool(diff(before.image, after.image) or diff(before.config, after.config) or diff(before.attached, after.attached)) or any(
        "made anew" in fault for fault in before.faults
    )


def _service(
    host: Reader,
    api: Any,
    project: Project,
    wish: Wish,
    name: str,
    image: Optional[ImageState],
    before: Optional[ServiceState],
    replaced: set[str],
    stack: StackState,
    networks: Mapping[str, NetworkState],
) -> ServiceState:
    keep = wish.recreate == "never" and before is not None
    identity = image.id if image else Unknown(f"image {project.image(name)} is not there yet")
    config: Any = state_.config_of(host, project, name)
    if before is not None and keep:
        identity, config = before.image, before.config
    status = "stopped" if wish.state == "stopped" else "completed" if state_.is_task(project, name) else "running"
    attached: dict[str, Any] = {}
    for other in _shares(project, name):
        held = (before.attached if before else {}).get(other)
        same = (isinstance(held, Unknown) or held) and other not in replaced and other in stack.services
        attached[other] = held if same else Unknown(f"{other} gets a new container")
    faults: tuple[str, ...] = ()
    return ServiceState(
        image=identity,
        config=config,
        status=status,
        health=_health(host, api, project, wish, name, status, before, identity),
        containers=scale(project, wish, name),
        attached=attached,
        faults=faults,
    )


def _shares(project: Project, name: str) -> list[str]:
    spec = project.services[name]
    values = (str(spec.get(key) or "") for key in ("network_mode", "ipc", "pid"))
    return [v[8:] for v in values if v.startswith("service:")]


def _health(
    host: Reader, api: Any, project: Project, wish: Wish, name: str, status: str, before: Optional[ServiceState], image: Any
) -> Any:
    """healthy where there is a probe, in the file or in the image."""
    if status != "running":
        return "none"
    if not wish.wait:
        return before.health if before else Unknown("not waited for")
    check = project.services[name].get("healthcheck") or {}
    if check.get("disable") or (check.get("test") or [""])[0] == "NONE":
        return "none"
    if check.get("test"):
        return "healthy"
    if isinstance(image, Unknown):
        if before is not None and before.image is image:  # an earlier task of the check would bring it
            return before.health
        return Unknown("whether the image has a health check is known once it is there")
    found = _docker.inspect_image(host, api, image) or {}
    test = (((found.get("Config") or {}).get("Healthcheck") or {}).get("Test") or ["NONE"])[0]
    return "none" if test in ("NONE", "") else "healthy"


# -- images ----------------------------------------------------------------------------------------------------------


def recipe(project: Project, name: str) -> Optional[Recipe]:
    """How the service's image is built; None for one that is only pulled."""
    build = project.services[name].get("build")
    if not build:
        return None
    context = str(build.get("context") or "")
    if "://" in context or context.startswith("git@"):
        raise Failed(f"service '{name}': build contexts from a repository are not supported; check it out with `git` and name the folder")
    for key in ("dockerfile_inline", "ssh", "secrets", "additional_contexts"):
        if build.get(key):
            remedy = "build the image in a task before, and say `build: never`"
            raise Failed(f"service '{name}': build.{key} needs BuildKit's protocol; {remedy}")
    return Recipe(
        image=project.image(name),
        path=context,
        dockerfile=build.get("dockerfile") or "Dockerfile",
        args=build.get("args") or {},
        target=build.get("target") or "",
        platform=(build.get("platforms") or [project.services[name].get("platform") or ""])[0],
        labels=build.get("labels") or {},
        cache_from=tuple(build.get("cache_from") or ()),
        network=build.get("network") or "",
        shm_size=int(build["shm_size"]) if build.get("shm_size") else None,
        extra_hosts=dict(h.split("=", 1) for h in build.get("extra_hosts") or ()),
        nocache=bool(build.get("no_cache")),
        pull=bool(build.get("pull")),
    )


def desired_image(host: Reader, api: Any, project: Project, wish: Wish, name: str, before: Optional[ImageState]) -> ImageState:
    """The image after what builds and pulls are due. Failed where it can come from nowhere."""
    image = project.image(name)
    how = recipe(project, name) if wish.build != "never" else None
    policy = project.services[name].get("pull_policy") or "missing"
    if how is not None and (wish.build == "always" or policy == "build" or before is None):
        return _docker_build.desired(host, api, how, before)
    if before is not None and (wish.pull in ("missing", "never") or (wish.pull == "policy" and policy != "always")):
        return before
    if project.services[name].get("build") and before is not None:
        return before
    if before is None and (wish.pull == "never" or (wish.pull == "policy" and policy == "never")):
        raise Failed(f"service '{name}': image {image} is not on the host, and it may not be pulled; build or load it first")
    hint = "; `build: policy` would build it" if project.services[name].get("build") else ""
    return pulled_image(host, api, name, image, before, hint=hint)


def pulled_image(host: Reader, api: Any, name: str, image: str, before: Optional[ImageState], *, hint: str = "") -> ImageState:
    """The service's image as its registry has it. Failed where the registry does not give it."""
    answer = _docker_registry.ask(host, api, image, hope=True)
    if answer.status != "found":
        missing = f"image {image} is not on the host, and " if before is None else ""
        raise Failed(f"service '{name}': {missing}{_docker_registry.why_not(image, answer)}{hint if missing else ''}")
    if before is not None:
        found = _docker.inspect_image(host, api, image) or {}
        if any(d.endswith("@" + str(answer.digest)) for d in found.get("RepoDigests") or ()):
            return before
    return ImageState(Unknown(f"image {image} has to be pulled"), None)


# -- networks, volumes -----------------------------------------------------------------------------------------------


def _network(host: Reader, project: Project, key: str, before: StackState) -> NetworkState:
    spec = project.networks[key]
    found = before.networks.get(key)
    if spec.get("external"):
        if found is None and not host.promised(f"network:{spec['name']}"):
            raise Failed(f"network {spec['name']} is external but does not exist; make it first: docker_network with name {spec['name']}")
        return NetworkState(spec, True)
    return NetworkState(spec)


def _volume(host: Reader, project: Project, wish: Wish, key: str, before: StackState) -> VolumeState:
    spec = project.volumes[key]
    found = before.volumes.get(key)
    if spec.get("external"):
        if found is None and not host.promised(f"volume:{spec['name']}"):
            raise Failed(f"volume {spec['name']} is external but does not exist; make it first: docker_volume with name {spec['name']}")
        return VolumeState(spec, True)
    if found is not None and found.config != spec and not wish.assume_yes:
        names = ", ".join(str(c) for c in diff(found.config, spec))
        raise Failed(
            f"volume {spec['name']} differs from the file in {names}; making it anew would lose its data. "
            "Copy the data, or say `assume_yes: true` to lose it"
        )
    return VolumeState(spec)


def _absent(project: Project, wish: Wish, before: StackState) -> StackState:
    gone = set(chosen(project, Wish(services=wish.services, dependencies=False)))
    services = {n: s for n, s in before.services.items() if n not in gone}
    whole = not wish.services
    volumes = {k: v for k, v in before.volumes.items() if v.external or not (wish.remove_volumes and whole)}
    images: dict[str, Optional[ImageState]] = dict(before.images)
    for name in gone if wish.remove_images else ():
        image = project.image(name)
        if wish.remove_images == "all" or not project.services[name].get("image"):
            images[image] = None
    networks = {k: n for k, n in before.networks.items() if n.external or not whole}
    return StackState(services, networks, volumes, images, () if wish.remove_orphans else before.orphans)
