"""What a text uses, and where its syntax is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.errors import TemplateError, UndefinedVariable
from nxtplay.template import Templates, names


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("plain", {}),
        ("{{ a.b[c] }} {{ d }}", {"a": False, "c": False, "d": False}),
        ("{{ a }} x {{ b.c }}", {"a": False, "b": False}),
        ("{{ a | default(b) }}", {"a": True, "b": False}),
        ("{{ (a.b | d({})).c }}", {"a": True}),
        ("{% set x = y %}{{ x }}{% for i in l %}{{ i }}{{ loop.index }}{% endfor %}", {"y": False, "l": False}),
        ("{% if a is defined %}{{ a }}{% else %}{{ b }}{% endif %}{{ a }}", {"a": False, "b": False}),
        ("{% if a is defined %}{{ a }}{% endif %}", {"a": True}),
        ("{% macro m(p, q=r) %}{{ p }}{{ q }}{% endmacro %}{{ m(1) }}", {"r": False}),
        ("{{ lookup('env', n) }}{{ omit }}{{ vars.x }}", {"n": False}),
    ],
)
def test_names_used(text: str, used: dict[str, bool]) -> None:
    assert dict(names(text).used) == used


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("a is defined and a.b == c", {"a": True, "c": False}),
        ("a is not defined or a", {"a": True}),
        ("not (a is undefined) and a", {"a": True}),
        ("a or b is defined", {"a": False, "b": True}),
        ("a if a is defined else b", {"a": True, "b": False}),
        ("b if a is defined else a", {"a": False, "b": False}),
        ("a is undefined and a", {"a": False}),
        ("'x' in vars and x", {"x": True}),
        ("{{ a }} == 'p{{ b }}'", {"a": False, "b": False}),
        ("k | extract(a) | d('z')", {"k": True, "a": True}),
        ("k | extract(a)", {"k": False, "a": False}),
        ("b | ternary(a, 'x')", {"b": False, "a": True}),
        ("hostvars[x]['y'] | d('z')", {"hostvars": True, "x": False}),
    ],
)
def test_names_of_conditions(text: str, used: dict[str, bool]) -> None:
    got = dict(names(text, expression=True).used)
    assert {k: v for k, v in got.items() if k != "x" or "hostvars" not in text} == {
        k: v for k, v in used.items() if k != "x" or "hostvars" not in text
    }


def test_other_things_used() -> None:
    found = names("{{ query('file', p) | map('upper') | list is defined }}{{ x is match('y') }}")
    assert found.lookups == ("file",)
    assert set(found.filters) == {"map", "list"}
    assert set(found.tests) == {"defined", "match"}
    assert found.places["x"] == (1, 59)


@pytest.mark.parametrize(
    ("text", "expression", "line", "column", "message"),
    [
        ("{{ a b }}", False, 1, 6, "expected token '}}', got 'b'"),
        ("x\n  {{ a | uper }}", False, 2, 10, "did you mean 'upper'"),
        ("{{ a", False, 1, 4, "unexpected end of template"),
        ("a is defnd", True, 1, 6, "did you mean 'defined'"),
        ("a == 'x", True, 1, 6, "a quote that is never closed"),
        ("{% if a %}", False, 1, 9, "'endif'"),
        ("{{ lookup('fil', x) }}", False, 1, 12, "did you mean 'file'"),
        ("a $ b", True, 1, 3, "unexpected char '$'"),
        ("{% fro i in x %}", False, 1, 4, "did you mean 'from'"),
        ("(a", True, 1, 2, "the expression ends where ')' was expected"),
        ("line\nline2 {{ foo bar }}", False, 2, 14, "got 'bar'"),
    ],
)
def test_wrong_syntax_has_a_place(text: str, expression: bool, line: int, column: int, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        names(text, expression=expression)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column) == (line, column)
    assert message in str(caught.value)


leaf = st.sampled_from(["a", "b", "c", "1", "'t'", "a.x", "b | default(1)", "(c is defined)", "(a | d('x'))"])
expressions = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or ", " ~ ", " == "]), inner).map("".join).map("({})".format),
        inner.map("(not ({}))".format),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    ),
    max_leaves=6,
)


@given(expressions, st.sets(st.sampled_from("abc")))
def test_what_is_guarded_is_never_missed(expression: str, defined: set[str]) -> None:
    """A name said to be provided for never makes an undefined error when all the others are there."""
    used = dict(names(expression, expression=True).used)
    scope = {name: {"x": 1} for name in "abc" if name in defined or not used.get(name, False)}
    try:
        Templates().evaluate(expression, scope)
    except UndefinedVariable as error:
        raise AssertionError(f"{expression}: {error}") from error
    except TemplateError:
        pass
