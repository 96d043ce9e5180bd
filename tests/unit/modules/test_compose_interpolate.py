"""Variables in Compose files and .env files."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.modules._compose.interpolate import BadTemplate, env_file, substitute

ENVIRON = {"A": "1", "EMPTY": "", "B": "two"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}x", "1x"),
        ("$$A", "$A"),
        ("$$$A", "$1"),
        ("${NO:-d}", "d"),
        ("${NO-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:-d}", "1"),
        ("${NO:-${B}}", "two"),
        ("${NO:-a${NO:-b}c}", "abc"),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${NO+yes}", ""),
        ("${A:?needed}", "1"),
        ("${EMPTY?needed}", ""),
        ("$NO", ""),
        ("${NO:-a:b-c}", "a:b-c"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert substitute(text, ENVIRON.get) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${NO:?set it in .env}", "required variable NO is not set: set it in .env"),
        ("${EMPTY:?}", "required variable EMPTY is empty"),
        ("${A", "no closing brace"),
        ("cost: 5$", "write '$$'"),
        ("$1", "write '$$'"),
        ("${1}", "names no variable"),
        ("${A!x}", "unexpected '!'"),
    ],
)
def test_faults_say_what_to_do(text: str, said: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        substitute(text, ENVIRON.get)
    assert said in str(caught.value)


@given(st.text(alphabet="ab${}:-x ", max_size=20))
def test_escaped_text_comes_back(text: str) -> None:
    assert substitute(text.replace("$", "$$"), {}.get) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n", {"A": "1"}),
        ("export A = 1 # c\n", {"A": "1"}),
        ("A='$B'\n", {"A": "$B"}),
        ('A="a b"\n', {"A": "a b"}),
        ('A="a\\nb"\n', {"A": "a\nb"}),
        ('A="\\$B"\n', {"A": "$B"}),
        ("A=x\nC=${A}y\n", {"A": "x", "C": "xy"}),
        ("A=a#b\n", {"A": "a#b"}),
        ("A=\nC=2\n", {"A": "", "C": "2"}),
        ("A: 1\n", {"A": "1"}),
        ("# c\n\n  A=1\n", {"A": "1"}),
        ('A="1\n2"\nC=3\n', {"A": "1\n2", "C": "3"}),
        ("OUTER\n", {"OUTER": "o"}),
        ("A=1\r\nC=2\r\n", {"A": "1", "C": "2"}),
    ],
)
def test_env_files(text: str, expected: dict[str, Optional[str]]) -> None:
    assert env_file(text, ".env", {"OUTER": "o"}) == expected


def test_a_fault_in_an_env_file_names_its_line() -> None:
    with pytest.raises(BadTemplate, match=r"\.env:2"):
        env_file("A=1\nB='x\n", ".env", {})
