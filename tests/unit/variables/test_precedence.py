"""The scope against its model: dicts merged from low to high."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nxtplay.errors import Span
from nxtplay.playbook.model import YamlMap
from nxtplay.template import Templates
from nxtplay.variables.precedence import Layer, Level, Scope

names = st.sampled_from("abcde")
layers = st.lists(
    st.builds(Layer, st.sampled_from(Level), st.text(max_size=3), st.dictionaries(names, st.integers()), st.booleans()), max_size=8
).map(lambda found: sorted(found, key=lambda layer: layer.level))


def merged(found: list[Layer]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for layer in found:
        out.update(layer.values)
    return out


@given(layers, layers)
def test_is_the_dicts_merged(low: list[Layer], high: list[Layer]) -> None:
    expected = merged([*low, *high])
    for scope in (Scope([*low, *high]), Scope(low).plus(*high)):
        assert dict(scope) == expected
        assert len(scope) == len(expected)
        assert set(scope) == set(expected)
        for name in "abcde":
            assert (name in scope) is (name in expected)
            if name in expected:
                assert scope.find(name)[0] == expected[name]


@given(layers)
def test_explain_tells_every_layer_winner_first(found: list[Layer]) -> None:
    scope = Scope(found)
    for name in scope:
        told = scope.explain(name)
        assert [value for _, _, value in told] == [layer.values[name] for layer in reversed(found) if name in layer.values]
        assert scope.find(name) == (told[0][2], told[0][0].trusted)


def test_places_come_from_the_file() -> None:
    values = YamlMap({"a": 1})
    values.values_at = {"a": Span("group_vars/all.yml", 3, 4)}
    scope = Scope(
        [Layer(Level.PLAYBOOK_GROUP_VARS_ALL, "group_vars/all.yml", values), Layer(Level.FACTS, "facts", {"b": 1}, trusted=False)]
    )
    assert scope.where("a") == Span("group_vars/all.yml", 3, 4)
    assert scope.where("b") is None


def test_layers_are_seen_as_they_change() -> None:
    facts: dict[str, Any] = {}
    scope = Scope([Layer(Level.SET_FACT, "register", facts, trusted=False)])
    facts["r"] = {"rc": 0}
    assert scope["r"] == {"rc": 0}


def test_a_template_sees_the_higher_layer_and_data_stays_data() -> None:
    low = Layer(Level.PLAY_VARS, "play", {"url": "http://{{ host }}/{{ out }}", "host": "low"})
    data = Layer(Level.SET_FACT, "register", {"out": "{{ host }}"}, trusted=False)
    scope = Scope([low, data])
    templates = Templates()
    assert templates.render("{{ url }}", scope) == "http://low/{{ host }}"
    assert templates.render("{{ url }}", scope.plus(Layer(Level.EXTRA_VARS, "-e", {"host": "high"}))) == "http://high/{{ host }}"
    assert templates.render("{{ url }}", scope) == "http://low/{{ host }}"
