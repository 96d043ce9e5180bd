"""Answers of debconf, local facts in INI files, settings of the kernel."""

from __future__ import annotations

from pathlib import Path

from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Plan, diff
from nxtplay.modules import _facts
from nxtplay.modules.debconf import Debconf, _Answers
from nxtplay.modules.sysctl import Sysctl


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


def test_a_kernel_that_was_changed_behind_its_file_reads_it_again(tmp_path: Path) -> None:
    said = tmp_path / "sysctl.conf"
    said.write_text("kernel.ostype=BSD\nkernel.ngroups_max=65536\n")

    def due(name: str, value: str, **args: object) -> object:
        module = decode(Sysctl, {"name": name, "value": value, "sysctl_file": str(said), **args})
        before = module.observe(Reader())
        after = module.desired(Reader(), before)
        return module.due(Reader(), Plan(before, after, diff(before, after)))

    assert due("kernel.ostype", "BSD") == "is Linux in the kernel"
    assert due("kernel.ostype", "BSD", reload=False) is None
    assert due("kernel.ngroups_max", "65536") is None
    assert due("kernel.ostype", "Plan9") is None  # the file is written anyway
