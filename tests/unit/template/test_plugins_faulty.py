"""Plugins that cannot be loaded, and an INI file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxtplay.errors import TemplateError
from nxtplay.template import plugins
from nxtplay.template.render import Templates


def test_a_plugin_that_cannot_be_loaded_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "filter_plugins"
    folder.mkdir()
    (folder / "a_broken.py").write_text("def x():\n    pass\n\nraise TypeError('not today')\n")
    (folder / "b_good.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'shout_for_the_test': lambda text: text.upper() + '!'}\n"
    )
    (warning,) = plugins.load([str(tmp_path)])
    assert warning.severity == "warning"
    assert warning.message == "this filter plugin cannot be loaded: TypeError: not today"
    assert warning.span is not None and (warning.span.file, warning.span.line) == (str(folder / "a_broken.py"), 4)
    assert Templates().render("{{ 'x' | shout_for_the_test }}", {}) == "X!"


def test_folders_of_plugins_that_are_not_read(tmp_path: Path) -> None:
    for name in ("callback_plugins/tell.py", "become_plugins/do.py", "become_plugins/__init__.py", "strategy_plugins/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    told = plugins.load([str(tmp_path)])
    assert [one.message.rpartition(": ")[2] for one in told] == ["do.py", "tell.py"]
    assert {one.severity for one in told} == {"warning"}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("[a]\nx=1\nx=2\n", "section='a'", "already exists"),
        ("x=1\n", "section='a'", "contains no section headers"),
        ("[a]\nx=1\n", "section='b'", "no section 'b'"),
    ],
)
def test_an_ini_file_that_does_not_hold_what_is_asked(text: str, options: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "some.ini"
    path.write_text(text)
    with pytest.raises(TemplateError, match=message):
        Templates().render("{{ lookup('ini', 'x', file='" + str(path) + "', " + options + ") }}", {})


def test_an_ini_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "some.ini"
    path.write_bytes("[a]\nx=été\n".encode("latin-1"))
    assert Templates().render("{{ lookup('ini', 'x', section='a', encoding='latin-1', file='" + str(path) + "') }}", {}) == "été"
