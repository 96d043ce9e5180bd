"""Text for terminals."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.report import text as t


@given(st.text())
def test_nothing_moves_the_cursor_but_line_ends(text: str) -> None:
    cleaned = t.clean(text)
    assert all(c == "\n" or c.isprintable() or ord(c) > 0x9F for c in cleaned)
    assert t.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("10%\r20%\r30%", "30%"),
        ("10%\r20%\r\nnext\r\n", "20%\nnext\n"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\x", "x"),
        ("a\tb", "a    b"),
        ("a\ud800b", "ab"),
    ],
)
def test_escapes_are_gone(text: str, shown: str) -> None:
    assert t.clean(text) == shown


@given(st.text(), st.integers(0, 80))
def test_fit_fits(text: str, columns: int) -> None:
    fitted = t.fit(text, columns)
    assert t.width(fitted) <= columns
    if t.width(text) <= columns:
        assert fitted == text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.4, "59s"), (59.6, "1m00s"), (125, "2m05s"), (3725, "1h02m")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert t.duration(seconds) == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "environ", "colours", "live"),
    [
        (True, {"TERM": "xterm"}, True, True),
        (False, {"TERM": "xterm"}, False, False),
        (True, {"TERM": "dumb"}, False, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        (False, {"FORCE_COLOR": "1"}, True, False),
        (False, {"FORCE_COLOR": "0"}, False, False),
        (True, {"TERM": "xterm", "CI": "true"}, True, False),
    ],
)
def test_where_there_are_colours(terminal: bool, environ: dict[str, str], colours: bool, live: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert t.wants_colours(stream, environ) is colours
    assert t.is_live(stream, environ) is live


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": 1, "b": [True, None]}, ["a: 1", "b:", "  - true", "  - null"]),
        ({"out": "x\ny\n"}, ["out: |", "  x", "  y"]),
        ([{"a": 1, "b": 2}], ["- a: 1", "  b: 2"]),
        ({}, ["{}"]),
        ({"e": {}, "s": ""}, ["e: {}", 's: ""']),
        ("text", ["text"]),
    ],
)
def test_outline(value: Any, lines: list[str]) -> None:
    assert list(t.outline(value)) == lines
