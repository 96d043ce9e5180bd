"""Names and bounds of Python packages as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.modules._requirements import requirement
from nxtplay.modules.pip import Pip


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a>=1,<2", ["a>=1,<2"]),
        ("a,b", ["a", "b"]),
        (["a>=1,<2", "b[x,y]==1"], ["a>=1,<2", "b[x,y]==1"]),
        ("a >= 1, < 2, b", ["a >= 1,< 2", "b"]),
    ],
)
def test_commas_part_packages_and_bounds(name: Any, wanted: list[str]) -> None:
    assert [one.text for one in decode(Pip, {"name": name})._wanted(Reader())] == wanted


@pytest.mark.parametrize(
    ("text", "version", "met"),
    [
        ("a", "1", True),
        ("a==1.2", "1.2.0", True),
        ("a==1.2", "1.2.1", False),
        ("a==1.*", "1.9", True),
        ("a!=1.*", "1.9", False),
        ("a~=1.4", "1.9", True),
        ("a~=1.4.2", "1.5", False),
        ("a>=1,<2", "1.10", True),
        ("a>1.9", "1.10", True),
        ("a<2", "2rc1", True),
        ("a>=1.0", "1.0.dev3", False),
        ("a>1.0", "1.0.post1", True),
        ("a==1.0", "1.0+local", True),
        ("a", None, False),
    ],
)
def test_bounds_are_those_of_pip(text: str, version: str | None, met: bool) -> None:
    assert requirement(text).met_by(version) is met


def test_what_only_pip_understands_has_no_name() -> None:
    assert requirement("git+https://law.example/x.git").name == ""
    assert requirement("a; python_version < '3'").name == ""
    assert requirement("My_Package[extra]>=1").name == "my-package"
