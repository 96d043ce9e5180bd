"""Inventories: formats, groups, patterns, variables by level, what is warned of."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nxtplay.errors import Diagnostic, InventoryError
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.ini import words
from nxtplay.inventory.load import load
from nxtplay.inventory.model import Inventory
from nxtplay.inventory.names import expanded, value_of, with_port
from nxtplay.inventory.patterns import Matcher
from nxtplay.playbook.source import read

Load = Callable[..., Inventory]


@pytest.fixture
def at(tmp_path: Path) -> Callable[[str, str], str]:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


INI = """\
lone ansible_host=10.0.0.9
other:2222
[web]
web[01:02] http_port=80 max=5.5 flag=True low=true name="a b" l=[1,2] oct=0644 none=None q=a=b  # comment
db1
[db]
db1 role=primary
db2
[web:vars]
n = 5
s = "quoted"
h=val # kept
[prod:children]
web
db
[prod:vars]
n=1
p=prod
[all:vars]
n=0
"""


class TestIni:
    def test_hosts_and_groups(self, at: Callable[[str, str], str]) -> None:
        inventory = load([at("hosts", INI)], read=read)
        assert list(inventory.hosts) == ["lone", "other", "web01", "web02", "db1", "db2"]
        assert inventory.magic_groups() == {
            "all": ["lone", "other", "web01", "web02", "db1", "db2"],
            "ungrouped": ["lone", "other"],
            "web": ["web01", "web02", "db1"],
            "db": ["db1", "db2"],
            "prod": ["web01", "web02", "db1", "db2"],
        }
        assert inventory.groups_of("db1") == ["db", "prod", "web"]

    def test_values(self, at: Callable[[str, str], str]) -> None:
        inventory = load([at("hosts", INI)], read=read)
        assert inventory.variables("web01") == {
            "n": 5,
            "s": "quoted",
            "h": "val # kept",
            "p": "prod",
            "http_port": 80,
            "max": 5.5,
            "flag": True,
            "low": "true",
            "name": "a b",
            "l": [1, 2],
            "oct": "0644",
            "none": None,
            "q": "a=b",
        }
        assert inventory.variables("other") == {"n": 0, "ansible_port": 2222}

    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ("[web]\nh1 foo\n", 2, "found 'foo'"),
            ("[a:children]\nb\n[b:children]\na\n", 4, "a -> b -> a"),
            ("[web]\n[a:children]\nwbe\n", 3, "no group 'wbe' (did you mean 'web'?)"),
            ("[a:var]\nx=1\n", 1, "did you mean 'vars'?"),
            ('[a]\nh1 x="unclosed\n', 2, "no closing quotation"),
            ("[ghost:vars]\nx=1\n", 1, "no group 'ghost'"),
            ("[web]\nh[3:1]\n", 2, "holds nothing"),
            ("[web]\nh[01:100]\n", 2, "different length"),
            ("[web:vars]\nnothing\n", 2, "name=value"),
        ],
    )
    def test_faults_have_a_place(self, at: Callable[[str, str], str], text: str, line: int, message: str) -> None:
        with pytest.raises(InventoryError) as caught:
            load([at("hosts.ini", text)], read=read)
        assert message in str(caught.value)
        span = caught.value.diagnostics[0].span
        assert span is not None
        assert span.line == line

    names = st.from_regex(r"[a-z]{1,5}[0-9]{0,2}", fullmatch=True)
    values = st.one_of(
        st.integers(),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.lists(st.integers(), max_size=3),
        st.from_regex(r"[a-z/.:_-]{1,8}", fullmatch=True),
    )

    @given(st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=6))
    def test_what_is_written_is_read(self, hosts: dict[str, dict[str, Any]]) -> None:
        from nxtplay.inventory import ini

        rows = [
            " ".join([name, *(f"{key}={str(value).replace(' ', '')}" for key, value in variables.items())])
            for name, variables in hosts.items()
        ]
        draft = Draft()
        ini.parse("[g]\n" + "\n".join(rows), "hosts", draft)
        assert {name: dict(host.variables) for name, host in draft.hosts.items()} == hosts
        assert list(draft.groups["g"].hosts) == list(hosts)

    def test_ten_thousand_hosts_share_what_their_groups_have(self, at: Callable[[str, str], str]) -> None:
        rows = "".join(
            f"web{i}.example.com ansible_host=10.{i >> 16}.{i >> 8 & 255}.{i & 255} http_port={8000 + i}\n" for i in range(10_000)
        )
        path = at("hosts", "[web]\n" + rows)
        inventory = load([path], read=read)
        assert len(inventory.match("web:!web1.example.com")) == 9_999
        shared = [inventory.layers(name)[:-1] for name in ("web1.example.com", "web2.example.com")]
        assert all(a is b for a, b in zip(*shared, strict=True))


class TestYaml:
    TEXT = """\
all:
  vars: {g: all, ansible_user: root}
  hosts:
    solo:
    h[1:2]: {x: 5, y: "str"}
  children:
    b:
      vars: {g: b, only_b: 1}
      hosts: {shared: {}, b1: {ansible_port: 22}}
      children:
        a0: {hosts: {shared: {hv: 2}, deep: }, vars: {g: a0}}
    a:
      vars: {g: a}
      hosts: {shared: , a1: }
    above: {vars: {g: above, ansible_group_priority: 10}, hosts: {b1: }}
"""

    def test_reads(self, at: Callable[[str, str], str]) -> None:
        inventory = load([at("hosts.yml", self.TEXT)], read=read)
        assert inventory.members("all") == ["solo", "h1", "h2", "shared", "b1", "a1", "deep"]
        assert inventory.variables("h2") == {"g": "all", "ansible_user": "root", "x": 5, "y": "str"}

    def test_depth_priority_and_name_decide(self, at: Callable[[str, str], str]) -> None:
        inventory = load([at("hosts.yml", self.TEXT)], read=read)
        assert inventory.variables("shared")["g"] == "a0"  # deeper, though its name comes first
        assert inventory.variables("deep")["g"] == "a0"
        assert inventory.variables("b1")["g"] == "above"  # of higher priority
        assert inventory.variables("a1")["g"] == "a"
        both = load([at("two.ini", "[b]\nh\n[a]\nh\n[a:vars]\nv=a\n[b:vars]\nv=b\n")], read=read)
        assert both.variables("h")["v"] == "b"  # the last name

    def test_faults(self, at: Callable[[str, str], str]) -> None:
        with pytest.raises(InventoryError, match=r"l\.yml:2:3: hosts: of the group 'a' should be a mapping, found a list"):
            load([at("l.yml", "a:\n  hosts: [h1]\n")], read=read)
        inventory = load([at("t.yml", "a:\n  host: {h1: }\n")], read=read)
        assert "did you mean 'hosts'?" in str(inventory.warnings[0])


def test_scripts_directories_lists_and_several_sources(at: Callable[[str, str], str], tmp_path: Path) -> None:
    data = {"g1": ["s1", "s2"], "g2": {"hosts": ["s1"], "vars": {"v": 1}, "children": ["g1"]}, "_meta": {"hostvars": {"s1": {"a": 1}}}}
    script = Path(at("inv/20-dyn", f"#!/bin/sh\necho '{json.dumps(data)}'\n"))
    script.chmod(0o755)
    at("inv/10.ini", "[g1]\nfirst v=host\n")
    at("inv/sub/hosts", "plain: \n  hosts: {y1: }\n")
    at("inv/.hidden", "[bad")
    at("inv/notes.md", "[bad")
    inventory = load([str(tmp_path / "inv"), "h1,h2:33,"], read=read)
    assert inventory.members("g1") == ["first", "s1", "s2"]
    assert inventory.variables("s1") == {"v": 1, "a": 1}
    assert inventory.variables("first") == {"v": "host"}
    assert inventory.members("plain") == ["y1"]
    assert inventory.members("ungrouped") == ["h1", "h2"]
    assert inventory.variables("h2") == {"ansible_port": 33}


def test_scripts_that_fail_say_so(at: Callable[[str, str], str]) -> None:
    for body, message in (("echo oops >&2; exit 3", "exit code 3: oops"), ("echo no json", "no JSON"), ("echo '[]'", "JSON object")):
        script = Path(at("dyn", f"#!/bin/sh\n{body}\n"))
        script.chmod(0o755)
        with pytest.raises(InventoryError, match=message):
            load([str(script)], read=read)


def test_no_inventory_of_that_name() -> None:
    with pytest.raises(InventoryError, match="-i web1,"):
        load(["web1"], read=read)


class TestLocalhost:
    def test_is_there_without_being_named(self, at: Callable[[str, str], str]) -> None:
        at("group_vars/all.yml", "v: 1\n")
        inventory = load([at("hosts", "h1\n")], read=read)
        assert inventory.match("localhost") == inventory.match("127.0.0.1") == ["localhost"]
        assert [inventory.meant(name) for name in ("127.0.0.1", "localhost", "h1")] == ["localhost", "localhost", "h1"]
        assert load([at("own", "127.0.0.1\n")], read=read).meant("localhost") == "127.0.0.1"
        assert inventory.match("all") == ["h1"]
        assert "localhost" in inventory
        assert inventory.variables("localhost")["ansible_connection"] == "local"
        assert inventory.variables("localhost")["v"] == 1

    def test_is_an_ordinary_host_when_named(self, at: Callable[[str, str], str]) -> None:
        inventory = load([at("hosts", "localhost a=1\n")], read=read)
        assert inventory.match("all") == ["localhost"]
        assert inventory.variables("localhost") == {"a": 1}

    def test_alone(self) -> None:
        inventory = load([], read=read)
        assert inventory.match("localhost") == ["localhost"]
        assert inventory.match("all") == []


class TestPatterns:
    members: dict[str, Sequence[str]] = {  # noqa: RUF012
        "all": ["l1", "w1", "w2", "w3", "d1", "d2"],
        "ungrouped": ["l1"],
        "web": ["w1", "w2", "w3"],
        "db": ["d1", "d2"],
        "prod": ["w1", "d1"],
    }

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("all", "l1 w1 w2 w3 d1 d2"),
            ("*", "l1 w1 w2 w3 d1 d2"),
            ("db,web", "d1 d2 w1 w2 w3"),
            ("web:&prod", "w1"),
            ("!web:all", "l1 d1 d2"),
            ("!w1:web", "w2 w3"),
            ("&prod:web:!w1:db", "d1"),
            ("!web", "l1 d1 d2"),
            ("web[0]", "w1"),
            ("web[-1]", "w3"),
            ("web[0:1]", "w1 w2"),
            ("web[1:]", "w2 w3"),
            ("web[9]", ""),
            ("~w[12]", "w1 w2"),
            ("~^(web|d1)$", "w1 w2 w3 d1"),
            ("w?", "w1 w2 w3"),
            ("d*", "d1 d2"),
            ("nope", ""),
            ("", ""),
            (",", ""),
            ("w[12]", "w1 w2"),
            ("w2,w1,w2", "w2 w1"),
            ("d2:d1", "d2 d1"),
            ("web[0]:db[1]", "w1 d2"),
            ("web:!web[0]", "w2 w3"),
        ],
    )
    def test_mean(self, pattern: str, expected: str) -> None:
        assert " ".join(Matcher(self.members).hosts(pattern)) == expected

    def test_limit_and_files(self, tmp_path: Path) -> None:
        retry = tmp_path / "play.retry"
        retry.write_text("w2\nd1\n")
        matcher = Matcher(self.members)
        assert matcher.hosts("web", "prod,w3") == ["w1", "w3"]
        assert matcher.hosts("all", f"@{retry}") == ["w2", "d1"]
        with pytest.raises(InventoryError, match="cannot read the list"):
            matcher.hosts("all", "@/nowhere")
        with pytest.raises(InventoryError, match="regular expression"):
            matcher.hosts("~(")

    def test_unmatched(self) -> None:
        assert Matcher(self.members).unmatched("web:!nope:w9:ungrouped,all") == ["!nope", "w9"]

    words = st.sampled_from(["all", "web", "db", "prod", "ungrouped", "w1", "d2", "w*", "~[wd]1", "nope"])

    @given(st.lists(words, min_size=1, max_size=3), st.lists(words, max_size=2), st.lists(words, max_size=2), st.randoms())
    def test_are_sets(self, unions: list[str], both: list[str], without: list[str], random: Any) -> None:
        """Whatever the order of the parts: the union, cut by every &, less every !."""
        matcher = Matcher(self.members)
        parts = [*unions, *(f"&{word}" for word in both), *(f"!{word}" for word in without)]
        random.shuffle(parts)
        expected = set().union(*(matcher.hosts(word) for word in unions))
        for word in both:
            expected &= set(matcher.hosts(word))
        for word in without:
            expected -= set(matcher.hosts(word))
        found = matcher.hosts(":".join(parts))
        assert set(found) == expected
        assert len(found) == len(expected)
        assert set(matcher.hosts(",".join(parts), "web")) == expected & set(self.members["web"])


class TestVariables:
    def test_every_level_in_its_place(self, at: Callable[[str, str], str], tmp_path: Path) -> None:
        """Taking the highest level away leaves the next one, down to the lowest (levels 3 to 11)."""
        sources = [
            ("inv/hosts", "[g]\nh v=9\n[g:vars]\nv=4\n[all:vars]\nv=3\n"),
            ("inv/group_vars/all.yml", "v: 5"),
            ("pb/group_vars/all.yml", "v: 6"),
            ("inv/group_vars/g.yml", "v: 7"),
            ("pb/group_vars/g.yml", "v: 8"),
            ("inv/host_vars/h.yml", "v: 10"),
            ("pb/host_vars/h.yml", "v: 11"),
        ]
        for name, text in sources:
            at(name, text)
        for expected, gone in [
            (11, "pb/host_vars/h.yml"),
            (10, "inv/host_vars/h.yml"),
            (9, None),
            (8, "pb/group_vars/g.yml"),
            (7, "inv/group_vars/g.yml"),
            (6, "pb/group_vars/all.yml"),
            (5, "inv/group_vars/all.yml"),
            (4, None),
            (3, None),
        ]:
            inventory = load([str(tmp_path / "inv/hosts")], read=read, playbook_dir=str(tmp_path / "pb"))
            assert inventory.variables("h")["v"] == expected
            assert [layer.level for layer in inventory.layers("h")] == sorted(layer.level for layer in inventory.layers("h"))
            if gone:
                (tmp_path / gone).unlink()
            elif expected == 9:
                at("inv/hosts", "[g]\nh\n[g:vars]\nv=4\n[all:vars]\nv=3\n")
            else:
                at("inv/hosts", "[g]\nh\n[all:vars]\nv=3\n")

    def test_know_their_file(self, at: Callable[[str, str], str]) -> None:
        at("group_vars/web/10.yml", "a: 1\nb: 2\n")
        at("group_vars/web/20.yml", "b: 3\n")
        inventory = load([at("hosts", "[web]\nh x=1\n")], read=read)
        layers = {layer.source.rpartition("/")[2]: layer for layer in inventory.layers("h")}
        assert layers["20.yml"].values.values_at["b"].line == 1  # type: ignore[attr-defined]
        assert layers["10.yml"].values.values_at["b"].line == 2  # type: ignore[attr-defined]
        assert layers["hosts"].values.values_at["x"].line == 2  # type: ignore[attr-defined]


    def test_what_hosts_have_in_common_is_held_once(self, at: Callable[[str, str], str]) -> None:
        rows = "".join(f"[g{g}]\n" + "".join(f"h{g}-{n} own={n}\n" for n in range(50)) for g in range(3))
        for g in range(3):
            at(f"group_vars/g{g}.yml", "".join(f"v{n}: {g}\n" for n in range(100)))
        inventory = load([at("hosts", rows)], read=read)
        values = {id(layer.values) for name in inventory.hosts for layer in inventory.layers(name)}
        assert len(values) == 3 + 150  # a file each, and each host's own row
        assert len({id(inventory.names(name)) for name in inventory.hosts}) == 3
        assert all(inventory.names(name) == inventory.variables(name).keys() for name in inventory.hosts)


class TestChanges:
    def test_add_host_and_group(self, at: Callable[[str, str], str]) -> None:
        at("group_vars/new.yml", "v: 1\n")
        inventory = load([at("hosts", "[web]\nh\n")], read=read)
        assert inventory.add_host("n1", ["new", "web"], {"x": 1}) is True
        assert inventory.add_host("n1", ["new", "web"], {"x": 1}) is False
        assert inventory.members("web") == ["h", "n1"]
        assert inventory.variables("n1") == {"x": 1, "v": 1}
        assert inventory.add_to_group("h", "os_debian", ["linux"]) is True
        assert inventory.add_to_group("h", "os_debian", ["linux"]) is False
        assert inventory.groups_of("h") == ["linux", "os_debian", "web"]
        inventory.refresh()  # read anew; what the run added stays
        assert list(inventory.hosts) == ["h", "n1"]
        assert inventory.groups_of("h") == ["linux", "os_debian", "web"]


def test_warnings(at: Callable[[str, str], str]) -> None:
    at("group_vars/wbe.yml", "a: 1\n")
    at("host_vars/web11.yml", "a: 1\n")
    text = "[web]\nweb1 ansible_hots=10.0.0.1\nweb2 ansible_host=10.0.0.2\nweb3 ansible_host=10.0.0.2\ndb\n[db]\nweb1\n[bad+name]\nweb1\n"
    warnings = load([at("hosts", text)], read=read).warnings

    def said(piece: str) -> Diagnostic:
        return next(w for w in warnings if piece in str(w))

    assert said("ansible_hots").hint == "did you mean 'ansible_host'?"
    assert said("ansible_hots").span.line == 2  # type: ignore[union-attr]
    assert said("wbe.yml").hint == "did you mean 'web'?"
    assert said("web11.yml").hint == "did you mean 'web1'?"
    assert "same machine" in said("'web3' and 'web2'").message
    assert said("'db' is a host and a group")
    assert said("'bad+name' is no good name")
    assert all(w.severity == "warning" for w in warnings)
    assert len(warnings) == 6
    assert len(load([at("hosts", text)], read=read, playbook_dir=os.path.dirname(at("x", ""))).warnings) == 6  # each is told once


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("web[01:03]", ["web01", "web02", "web03"]),
        ("a[8:10]", ["a8", "a9", "a10"]),
        ("x[1:9:4]", ["x1", "x5", "x9"]),
        ("d[a:c]", ["da", "db", "dc"]),
        ("[1:2]-[a:b].x", ["1-a.x", "1-b.x", "2-a.x", "2-b.x"]),
        ("plain", ["plain"]),
        ("r[:2]", ["r0", "r1", "r2"]),
    ],
)
def test_ranges(written: str, names: list[str]) -> None:
    assert expanded(written) == names


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("web:2222", ("web", 2222)),
        ("web", ("web", None)),
        ("[::1]:22", ("::1", 22)),
        ("::1", ("::1", None)),
        ("w[1:3]:22", ("w[1:3]", 22)),
    ],
)
def test_ports(written: str, found: tuple[str, int | None]) -> None:
    assert with_port(written) == found


@given(
    st.one_of(
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.none(),
        st.text(max_size=5),
        st.lists(st.integers() | st.text(max_size=3), max_size=3),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    )
)
def test_a_literal_is_its_value(value: object) -> None:
    assert value_of(repr(value)) == value
    first = value_of(repr(value))
    assert not isinstance(first, list) or value_of(repr(value)) is not first  # nobody's list is somebody else's


@given(st.text("ab=' \"\\#\t", max_size=12))
def test_a_row_is_split_as_shlex_splits_it(row: str) -> None:
    try:
        expected: list[str] | None = shlex.split(row, comments=True)
    except ValueError:
        expected = None
    try:
        found: list[str] | None = words(row)
    except ValueError:
        found = None
    assert found == expected


@given(st.from_regex(r"[A-Za-z0-9_.:/@+-]{1,12}", fullmatch=True))
@example("0J")
def test_other_text_is_itself(text: str) -> None:
    import ast

    try:
        expected = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        expected = text
    if isinstance(expected, complex):  # no variable can be one
        expected = text
    assert value_of(text) == expected


def test_tuples_become_lists() -> None:
    assert value_of("(1, [(2, 3)], {'a': (4,)})") == [1, [[2, 3]], {"a": [4]}]
    assert value_of("{3, 4}") == [3, 4]
    assert value_of("set()") == []


def test_commas_in_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "north,south"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "hosts").write_text("web1\n")
    (folder / "group_vars" / "all.yml").write_text("region: both\n")
    inventory = load([str(folder / "hosts")], read=read)
    assert inventory.variables("web1")["region"] == "both"
    assert inventory.file == str(folder / "hosts")


def test_mappings_of_several_sources_are_one_where_that_is_asked_for(at: Callable[[str, str], str]) -> None:
    one = at("one.yml", "all: {hosts: {h: {of_host: {a: 1, in: {b: 1}}}}, vars: {of_all: {a: 1, b: 1}}}\n")
    two = at("two.yml", "all: {hosts: {h: {of_host: {a: 2, in: {c: 2}}}}, vars: {of_all: {a: 2}, plain: 2}}\n")
    plain, merged = (load([one, two], read=read, merge=merge).variables("h") for merge in (False, True))
    assert plain == {"of_host": {"a": 2, "in": {"c": 2}}, "of_all": {"a": 2}, "plain": 2}
    assert merged == {"of_host": {"a": 2, "in": {"b": 1, "c": 2}}, "of_all": {"a": 2, "b": 1}, "plain": 2}
