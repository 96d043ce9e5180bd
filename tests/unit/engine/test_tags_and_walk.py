"""Which tasks tags choose; one order for what an include brings to several hosts."""

from __future__ import annotations

import pytest

from nxtplay.engine.run import selected
from nxtplay.engine.walk import Verdict, in_common_order
from nxtplay.errors import Span
from nxtplay.playbook.model import Block


@pytest.mark.parametrize(
    ("own", "wanted", "unwanted", "runs"),
    [
        ("", "", "", True),
        ("never", "", "", False),
        ("never always", "", "", True),
        ("never always", "", "always", False),
        ("never t1", "t1", "", True),
        ("t1", "all", "t1", False),
        ("", "tagged", "", False),
        ("never", "tagged", "", False),
        ("always", "untagged", "", True),
        ("always", "untagged", "always", False),
        ("", "", "untagged", False),
        ("always", "", "all", True),
        ("t1", "", "tagged", False),
    ],
)
def test_selected(own: str, wanted: str, unwanted: str, runs: bool) -> None:
    assert selected(frozenset(own.split()), wanted.split(), unwanted.split()) is runs


def test_hosts_that_are_brought_the_same_are_brought_it_at_the_same_place() -> None:
    x, y, z = (Block(Span(name, 1), ()) for name in "xyz")
    one, other, none = in_common_order([Verdict(children=(x, y)), Verdict(children=(z, y)), Verdict()])
    assert one.children == (x, y) and other.children == (y, z)
    assert one.numbers[1] == other.numbers[0]
    assert none.children == ()


def test_one_host_may_be_brought_the_same_twice() -> None:
    x = Block(Span("x", 1), ())
    once, twice = in_common_order([Verdict(children=(x,)), Verdict(children=(x, x))])
    assert once.numbers == (0,) and twice.numbers == (0, 1)
