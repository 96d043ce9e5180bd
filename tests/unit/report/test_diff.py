"""What changed, told in words and in lines."""

import difflib

from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.files import Content, FileState
from nxtplay.core.state import UNKNOWN, Change, Secret, diff
from nxtplay.report.diff import summary, unified

ONE = FileState("file", 0o644, 0, 0, Content.of(b"a\nb\nc\n"))
TWO = FileState("file", 0o600, 0, 0, Content.of(b"a\nB\nc\nd\n"))


def test_attributes_and_contents_in_words() -> None:
    assert summary(diff(ONE, TWO)) == "mode 0644 → 0600, content +2 -1"
    assert summary(diff(None, TWO)) == "created"
    assert summary(diff(ONE, None)) == "removed"
    assert summary([Change(("image",), "a:1", UNKNOWN)]) == "image (known after the run)"
    assert summary([Change(("owner",), None, "app")]) == "owner (none) → app"


def test_a_secret_is_not_in_the_words() -> None:
    changes = [Change(("password",), Secret("old-one-1"), Secret("new-one-2")), Change(("env", "KEY"), None, Secret("new-one-2"))]
    assert summary(changes) == "password, env.KEY (none) → ********"
    assert not any("one" in line for line in unified(changes))


def test_contents_as_a_unified_diff() -> None:
    assert list(unified(diff(ONE, TWO), "/etc/x")) == [
        "- mode: 0644",
        "+ mode: 0600",
        "--- before /etc/x (content)",
        "+++ after /etc/x (content)",
        "@@ -1,3 +1,4 @@",
        " a",
        "-b",
        "+B",
        " c",
        "+d",
    ]


def test_a_new_file_shows_all_of_it() -> None:
    lines = list(unified(diff(None, TWO)))
    assert "+ mode: 0600" in lines
    assert lines[-4:] == ["+a", "+B", "+c", "+d"]
    assert "--- (absent)" in lines


def test_binary_is_told_by_its_size() -> None:
    changes = diff(ONE, FileState("file", 0o644, 0, 0, Content.of(b"\0\1\2")))
    lines = list(unified(changes))
    assert any("(3 bytes, sha256 " in line for line in lines)


def test_lists_and_mappings_are_outlined() -> None:
    assert list(unified([Change(("ports",), ["80"], ["80", "443"])])) == ["- ports:", "-   - 80", "+ ports:", "+   - 80", "+   - 443"]


def test_a_missing_line_end_is_told() -> None:
    lines = list(unified([Change(("content",), "a\nb", "a\nb\n")]))
    assert lines == ["\\ no line end at the end of the old text"]


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_the_lines_lead_from_before_to_after(before: list[str], after: list[str]) -> None:
    old, new = "".join(f"{x}\n" for x in before), "".join(f"{x}\n" for x in after)
    if old == new or "\n" not in old + new:
        return
    lines = list(unified([Change(("content",), old, new)]))
    assert lines == list(difflib.unified_diff(before, after, "before content", "after content", lineterm=""))
    changed = [line[0] for line in lines[2:] if line[0] in "+-"]
    assert summary([Change(("content",), old, new)]) == f"content +{changed.count('+')} -{changed.count('-')}"
