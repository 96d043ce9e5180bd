"""Services coming up: each when what it depends on is as it asks, each waited for, replaced ones put back when they do not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Iterable, Optional

from nxtplay.core.host import Failed
from nxtplay.core.state import Plan
from nxtplay.modules import _docker, _docker_build, _docker_swap, _docker_wait
from nxtplay.modules._compose import create, listing
from nxtplay.modules._compose import plan as plan_
from nxtplay.modules._compose import state as state_
from nxtplay.modules._compose.state import StackState
from nxtplay.modules._compose.work import Work, remove_all, stop_all
from nxtplay.modules._docker_swap import REPLACES, Swap


@dataclass
class Pending:
    """A container that was started and is waited for."""

    service: str
    container: str
    wanted: str
    until: float
    restarts: int
    swap: Optional[Swap] = None


def bring_up(work: Work, plan: Plan[StackState], names: list[str], *, force: bool = False) -> None:
    """Start, create and replace containers, each when what it depends on is as it asks; `force` replaces all."""
    todo, waiting, failures = list(names), [], []  # type: list[str], list[Pending], list[str]
    if work.wish.state == "stopped":
        live = state_.look(work.api, work.project.name).containers
        for name in reversed(todo):
            for container in live.get(name) or ():
                _wake(work, name, container)
    touched = set(names)
    up: set[str] = set()  # of those touched: came up
    started: set[str] = set()
    while todo or waiting:
        for name in [n for n in todo if not failures and _ready(work, n, touched, started, up)]:
            todo.remove(name)
            waiting += _launch(work, plan, name, force)
            started.add(name)
        waiting = _poll(work, waiting, failures)
        busy = {p.service for p in waiting}
        up |= {n for n in started if n not in busy}
        if failures and not waiting:
            raise Failed("\n\n".join(failures), timeline=work.timeline, actions=work.actions, **_listed(work))
        if waiting:
            time.sleep(0.25)
    if work.wish.state == "present" and names:
        work.event("all services", "running")
    _restart_dependents(work, plan, set(names))


def _listed(work: Work) -> dict[str, Any]:
    """The containers and images there are, as the module registers them."""
    live = state_.look(work.api, work.project.name).containers
    found = [container for name in work.project.services for container in live.get(name) or ()]
    known = {image: _docker_build.observe(work.host, work.api, image) for image in map(work.project.image, work.project.services)}
    return {"containers": [listing.container(_docker.shown(c)) for c in found], "images": listing.images(found, known)}


def _ready(work: Work, name: str, touched: set[str], started: set[str], up: set[str]) -> bool:
    for other, how in (work.project.services[name].get("depends_on") or {}).items():
        if other not in touched or work.wish.state == "stopped":
            continue
        if other not in (started if how["condition"] == "service_started" else up):
            return False
    return True


def _launch(work: Work, plan: Plan[StackState], name: str, force: bool) -> list[Pending]:
    """Bring one service's containers about; those to be waited for."""
    assert plan.before is not None and plan.after is not None
    before, after = plan.before.services.get(name), plan.after.services.get(name)
    number = after.containers if after else 0
    live = state_.look(work.api, work.project.name)
    containers = live.containers.get(name) or []
    for surplus in containers[number:]:
        remove_all(work, [surplus], "container")
    fresh = force or (before is not None and after is not None and plan_.needs_new(before, after))
    waiting: list[Pending] = []
    taken = {state_.number_of(c) for c in containers[:number]}
    for container in containers[:number]:
        if fresh or (work.wish.recreate != "never" and _differs(work, name, container)):
            waiting.append(_replace(work, live, name, container))
        else:
            waiting += _wake(work, name, container)
    free = (n for n in range(1, number + len(taken) + 1) if n not in taken)
    for _ in range(number - len(containers[:number])):
        waiting += _create(work, live, name, next(free))
    return waiting


def _differs(work: Work, name: str, container: dict[str, Any]) -> bool:
    """Whether this one container of a service with several is not as wanted."""
    image = _docker.inspect_image(work.host, work.api, work.project.image(name))
    if image is not None and container["Image"] != image["Id"]:
        return True
    return bool(state_.container_config(work.host, work.project, name, container) != state_.config_of(work.host, work.project, name))


def _create(work: Work, live: state_.Live, name: str, number: int) -> list[Pending]:
    identity = make(work, live, name, number)
    shown = create.container_name(work.project, name, number)
    work.did("container", shown, "Creating")
    if work.wish.state == "stopped":
        return []
    work.event(name, "starting")
    work.api.start(identity)
    work.did("container", shown, "Starting")
    return [_pending(work, name, identity)]


def _wake(work: Work, name: str, container: dict[str, Any]) -> list[Pending]:
    """Bring an existing container to the wanted state, and see that it comes up."""
    status, shown = container["State"]["Status"], container["Name"].lstrip("/")
    if work.wish.state == "stopped":
        if status in ("running", "restarting", "paused"):
            _docker_swap.stop(work.api, container["Id"], work.stop_timeout)
            work.event(name, "stopped")
            work.did("container", shown, "Stopping")
        return []
    health = (container["State"].get("Health") or {}).get("Status")
    if status == "paused":
        work.api.unpause(container["Id"])
        work.did("container", shown, "Starting")
    elif status == "restarting" or (status == "running" and health == "unhealthy"):
        work.event(name, "restarting, it was unhealthy" if health == "unhealthy" else "restarting, it kept failing")
        work.api.restart(container["Id"], timeout=_grace(work, container))
        work.did("container", shown, "Restarting")
    elif status != "running":
        if status == "exited" and state_.is_task(work.project, name) and container["State"].get("ExitCode") == 0:
            return []
        work.event(name, "starting")
        work.api.start(container["Id"])
        work.did("container", shown, "Starting")
    return [_pending(work, name, container["Id"])]


def _grace(work: Work, container: dict[str, Any]) -> int:
    own = container["Config"].get("StopTimeout")
    return work.stop_timeout if work.stop_timeout is not None else own if own is not None else 10


def _replace(work: Work, live: state_.Live, name: str, old: dict[str, Any]) -> Pending:
    number = state_.number_of(old) or 1
    shown = create.container_name(work.project, name, number)
    volumes = any(m.get("Type") == "volume" and m.get("RW", True) for m in old.get("Mounts") or ())
    stop_first = create.cannot_overlap(work.project.services[name], old, volumes)
    work.event(name, "replacing")
    if work.wish.state == "stopped":
        old = {**old, "State": {**old["State"], "Running": False}}
    if work.wish.state == "stopped":
        _docker_swap.stop(work.api, old["Id"], work.stop_timeout)
        work.api.rename(old["Id"], _docker_swap.parked(old, shown))
        new = make(work, live, name, number, old=old)
        work.api.remove_container(old["Id"], v=work.renew_volumes, force=True)
        work.did("container", shown, "Recreating")
        return Pending(name, new, "stopped", time.monotonic(), 0)
    swap = _docker_swap.begin(
        work.api,
        old,
        shown,
        lambda: make(work, live, name, number, old=old),
        stop_first=stop_first,
        stop_timeout=work.stop_timeout,
        socket=work.socket,
    )
    swap.keep_volumes = not work.renew_volumes
    return _pending(work, name, swap.new, swap)


def _wanted(work: Work, name: str) -> str:
    if state_.is_task(work.project, name):
        return "completed"
    return "healthy" if work.wish.wait else "running"


def _pending(work: Work, name: str, container: str, swap: Optional[Swap] = None) -> Pending:
    found = _docker.inspect_container(work.api, container)
    patience = work.wait_timeout or _docker_wait.patience(found)
    restarts = 0 if swap else int((found or {}).get("RestartCount") or 0)
    return Pending(name, container, _wanted(work, name), time.monotonic() + patience, restarts, swap)


def _poll(work: Work, waiting: list[Pending], failures: list[str]) -> list[Pending]:
    """Look at everything that is waited for; what is still pending."""
    left = []
    for one in waiting:
        if one.wanted == "stopped":
            continue
        found = _docker.inspect_container(work.api, one.container)
        verdict = _docker_wait.judge(found, one.wanted, one.restarts)
        if verdict.status == "pending" and time.monotonic() > one.until:
            verdict = _docker_wait.Verdict("failed", f"still {verdict.why} when the time to wait for it was over")
        if verdict.status == "pending":
            left.append(one)
        elif verdict.status == "up":
            if one.swap is not None:
                one.swap.commit()
                work.did("container", one.swap.name, "Recreating")
            work.event(one.service, verdict.why + (", replaced" if one.swap else ""))
        else:
            failures.append(_failed(work, one, found, verdict))
    return left


def _failed(work: Work, one: Pending, found: Optional[dict[str, Any]], verdict: _docker_wait.Verdict) -> str:
    """Put things right after a container did not come up; what to say."""
    work.event(one.service, f"failed: {verdict.why}")
    story = _docker_wait.story(work.api, found)
    back = ""
    if one.swap is not None:
        try:
            one.swap.rollback()
            back = "; the container it was to replace is back in service"
            if one.swap.old["State"].get("Running"):
                await_up(work, one.swap.old["Id"], 30)
            work.event(one.service, "the old container is back")
        except Exception as error:
            back = f"; putting the old container back failed, too: {error}"
    return f"service {one.service} did not come up: {verdict.why}{back}\n{story}".strip()


def await_up(work: Work, container: str, most: Optional[float] = None) -> _docker_wait.Verdict:
    """Wait until the container is up, or not to be expected to be any more."""
    found = _docker.inspect_container(work.api, container)
    end = time.monotonic() + (most or work.wait_timeout or _docker_wait.patience(found))
    while True:
        verdict = _docker_wait.judge(found, "healthy")
        if verdict.status != "pending" or time.monotonic() > end:
            return verdict
        time.sleep(0.3)
        found = _docker.inspect_container(work.api, container)


def make(
    work: Work,
    live: state_.Live,
    name: str,
    number: int,
    *,
    old: Optional[dict[str, Any]] = None,
    extra_labels: Optional[dict[str, str]] = None,
    aliases: Optional[list[str]] = None,
    more: Optional[dict[str, Any]] = None,
) -> str:
    """Create a container, joined to its networks (under `aliases` instead of the service's names), its files put in; its id. Not
    started. `more` goes into what the engine is asked for."""
    image = work.api.inspect_image(work.project.image(name))
    peers = state_.look(work.api, work.project.name).containers if _has_peers(work, name) else live.containers
    drawn = create.blueprint(
        work.host,
        work.project,
        name,
        number,
        image=image,
        config=state_.config_of(work.host, work.project, name),
        peers=peers,
        inherit=None if work.renew_volumes else old,
        extra_labels=extra_labels or ({REPLACES: old["Id"]} if old else {}),
    )
    for endpoint in (*drawn.networks.values(), *(drawn.body.get("NetworkingConfig") or {}).get("EndpointsConfig", {}).values()):
        endpoint.update({"Aliases": aliases} if aliases is not None else {})
    drawn.body["HostConfig"].update((more or {}).get("HostConfig") or {})
    drawn.body.update({key: value for key, value in (more or {}).items() if key != "HostConfig"})
    platform = work.project.services[name].get("platform")
    identity: str = work.api.create_container_from_config(drawn.body, drawn.name, platform)["Id"]
    try:
        for network, endpoint in drawn.networks.items():
            _connect(work.api, identity, network, endpoint)
        if drawn.files:
            work.api.put_archive(identity, "/", create.archive(drawn.files))
    except BaseException:
        work.api.remove_container(identity, force=True)
        raise
    return identity


def _connect(api: Any, container: str, network: str, endpoint: dict[str, Any]) -> None:
    url = api._url("/networks/{0}/connect", network)
    api._raise_for_status(api._post_json(url, data={"Container": container, "EndpointConfig": endpoint}))


def _has_peers(work: Work, name: str) -> bool:
    spec = work.project.services[name]
    return bool(
        spec.get("links")
        or spec.get("volumes_from")
        or any(str(spec.get(k) or "").startswith("service:") for k in ("network_mode", "ipc", "pid"))
    )


def _restart_dependents(work: Work, plan: Plan[StackState], names: set[str]) -> None:
    """`restart: true` of a dependency: those that depend on a service that was replaced are restarted with it."""
    replaced = {t["service"] for t in work.timeline if t["status"].endswith(", replaced")}
    live = state_.look(work.api, work.project.name).containers
    for name, spec in work.project.services.items():
        if name in names or not any(d in replaced and how.get("restart") for d, how in (spec.get("depends_on") or {}).items()):
            continue
        for container in live.get(name) or ():
            if container["State"].get("Running"):
                work.api.restart(container["Id"], timeout=_grace(work, container))
                work.event(name, "restarted with what it depends on")
                work.did("container", container["Name"].lstrip("/"), "Restarting")


def restart(work: Work, names: Iterable[str]) -> None:
    """Stop in reverse order, start in order, each waited for."""
    names = list(names)
    live = state_.look(work.api, work.project.name).containers
    for name in reversed(names):
        stop_all(work, live.get(name) or [])
    for name in names:
        waiting: list[Pending] = []
        for container in live.get(name) or ():
            work.event(name, "starting")
            work.api.start(container["Id"])
            work.did("container", container["Name"].lstrip("/"), "Restarting")
            waiting.append(_pending(work, name, container["Id"]))
        failures: list[str] = []
        while waiting:
            waiting = _poll(work, waiting, failures)
            if failures:
                raise Failed("\n\n".join(failures), timeline=work.timeline, actions=work.actions, **_listed(work))
            if waiting:
                time.sleep(0.25)
    work.event("all services", "running")
