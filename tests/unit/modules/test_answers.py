"""Answers of debconf, and local facts in INI files."""

from __future__ import annotations

from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.modules import _facts
from nxtplay.modules.debconf import Debconf, _Answers


def test_the_order_of_chosen_answers_says_nothing() -> None:
    before = _Answers({"p/q": "passwd, group"})

    def wanted(*value: str) -> object:
        module = decode(Debconf, {"name": "p", "question": "p/q", "vtype": "multiselect", "value": list(value)})
        return module.desired(Reader(), before)

    assert wanted("group", "passwd") == before
    assert wanted("group", "shadow") == _Answers({"p/q": "group, shadow"})


def test_local_facts_in_ini_refer_to_each_other() -> None:
    assert _facts._parsed("[a]\nx=1\ny=%(x)s 50%%\n", "f") == {"a": {"x": "1", "y": "1 50%"}}
    assert str(_facts._parsed("[a]\nx=5 % of it\n", "f")).startswith("error loading facts as ini")
