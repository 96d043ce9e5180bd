"""SQL as text: literals, placeholders, arrays, statements and what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.modules import _postgres_sql as sql
from nxtplay.modules import _postgres_types as types


def test_placeholders() -> None:
    assert types.interpolate("SELECT '100%'") == "SELECT '100%'"
    assert types.interpolate("SELECT %s, '100%%'", ["it's"]) == "SELECT 'it''s', '100%'"
    assert types.interpolate("%(a)s%(a)s", named={"a": None}) == "NULLNULL"
    assert types.literal("a\\b'c") == "E'a\\\\b''c'"
    for wrong, positional, named in (("%s", [], None), ("x", [1], None), ("%(b)s", None, {"a": 1}), ("%d", [1], None)):
        with pytest.raises(types.SqlError):
            types.interpolate(wrong, positional, named)


def test_lists_are_written_so_that_they_take_any_type() -> None:
    assert types.literal([1, 2.5, None, True]) == "'{1, 2.5, NULL, t}'" and types.literal([]) == "'{}'"
    assert types.literal([["a b", "NULL"], ["it's"]]) == """'{{"a b", "NULL"}, {"it''s"}}'"""


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:00:03", "0:00:03"),
        ("1 day 02:00:00.5", "1 day, 2:00:00.500000"),
        ("1 year 2 mons -3 days -01:00:00", "421 days, 23:00:00"),
        ("P1D", "P1D"),
    ],
)
def test_intervals(text: str, span: str) -> None:
    assert types.convert(text, 1186) == span


def array_text(value: object) -> str:
    if isinstance(value, list):
        return "{" + ",".join(array_text(item) for item in value) + "}"
    return "NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


items = st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=8)
nested = items.filter(lambda value: isinstance(value, list))


@given(nested)
def test_arrays_come_back_as_they_were(value: list[object]) -> None:
    assert types.parse_array(array_text(value)) == value


@given(st.text(min_size=1).filter(lambda s: "\0" not in s), st.text(min_size=1).filter(lambda s: "\0" not in s))
def test_names_survive_quoting(schema: str, name: str) -> None:
    assert types.split_name(f"{types.identifier(schema)}.{types.identifier(name)}") == [schema, name]


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("SELECT 1", True),
        ("-- a\n/* b */ (SELECT 1)", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x;", True),
        ("SHOW work_mem", True),
        ("EXPLAIN DELETE FROM t", True),
        ("SELECT ';'; ", True),
        ("SELECT 1; DELETE FROM t", False),
        ("SELECT pg_reload_conf()", False),
        ("SELECT 'nextval(' || x FROM t", True),
        ("INSERT INTO t VALUES (1)", False),
        ("CALL p()", False),
        ("", False),
    ],
)
def test_what_may_only_look(text: str, looks: bool) -> None:
    assert sql.may_only_look(text) is looks


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("CREATE UNLOGGED TABLE t (n int); INSERT INTO t VALUES (1)", {(False, "TABLE"), (False, "DATA")}),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ BEGIN; DROP ROLE x; $$ LANGUAGE sql", {(False, "FUNCTION")}),
        ("ALTER ROLE x SET a TO 'DROP TABLE y; '", {(True, "ROLE")}),
        ("GRANT a TO b", {(False, "GRANT"), (True, "GRANT")}),
        ("DO $$ anything $$", {(False, "ANY"), (True, "ANY")}),
        ("SET x TO 1; BEGIN; COMMIT; SHOW x", set()),
    ],
)
def test_what_a_statement_may_touch(text: str, kinds: set[tuple[bool, str]]) -> None:
    assert set(sql.touches(text)) == kinds


pieces = st.sampled_from([
    "SELECT 1", "INSERT INTO t VALUES (';')", "SELECT $x$ ; $y$ ; $x$", 'SELECT ";" FROM t',
    "-- ; no\nSELECT 2", "/* ; /* ; */ ; */ SELECT 3",
    "SELECT E'\\';'", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END",
])  # fmt: skip


@given(st.lists(pieces, max_size=6), st.sampled_from([";", " ;\n", ";\n-- end\n"]))
def test_a_script_is_split_where_its_statements_end(statements: list[str], end: str) -> None:
    found = sql.split(end.join(statements))
    assert [part.rstrip("; \n").split("\n")[-1] for part in found] == [part.split("\n")[-1] for part in statements]
