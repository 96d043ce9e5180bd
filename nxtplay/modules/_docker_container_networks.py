"""The networks that a container is on."""

from __future__ import annotations

import ipaddress
from typing import Any, Mapping, Optional

from nxtplay.modules._docker_container_args import ContainerOptions, Network


def held(live: Mapping[str, Any]) -> dict[str, Any]:
    """Networks by name: aliases (without those the engine adds), links, and the addresses that were asked for."""
    own = {live.get("Name", "").lstrip("/"), str(live.get("Id", ""))[:12]}
    out = {}
    for name, endpoint in ((live.get("NetworkSettings") or {}).get("Networks") or {}).items():
        found = endpoint or {}
        asked = found.get("IPAMConfig") or {}
        out[name] = {
            "aliases": sorted(set(found.get("Aliases") or ()) - own),
            "ipv4": _address(asked.get("IPv4Address")),
            "ipv6": _address(asked.get("IPv6Address")),
            "links": sorted(found.get("Links") or ()),
            "mac": str(found.get("MacAddress") or ""),
            "gw_priority": int(found.get("GwPriority") or 0),
        }
    return out


def _address(text: Optional[str]) -> str:
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        return str(text)


def wanted(options: ContainerOptions, before: Optional[Mapping[str, Any]], how: str) -> dict[str, Any]:
    """Where it should be. `before` is None for a container that is new, or leaves where it was."""
    there = dict(_by_default(options) if before is None else before)
    if options.networks is None or (how == "ignore" and before is not None):
        return {name: held for name, held in there.items() if name in ("host", "none")} if options.purge_networks else there
    asked: dict[str, Any] = {}
    for network in options.networks:
        want = {
            "aliases": sorted(network.aliases or ()),
            "ipv4": _address(network.ipv4_address),
            "ipv6": _address(network.ipv6_address),
            "mac": (network.mac_address or "").replace("-", ":").lower(),
            "gw_priority": network.gw_priority or 0,
            "links": sorted(f"{name}:{alias or name}" for name, _, alias in (link.partition(":") for link in network.links or ())),
        }
        if network.gw_priority is None and network.name in there:
            want["gw_priority"] = there[network.name]["gw_priority"]
        same = network.name in there and _fits(want, there[network.name])
        asked[network.name] = there[network.name] if same else want
    return asked if options.purge_networks or how == "strict" else {**there, **asked}


def _fits(want: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    lists = all(set(want[name]) <= set(there[name]) for name in ("aliases", "links"))
    address = want["mac"] in ("", there["mac"]) or not there["mac"]  # one that does not run has none
    return lists and address and all(want[name] in ("", there[name]) for name in ("ipv4", "ipv6", "gw_priority"))


def _by_default(options: ContainerOptions) -> dict[str, Any]:
    """Where a new container lands by itself."""
    mode = options.network_mode or "bridge"
    if mode.startswith("container:") or first(options) is not None:
        return {}
    return {"bridge" if mode == "default" else mode: {"aliases": [], "ipv4": "", "ipv6": "", "links": [], "mac": "", "gw_priority": 0}}


def first(options: ContainerOptions) -> Optional[Network]:
    """The network that a new container is made on, where it is not its network mode's."""
    return options.networks[0] if options.networks and options.networks_cli_compatible and not options.network_mode else None


def endpoint(api: Any, network: Network) -> dict[str, Any]:
    """How a container is on a network, as the engine takes it."""
    given = {
        "aliases": network.aliases,
        "ipv4_address": network.ipv4_address,
        "ipv6_address": network.ipv6_address,
        "links": {link.partition(":")[0]: link.partition(":")[2] or link for link in network.links or ()},
        "mac_address": network.mac_address,
        "driver_opt": network.driver_opts,
    }
    out: dict[str, Any] = api.create_endpoint_config(**{key: value for key, value in given.items() if value})
    return {**out, "GwPriority": network.gw_priority} if network.gw_priority is not None else out


def move(api: Any, options: ContainerOptions, identity: str, asked: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Bring a container from the networks it is on to those asked for."""
    for name in there:
        if name not in asked:
            api.disconnect_container_from_network(identity, name)
    given = {n.name: n for n in options.networks or ()}
    for name, want in asked.items():
        if there.get(name) == want or (name not in given and name in there):
            continue
        if name in there:
            api.disconnect_container_from_network(identity, name)
        url = api._url("/networks/{0}/connect", name)  # the SDK's own call does not know all of it
        body = {"Container": identity, "EndpointConfig": endpoint(api, given[name]) if name in given else {}}
        api._raise_for_status(api._post_json(url, data=body))
