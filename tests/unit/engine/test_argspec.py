"""Arguments of roles held against their specification."""

from __future__ import annotations

from typing import Any

import pytest

from nxtplay.core.state import Unknown
from nxtplay.engine.argspec import faults

SPEC: dict[str, Any] = {
    "name": {"required": True, "aliases": ["title"]},
    "count": {"type": "int"},
    "on": {"type": "bool"},
    "level": {"choices": ["low", 2]},
    "size": {"type": "bytes"},
    "speed": {"type": "bits"},
    "odd": {"type": "nothing"},
    "text": {"type": "json"},
    "names": {"type": "list", "elements": "int"},
    "sub": {"type": "dict", "options": {"path": {"required": True}}},
    "many": {"type": "list", "elements": "dict", "options": {"key": {"required": True}}},
}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name": "x"}, 0),
        ({"title": "x"}, 0),
        ({}, 1),
        ({"name": None}, 0),  # text may be nothing; a number may not, where it is required
        ({"name": "x", "other": 1}, 0),  # variables that the specification does not speak of are nobody's fault
        ({"name": "x", "count": "7"}, 0),
        ({"name": "x", "count": "many"}, 1),
        ({"name": "x", "count": True}, 1),
        ({"name": "x", "on": "yes"}, 0),
        ({"name": "x", "on": "perhaps"}, 1),
        ({"name": "x", "level": "2"}, 0),
        ({"name": "x", "level": "high"}, 1),
        ({"name": "x", "names": "1,2"}, 0),
        ({"name": "x", "names": [1, "b", "c"]}, 2),
        ({"name": "x", "size": "1.5G", "speed": "10Mb", "text": [1]}, 0),
        ({"name": "x", "size": "much", "speed": "10MB", "text": 1, "odd": 1}, 4),
        ({"name": "x", "sub": {}}, 1),
        ({"name": "x", "sub": {"path": 1, "wrong": 2}}, 1),
        ({"name": "x", "many": [{"key": 1}, {}, {}]}, 2),
        ({"name": Unknown("later"), "count": Unknown("later")}, 0),
    ],
)
def test_faults(given: dict[str, Any], wrong: int) -> None:
    assert len(faults(SPEC, given)) == wrong, faults(SPEC, given)


@pytest.mark.parametrize(
    ("rules", "given", "wrong"),
    [
        ({"mutually_exclusive": [["a", "b"]]}, {"a": 1, "b": 2}, 1),
        ({"mutually_exclusive": [["a", "b"]]}, {"a": 1}, 0),
        ({"required_together": [["a", "b"]]}, {"a": 1}, 1),
        ({"required_one_of": [["a", "b"]]}, {}, 1),
        ({"required_one_of": [["a", "b"]]}, {"b": 0}, 0),
        ({"required_if": [["a", 1, ["b"]]]}, {"a": 1}, 1),
        ({"required_if": [["a", 1, ["b"]]]}, {"a": 2}, 0),
        ({"required_if": [["a", 1, ["b", "c"], True]]}, {"a": 1, "c": 1}, 0),
        ({"required_by": {"a": "b"}}, {"a": 1}, 1),
    ],
)
def test_rules_about_several_arguments(rules: dict[str, Any], given: dict[str, Any], wrong: int) -> None:
    options = {name: {"type": "raw"} for name in "abc"}
    assert len(faults(options, given, rules=rules)) == wrong
