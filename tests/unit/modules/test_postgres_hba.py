"""What a change of pg_hba.conf leaves alone, and where a new rule goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nxtplay.modules import _postgres_hba as hba

TEXT = """# first
local all postgres peer   # keep

host    all  all  127.0.0.1/32   scram-sha-256
host all all all reject
# last
"""


def rule(**fields: object) -> hba.Rule:
    return hba.rule_of({"contype": "host", "method": "trust", **fields})


def test_reading_and_writing_changes_no_byte() -> None:
    assert hba.render(hba.parse(TEXT)) == TEXT


def test_a_new_rule_goes_before_the_one_that_would_catch_it() -> None:
    lines = hba.render(hba.settle(hba.parse(TEXT), [rule(users="app", address="10.0.0.0/8")], present=True)).splitlines()
    assert lines.index("host\tall\tapp\t10.0.0.0/8\ttrust") == lines.index("host all all all reject") - 1
    assert [line for line in lines if "app" not in line] == TEXT.splitlines()


def test_addresses_that_mean_the_same_are_one_rule() -> None:
    same = rule(databases="all", users="all", address="127.0.0.1", netmask="255.255.255.255", method="scram-sha-256")
    lines = hba.parse(TEXT)
    assert hba.settle(lines, [same], present=True) == lines


def test_a_changed_method_takes_the_old_place() -> None:
    out = hba.render(hba.settle(hba.parse(TEXT), [rule(address="127.0.0.1/32", method="md5")], present=True))
    assert out == TEXT.replace("host    all  all  127.0.0.1/32   scram-sha-256", "host\tall\tall\t127.0.0.1/32\tmd5")


rules = st.builds(
    lambda **fields: rule(**fields),
    contype=st.sampled_from(hba.TYPES),
    databases=st.lists(st.sampled_from(["all", "a", '"b c"', "replication"]), min_size=1, max_size=2, unique=True),
    users=st.sampled_from(["all", "+group", "u,v"]),
    address=st.sampled_from(["all", "10.0.0.0/8", "10.1.2.3", "::1", "samehost", ".example.org"]),
    method=st.sampled_from(sorted(hba.METHODS)),
    options=st.sampled_from(["", "map=x", 'ldapserver="a b"'.replace(" ", "_")]),
    comment=st.sampled_from(["", "why"]),
)


@given(st.lists(rules, max_size=6), st.lists(rules, min_size=1, max_size=3), st.booleans())
def test_settling_twice_is_settling_once(start: list[hba.Rule], wanted: list[hba.Rule], present: bool) -> None:
    text = "# top\n" + "".join(r.text() + "\n" for r in start)
    once = hba.settle(hba.parse(text), wanted[:1], present=present)
    assert hba.settle(once, wanted[:1], present=present) == once
    assert [line.rule and line.rule.same for line in hba.parse(hba.render(once))] == [line.rule and line.rule.same for line in once]
    kept = [line.text for line in once if line.rule is None or line.rule.who != wanted[0].who]
    assert [line.text for line in hba.parse(text) if line.rule is None or line.rule.who != wanted[0].who] == kept
