"""What a change of pg_hba.conf leaves alone, and where a new rule goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.converge import converge
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import _postgres_hba as hba
from nxtplay.modules.postgresql_pg_hba import PostgresqlPgHba

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
    databases=st.sampled_from(["all", "a", '"b c"', "replication"]),
    users=st.sampled_from(["all", "+group", "u"]),
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


@pytest.mark.parametrize("text", ["host all all\n", 'host all all all ldap ldapprefix="cn=\n', "host all all \\\n", "host all all \\"])
def test_what_the_server_could_not_read_is_an_error(text: str) -> None:
    with pytest.raises(Failed, match="line 1"):
        hba.parse(text)


def test_a_line_for_several_falls_apart_where_one_has_to_go() -> None:
    lines = hba.parse("host a,b u,v 10.0.0.0/8 md5\n")
    one = rule(databases="a", users="u", address="10.0.0.0/8", method="md5")
    assert hba.settle(lines, [one], present=True) == lines
    assert [line.text for line in hba.settle(lines, [one], present=False)] == [
        "host\ta\tv\t10.0.0.0/8\tmd5", "host\tb\tu\t10.0.0.0/8\tmd5", "host\tb\tv\t10.0.0.0/8\tmd5",
    ]  # fmt: skip


def after(tmp_path: Path, text: str, **args: Any) -> tuple[str, list[dict[str, str]]]:
    path = tmp_path / "pg_hba.conf"
    path.write_text(text)
    module = decode(PostgresqlPgHba, {"dest": str(path), **args})
    reader = Reader(World())
    before = module.observe(reader)
    state = module.desired(reader, before)
    assert state is not None
    return state.content.data.decode(), module.result(before, state)["pg_hba"]  # type: ignore[union-attr]


def test_each_database_user_and_address_is_a_rule(tmp_path: Path) -> None:
    text, told = after(tmp_path, "", contype="host", databases="a,b", users="u", address=["10.0.0.1/32", "10.0.0.2/32"], comment="why")
    assert text.count("\n") == 4 and "host\tb\tu\t10.0.0.2/32\tmd5\t# why\n" in text
    assert told[0] == {"type": "host", "db": "a", "usr": "u", "src": "10.0.0.1/32", "method": "md5", "comment": "why"}
    gone = {"databases": "a,b", "users": "u", "address": "10.0.0.1", "state": "absent"}
    text, told = after(tmp_path, text, rules=[{"contype": "local"}, gone])
    assert text.count("10.0.0.1") == 0 and told[-1] == {"type": "local", "db": "all", "usr": "all", "method": "md5"}


def test_the_backup_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pg_hba.conf"
    path.write_text(TEXT)
    host = Host(World())
    module = decode(PostgresqlPgHba, {"dest": str(path), "contype": "host", "users": "new", "backup": True})
    done = converge(module, host, World(), host)
    assert Path(done.result["backup_file"]).read_text() == TEXT and path.read_text() != TEXT


def test_options_are_told_as_they_are_written(tmp_path: Path) -> None:
    written = 'ldapbindpasswd="#x" ldapprefix="cn=" radiussecrets="""a b"",""c""" x=1'
    text = f"host all all all ldap {written}\n"
    assert after(tmp_path, text, overwrite=False)[1][0]["options"] == written
    assert after(tmp_path, text, contype="host", address="all", method="ldap", options=written)[0] == text


@pytest.mark.parametrize(
    "args", [{"contype": "host", "users": '{ "oh": "no" }'}, {"contype": "host", "databases": "a b"}, {"contype": "host", "rules": []}]
)
def test_what_would_not_be_a_rule_is_refused(tmp_path: Path, args: dict[str, Any]) -> None:
    with pytest.raises(Failed):
        after(tmp_path, "", **args)


def test_nothing_to_take_away_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    module = decode(PostgresqlPgHba, {"dest": str(tmp_path / "none"), "contype": "host", "state": "absent"})
    assert module.desired(Reader(World()), None) is None
