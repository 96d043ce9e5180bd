"""YAML to values with places: the data equals YAML 1.1, the places are true, and every fault is located."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nxtplay.errors import PlaybookErrors
from nxtplay.playbook.model import YamlList, YamlMap
from nxtplay.playbook.source import Encrypted, Unsafe, parse, read

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.dates()
    | st.sampled_from(["yes", "0644", "1:30", "<<", "=", "null", "~", "0x1f", "2020-13-45", "{{ x }}", "a: b", "- c", "#d"])
)
structures = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=20
)


@given(structures, st.sampled_from([True, False, None]))
@settings(max_examples=150, deadline=None)
def test_structures_compose_to_the_same_data_as_yaml(value: Any, flow: bool | None) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    assert parse(text, "f.yml") == yaml.safe_load(text)


plain_words = """yes No on 0644 0o7 1:30 22:22 1_000 0x1F 0b11 1e3 1.5e+3 .inf -.INF ~ NULL 2020-01-02 2001-12-14t21:59:43.10-05:00
+12 -0 08 0_ ._ 1. .5 y n True TRUE tRUE 0.0.0.0 1.2.3""".split()


@pytest.mark.parametrize("word", plain_words)
def test_plain_words_are_resolved_as_yaml_1_1(word: str) -> None:
    expected = yaml.safe_load(f"a: {word}")["a"]
    found = parse(f"a: {word}", "f.yml")["a"]
    assert (found, type(found)) == (expected, type(expected))


def test_the_empty_integer_that_crashes_yaml_is_text() -> None:
    assert parse("a: 0b_\nb: 2020-13-45", "f.yml") == {"a": "0b_", "b": "2020-13-45"}


keys = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


@given(st.dictionaries(keys, st.text("abc: '\"#äé", min_size=1, max_size=8) | st.integers(), min_size=1))
@settings(max_examples=100, deadline=None)
def test_places_point_at_the_text_of_keys_and_values(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, width=1000)
    lines = text.split("\n")
    found = parse(text, "f.yml")
    for key in found:
        place = found.keys_at[key]
        assert yaml.safe_load(lines[place.line - 1][place.column - 1 : place.end_column - 1]) in (key, yaml.safe_load(key))
        place = found.values_at[key]
        if place.end_column:
            assert yaml.safe_load(lines[place.line - 1][place.column - 1 : place.end_column - 1]) == found[key]


def test_binary_is_the_text_that_it_encodes(tmp_path: Path) -> None:
    (tmp_path / "f.yml").write_text("a: !!binary 77u/aGk=\n")
    assert read(tmp_path / "f.yml") == {"a": "\ufeffhi"}


@given(st.binary(max_size=60) | st.text("-:?[]{}&*!|>'\"%@`#,\n\t a1<~", max_size=60).map(str.encode))
@example(b"\xef\xbb\xbfa: 1")
@example(b"\xff\xfea")
@example(b"? a\n? b")
@settings(max_examples=400, deadline=None)
def test_any_bytes_end_in_a_value_or_in_located_errors(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(raw)
    try:
        read(path)
    except PlaybookErrors as error:
        assert all(d.span is not None and d.span.line > 0 for d in error.diagnostics)


def finding(text: str) -> tuple[int, int, str, str]:
    with pytest.raises(PlaybookErrors) as caught:
        parse(text, "f.yml")
    (found,) = caught.value.diagnostics
    assert found.span is not None
    return found.span.line, found.span.column, found.message, found.hint


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("a:\n\tb: c", 2, 1, "tab", "spaces"),
        ("a:\n  b: c\n\td: e", 3, 1, "tab", "spaces"),
        ("- a\n-\tb: c\n", 2, 2, "tab", "spaces"),
        ("a: {{ x }}", 1, 4, "must be in quotes", 'a: "{{ x }}"'),
        ("a:\n  path: {{ x }}/b", 2, 9, "must be in quotes", 'path: "{{ x }}/b"'),
        ('- dest: {{ x["y"] }}', 1, 9, "must be in quotes", "dest: '{{ x[\"y\"] }}'"),
        ("a: {% if x %}b{% endif %}", 1, 4, "must be in quotes", '"{% if x %}b{% endif %}"'),
        ("a: 1\nb: 2\na: 3", 3, 1, "duplicate key 'a'", ""),
        ("a: *nme\n", 1, 4, "'*nme'", ""),
        ("name: &name [1]\na: *nam", 2, 4, "'*nam'", "did you mean 'name'"),
        ("a: &a [*a]", 1, 8, "inside", ""),
        ("a: b: c", 1, 4, "': '", '"b: c"'),
        ("a: @x", 1, 4, "'@'", '"@x"'),
        ('a: "x" foo\nb: 1', 1, 8, "after the closing quote", '"x foo"'),
        ('a: "x\nb: 1', 1, 4, "never closed", ""),
        ('a: "\\d"', 1, 5, "escape", "single quotes"),
        ("- a: 1\n b: 2", 2, 2, "indentation", ""),
        ("a: [1, 2\nb: 3", 1, 4, "bracket", ""),
        ("a: 1\n---\nb: 2", 2, 1, "second document", ""),
        ("{a: b}: c", 1, 1, "cannot be a key", ""),
        ("a: !foo b", 1, 4, "!foo", "!vault"),
        ("a: !!python/object/apply:os.system [id]", 1, 4, "python", "never"),
        ("a: !!int b", 1, 4, "not a int", ""),
        ("a: !vault b", 1, 4, "!vault", ""),
        ("a: b\x00c", 1, 5, "U+0000", ""),
        ("<<: 3\na: 1", 1, 5, "'<<'", ""),
    ],
)
def test_faults_say_what_where_and_what_to_type(text: str, line: int, column: int, message: str, hint: str) -> None:
    found = finding(text)
    assert found[:2] == (line, column)
    assert message in found[2]
    assert hint in found[3]


def doubling(first: str, line: str, repeated: int, count: int) -> str:
    """A first anchor `a` and lines `k0`, `k1`, ... each of which names the one above `repeated` times (at ALL in `line`)."""
    above = ["a", *(f"k{i}" for i in range(count))]
    return first + "".join(line.replace("KEY", f"k{i}").replace("ALL", ",".join(["*" + above[i]] * repeated)) for i in range(count))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 20_000,
        "- " * 50_000,
        "? " * 50_000,
        doubling("a: &a [1,1,1,1,1,1,1,1,1]\n", "KEY: &KEY [ALL]\n", 9, 30),
        doubling("a: &a {x: 1}\n", "KEY: &KEY {<<: [ALL], KEY_: 1}\n", 20, 9) + "[",
    ],
    ids=["brackets", "braces", "dashes", "question marks", "aliases", "merges"],
)
def test_hostile_files_are_refused_within_a_second(text: str) -> None:
    started = time.process_time()
    finding(text)
    assert time.process_time() - started < 1


def test_ten_thousand_tasks_are_read_in_a_few_seconds() -> None:
    task = '- name: task {}\n  copy:\n    src: a{}\n    dest: "/tmp/{{{{ x }}}}"\n    mode: "0644"\n  when: foo\n  tags: [a, b]\n'
    started = time.process_time()
    assert len(parse("".join(task.format(i, i) for i in range(10_000)), "f.yml")) == 10_000
    assert time.process_time() - started < 4


def test_nothing_and_only_comments_are_none() -> None:
    assert [parse(text, "f") for text in ("", "# x\n", "---\n", "\ufeff", "---\n...\n")] == [None] * 5


def test_merge_keys_own_first_then_the_first_of_the_list() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  y: 3\n"
    found = parse(text, "f.yml")["c"]
    assert found == yaml.safe_load(text)["c"] == {"x": 1, "y": 3, "z": 2}
    assert found.keys_at["z"].line == 2
    assert found.values_at["y"].line == 5


def test_tags_mark_text() -> None:
    found = parse('a: !unsafe "{{ x }}"\nb: !unsafe {c: [d, 1]}\ne: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nf: "{{ x }}"\n', "f.yml")
    assert type(found["a"]) is Unsafe
    assert type(found["b"]["c"][0]) is Unsafe
    assert found["b"]["c"][1] == 1
    assert type(found["e"]) is Encrypted
    assert found["e"].splitlines()[0] == "$ANSIBLE_VAULT;1.1;AES256"
    assert type(found["f"]) is str


def test_kinds_and_places_of_collections() -> None:
    found = parse("- a:\n    b: 1\n- [x]\n", "f.yml")
    assert type(found) is YamlList
    assert type(found[0]) is YamlMap
    assert [place.line for place in found.items_at] == [1, 3]
    assert (found[0]["a"].span.line, found[0]["a"].span.column) == (2, 5)


def test_files_that_cannot_be_read(tmp_path: Any) -> None:
    (tmp_path / "latin.yml").write_bytes("a: 1\nb: é\n".encode("latin-1"))
    (tmp_path / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n61\n")
    for name, words in [("none.yml", "no such file"), ("latin.yml", "0xe9"), ("", "directory"), ("vault.yml", "encrypted")]:
        with pytest.raises(PlaybookErrors, match=words):
            read(tmp_path / name)
    with pytest.raises(PlaybookErrors) as caught:
        read(tmp_path / "latin.yml")
    assert caught.value.diagnostics[0].span[1:3] == (2, 4)  # type: ignore[index]
    assert read(tmp_path / "vault.yml", decrypt=lambda text, path: "a: 1") == {"a": 1}


def test_the_fallback_parser_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'two', \"{{ three }}\"]\nb: {c: *x}\nd: |\n  text\n"
    expected = parse(text, "f.yml")
    monkeypatch.delattr(yaml, "CSafeLoader")
    found = parse(text, "f.yml")
    assert found == expected
    assert found.values_at == expected.values_at
