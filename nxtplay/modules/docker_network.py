"""docker_network: a network between containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _docker


@dataclass(frozen=True)
class NetworkState:
    """`options` are those the arguments speak of; `connected` are container names."""

    options: dict[str, Any]
    connected: tuple[str, ...] = ()
    id: str = field(default="", metadata={"volatile": True})


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
    driver_options: dict[str, str] = arg(default_factory=dict, help="Options of the driver.")
    ipam_driver: Optional[str] = arg(None, help="Driver that gives addresses.")
    ipam_config: list[Pool] = arg(default_factory=list, help="Ranges of addresses.")
    internal: Optional[bool] = arg(None, help="Cut off from the outside.")
    attachable: Optional[bool] = arg(None, help="Lets single containers join a Swarm network.")
    enable_ipv6: Optional[bool] = arg(None, help="IPv6 addresses, too.")
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
        for key in ("driver_options", "labels"):  # more than asked for is fine
            if key in wanted:
                held[key] = {k: v for k, v in held[key].items() if k in wanted[key]}
        names = sorted(str(c.get("Name")) for c in (live.get("Containers") or {}).values())
        return NetworkState(held, tuple(names), str(live["Id"]))

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
            "driver_options": self.driver_options or None,
            "ipam_driver": self.ipam_driver,
            "ipam_config": [_pool(p.subnet, p.iprange, p.gateway, p.aux_addresses) for p in self.ipam_config] or None,
            "internal": self.internal,
            "attachable": self.attachable,
            "enable_ipv6": self.enable_ipv6,
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
        api.create_network(
            self.name,
            driver=self.driver,
            options=self.driver_options or None,
            ipam={"Driver": self.ipam_driver or "default", "Config": pools} if pools or self.ipam_driver else None,
            internal=bool(self.internal),
            attachable=self.attachable,
            enable_ipv6=bool(self.enable_ipv6),
            scope=self.scope,
            labels=self.labels,
            check_duplicate=True,
        )

    def result(self, before: Optional[NetworkState], after: Optional[NetworkState]) -> dict[str, Any]:
        return {"network": {"Name": self.name, "Id": after.id, **after.options} if after else {}, "actions": []}


def _pool(subnet: Optional[str], ip_range: Optional[str], gateway: Optional[str], aux: dict[str, str]) -> dict[str, Any]:
    given = {"subnet": subnet, "iprange": ip_range, "gateway": gateway, "aux_addresses": aux}
    return {key: value for key, value in given.items() if value}


def _options(live: dict[str, Any]) -> dict[str, Any]:
    ipam = live.get("IPAM") or {}
    return {
        "driver": live.get("Driver"),
        "driver_options": live.get("Options") or {},
        "ipam_driver": ipam.get("Driver"),
        "ipam_config": [
            _pool(p.get("Subnet"), p.get("IPRange"), p.get("Gateway"), p.get("AuxiliaryAddresses") or {}) for p in ipam.get("Config") or ()
        ],
        "internal": live.get("Internal"),
        "attachable": live.get("Attachable"),
        "enable_ipv6": live.get("EnableIPv6"),
        "scope": live.get("Scope"),
        "labels": live.get("Labels") or {},
    }
