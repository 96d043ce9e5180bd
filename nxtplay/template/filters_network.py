"""Filters and tests on IP addresses and networks: `ipaddr` and its kin, as the collections ansible.utils and ansible.netcommon name them.

A text that is no address gives False. Of a list the answers of its addresses are kept.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Union

from nxtplay.errors import TemplateError

Address = Union[IPv4Address, IPv6Address]
Interface = Union[IPv4Interface, IPv6Interface]


class One:
    """An address as it was written: with its network, or without."""

    def __init__(self, interface: Interface, written: str | None) -> None:
        self.interface, self.network, self.address = interface, interface.network, interface.ip
        self.text = str(interface) if written is None else written  # None: it was a number
        self.bare = written is None or "/" not in written
        self.bits = self.network.prefixlen
        self.size = self.network.num_addresses

    def is_network(self) -> bool:
        """The network itself, not one of its hosts."""
        return self.size > 1 and self.address == self.network.network_address

    def plain(self) -> str:
        return str(self.address) if self.bare else str(self.interface)

    def at(self, number: int) -> Address:
        """The address that stands this far behind the network's first."""
        return self.address.__class__(int(self.network.network_address) + number)

    def usable(self) -> tuple[Address, Address] | None:
        """The first and the last address that a host may have; None where it is no network."""
        if self.bare:
            raise TemplateError("Not a network address")
        if self.size == 1:
            return None
        edge = 1 if self.size > 2 else 0
        return self.at(edge), self.at(self.size - 1 - edge)

    def beside(self, steps: int) -> str | None:
        """The usable address this many steps away; None where that is outside."""
        usable = self.usable()
        if usable is None:
            return None
        number = int(self.address) + steps
        return str(self.address.__class__(number)) if int(usable[0]) <= number <= int(usable[1]) else None


def parsed(value: Any) -> One | None:
    """The address in a text or a number; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value)
    try:
        if text.isdecimal():
            return One(ipaddress.ip_interface(int(text)), None)
        return One(ipaddress.ip_interface(text), text)
    except ValueError:
        return None


def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


# -- queries of ipaddr ------------------------------------------------------------------------------------------------


def _kept(condition: bool, one: One) -> str | None:
    return one.text if condition else None


def _host(one: One) -> str | None:
    return None if one.is_network() and one.size > 2 else str(one.interface)


def _with_prefix(one: One) -> str | bool:
    """An address that a host can have, with its prefix."""
    edges = one.size > 2 and (one.is_network() or (one.address.version == 4 and one.address == one.at(one.size - 1)))
    return False if edges else str(one.interface)


def _peer(one: One) -> str:
    if one.bare:
        raise TemplateError("Not a network address")
    if one.size == 2:
        return str(one.at(1 - (int(one.address) & 1)))
    if one.size == 4:
        place = int(one.address) & 3
        if place in (0, 3):
            raise TemplateError(f"{'Network' if place == 0 else 'Broadcast'} address of /{one.bits} has no peer")
        return str(one.at(3 - place))
    raise TemplateError("Not a point-to-point network")


def _six_to_four(one: One) -> str | bool:
    if one.address.version == 6:
        return one.text if one.address in ipaddress.ip_network("2002::/16") else False
    if one.is_network():
        return False
    number = int(one.address)
    return f"2002:{number >> 16:04x}:{number & 0xFFFF:04x}::1/48"


def _four(one: One) -> str | bool:
    if one.address.version == 4:
        return one.plain()
    number = int(one.address)
    if number >> 32 not in (0, 0xFFFF):
        return False
    return f"{IPv4Address(number & 0xFFFFFFFF)}/{max(one.bits - 96, 0)}"


def _six(one: One) -> str:
    return one.plain() if one.address.version == 6 else f"::ffff:{one.address}/{one.bits + 96}"


def _wrapped(one: One) -> str:
    if one.address.version == 4:
        return one.plain()
    return f"[{one.address}]" if one.bare else f"[{one.address}]/{one.bits}"


def _range(one: One) -> str | None:
    usable = one.usable()
    return None if usable is None else f"{usable[0]}-{usable[1]}"


def _end(place: int) -> Callable[[One], str | None]:
    def query(one: One) -> str | None:
        usable = one.usable()
        return None if usable is None else str(usable[place])

    return query


def _of_host(one: One, text: str) -> str | None:
    """A text about an address that was given with its network, and is not the network's own."""
    return None if one.bare or one.size == 1 or (one.is_network() and one.size > 2) else text


_QUERIES: dict[str, Callable[[One], Any]] = {
    "": One.plain,
    "6to4": _six_to_four,
    "address": lambda one: None if one.is_network() and one.size > 2 and one.address.version == 4 else str(one.address),
    "address/prefix": _with_prefix,
    "bool": lambda one: True,
    "broadcast": lambda one: str(one.at(one.size - 1)) if one.size > 2 else None,
    "cidr": lambda one: str(one.interface),
    "first_usable": _end(0),
    "host": _host,
    "hostmask": lambda one: str(one.network.hostmask),
    "int": lambda one: int(one.address) if one.bare else f"{int(one.address)}/{one.bits}",
    "ip/prefix": lambda one: _of_host(one, str(one.interface)),
    "ip_netmask": lambda one: _of_host(one, f"{one.address} {one.network.netmask}"),
    "ip_wildcard": lambda one: _of_host(one, f"{one.address} {one.network.hostmask}"),
    "ipv4": _four,
    "ipv6": _six,
    "last_usable": _end(1),
    "link-local": lambda one: _kept(one.address.is_link_local, one),
    "loopback": lambda one: _kept(one.address.is_loopback, one),
    "multicast": lambda one: _kept(one.address.is_multicast, one),
    "net": lambda one: str(one.interface) if one.is_network() else None,
    "netmask": lambda one: str(one.network.netmask),
    "network": lambda one: str(one.network.network_address),
    "network/prefix": lambda one: str(one.network),
    "network_netmask": lambda one: f"{one.network.network_address} {one.network.netmask}",
    "network_wildcard": lambda one: f"{one.network.network_address} {one.network.hostmask}",
    "next_usable": lambda one: one.beside(1),
    "peer": _peer,
    "prefix": lambda one: one.bits,
    "previous_usable": lambda one: one.beside(-1),
    "private": lambda one: _kept(one.address.is_private, one),
    "public": lambda one: _kept(one.address.is_global and not one.address.is_multicast, one),
    "range_usable": _range,
    "revdns": lambda one: one.address.reverse_pointer + ".",
    "size": lambda one: one.size,
    "type": lambda one: "network" if one.is_network() else "address",
    "unicast": lambda one: _kept(not one.address.is_multicast, one),
    "version": lambda one: one.address.version,
    "wrap": _wrapped,
}
_ALIASES = {
    "brd": "broadcast",
    "gateway": "address/prefix",
    "gw": "address/prefix",
    "host/prefix": "address/prefix",
    "hostnet": "address/prefix",
    "ip": "address",
    "lo": "loopback",
    "network_id": "network",
    "router": "address/prefix",
    "subnet": "network/prefix",
    "v4": "ipv4",
    "v6": "ipv6",
    "wildcard": "hostmask",
}


def _asked(one: One, query: str) -> Any:
    """What a query makes of one address."""
    known = _QUERIES.get(_ALIASES.get(query, query))
    if known is not None:
        return known(one)
    if re.fullmatch(r"-?\d+", query):
        number = int(query)
        number += one.size if number < 0 else 0
        if one.bare:
            return one.plain()
        if one.size == 1:
            return str(one.interface)
        return f"{one.at(number)}/{one.bits}" if 0 <= number < one.size else False
    within = _network(query)
    if within is None:
        raise TemplateError(f"ipaddr: unknown filter type: {query}")
    inside = one.address.version == within.version and one.network.subnet_of(within)
    return _kept(inside, one)


def _filter(version: int | None) -> Callable[..., Any]:
    def each(value: Any, query: str) -> Any:
        one = parsed(value)
        if one is None or version not in (None, one.address.version):
            return False
        return _asked(one, query)

    def ipaddr(value: Any, query: Any = "", version: Any = None, alias: Any = None) -> Any:
        if isinstance(value, (list, tuple)):
            return [found for found in (each(item, str(query)) for item in value) if found not in (None, False)]
        if value is None or isinstance(value, dict):
            raise TemplateError(f"ipaddr takes an address or a list of addresses, not {'nothing' if value is None else 'a mapping'}")
        return each(value, str(query))

    return ipaddr


# -- further filters --------------------------------------------------------------------------------------------------


def ipwrap(value: Any, query: Any = "") -> Any:
    """IPv6 addresses in brackets; everything else as it is."""
    if isinstance(value, (list, tuple)):
        return [ipwrap(item, query) for item in value]
    one = parsed(value)
    return value if one is None else _wrapped(one)


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """A network's subnets of a size (how many, or the one at an index); a network around an address; the rank of a subnet in a network."""
    one = parsed(value)
    if one is None:
        return False
    query = str(query)
    if not query:
        return str(one.network)
    if not query.isdecimal():
        return _rank(one, query)
    bits = int(query)
    if bits > one.network.max_prefixlen:
        return False
    if one.size == 1:
        return str(one.network.supernet(new_prefix=bits)) if index is None else _around(one, bits, int(index))
    if bits < one.bits:
        raise TemplateError(f"Requested subnet size of {bits} is invalid")
    count = 1 << (bits - one.bits)
    if index is None:
        return str(count)
    number = int(index) + (count if int(index) < 0 else 0)
    if not 0 <= number < count:
        return False
    return f"{one.at(number << (one.network.max_prefixlen - bits))}/{bits}"


def _around(one: One, bits: int, index: int) -> str | bool:
    """Of the networks around an address, those no larger than `bits`, largest first."""
    prefixes = list(range(bits, one.network.max_prefixlen))
    try:
        return str(one.network.supernet(new_prefix=prefixes[index]))
    except IndexError:
        return False


def _rank(one: One, query: str) -> str:
    within = _network(query)
    if within is None:
        raise TemplateError(f"You must pass a valid subnet or IP address; {query} is invalid")
    if within.version != one.address.version or not one.network.subnet_of(within):
        raise TemplateError(f"{one.network} is not in the subnet {within}")
    return str(((int(one.network.network_address) - int(within.network_address)) // one.size) + 1)


def nthhost(value: Any, query: Any = "") -> Any:
    one = parsed(value)
    if one is None or one.size == 1 or not re.fullmatch(r"-?\d+", str(query)):
        return False
    number = int(query) + (one.size if int(query) < 0 else 0)
    return str(one.at(number)) if 0 <= number < one.size else False


def ipmath(value: Any, amount: Any) -> str:
    one = parsed(value)
    if one is None:
        raise TemplateError(f"You must pass a valid IP address; {value} is invalid")
    if not re.fullmatch(r"-?\d+", str(amount)):
        raise TemplateError(f"You must pass an integer for arithmetic; {amount} is not a valid integer")
    return str(one.address + int(amount))


def _contains(value: Any, test: Any) -> bool:
    outer, inner = parsed(value), parsed(test)
    if outer is None or inner is None or outer.address.version != inner.address.version:
        return False
    return inner.network.subnet_of(outer.network)  # type: ignore[arg-type]


def network_in_usable(value: Any, test: Any) -> bool:
    outer, inner = parsed(value), parsed(test)
    if outer is None or inner is None or not _contains(value, test):
        return False
    usable = outer.usable()
    return usable is not None and int(usable[0]) <= int(inner.address) and int(inner.at(inner.size - 1)) <= int(usable[1])


def reduce_on_network(value: Any, network: Any) -> list[Any]:
    return [item for item in (value if isinstance(value, (list, tuple)) else [value]) if _contains(network, item)]


def _step(sign: int) -> Callable[..., Any]:
    def usable(value: Any, offset: Any) -> str | None:
        one = parsed(value)
        return None if one is None or one.bare else one.beside(sign * int(offset))

    return usable


def cidr_merge(value: Any, action: str = "merge") -> Any:
    networks = [_network(str(item)) for item in value]
    if None in networks:
        raise TemplateError(f"cidr_merge: {value[networks.index(None)]} is no network")
    if action == "merge":
        families = ([net for net in networks if net.version == version] for version in (4, 6))
        return [str(found) for family in families for found in ipaddress.collapse_addresses(family)]
    if action != "span":
        raise TemplateError(f"cidr_merge: invalid action '{action}', expected merge or span")
    wide, last = networks[0], max(networks, key=lambda net: int(net.broadcast_address))
    first = min(networks, key=lambda net: int(net.network_address))
    while not (first.subnet_of(wide) and last.subnet_of(wide)):
        wide = wide.supernet()
    return str(wide)


def ip4_hex(value: Any, delimiter: str = "") -> str:
    return delimiter.join(f"{byte:02x}" for byte in IPv4Address(str(value)).packed)


def _is_in(value: Any, network: Any) -> bool:
    """An address or a network, not a host with its prefix, in a network."""
    one = parsed(value)
    return one is not None and one.address == one.network.network_address and _contains(network, value)


FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": _filter(None),
    "ipv4": _filter(4),
    "ipv6": _filter(6),
    "ipwrap": ipwrap,
    "ipsubnet": ipsubnet,
    "nthhost": nthhost,
    "ipmath": ipmath,
    "network_in_network": _contains,
    "network_in_usable": network_in_usable,
    "reduce_on_network": reduce_on_network,
    "next_nth_usable": _step(1),
    "previous_nth_usable": _step(-1),
    "cidr_merge": cidr_merge,
    "ip4_hex": ip4_hex,
}
TESTS: dict[str, Callable[..., Any]] = {
    "ip": lambda value: parsed(value) is not None,
    "ip_address": lambda value: (one := parsed(value)) is not None and one.bare,
    "ipv4": lambda value: (one := parsed(value)) is not None and one.address.version == 4,
    "ipv6": lambda value: (one := parsed(value)) is not None and one.address.version == 6,
    "in_network": _is_in,
    "subnet_of": _is_in,
}
