"""Filters and tests: what playbooks rely on, and laws."""

from __future__ import annotations

import json
import math
import re
import shlex
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.state import Unknown
from nxtplay.errors import NxtplayError, TemplateError
from nxtplay.template import Templates
from nxtplay.template.crypt import _sha_crypt
from nxtplay.template.registry import filters, tests

TEMPLATES = Templates()
texts = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))).filter(lambda text: not re.search(r"\{[{%#]", text))
data = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
dicts = st.dictionaries(st.sampled_from("abc"), st.integers() | st.dictionaries(st.sampled_from("xy"), st.integers()), max_size=3)
numbers = st.lists(st.integers(0, 9), max_size=6)


def ask(expression: str, **values: Any) -> Any:
    return TEMPLATES.evaluate(expression, values)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'yes' | bool", True),
        ("'x' | bool", False),
        ("none | bool", False),
        ("'x' | int(7)", 7),
        ("'0x1f' | int(base=16)", 31),
        ("['a', 'A', 'a'] | unique", ["a"]),
        ("['a', 'A', 'a'] | unique(case_sensitive=true)", ["a", "A"]),
        ("[{'a': {'b': 1}}, {}] | map(attribute='a.b', default=5)", [1, 5]),
        ("[{'a': 1}, {'b': 2}] | selectattr('a', 'defined')", [{"a": 1}]),
        ("{'a': 1, 'b': {'c': 1}} | combine({'b': {'d': 2}}, recursive=true)", {"a": 1, "b": {"c": 1, "d": 2}}),
        ("{'a': 1} | combine(none, [{'b': 2}, none])", {"a": 1, "b": 2}),
        ("{'a': [1, 2]} | combine({'a': [2, 3]}, list_merge='append_rp')", {"a": [1, 2, 3]}),
        ("{'a': [1, 2]} | combine({'a': [2, 3]}, list_merge='prepend_rp')", {"a": [2, 3, 1]}),
        (
            "{'b': [1, true, none], 'a': 'ü'} | to_nice_json",
            '{\n    "a": "\\u00fc",\n    "b": [\n        1,\n        true,\n        null\n    ]\n}',
        ),
        ("{'b': [1, {'x': 'y'}], 'a': 't: x', 'c': none} | to_nice_yaml(indent=2)", "a: 't: x'\nb:\n- 1\n- x: y\nc: null\n"),
        ("'x' | to_yaml", "x\n"),
        ("'ansible' | regex_replace('^a.*i(.*)$', 'a\\\\1')", "able"),
        ("'foobar' | regex_search('(f)o(o)', '\\\\1', '\\\\2')", ["f", "o"]),
        ("'foobar' | regex_search('zzz')", None),
        ("'a1b2' | regex_findall('([a-z])([0-9])')", [["a", "1"], ["b", "2"]]),
        ("none | ternary('a', 'b', 'c')", "c"),
        ("[{'a': 1}, {'a': 2, 'b': 3}] | groupby('a')", [[1, [{"a": 1}]], [2, [{"a": 2, "b": 3}]]]),
        ("([{'a': 1}, {'a': 2}] | groupby('a') | selectattr('grouper', 'eq', 2) | first).list", [{"a": 2}]),
        ("false | ternary(not_there, 'b')", "b"),
        ("true | ternary(not_there, 'b') | d('none')", "none"),
        ("'test' | hash('sha256')", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("[1, [2, [3, [none]]]] | flatten", [1, 2, 3]),
        ("[1, [2, [3]]] | flatten(levels=1)", [1, 2, [3]]),
        ("[{'n': 'a', 'k': [1, 2]}] | subelements('k')", [[{"n": "a", "k": [1, 2]}, 1], [{"n": "a", "k": [1, 2]}, 2]]),
        ("['x'] | map('extract', {'x': {'y': 4}}, 'y')", [4]),
        ("100 | random(seed='x')", ask("100 | random(seed='x')")),
        ("1024 | human_readable", "1.00 KB"),
        ("'10.5 MB' | human_to_bytes", 11010048),
        ("'abc' | to_uuid", ask("'abc' | to_uuid")),
        ("'a' | comment(decoration='')", "a\n"),
        ("'a' | comment(prefix='\\n', prefix_count=2)", "\n\n# a\n#"),
        ("('a' | vault(7, salt=8)) | unvault(7)", "a"),
        ("'a\\nb' | comment('cblock')", "/*\n *\n * a\n * b\n *\n */"),
        ("'http://u:p@h:9/d?q=1#f' | urlsplit('port')", 9),
        ("['a', 'b', '../c'] | path_join", "a/b/../c"),
        ("'a.tar.gz' | splitext", ["a.tar", ".gz"]),
        ("'1.2.10' is version('1.2.9', '>')", True),
        ("'1.2.3-rc1' is version('1.2.3', '<', version_type='semver')", True),
        ("'1.0b1' is version('1.0', '<', strict=true)", True),
        ("{'failed': true} is failed", True),
        ("{'results': [{'changed': true}]} is changed", True),
        ("'no' is truthy(convert_bool=true)", False),
        ("[1, 2] is superset([1])", True),
        ("'abc' | ansible.builtin.b64encode", "YWJj"),
        ("{'a': '<'} | tojson", '{"a": "\\u003c"}'),
    ],
)
def test_results(expression: str, expected: object) -> None:
    assert ask(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'x' | foo", "no filter named 'foo'"),
        ("'x' | uper", "did you mean 'upper'"),
        ("'x' is defnd", "did you mean 'defined'"),
        ("{'a': 1} | combine(5)", "combine takes dicts, this is a number"),
        ("'{a' | from_json", "no JSON"),
        ("[1] | dict2items", "takes a dict, this is a list"),
        ("'aaa' | regex_replace('a', 'x', mandatory_count=2)", "matches 3 times"),
        ("'1.x' is version('1.2', '>')", "cannot be compared"),
        ("'1Q' | human_to_bytes", "no unit"),
        ("'x' is failed", "result of a task"),
        ("nope | mandatory('give it')", "give it"),
        ("5 | join", "'join' failed"),
        ("x.__class__", "not allowed"),
    ],
)
def test_faults_name_the_filter(expression: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message.replace("(", r"\(")):
        ask(expression, x=1)


@given(data)
def test_json_and_yaml_there_and_back(value: Any) -> None:
    assert ask("v | to_json | from_json", v=value) == json.loads(json.dumps(value))
    assert ask("v | to_nice_yaml | from_yaml", v=value) == value
    assert yaml.safe_load(ask("v | to_yaml", v=value)) == value


@given(texts)
def test_text_there_and_back(value: str) -> None:
    assert ask("v | b64encode | b64decode", v=value) == value
    assert shlex.split(ask("v | quote", v=value)) == [value]
    assert ask("v | regex_replace('^' ~ (v | regex_escape) ~ '$', 'x')", v=value) == "x"
    assert ask("v | urlencode | urldecode", v=value.replace("+", "")) == value.replace("+", "")


@given(dicts, dicts, dicts)
def test_combine_is_layering(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    assert ask("a | combine(b)", a=a, b=b) == {**a, **b}
    assert ask("a | combine(b, c)", a=a, b=b, c=c) == ask("a | combine(b) | combine(c)", a=a, b=b, c=c)
    assert ask("a | dict2items | items2dict", a=a) == a


@given(numbers, numbers)
def test_lists_as_sets(a: list[int], b: list[int]) -> None:
    assert set(ask("a | union(b)", a=a, b=b)) == set(a) | set(b)
    assert set(ask("a | intersect(b)", a=a, b=b)) == set(a) & set(b)
    assert set(ask("a | difference(b)", a=a, b=b)) == set(a) - set(b)
    assert set(ask("a | symmetric_difference(b)", a=a, b=b)) == set(a) ^ set(b)
    for name in ("union", "intersect", "difference"):
        out = ask(f"a | {name}(b)", a=a, b=b)
        assert len(out) == len(set(out))
        assert [x for x in dict.fromkeys(a) if x in out] == [x for x in out if x in a]  # in the order of the first
    assert ask("a | unique", a=a) == list(dict.fromkeys(a))
    assert sorted(ask("a | shuffle(seed='s')", a=a)) == sorted(a)


@given(st.integers(0, 2**60))
def test_sizes_are_near_enough(size: int) -> None:
    back = ask("size | human_readable | human_to_bytes", size=size)
    assert math.isclose(back, size, rel_tol=0.01, abs_tol=1)


TAKE_UNKNOWN = {"default", "d", "mandatory", "type_debug", "defined", "undefined"}


def test_every_filter_and_test_lets_the_unknown_through() -> None:
    unknown = Unknown("not yet run")
    for name in filters.names():
        if name not in TAKE_UNKNOWN and name.isidentifier():
            assert ask(f"v | {name}", v=unknown) is unknown, name
    for name in tests.names():
        if name not in TAKE_UNKNOWN and name.isidentifier():
            assert ask(f"v is {name}", v=unknown) is unknown, name


def test_nothing_but_our_errors_comes_out_of_a_filter() -> None:
    for value in (None, 5, "text", [1, "a"], {"a": 1}, 1.5, True):
        for name in filters.names():
            if name in ("password_hash", "vault", "pprint"):
                continue
            try:
                ask(f"v | {name}", v=value)
            except NxtplayError:
                pass


class TestPasswordHash:
    def test_known_answers(self) -> None:
        """Hashes that another implementation made, so that ours is not measured against itself."""
        assert ask("'Hello world!' | password_hash('sha512', 'saltstring', rounds=5000)") == (
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        )
        assert ask("'Hello world!' | password_hash('sha256', 'saltstring', rounds=5000)") == (
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
        )

        assert ask("'secret' | password_hash('md5_crypt', 'saltsalt')") == "$1$saltsalt$9xy1btjgzLYfb7hivXtC//"
        for ident in ("2a", "2b"):
            assert ask(f"'secret' | password_hash('blowfish', '1234567890123456789012', rounds=5, ident='{ident}')") == (
                f"${ident}$05$123456789012345678901u.97m5mwuxOR3RvRKYm9sasohx5Mnzwq"
            )

    @given(st.binary(min_size=1, max_size=70).filter(lambda b: 0 not in b), st.sampled_from(["5", "6"]))
    def test_ours_agrees_with_the_systems(self, key: bytes, number: str) -> None:
        import ctypes
        import hashlib

        library = ctypes.CDLL("libcrypt.so.1")
        library.crypt.restype = ctypes.c_char_p
        setting = f"${number}$rounds=1000$saltstring"
        ours = _sha_crypt(key, b"saltstring", 1000, number, hashlib.sha512 if number == "6" else hashlib.sha256, setting)
        assert library.crypt(key, setting.encode()).decode() == ours
