"""Rendering: native values, laziness, undefined, unknown, omit, secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.state import Secret, Unknown
from nxtplay.errors import Span, TemplateError, UndefinedVariable
from nxtplay.playbook.model import YamlMap
from nxtplay.template import OMIT, Encrypted, Templates, Unsafe, drop_omitted, needs_rendering

plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_characters="{", exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def templates() -> Templates:
    return Templates()


class Layers(dict[str, Any]):
    """A scope whose names in `data` are no templates."""

    def __init__(self, trusted: dict[str, Any], data: dict[str, Any]) -> None:
        super().__init__({**trusted, **data})
        self.data = data

    def find(self, name: str) -> tuple[Any, bool]:
        return self[name], name not in self.data


@given(plain_data)
def test_what_holds_no_marker_comes_back_as_the_same_object(value: Any) -> None:
    assert Templates().render(value, {}) is value


@given(plain_data)
def test_a_single_expression_gives_the_object(value: Any) -> None:
    templates = Templates()
    assert templates.render("{{ x }}", {"x": value}) == value
    assert templates.render("{% if true %}{{ x }}{% endif %}", {"x": value}) == value


@given(plain_data)
def test_a_value_behind_any_chain_of_variables_is_the_value(value: Any) -> None:
    scope = {"a": "{{ b.c[0] }}", "b": {"c": ["{{ d }}"], "other": "{{ nowhere }}"}, "d": value}
    assert Templates().render("{{ a }}", scope) == value


@given(st.text(), st.text())
def test_pieces_are_joined_as_text(left: str, right: str) -> None:
    assert Templates().render("<{{ left }}|{{ right }}>", {"left": Unsafe(left), "right": Unsafe(right)}) == f"<{left}|{right}>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 5 }}", 5),
        ("{{ 5 }}{{ 6 }}", "56"),
        ("a{{ none }}b", "ab"),
        ("{{ none }}", None),
        ("{% if false %}x{% endif %}", None),
        ("{{ '5' }}", "5"),
        ("{{ [1] + [2] }}", [1, 2]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {'a': 1}.items() }}", [["a", 1]]),
        ("{{ 5 }}\n", 5),
        ("a{{ 5 }}\n\n", "a5\n\n"),
        ("{{ 'a.b' | regex_replace('(a)\\.(b)', '\\2\\1') }}", "ba"),
        ("{% if true %}\na{% endif %}", "a"),
        ("{{ 5 }}{{ none }}", 5),
    ],
)
def test_native_results(templates: Templates, text: str, expected: object) -> None:
    got = templates.render(text, {})
    assert (got, type(got)) == (expected, type(expected))


def test_only_the_needed_part_of_a_variable_is_rendered(templates: Templates) -> None:
    scope = {"all": {"good": "{{ n }}", "bad": "{{ nowhere }}"}, "n": 7}
    assert templates.render("{{ all.good }} {{ 'bad' in all }} {{ all | length }}", scope) == "7 True 2"
    with pytest.raises(UndefinedVariable):
        templates.render("{{ all }}", scope)


def test_data_is_never_a_template(templates: Templates) -> None:
    scope = Layers({"said": "{{ result.stdout }}"}, {"result": {"stdout": "{{ lookup('pipe', 'touch /tmp/owned') }}"}})
    assert templates.render("{{ said }}", scope) == "{{ lookup('pipe', 'touch /tmp/owned') }}"
    assert templates.render("<{{ result.stdout | upper }}>", scope).startswith("<{{ LOOKUP")
    assert templates.render(Unsafe("{{ x }}"), {}) == "{{ x }}"
    assert templates.render("{{ x }}", {"x": {"y": Unsafe("{{ z }}")}}) == {"y": "{{ z }}"}


def test_loops_of_variables_are_told_as_a_chain(templates: Templates) -> None:
    with pytest.raises(TemplateError, match="recursive loop in variable a -> b -> a"):
        templates.render("{{ a }}", {"a": "{{ b }}", "b": "x{{ a }}"})
    with pytest.raises(TemplateError, match="recursive loop"):
        templates.render("{{ a }}", {"a": {"x": "{{ a.x }}"}})
    assert templates.render("{{ a }}", {"a": {"x": "{{ a.y }}", "y": 1}}) == {"x": 1, "y": 1}


class TestUndefined:
    def test_names_the_variable_and_the_nearest(self, templates: Templates) -> None:
        for text in ("{{ backend_prot }}", "{{ backend_prot | upper }}", "{% if backend_prot %}{% endif %}", "{{ [backend_prot] }}"):
            with pytest.raises(UndefinedVariable) as caught:
                templates.render(text, {"backend_port": 3000}, span=Span("play.yml", 3, 9))
            assert caught.value.name == "backend_prot"
            assert str(caught.value) == "play.yml:3:9: 'backend_prot' is undefined (did you mean 'backend_port'?)"

    def test_names_the_parent_and_its_keys(self, templates: Templates) -> None:
        for text in ("{{ result.stat.exist }}", "{{ result.stat.exist | string }}", "{{ result['stat']['exist'] }}"):
            with pytest.raises(UndefinedVariable, match="has no attribute 'exist'; keys: exists, mode") as caught:
                templates.render(text, {"result": {"stat": {"exists": True, "mode": "0644"}}})
            assert "result" in str(caught.value)
            assert "did you mean 'exists'?" in str(caught.value)

    def test_tells_the_place_of_the_variable_that_needed_it(self, templates: Templates) -> None:
        variables = YamlMap({"url": "http://{{ hostt }}/", "host": "h"})
        variables.values_at = {"url": Span("vars.yml", 4, 6)}

        class Scope(dict[str, Any]):
            def where(self, name: str) -> Span | None:
                return variables.values_at.get(name)

        with pytest.raises(UndefinedVariable) as caught:
            templates.render("{{ url }}", Scope(variables), span=Span("play.yml", 9, 1))
        assert caught.value.diagnostics[0].span == Span("vars.yml", 4, 6)
        assert ("needed here", Span("play.yml", 9, 1)) in caught.value.diagnostics[0].notes

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{{ nope | default('x') }}", "x"),
            ("{{ nope.a.b | default('x') }}", "x"),
            ("{{ nope | upper | default('x') }}", "x"),
            ("{{ via | default('x') }}", "x"),
            ("{{ via is defined }}", False),
            ("{{ nope is undefined }}", True),
            ("{{ d.nope is defined }}", False),
            ("{{ '' | default('x', true) }}", "x"),
        ],
    )
    def test_can_be_provided_for(self, templates: Templates, text: str, expected: object) -> None:
        assert templates.render(text, {"via": "{{ nope }}", "d": {"nope": "{{ nope }}"}}) == expected

    def test_a_failure_is_not_an_absence(self, templates: Templates) -> None:
        for text in ("{{ a | default('z') }}", "{{ a is defined }}"):
            with pytest.raises(TemplateError, match="division by zero"):
                templates.render(text, {"a": "{{ 1 / 0 }}"})


class TestUnknown:
    unknown = Unknown("the output of a command that has not run")
    scope = Layers({"via": "v{{ cmd.stdout }}"}, {"cmd": {"stdout": unknown, "rc": unknown, "changed": True}, "n": 1})

    @pytest.mark.parametrize(
        "text",
        [
            "{{ cmd.stdout }}",
            "x{{ cmd.stdout }}",
            "{{ cmd.stdout | trim }}",
            "{{ cmd.stdout.split() | first }}",
            "{{ cmd.stdout == 'a' }}",
            "{% if cmd.rc %}a{% else %}b{% endif %}",
            "{% for l in cmd.stdout %}a{% endfor %}",
            "{{ via }}",
            "{{ via | length }}",
            "{{ cmd.rc + 1 }}",
            "{{ cmd.stdout is match('x') }}",
            "{{ not cmd.rc }}",
            "{{ cmd | to_json }}",
            "{{ cmd | to_nice_yaml }}",
            "{{ [cmd.rc] | join }}",
            "{{ n in [cmd.rc] }}",
            "{{ 'x' | default(cmd.rc) if cmd.rc else 1 }}",
            "{{ {'a': 1}[cmd.stdout] }}",
            "{{ lookup('file', cmd.stdout) }}",
            "{{ cmd.rc | default(3, true) }}",
            "{{ cmd.stdout ~ 'x' }}",
            "{{ [1] | map('add', cmd.rc) }}" if False else "{{ 'a' | replace('a', cmd.stdout) }}",
            "{{ cmd.stdout.reason }}",
            "{{ cmd.stdout | from_json }}",
        ],
    )
    def test_poisons_what_depends_on_it(self, templates: Templates, text: str) -> None:
        assert templates.render(text, self.scope) is self.unknown

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{{ cmd.changed }}", True),
            ("{{ cmd is changed }}", True),
            ("{{ cmd.stdout is defined }}", True),
            ("{{ n }}", 1),
            ("{{ cmd.nope | default('d') }}", "d"),
            ("{{ [cmd.rc] | length }}", 1),
            ("{{ n == 1 or cmd.rc }}", True),
        ],
    )
    def test_leaves_alone_what_does_not(self, templates: Templates, text: str, expected: object) -> None:
        assert templates.render(text, self.scope) == expected

    def test_in_containers_stands_in_its_place(self, templates: Templates) -> None:
        got = templates.render({"a": "{{ cmd.stdout }}", "b": ["{{ n }}"]}, self.scope)
        assert got["a"] is self.unknown
        assert got["b"] == [1]

    def test_conditions(self, templates: Templates) -> None:
        assert templates.test(["cmd.rc == 0"], self.scope) is self.unknown
        assert templates.test(["cmd.rc == 0", "n == 2"], self.scope) is False
        assert templates.test(["n == 2", "cmd.rc == 0"], self.scope) is False
        assert templates.test(["n == 1", "cmd.rc == 0"], self.scope) is self.unknown
        assert templates.test(["cmd.rc == 0", "cmd.stdout"], self.scope) is self.unknown
        assert templates.test([True, "n == 1", None, ""], self.scope) is True


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a == 1", True),
            ("{{ a == 1 }}", True),
            ("'{{ b }}' == 'x'", True),
            ("'p{{ b }}q' == 'pxq'", True),
            ("{{ a }} == 1", True),
            ("a in [1, 2] and not c", True),
            ("d == {'k': {'l': 1}}", True),
            ("b is match('x')", True),
            ("nope is defined", False),
            ("e.{{ b }}.y == 2 and a == 1", True),
        ],
    )
    def test_bare_and_braced(self, templates: Templates, text: str, expected: bool) -> None:
        assert templates.test([text], {"a": 1, "b": "x", "c": False, "d": {"k": {"l": 1}}, "e": {"x": {"y": 2}}}) is expected

    def test_data_is_not_evaluated(self, templates: Templates) -> None:
        scope = Layers({}, {"x": "' == '' or true or '"})
        assert templates.test(["'{{ x }}' == 'y'"], scope) is False

    def test_text_that_looks_false_is_an_error(self, templates: Templates) -> None:
        with pytest.raises(TemplateError, match="flag \\| bool"):
            templates.test(["flag"], {"flag": "false"})

    def test_stops_at_the_first_false(self, templates: Templates) -> None:
        assert templates.test(["a is defined", "a.b.c > 1"], {}) is False


class TestOmit:
    def test_is_left_out_of_containers(self, templates: Templates) -> None:
        args = {"a": "{{ nope | default(omit) }}", "b": {"c": "{{ omit }}", "d": 1}, "l": ["{{ omit }}", 2], "t": "x{{ omit }}"}
        assert templates.render(args, {}) == {"b": {"d": 1}, "l": [2], "t": "x"}
        assert templates.render("{{ v }}", {"v": {"x": "{{ omit }}", "y": 1}}) == {"y": 1}

    def test_alone_is_itself(self, templates: Templates) -> None:
        assert templates.render("{{ omit }}", {}) is OMIT
        with pytest.raises(TemplateError):
            drop_omitted(OMIT)

    @given(plain_data)
    def test_dropping_changes_nothing_else(self, value: Any) -> None:
        assert drop_omitted(value) is value
        assert drop_omitted({"a": OMIT, "v": value, "l": [OMIT, value]}) == {"v": value, "l": [value]}


class TestSecrets:
    def test_vault_text_is_opened_when_needed_and_told(self) -> None:
        told: list[str] = []
        opened: list[str] = []

        def decrypt(text: str) -> str:
            opened.append(text)
            return "p{{ n }}w"

        templates = Templates(decrypt=decrypt, on_secret=told.append)
        scope = {"pw": Encrypted("$ANSIBLE_VAULT;1.1;AES256\n00"), "n": 5, "url": "pg://{{ pw }}@h"}
        assert templates.render("{{ n }}", scope) == 5
        assert opened == []
        assert templates.render("{{ url }}", scope) == "pg://p5w@h"
        assert told == ["p{{ n }}w"]

    def test_what_stands_encrypted_in_a_file_is_known_as_such_when_it_is_read(self) -> None:
        templates = Templates(decrypt=lambda text: "plain")
        scope = {"pw": Encrypted("$ANSIBLE_VAULT;1.1;AES256\n00"), "other_name": "{{ pw }}", "held": {"pw": "{{ pw }}"}, "plain": "plain"}
        for held in ("pw", "other_name", "held.pw"):
            assert templates.evaluate(f"{held} is vault_encrypted", scope)
        assert not templates.evaluate("plain is vault_encrypted or (pw ~ 'a') is vault_encrypted", scope)

    def test_text_made_with_a_secret_is_secret(self, templates: Templates) -> None:
        assert isinstance(templates.render("a{{ s }}b", {"s": Secret("x")}), Secret)
        assert isinstance(templates.render("{% if true %}a{% endif %}{{ s }}", {"s": Secret("x")}), Secret)


@given(
    st.recursive(plain_data | st.just("{{ x }}"), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))
)
def test_rendering_twice_changes_nothing_more(value: Any) -> None:
    templates = Templates()
    once = templates.render(value, {"x": 5})
    assert not needs_rendering(once)
    assert templates.render(once, {}) == once
    assert templates.render("{{ v }}", {"v": value, "x": 5}) == once


def test_simple_templates_agree_with_jinja(templates: Templates) -> None:
    """The shortcut for `{{ name.key }}` gives what Jinja gives."""
    scope = {"a": {"b": [1, {"c": None}], "items": 3, "x y": "z"}, "s": "text", "n": None, "t": "{{ a.b[0] }}"}
    for path in ("a", "a.b", "a.b[0]", "a['b'][1].c", "a['x y']", "s", "n", "t", "a.b[1]['c']", "a['items']", "omit"):
        for text in ("{{ %s }}", "x{{ %s }}", "{{ %s }}\n", "{{%s}}{{ s }}", "{{ %s }}\n\n"):
            simple = templates.render(text % path, scope)
            jinja = templates.render((text % path).replace("{{", "{{ (").replace("}}", ") }}"), scope)
            assert (simple, type(simple)) == (jinja, type(jinja)), (text, path)
