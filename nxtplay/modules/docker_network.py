"""docker_network: a network between containers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Raw
from nxtplay.modules import _docker


@dataclass(frozen=True)
class NetworkState:
    """`options` are those the arguments speak of; `connected` are container names."""

    options: dict[str, Any]
    connected: tuple[str, ...] = ()
    found: Any = field(default=None, compare=False, metadata={"volatile": True})  # all that the engine tells


class Pool(Args):
    """A range of addresses."""

    subnet: Optional[str] = arg(None, help="Range such as 10.9.0.0/16.")
    iprange: Optional[str] = arg(None, help="Part of it from which addresses are given.")
    gateway: Optional[str] = arg(None, help="Address of the gateway.")
    aux_addresses: dict[str, str] = arg(default_factory=dict, help="Addresses that are taken, by name.")


class DockerNetwork(_docker.DockerOptions, Resource[NetworkState]):
    """A Docker network. Options that are not given are left as they are.

    A network cannot be altered: where an option differs it is made anew, its containers are connected again; running ones only with
    `force`, else the task fails and names them.
    """

    libraries = ("docker",)
    private = False

    name: str = arg(help="Network name.", key=True, aliases=["network_name"])
    state: Literal["present", "absent"] = arg("present", help="Whether the network should exist.")
    driver: Optional[str] = arg(None, help="Driver; bridge by default.")
    config_from: Optional[str] = arg(None, help="Network that only holds a configuration, to take it from.")
    config_only: Optional[bool] = arg(None, help="It only holds a configuration.")
    driver_options: dict[str, Raw] = arg(default_factory=dict, help="Options of the driver.")
    ipam_driver: Optional[str] = arg(None, help="Driver that gives addresses.")
    ipam_driver_options: dict[str, Raw] = arg(default_factory=dict, help="Options of that driver.")
    ipam_config: list[Pool] = arg(default_factory=list, help="Ranges of addresses.")
    internal: Optional[bool] = arg(None, help="Cut off from the outside.")
    attachable: Optional[bool] = arg(None, help="Lets single containers join a Swarm network.")
    enable_ipv4: Optional[bool] = arg(None, help="IPv4 addresses; engines before 27.4 always give them.")
    enable_ipv6: Optional[bool] = arg(None, help="IPv6 addresses, too.")
    ingress: Optional[bool] = arg(None, help="The network of a Swarm through which services are reached from outside.")
    scope: Optional[Literal["local", "global", "swarm"]] = arg(None, help="Scope of the network.")
    labels: dict[str, str] = arg(default_factory=dict, help="Labels.")
    connected: list[str] = arg(default_factory=list, help="Containers to be connected.", aliases=["containers"])
    appends: bool = arg(False, help="Leave other containers connected.", aliases=["incremental"])
    force: bool = arg(False, help="Make the network anew though running containers use it.")

    def key(self) -> str:
        return f"network:{self.name}"

    def observe(self, host: Reader) -> Optional[NetworkState]:
        if host.has_foreseen(self.key()):
            found = host.promised(self.key())
            return found if isinstance(found, NetworkState) else None if found is None else NetworkState(self._options())
        with _docker.engine(host, self) as api:
            live = self._find(api)
        if live is None:
            return None
        wanted = self._options()
        held = {key: value for key, value in _options(live).items() if key in wanted}
        if "ipam_config" in wanted:
            held["ipam_config"] = _likewise(held["ipam_config"], wanted["ipam_config"])
        for key in ("driver_options", "labels"):  # more than asked for is fine
            if key in wanted:
                held[key] = {k: v for k, v in held[key].items() if k in wanted[key]}
        names = sorted(str(c.get("Name")) for c in (live.get("Containers") or {}).values())
        return NetworkState(held, tuple(names), live)

    def _find(self, api: Any) -> Optional[dict[str, Any]]:
        for found in api.networks(names=[self.name]):
            if found["Name"] == self.name:
                live: dict[str, Any] = api.inspect_network(found["Id"])
                return live
        return None

    def _options(self) -> dict[str, Any]:
        """The options given, in the form in which they are compared."""
        given: dict[str, Any] = {
            "driver": self.driver,
            "driver_options": _docker.texts(self.driver_options) or None,
            "config_from": self.config_from,
            "config_only": self.config_only,
            "ipam_driver": self.ipam_driver,
            "ipam_driver_options": _docker.texts(self.ipam_driver_options) or None,
            "ipam_config": [_pool(p.subnet, p.iprange, p.gateway, p.aux_addresses) for p in self.ipam_config] or None,
            "internal": self.internal,
            "attachable": self.attachable,
            "enable_ipv4": self.enable_ipv4,
            "enable_ipv6": self.enable_ipv6,
            "ingress": self.ingress,
            "scope": self.scope,
            "labels": self.labels or None,
        }
        return {key: value for key, value in given.items() if value is not None}

    def desired(self, host: Reader, before: Optional[NetworkState]) -> Optional[NetworkState]:
        if self.state == "absent":
            return None
        others = before.connected if before else ()
        if not self.connected:
            return NetworkState(self._options(), others)
        names = {*self.connected, *(others if self.appends else ())}
        return NetworkState(self._options(), tuple(sorted(names)))

    def apply(self, host: Host, plan: Plan[NetworkState]) -> None:
        with _docker.engine(host, self) as api:
            if plan.after is None:
                self._remove(api)
                return
            if plan.before is None or plan.changed("options"):
                again = plan.before.connected if plan.before else ()
                if plan.before is not None:
                    self._remove(api)
                self._create(api)
                for name in again:
                    if name in plan.after.connected:
                        api.connect_container_to_network(name, self.name)
                here = set(again)
            else:
                here = set(plan.before.connected)
            for name in plan.after.connected:
                if name not in here:
                    api.connect_container_to_network(name, self.name)
            for name in here - set(plan.after.connected):
                api.disconnect_container_from_network(name, self.name, force=True)

    def _remove(self, api: Any) -> None:
        live = self._find(api) or {}
        names = [str(c.get("Name")) for c in (live.get("Containers") or {}).values()]
        if names and not self.force:
            raise Failed(f"network {self.name} is in use by {', '.join(names)}; stop them first, or say `force: true` to disconnect them")
        for name in names:
            api.disconnect_container_from_network(name, self.name, force=True)
        api.remove_network(self.name)

    def _create(self, api: Any) -> None:
        pools = []
        for p in self.ipam_config:
            given = {"Subnet": p.subnet, "IPRange": p.iprange, "Gateway": p.gateway, "AuxiliaryAddresses": p.aux_addresses}
            pools.append({key: value for key, value in given.items() if value})
        asked = {
            "Name": self.name,
            "CheckDuplicate": True,
            "Driver": self.driver,
            "Options": _docker.texts(self.driver_options),
            "IPAM": {"Driver": self.ipam_driver or "default", "Config": pools, "Options": _docker.texts(self.ipam_driver_options)},
            "Internal": self.internal,
            "Attachable": self.attachable,
            "EnableIPv4": self.enable_ipv4,
            "EnableIPv6": self.enable_ipv6,
            "Ingress": self.ingress,
            "Scope": self.scope,
            "Labels": self.labels,
            "ConfigOnly": self.config_only,
            "ConfigFrom": {"Network": self.config_from} if self.config_from else None,
        }
        plain = asked["IPAM"] == {"Driver": "default", "Config": [], "Options": {}}
        body = {key: value for key, value in asked.items() if value is not None and not (plain and key == "IPAM")}
        api._raise_for_status(api._post_json(api._url("/networks/create"), data=body))

    def result(self, before: Optional[NetworkState], after: Optional[NetworkState]) -> dict[str, Any]:
        if after is None:
            return {"network": {}, "actions": []}
        told = after.found or (before.found if before and before == after else None)
        open_ = dict.fromkeys(_FIELDS, Unknown(f"network {self.name} is known after the run"))
        return {"network": told or {**open_, "Name": self.name, "Driver": self.driver or "bridge"}, "actions": []}


_FIELDS = (
    "Id",
    "Created",
    "Scope",
    "EnableIPv6",
    "IPAM",
    "Internal",
    "Attachable",
    "Ingress",
    "ConfigFrom",
    "ConfigOnly",
    "Containers",
    "Options",
    "Labels",
)


def _likewise(held: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the ranges held that are wanted, in that order and in as much detail; all of them where one is missing."""
    found = [next((h for h in held if all(h.get(k) == v for k, v in want.items())), None) for want in wanted]
    return [dict(want) for want in wanted] if None not in found else held


def _normal(text: Optional[str]) -> Optional[str]:
    """An address or range in its shortest spelling."""
    if not text:
        return text
    try:
        return str(ipaddress.ip_network(text, strict=False) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        raise Failed(f"'{text}' is no address or range") from None


def _pool(subnet: Optional[str], ip_range: Optional[str], gateway: Optional[str], aux: dict[str, str]) -> dict[str, Any]:
    if subnet and "/" not in subnet:
        raise Failed(f"subnet '{subnet}' has no length; such as 10.9.0.0/16 or fd00:1::/64")
    others = {name: _normal(address) for name, address in aux.items()}
    way = _normal((gateway or "").partition("/")[0])
    given = {"subnet": _normal(subnet), "iprange": _normal(ip_range), "gateway": way, "aux_addresses": others}
    return {key: value for key, value in given.items() if value}


def _options(live: dict[str, Any]) -> dict[str, Any]:
    ipam = live.get("IPAM") or {}
    return {
        "driver": live.get("Driver"),
        "driver_options": live.get("Options") or {},
        "config_from": (live.get("ConfigFrom") or {}).get("Network") or None,
        "config_only": live.get("ConfigOnly"),
        "ipam_driver": ipam.get("Driver"),
        "ipam_driver_options": ipam.get("Options") or {},
        "ipam_config": [
            _pool(p.get("Subnet"), p.get("IPRange"), p.get("Gateway"), p.get("AuxiliaryAddresses") or {}) for p in ipam.get("Config") or ()
        ],
        "internal": live.get("Internal"),
        "attachable": live.get("Attachable"),
        "enable_ipv4": live.get("EnableIPv4", True),
        "enable_ipv6": live.get("EnableIPv6"),
        "ingress": live.get("Ingress"),
        "scope": live.get("Scope"),
        "labels": live.get("Labels") or {},
    }
