"""Network facts by the kernel's netlink socket and /sys; neither `ip` nor any other program is needed."""

from __future__ import annotations

import os
import re
import socket
import struct
from dataclasses import dataclass
from typing import Any, Iterator, Optional

RTM_GETADDR, RTM_GETROUTE = 22, 26
DUMP = 0x301  # request, root, match
DONE, ERROR = 3, 2


@dataclass(frozen=True)
class _Address:
    """What the kernel says of an address; `number` is its interface's, `broadcast` and `label` may be empty."""

    family: int
    number: int
    address: str
    prefix: int
    scope: str
    broadcast: str
    label: str


def interfaces() -> dict[str, Any]:
    """interfaces, one fact per interface, default_ipv4, default_ipv6, all_ipv4_addresses, all_ipv6_addresses, locally_reachable_ips."""
    names = sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else []
    facts: dict[str, Any] = {name: _link(name) for name in names}
    index = {_number(name): name for name in names}
    for found in _addresses():
        entry = facts.get(index.get(found.number, ""))
        if entry is None:
            continue
        if found.family == socket.AF_INET:
            own = found.label in ("", index[found.number])  # else eth0:1, an interface of its own to those who think in ifconfig
            _add_ipv4(entry if own else facts.setdefault(found.label.replace(":", "_"), {}), _ipv4(found))
        else:
            entry.setdefault("ipv6", []).append({"address": found.address, "prefix": str(found.prefix), "scope": found.scope})
    out: dict[str, Any] = {"interfaces": list(facts), **{name.replace("-", "_"): value for name, value in facts.items()}}
    out["default_ipv4"] = _default(socket.AF_INET, index, facts)
    out["default_ipv6"] = _default(socket.AF_INET6, index, facts)
    four = [f["ipv4"]["address"] for f in facts.values() if "ipv4" in f] + [
        e["address"] for f in facts.values() for e in f.get("ipv4_secondaries", [])
    ]
    out["all_ipv4_addresses"] = [a for a in four if not a.startswith("127.")]
    out["all_ipv6_addresses"] = [e["address"] for f in facts.values() for e in f.get("ipv6", []) if e["address"] != "::1"]
    out["locally_reachable_ips"] = {"ipv4": _local(socket.AF_INET), "ipv6": _local(socket.AF_INET6)}
    return out


def resolver(text: str) -> dict[str, Any]:
    dns: dict[str, Any] = {"nameservers": re.findall(r"^\s*nameserver\s+(\S+)", text, re.MULTILINE)}
    search = re.search(r"^\s*search\s+(.+)$", text, re.MULTILINE)
    if search:
        dns["search"] = search.group(1).split()
    return {"dns": dns}


def _sys(name: str, attribute: str) -> str:
    try:
        with open(f"/sys/class/net/{name}/{attribute}") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _number(name: str) -> int:
    return int(_sys(name, "ifindex") or 0)


def _link(name: str) -> dict[str, Any]:
    kind = "loopback" if name == "lo" else "bridge" if os.path.isdir(f"/sys/class/net/{name}/bridge") else "ether"
    entry: dict[str, Any] = {"device": name, "type": kind, "active": _sys(name, "operstate") in ("up", "unknown")}
    if _sys(name, "mtu"):
        entry["mtu"] = int(_sys(name, "mtu"))
    if kind != "loopback" and _sys(name, "address"):
        entry["macaddress"] = _sys(name, "address")
    entry["promisc"] = bool(int(_sys(name, "flags") or "0", 16) & 0x100)
    if _sys(name, "speed"):
        entry["speed"] = int(_sys(name, "speed"))
    device = f"/sys/class/net/{name}/device"
    if os.path.exists(f"{device}/driver/module"):
        entry["module"] = os.path.basename(os.path.realpath(f"{device}/driver/module"))
    if os.path.exists(device):
        entry["pciid"] = os.path.basename(os.path.realpath(device))
    if kind == "bridge":
        folder = f"/sys/class/net/{name}/brif"
        ports = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        entry.update(id=_sys(name, "bridge/bridge_id"), stp=_sys(name, "bridge/stp_state") == "1", interfaces=ports)
    if os.path.isdir(f"/sys/class/net/{name}/bonding"):
        first = {word: _sys(name, f"bonding/{word}").split(" ")[0] for word in ("mode", "miimon", "lacp_rate")}
        entry.update(type="bonding", slaves=_sys(name, "bonding/slaves").split(), **first)
        if _sys(name, "bonding/primary"):
            entry["primary"] = _sys(name, "bonding/primary")
    return entry


def _ipv4(found: _Address) -> dict[str, str]:
    bits = (0xFFFFFFFF << (32 - found.prefix)) & 0xFFFFFFFF
    number = struct.unpack(">I", socket.inet_aton(found.address))[0]

    def text(value: int) -> str:
        return socket.inet_ntoa(struct.pack(">I", value & 0xFFFFFFFF))

    return {"address": found.address, "netmask": text(bits), "network": text(number & bits), "prefix": str(found.prefix),
            "broadcast": found.broadcast}  # fmt: skip


def _add_ipv4(entry: dict[str, Any], found: dict[str, str]) -> None:
    if "ipv4" in entry:
        entry.setdefault("ipv4_secondaries", []).append(found)
    else:
        entry["ipv4"] = found


def _default(family: int, index: dict[int, str], facts: dict[str, Any]) -> dict[str, Any]:
    for gateway, number in _default_routes(family):
        name = index.get(number, "")
        entry = facts.get(name, {})
        out = {"interface": name, "gateway": gateway, **{k: entry[k] for k in ("mtu", "type", "macaddress") if k in entry}}
        if family == socket.AF_INET:
            return {**out, **entry.get("ipv4", {}), "alias": name}
        return {**out, **next((e for e in entry.get("ipv6", []) if e["scope"] == "global"), {})}
    return {}


def _ask(kind: int, family: int) -> Iterator[tuple[int, bytes]]:
    """The answers (type, payload) to a netlink dump; none where netlink is not to be had."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
            link.settimeout(2)
            link.sendto(struct.pack("=IHHIIB11x", 28, kind, DUMP, 1, 0, family), (0, 0))
            while True:
                data = link.recv(1 << 16)
                while len(data) >= 16:
                    length, answer = struct.unpack_from("=IH", data)
                    if answer in (DONE, ERROR) or length < 16:
                        return
                    yield answer, data[16:length]
                    data = data[(length + 3) & ~3 :]
    except OSError:
        return


def _attributes(data: bytes) -> dict[int, bytes]:
    out = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        out[kind] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return out


def _addresses() -> Iterator[_Address]:
    scopes = {0: "global", 200: "site", 253: "link", 254: "host"}
    for family in (socket.AF_INET, socket.AF_INET6):
        for _, payload in _ask(RTM_GETADDR, family):
            found, prefix, _, scope, number = struct.unpack_from("=BBBBI", payload)
            attributes = _attributes(payload[8:])
            raw = attributes.get(2) or attributes.get(1)
            if raw and found == family:
                four = family == socket.AF_INET
                broadcast = socket.inet_ntop(family, attributes[4]) if four and 4 in attributes else ""
                label = attributes.get(3, b"").rstrip(b"\0").decode() if four else ""
                text = socket.inet_ntop(family, raw)
                yield _Address(family, number, text, prefix, scopes.get(scope, str(scope)), broadcast, label)


def _local(family: int) -> list[str]:
    """What reaches this machine itself: the kernel's local table."""
    out = []
    for _, payload in _ask(RTM_GETROUTE, family):
        found, prefix, _, _, table, _, _, kind = struct.unpack_from("=BBBBBBBB", payload)
        to = _attributes(payload[12:]).get(1)
        if found == family and table == 255 and kind == 2 and to:
            out.append(socket.inet_ntop(family, to) + ("" if prefix == 8 * len(to) else f"/{prefix}"))
    return sorted(out)


def _default_routes(family: int) -> list[tuple[Optional[str], int]]:
    """(gateway, interface index) of default routes, the preferred one first."""
    routes = []
    for _, payload in _ask(RTM_GETROUTE, family):
        found, prefix, _, _, table, _, _, kind = struct.unpack_from("=BBBBBBBB", payload)
        if found != family or prefix != 0 or table != 254 or kind != 1:
            continue
        attributes = _attributes(payload[12:])
        if 4 in attributes:
            gateway = socket.inet_ntop(family, attributes[5]) if 5 in attributes else None
            metric = struct.unpack("=I", attributes[6])[0] if 6 in attributes else 0
            routes.append((metric, gateway, struct.unpack("=I", attributes[4])[0]))
    return [(gateway, number) for _, gateway, number in sorted(routes, key=lambda r: r[0])]
