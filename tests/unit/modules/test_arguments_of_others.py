"""The arguments of other people's modules: what ansible-core makes of them, written down."""

from typing import Any

import pytest

from nxtplay.modules._ansible.common import arguments

LIST = {"type": "list", "elements": "int", "choices": [1, 2]}
NESTED = {"x": {"default": 1, "type": "int"}, "y": {"aliases": ["z"]}}
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


def _read(spec: dict[str, Any], given: dict[str, Any], **rules: Any) -> tuple[dict[str, Any], arguments.Noted]:
    noted = arguments.Noted()
    return arguments.read(spec, given, [rules.get(rule) for rule in RULES], module="own", noted=noted), noted


@pytest.mark.parametrize(
    ("spec", "given", "found"),
    [
        ({"a": {"default": "x"}, "b": {}}, {"a": None, "b": None}, {"a": "", "b": None}),
        ({"a": {"type": "int", "default": "5"}}, {}, {"a": 5}),
        ({"a": {"aliases": ["b"]}}, {"a": "1"}, {"a": "1"}),
        ({"a": {"aliases": ["b"]}}, {"a": "1", "b": "2"}, {"a": "2", "b": "2"}),
        ({"a": LIST}, {"a": "1,2"}, {"a": [1, 2]}),
        ({"a": {"choices": ["yes", "no"]}}, {"a": True}, {"a": "yes"}),
        ({"a": {"choices": ["on", "off"]}}, {"a": False}, {"a": "off"}),
        ({"a": {"type": "dict", "options": NESTED}}, {"a": {"z": 1}}, {"a": {"x": 1, "y": "1", "z": 1}}),
        ({"a": {"type": "dict", "options": NESTED}}, {}, {"a": None}),
        ({"a": {"type": "dict", "options": NESTED, "apply_defaults": True}}, {}, {"a": {"x": 1, "y": None}}),
        ({"a": {"type": "list", "options": NESTED}}, {"a": [{"q": 1}]}, {"a": [{"q": 1}]}),
    ],
)
def test_values(spec: dict[str, Any], given: dict[str, Any], found: dict[str, Any]) -> None:
    assert _read(spec, given)[0] == found


@pytest.mark.parametrize(
    ("spec", "given", "rules", "message"),
    [
        ({"a": {"default": "p"}, "b": {}}, {}, {"required_if": [["a", "p", ["b"]]]}, "a is p but all of the following are missing: b"),
        ({"a": {"type": "bool"}, "b": {}}, {"a": "y"}, {"required_if": [["a", True, ["b"]]]}, "a is True but all of the following"),
        ({"a": {"default": "p"}, "b": {}}, {}, {"required_by": {"a": ["b"]}}, "missing parameter(s) required by 'a': b"),
        ({"a": {}, "b": {}}, {"a": None, "b": 1}, {"mutually_exclusive": [["a", "b"]]}, "parameters are mutually exclusive: a|b"),
        ({"a": LIST}, {"a": [1, "3"]}, {}, "value of a must be one or more of: 1, 2. Got no match for: 3"),
        ({"a": {"choices": ["yes", "true"]}}, {"a": True}, {}, "value of a must be one of: yes, true, got: True"),
        ({"a": {"type": "list", "elements": "dict"}}, {"a": ["x"]}, {}, "Elements value for option 'a' is of type str"),
        ({"a": {"type": "dict", "options": {"x": {"required": True}}}}, {"a": {}}, {}, "missing required arguments: x found in a"),
        ({"a": {"required": True}}, {"q": 1}, {}, "missing required arguments: a"),
        ({"a": {"type": "dict", "options": {"x": {}}}}, {"a": {"q": 1}}, {}, "for (own) module: a.q. Supported parameters include: x."),
    ],
)  # fmt: skip
def test_faults(spec: dict[str, Any], given: dict[str, Any], rules: dict[str, Any], message: str) -> None:
    with pytest.raises(arguments.Wrong) as raised:
        _read(spec, given, **rules)
    assert message in str(raised.value)


def test_a_default_does_not_exclude_what_is_given() -> None:
    assert _read({"a": {"default": "p"}, "b": {}}, {"b": "1"}, mutually_exclusive=[["a", "b"]])[0] == {"a": "p", "b": "1"}


def test_what_is_noted() -> None:
    old = {"name": "c", "date": "2027-01-01", "collection_name": "own.own"}
    inner = {"b": {"aliases": ["c"], "deprecated_aliases": [old], "no_log": True}, "d": {"removed_in_version": "3.0.0"}}
    _, noted = _read({"a": {"type": "list", "elements": "dict", "options": inner}}, {"a": [{"b": "old", "c": "secret", "d": "x"}]})
    assert noted.warnings == ["Both option a[0].b and its alias a[0].c are set."]
    assert noted.deprecations == [
        {"msg": "Alias 'a[0].c' is deprecated", "date": "2027-01-01", "collection_name": "own.own"},
        {"msg": "Param 'a[0].d' is deprecated", "version": "3.0.0", "collection_name": None},
    ]
    assert noted.secrets == {"secret"}
