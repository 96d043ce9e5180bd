"""ipaddr and its kin. The tables hold what ansible.utils 6 gave for the same expressions."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.errors import TemplateError
from nxtplay.template.render import Templates

GIVEN = [
    ("'10.0.0.5/24' | ipaddr", "10.0.0.5/24"),
    ("'10.0.0.5/255.255.255.0' | ansible.utils.ipaddr", "10.0.0.5/24"),
    ("167772165 | ansible.utils.ipaddr", "10.0.0.5"),
    ("'notip' | ansible.utils.ipaddr", False),
    ("'10.0.0.5/24' | ansible.netcommon.ipaddr('address')", "10.0.0.5"),
    ("'10.0.0.0/24' | ansible.utils.ipaddr('address')", None),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('network')", "10.0.0.0"),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('netmask')", "255.255.255.0"),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('prefix')", 24),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('broadcast')", "10.0.0.255"),
    ("'10.0.0.1/31' | ansible.utils.ipaddr('broadcast')", None),
    ("'10.0.0.7/30' | ansible.utils.ipaddr('gateway')", False),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('range_usable')", "10.0.0.1-10.0.0.254"),
    ("'10.0.0.1/31' | ansible.utils.ipaddr('range_usable')", "10.0.0.0-10.0.0.1"),
    ("'2001:db8::5/64' | ansible.utils.ipaddr('last_usable')", "2001:db8::ffff:ffff:ffff:fffe"),
    ("'10.0.0.6/30' | ansible.utils.ipaddr('next_usable')", None),
    ("'10.0.0.6/30' | ansible.utils.ipaddr('peer')", "10.0.0.5"),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('revdns')", "5.0.0.10.in-addr.arpa."),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('int')", "167772165/24"),
    ("'192.168.1.1/32' | ansible.utils.ipaddr('6to4')", "2002:c0a8:0101::1/48"),
    ("'10.0.0.5' | ansible.utils.ipaddr('ipv6')", "::ffff:10.0.0.5/128"),
    ("'10.0.0.0/24' | ansible.utils.ipaddr(-1)", "10.0.0.255/24"),
    ("'10.0.0.0/24' | ansible.utils.ipaddr('300')", False),
    ("'10.0.0.5/24' | ansible.utils.ipaddr('10.0.0.0/16')", "10.0.0.5/24"),
    ("'8.8.8.8' | ansible.utils.ipaddr('10.0.0.0/16')", None),
    ("['10.0.0.5', 'x', '8.8.8.8', '::1'] | ansible.utils.ipaddr('public')", ["8.8.8.8"]),
    ("['10.0.0.5/24', '::1', 'x'] | ansible.utils.ipv4('address')", ["10.0.0.5"]),
    ("['1.1.1.1', '::1'] | ansible.utils.ipv6", ["::1"]),
    ("['fe80::1', 'x', '1.2.3.4', '2001:db8::1/64'] | ansible.utils.ipwrap", ["[fe80::1]", "x", "1.2.3.4", "[2001:db8::1]/64"]),
    ("'192.168.0.0/16' | ansible.utils.ipsubnet(20)", "16"),
    ("'192.168.0.0/16' | ansible.utils.ipsubnet(20, -1)", "192.168.240.0/20"),
    ("'192.168.0.0/16' | ansible.utils.ipsubnet(20, 16)", False),
    ("'192.168.144.5' | ansible.utils.ipsubnet(20)", "192.168.144.0/20"),
    ("'192.168.144.5' | ansible.utils.ipsubnet(18, -5)", "192.168.144.0/27"),
    ("'192.168.144.16/30' | ansible.utils.ipsubnet('192.168.144.0/24')", "5"),
    ("'10.0.0.0/8' | ansible.utils.nthhost(305)", "10.0.1.49"),
    ("'10.0.0.0/24' | ansible.utils.nthhost(305)", False),
    ("'192.168.1.1/24' | ansible.utils.ipmath(-5)", "192.168.0.252"),
    ("'192.168.0.0/24' | ansible.utils.network_in_network('192.168.0.0/16')", False),
    ("'192.168.0.0/24' | ansible.utils.network_in_usable('192.168.0.255')", False),
    ("['192.168.0.34', '10.3.0.3'] | ansible.utils.reduce_on_network('192.168.0.0/24')", ["192.168.0.34"]),
    ("'192.168.122.1/24' | ansible.utils.next_nth_usable(2)", "192.168.122.3"),
    ("'192.168.122.1/24' | ansible.utils.previous_nth_usable(2)", None),
    ("['192.168.0.0/17', '192.168.128.0/17'] | ansible.utils.cidr_merge", ["192.168.0.0/16"]),
    ("['192.168.1.1', '192.168.1.2'] | ansible.utils.cidr_merge('span')", "192.168.1.0/30"),
    ("'192.168.1.5' | ansible.utils.ip4_hex(':')", "c0:a8:01:05"),
    ("'10.0.0.0/24' is ansible.utils.subnet_of '10.0.0.0/16'", True),
    ("'10.0.0.5/24' is ansible.utils.in_network '10.0.0.0/16'", False),
    ("'::1' is ansible.utils.ipv4", False),
]


@pytest.mark.parametrize(("expression", "answer"), GIVEN)
def test_answers(expression: str, answer: Any) -> None:
    assert Templates().render("{{ " + expression + " }}", {}) == answer


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("'10.0.0.5' | ansible.utils.ipaddr('first_usable')", "Not a network address"),
        ("'10.0.0.5/24' | ansible.utils.ipaddr('peer')", "Not a point-to-point network"),
        ("'10.0.0.5/24' | ansible.utils.ipaddr('nosuch')", "unknown filter type: nosuch"),
        ("'192.168.0.0/16' | ansible.utils.ipsubnet(12)", "subnet size of 12 is invalid"),
        ("none | ansible.utils.ipaddr", "not nothing"),
    ],
)
def test_what_is_refused(expression: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        Templates().render("{{ " + expression + " }}", {})


@given(st.ip_addresses(), st.data())
def test_an_address_is_in_its_network_and_the_parts_make_the_whole(address: Any, data: st.DataObject) -> None:
    text = f"{address}/{data.draw(st.integers(0, address.max_prefixlen))}"

    def asked(query: str) -> Any:
        return Templates().render("{{ text | ipaddr(query) }}", {"text": text, "query": query})

    network = ipaddress.ip_network(text, strict=False)
    assert asked("subnet") == str(network) == f"{asked('network')}/{asked('prefix')}"
    assert asked(str(network)) == text
    assert asked("size") == network.num_addresses
    assert asked("0").partition("/")[0] == str(network.network_address)
    assert (asked("type") == "network") == (network.num_addresses > 1 and address == network.network_address)
