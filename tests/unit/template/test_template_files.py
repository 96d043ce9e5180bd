"""Template files and lookups."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.state import Secret, Unknown
from nxtplay.errors import TemplateError
from nxtplay.template import Templates
from nxtplay.template.files import TemplateOptions

Write = Callable[[str, str], str]


@pytest.fixture
def at(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


class TestFiles:
    scope: dict[str, Any] = {"a": "A", "l": [1, "{{ a }}"], "n": None, "t": True, "d": {"k": 1}}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("plain\n", "plain\n"),
            ("{{ a }}\n\n", "A\n\n"),
            ("{% if t %}\nyes\n{% endif %}\nend\n", "yes\nend\n"),
            ("{% for i in l %}\n- {{ i }}\n{% endfor %}\n", "- 1\n- A\n"),
            ("{{ n }}|{{ l }}\n", "|[1, 'A']\n"),
            ("#jinja2: lstrip_blocks: True\n  {% if t %}\n  yes\n  {% endif %}\n", "  yes\n"),
            ("#jinja2:variable_start_string:'[[', variable_end_string:']]'\n[[ a ]] {{ a }}\n", "A {{ a }}\n"),
            ("{{ '\\n' | length }}", "1"),
            ("{{ ansible_managed }}", "Ansible managed"),
        ],
    )
    def test_text(self, text: str, expected: str) -> None:
        assert Templates().render_file(text, self.scope, file="t.j2") == expected

    def test_options(self) -> None:
        text = "{% if t %}\nyes\n{% endif %}\n"
        assert Templates().render_file(text, self.scope, file="t.j2", options=TemplateOptions(trim_blocks=False)) == "\nyes\n"
        assert Templates().render_file(text, self.scope, file="t.j2", options=TemplateOptions(newline_sequence="\\r\\n")) == "yes\r\n"

    def test_includes_and_imports(self, at: Write, tmp_path: Path) -> None:
        at("inc.j2", "inc {{ a }} {{ local | default('-') }}\n")
        at("base.j2", "<{% block b %}base{% endblock %}>")
        at("sub/mac.j2", "{% macro m(x) %}[{{ x }}{{ a | default('?') }}]{% endmacro %}")
        templates = Templates()

        def render(text: str) -> Any:
            return templates.render_file(text, self.scope, file=str(tmp_path / "t.j2"), search=[str(tmp_path / "sub")])

        assert render("{% set local = 5 %}{% include 'inc.j2' %}") == "inc A 5"
        assert render("{% for local in l %}{% include 'inc.j2' %};{% endfor %}") == "inc A 1;inc A A;"
        assert render("{% extends 'base.j2' %}{% block b %}{{ super() }}{{ a }}{% endblock %}") == "<baseA>"
        assert render("{% from 'mac.j2' import m %}{{ m(1) }}") == "[1?]"
        assert render("{% from 'mac.j2' import m with context %}{{ m(1) }}") == "[1A]"
        assert render('#jinja2: line_statement_prefix: "%%"\n%% for i in [1, 2]\n{{ i }}\n%% endfor\n') == "1\n2\n"
        at("sub/ask.j2", "{% macro m() %}{{ lookup('items', 1) }}{{ query('items', 2) }}{% endmacro %}")
        assert render("{% from 'ask.j2' import m %}{{ m() }}") == "1[2]"

    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ("x\ny {{ d.kk }}\n", 2, "`d` has no attribute 'kk'; keys: k"),
            ("#jinja2: trim_blocks: True\nx\n{{ aa }}", 3, "did you mean 'a'"),
            ("\n{% for i in l %}\n{{ i | nofilter }}{% endfor %}", 3, "no filter named 'nofilter'"),
            ("\n{{ l | sum }}", 2, "the filter 'sum' failed"),
            ("{% include 'gone.j2' %}", 1, "no template 'gone.j2'"),
            ("\n\n{% endif %}", 3, "endif"),
            ("#jinja2: trim_block: True\n", 1, "is no option"),
        ],
    )
    def test_faults_have_a_line(self, text: str, line: int, message: str) -> None:
        with pytest.raises(TemplateError) as caught:
            Templates().render_file(text, self.scope, file="conf.j2")
        span = caught.value.diagnostics[0].span
        assert span is not None
        assert (span.file, span.line) == ("conf.j2", line)
        assert message in str(caught.value)

    def test_faults_in_included_files_name_them(self, at: Write, tmp_path: Path) -> None:
        inner = at("inc.j2", "\n{{ nowhere }}")
        with pytest.raises(TemplateError) as caught:
            Templates().render_file("{% include 'inc.j2' %}", {}, file=str(tmp_path / "t.j2"))
        span = caught.value.diagnostics[0].span
        assert span is not None
        assert (span.file, span.line) == (inner, 2)

    def test_unknown(self) -> None:
        unknown = Unknown("later")
        assert Templates().render_file("x {{ u }}", {"u": unknown}, file="t.j2") is unknown


class TestLookups:
    def ask(self, text: str, **scope: Any) -> Any:
        return Templates(environ={"HOME": "/home/me"}, match_hosts=lambda p: ["h1", p]).evaluate(text, scope)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("lookup('env', 'HOME', foo=1)", "/home/me"),
            ("lookup('env', 'NONE', default='z')", "z"),
            ("lookup('items', [1, [2, [3]]], 4)", [1, [2, [3]], 4]),
            ("query('dict', {'a': 1})", [{"key": "a", "value": 1}]),
            ("query('nested', [1, 2], ['a'])", [[1, "a"], [2, "a"]]),
            ("query('together', [1, 2], ['a'])", [[1, "a"], [2, None]]),
            ("query('together', [1, [2, [3]]], [[4, 5]])", [[1, 4, 5], [2, [3], None]]),
            ("query('subelements', [{'n': 1, 'k': [1, 2]}], 'k')", [[{"n": 1}, 1], [{"n": 1}, 2]]),
            ("query('sequence', 'start=4 end=8 stride=2 format=w%02d')", ["w04", "w06", "w08"]),
            ("query('sequence', '2-6/2')", ["2", "4", "6"]),
            ("query('sequence', 'count=2 start=5', stride=-1)", ["5", "4", "3", "2"]),
            ("query('sequence', '2:host%02d')", ["host01", "host02"]),
            ("lookup('sequence', 'count=3')", "1,2,3"),
            ("query('sequence', 'count=0')", []),
            ("query('sequence')", []),
            ("query('vars', 'v1', 'v2')", [1, 1]),
            ("query('varnames', '^v')", ["v1", "v2"]),
            ("query('inventory_hostnames', 'web')", ["h1", "web"]),
            ("lookup('pipe', 'echo hi')", "hi"),
            ("query('lines', 'echo a; echo b')", ["a", "b"]),
            ("lookup('file', '/nowhere', errors='ignore')", None),
            ("lookup('env', nowhere) | default('x')", "x"),
            ("query('indexed_items', ['a'])", [[0, "a"]]),
        ],
    )
    def test_results(self, text: str, expected: object) -> None:
        assert self.ask(text, v1=1, v2="{{ v1 }}") == expected

    def test_files_are_searched_like_those_of_roles(self, at: Write, tmp_path: Path) -> None:
        role = at("role/files/f.txt", "of the role\n")
        at("f.txt", "of the playbook\n")
        at("g.txt", "only the playbook's\n")
        scope = {"ansible_search_path": [str(tmp_path / "role"), str(tmp_path)], "playbook_dir": str(tmp_path)}
        assert self.ask("lookup('file', 'f.txt')", **scope) == "of the role"
        assert self.ask("lookup('file', 'g.txt', rstrip=false)", **scope) == "only the playbook's\n"
        assert self.ask("lookup('first_found', ['none', 'f.txt'])", **scope) == role
        assert self.ask("query('first_found', ['none'], skip=true)", **scope) == []
        assert self.ask("query('fileglob', '*.txt')", **scope) == [role]
        several = ["{{ nobody }}/x", {"files": ["{{ nobody }}"]}, {"files": ["{{ nobody }}", "f.txt"]}]
        assert Templates().loop_items("first_found", several, scope) == [role]
        vars_ = at("role/vars/f.txt", "")
        assert Templates().loop_items("first_found", "f.txt", scope, module="include_vars") == [vars_]
        assert self.ask("query('first_found', files='n.txt,f.txt', paths=paths)", **scope, paths=f"/none:{tmp_path}/role/vars") == [vars_]
        values = {"{{ [1, n] }}\n": [1, 5], "{{ n }}": 5, "{# nothing #}\n": None, "{{ n }}{{ n }}\n": "55\n", "t\n": "t\n"}
        for content, value in values.items():
            at("role/templates/one.j2", content)
            assert self.ask("query('template', 'one.j2')", **scope, n=5) == [value]
        with pytest.raises(TemplateError, match=r"searched: .*role/files/none"):
            self.ask("lookup('file', 'none')", **scope)

    def test_tables(self, at: Write, tmp_path: Path) -> None:
        ini, table = at("x.ini", "[a]\nuser=joe\nuid=3\n"), at("x.csv", "k,v\njoe,5\n")
        assert self.ask(f"lookup('ini', 'user section=a file={ini}')") == "joe"
        assert self.ask(f"query('ini', '^u.*', section='a', file='{ini}', re=true)") == ["joe", "3"]
        assert self.ask(f"lookup('ini', 'none section=a default=d file={ini}')") == "d"
        assert self.ask(f"lookup('csvfile', 'joe file={table} delimiter=,')") == "5"
        bare, quoted = at("y.ini", "[a]\nalone\nuser=joe\n"), at("y.csv", '"""The Rock"" J",Dwayne\n')
        assert self.ask(f"query('ini', 'alone', 'user', section='a', file='{bare}', allow_none=true)") == ["joe"]
        assert self.ask(f"lookup('csvfile', '\"The Rock\" J file=\"{quoted}\" delimiter=,')") == "Dwayne"

    def test_template(self, at: Write) -> None:
        path = at("t.j2", "v={{ a }}\n")
        assert self.ask(f"lookup('template', '{path}')", a="x") == "v=x\n"
        assert self.ask(f"lookup('template', '{path}', template_vars={{'a': 'y'}})", a="x") == "v=y\n"

    def test_faults(self) -> None:
        for text, message in (
            ("lookup('fil', 'x')", "did you mean 'file'"),
            ("lookup('vars', 'nope')", "'nope' is undefined"),
            ("lookup('pipe', 'echo bad >&2; exit 3')", "ended with 3: bad"),
            ("query('sequence', 'start=9 end=1')", "cannot go from 9 to 1"),
        ):
            with pytest.raises(TemplateError, match=message):
                self.ask(text)

    def test_with_loops(self) -> None:
        templates = Templates()
        assert templates.loop_items("items", "{{ l }}", {"l": [1, [2, 3]]}) == [1, 2, 3]
        assert templates.loop_items("items", "one", {}) == ["one"]
        assert templates.loop_items("dict", {"a": "{{ v }}"}, {"v": 2}) == [{"key": "a", "value": 2}]
        assert templates.loop_items("sequence", "count=2", {}) == ["1", "2"]
        unknown = Unknown("later")
        assert templates.loop_items("items", "{{ u }}", {"u": unknown}) is unknown


class TestPasswords:
    def test_are_made_once_and_kept(self, tmp_path: Path) -> None:
        told: list[str] = []
        templates = Templates(on_secret=told.append)
        expression = "lookup('password', 'creds/db length=30 chars=ascii_letters,digits')"
        scope = {"playbook_dir": str(tmp_path)}
        first = templates.evaluate(expression, scope)
        assert isinstance(first, Secret)
        assert len(first) == 30
        assert first.isalnum()
        assert Templates().evaluate(expression, scope) == first == told[0]
        kept = tmp_path / "creds/db"
        assert kept.read_text() == f"{first}\n"
        assert os.stat(kept).st_mode & 0o777 == 0o600

    def test_a_check_makes_none(self, tmp_path: Path) -> None:
        templates = Templates(may_write=False)
        path = tmp_path / "pw"
        assert isinstance(templates.evaluate(f"lookup('password', '{path}')", {}), Unknown)
        assert not path.exists()
        path.write_text("kept\n")
        assert templates.evaluate(f"lookup('password', '{path}')", {}) == "kept"

    def test_hashes_keep_their_salt(self, tmp_path: Path) -> None:
        expression = f"lookup('password', '{tmp_path}/pw encrypt=sha256_crypt')"
        first = Templates().evaluate(expression, {})
        assert first.startswith("$5$")
        assert Templates().evaluate(expression, {}) == first

    def test_seeds_and_dev_null(self) -> None:
        templates = Templates()
        assert templates.evaluate("lookup('password', '/dev/null length=8 seed=x')", {}) == "O9iX65Wv"
        assert templates.evaluate("lookup('password', '/dev/null')", {}) != templates.evaluate("lookup('password', '/dev/null')", {})
