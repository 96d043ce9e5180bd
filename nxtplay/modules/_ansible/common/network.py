"""`ansible.module_utils.common.network`: netmasks and the like, as modules use them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

VALID_MASKS = [2**8 - 2**i for i in range(9)]
_MAC = re.compile(r"([0-9a-f]{2})([-:])([0-9a-f]{2}\2){4}[0-9a-f]{2}\Z", re.IGNORECASE)


def is_netmask(val: Any) -> bool:
    return str(val) in {_dotted(length) for length in range(33)}


def is_masklen(val: Any) -> bool:
    return str(val).strip().isdigit() and int(val) <= 32


def to_netmask(val: Any) -> str:
    """255.255.255.0 for 24. ValueError for what is no length."""
    if not is_masklen(val):
        raise ValueError("invalid value for masklen")
    return _dotted(int(val))


def to_masklen(val: Any) -> int:
    """24 for 255.255.255.0. ValueError for what is no netmask."""
    if not is_netmask(val):
        raise ValueError(f"invalid value for netmask: {val}")
    return bin(int(ipaddress.IPv4Address(str(val)))).count("1")


def to_bits(val: Any) -> str:
    return "".join(f"{int(part):08b}" for part in str(val).split("."))


def to_subnet(addr: Any, mask: Any, dotted_notation: bool = False) -> str:
    """The network of an address, `10.0.0.0/24`, or with its netmask."""
    length = int(mask) if is_masklen(mask) else to_masklen(mask)
    network = ipaddress.IPv4Network((str(addr), length), strict=False)
    return f"{network.network_address} {network.netmask}" if dotted_notation else str(network)


def to_ipv6_subnet(addr: Any) -> str:
    """The first four groups of an IPv6 address."""
    return _of_ipv6(addr, 64)


def to_ipv6_network(addr: Any) -> str:
    """The first three groups of an IPv6 address."""
    return _of_ipv6(addr, 48)


def is_mac(mac_address: Any) -> bool:
    return bool(_MAC.match(str(mac_address)))


def _of_ipv6(addr: Any, length: int) -> str:
    """The start of an address as it is written there, with `::` behind it."""
    groups = str(addr).split(":")[: length // 16]
    if "" in groups:
        groups = groups[: groups.index("")]
    return ":".join(groups) + "::"


def _dotted(length: int) -> str:
    return str(ipaddress.IPv4Network(("0.0.0.0", length)).netmask)
