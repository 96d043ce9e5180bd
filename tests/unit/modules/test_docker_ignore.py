"""Which files .dockerignore leaves out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.modules._docker_ignore import is_ignored, may_skip, parse


@pytest.mark.parametrize(
    ("text", "path", "ignored"),
    [
        ("node_modules", "node_modules/a/b.js", True),
        ("node_modules", "web/node_modules/a.js", False),
        ("**/node_modules", "web/node_modules/a.js", True),
        ("/dist", "dist", True),
        ("./dist/", "dist/x", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "docs/README.md", True),
        ("*.md\n!README.md", "README.md", False),
        ("!README.md\n*.md", "README.md", True),
        ("docs\n!docs/keep.md", "docs/keep.md", False),
        ("docs\n!docs/keep.md", "docs/drop.md", True),
        ("# *.py\n", "a.py", False),
        ("  # not a comment", "# not a comment", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("a/**", "a/b/c", True),
        ("a/**/z", "a/z", True),
        ("a/../b", "b", True),
        ("*", ".git/config", True),
        ("*\n!src", "src/a.ts", False),
        ("*\n!src\nsrc/*.log", "src/a.log", True),
    ],
)
def test_patterns(text: str, path: str, ignored: bool) -> None:
    assert is_ignored(parse(text), path) is ignored


def test_an_exclamation_mark_alone_is_an_error_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse("a\n!\n")


NAMES = st.sampled_from(["a", "b", "src", "x.md"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.lists(st.sampled_from(["a", "b", "src", "*", "**", "x.*"]), min_size=1, max_size=3)
PATTERNS = st.lists(st.tuples(st.sampled_from(["", "!"]), PARTS))


@given(PATTERNS, PATHS, NAMES)
def test_a_folder_that_is_skipped_holds_nothing_that_counts(patterns: list[tuple[str, list[str]]], folder: str, name: str) -> None:
    rules = parse("\n".join(mark + "/".join(parts) for mark, parts in patterns))
    if is_ignored(rules, folder) and may_skip(rules, folder):
        assert is_ignored(rules, f"{folder}/{name}")
