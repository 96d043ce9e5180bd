"""Bringing a stack about: networks, volumes, images, then the services; and taking it down."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed
from nxtplay.core.state import Plan
from nxtplay.modules import _docker_build, _docker_swap, _docker_wait
from nxtplay.modules._compose import hashes, services
from nxtplay.modules._compose import plan as plan_
from nxtplay.modules._compose import state as state_
from nxtplay.modules._compose.create import PREFIX, VERSION
from nxtplay.modules._compose.state import StackState
from nxtplay.modules._compose.work import Work, remove_all
from nxtplay.modules._docker_swap import REPLACES, Swap


def bring_about(work: Work, plan: Plan[StackState]) -> None:
    """Make the stack so. Failed names the service that did not come up, with its last lines."""
    assert plan.before is not None and plan.after is not None
    if work.wish.state == "absent":
        take_down(work, plan)
        return
    mend(work)
    if plan.before.orphans and not plan.after.orphans:
        remove_all(work, _orphans(work), "orphan")
    make_images(work, plan)
    make_networks(work, plan)
    make_volumes(work, plan)
    services.bring_up(work, plan, [n for n in plan_.chosen(work.project, work.wish) if plan.changed("services", n)])


def mend(work: Work) -> None:
    """Finish or undo replacements that were interrupted."""
    live = state_.look(work.api, work.project.name)
    for service, parked in live.parked.items():
        for old in parked:
            name = old["Name"].lstrip("/")[13:] if old["Name"][1:13] == old["Id"][:12] else old["Name"].lstrip("/")
            new = next((c for c in live.containers.get(service) or () if state_.label(c, REPLACES) == old["Id"]), None)
            if new is None:
                restored = {**old, "State": {**old["State"], "Running": True}}
                _docker_swap.restore(work.api, restored, name)
                work.event(service, "put back after an interrupted replacement")
                continue
            swap = Swap(work.api, name, {**old, "State": {**old["State"], "Running": True}}, new["Id"], work.stop_timeout)
            verdict = services.await_up(work, new["Id"]) if new["State"].get("Running") else _docker_wait.Verdict("failed", "never started")
            if verdict.status == "up":
                swap.commit()
                work.event(service, "replacement finished")
            else:
                swap.rollback()
                work.event(service, "put back after an interrupted replacement")


def _orphans(work: Work) -> list[dict[str, Any]]:
    live = state_.look(work.api, work.project.name)
    return [c for group in (live.containers, live.parked) for s, cs in group.items() if s not in work.project.declared for c in cs]


def make_images(work: Work, plan: Plan[StackState]) -> None:
    assert plan.after is not None
    done = set()
    for name in plan_.chosen(work.project, work.wish):
        image = work.project.image(name)
        if image in done or not plan.changed("images", image):
            continue
        done.add(image)
        after = plan.after.images[image]
        recipe = plan_.recipe(work.project, name) if work.wish.build != "never" else None
        if recipe is not None and after is not None and after.inputs is not None:
            work.event(name, "building")
            _docker_build.build(work.host, work.api, recipe, after.inputs)
            work.did("image", image, "Building")
        else:
            work.event(name, "pulling")
            _docker_build.pull(work.host, work.api, image, work.project.services[name].get("platform") or "")
            work.did("image", image, "Pulling")


def make_networks(work: Work, plan: Plan[StackState]) -> None:
    assert plan.before is not None and plan.after is not None
    for key, after in plan.after.networks.items():
        if after.external or not plan.changed("networks", key):
            continue
        spec = work.project.networks[key]
        if key in plan.before.networks:
            _clear_network(work, spec["name"])
            work.did("network", spec["name"], "Removing")
        labels = {
            **(spec.get("labels") or {}),
            PREFIX + "network": key,
            PREFIX + "project": work.project.name,
            PREFIX + "version": VERSION,
            PREFIX + "config-hash": hashes.network_hash(spec),
        }
        ipam = spec.get("ipam") or {}
        names = {"subnet": "Subnet", "ip_range": "IPRange", "gateway": "Gateway", "aux_addresses": "AuxiliaryAddresses"}
        pools = [{names[k]: v for k, v in pool.items()} for pool in ipam.get("config") or ()]
        work.api.create_network(
            spec["name"],
            driver=spec.get("driver"),
            options=spec.get("driver_opts"),
            ipam={"Driver": ipam.get("driver") or "default", "Config": pools} if ipam.get("driver") or pools else None,
            internal=spec.get("internal", False),
            attachable=spec.get("attachable"),
            enable_ipv6=spec.get("enable_ipv6", False),
            labels=labels,
            check_duplicate=True,
        )
        work.did("network", spec["name"], "Creating")


def _clear_network(work: Work, name: str) -> None:
    """Remove a network that has to be made anew: containers of the project leave it, those of others stop us."""
    found = work.api.inspect_network(name)
    ours = {c["Id"] for cs in state_.look(work.api, work.project.name).containers.values() for c in cs}
    strangers = [c.get("Name") for i, c in (found.get("Containers") or {}).items() if i not in ours]
    if strangers:
        raise Failed(f"network {name} has to be made anew, but containers outside the project use it: {', '.join(map(str, strangers))}")
    for identity in found.get("Containers") or {}:
        work.api.disconnect_container_from_network(identity, name, force=True)
    work.api.remove_network(name)


def make_volumes(work: Work, plan: Plan[StackState]) -> None:
    assert plan.before is not None and plan.after is not None
    for key, after in plan.after.volumes.items():
        if after.external or not plan.changed("volumes", key):
            continue
        spec = work.project.volumes[key]
        if key in plan.before.volumes:
            live = state_.look(work.api, work.project.name)
            users = [
                c for s, cs in live.containers.items() for c in cs if any(m.get("Name") == spec["name"] for m in c.get("Mounts") or ())
            ]
            remove_all(work, users, "container")
            work.api.remove_volume(spec["name"], force=True)
            work.did("volume", spec["name"], "Removing")
        labels = {
            **(spec.get("labels") or {}),
            PREFIX + "volume": key,
            PREFIX + "project": work.project.name,
            PREFIX + "version": VERSION,
            PREFIX + "config-hash": hashes.volume_hash(spec),
        }
        work.api.create_volume(spec["name"], driver=spec.get("driver"), driver_opts=spec.get("driver_opts"), labels=labels)
        work.did("volume", spec["name"], "Creating")


def take_down(work: Work, plan: Plan[StackState]) -> None:
    """Remove containers in reverse order of dependence, then networks, and what else is asked for."""
    assert plan.before is not None and plan.after is not None
    live = state_.look(work.api, work.project.name)
    gone = [n for n in work.project.services if n in plan.before.services and n not in plan.after.services]
    for name in reversed(gone):
        remove_all(work, [*(live.containers.get(name) or ()), *(live.parked.get(name) or ())], name)
    if plan.before.orphans and not plan.after.orphans:
        remove_all(work, _orphans(work), "orphan")
    for key in [k for k in plan.before.networks if k not in plan.after.networks]:
        name = work.project.networks[key]["name"]
        users = list((work.api.inspect_network(name).get("Containers") or {}).values())
        if users:
            names = ", ".join(str(u.get("Name")) for u in users)
            raise Failed(f"network {name} is still used by {names}; `remove_orphans: true` removes what is left of the project")
        work.api.remove_network(name)
        work.did("network", name, "Removing")
    for key in [k for k in plan.before.volumes if k not in plan.after.volumes]:
        work.api.remove_volume(work.project.volumes[key]["name"], force=True)
        work.did("volume", work.project.volumes[key]["name"], "Removing")
    for image in [i for i, s in plan.before.images.items() if s is not None and plan.after.images.get(i) is None]:
        work.api.remove_image(image)
        work.did("image", image, "Removing")
