"""The reference says what validation accepts."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nxtplay import reference
from nxtplay.cli import app
from nxtplay.modules import registry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return reference.playbook_schema()


@pytest.mark.parametrize("name", sorted(registry.names()))
def test_every_module_has_a_page_with_all_its_arguments(name: str) -> None:
    text, page = reference.text(name), reference.page(name)
    for spec in registry.load(name).specs().values():
        assert f"  {spec.name}: " in text
        assert f"`{spec.name}`" in page
        for alias in spec.aliases:
            assert alias in text


def test_pages_are_not_stale() -> None:
    folder = ROOT / "docs" / "modules"
    if not folder.is_dir():
        pytest.skip("docs/modules has not been written yet")
    assert reference.stale(str(folder)) == [], "run: nxtplay doc --write docs/modules"


def test_stale_pages_are_found(tmp_path: Path) -> None:
    assert set(reference.write(str(tmp_path))) == set(reference.pages())
    assert reference.write(str(tmp_path)) == []
    (tmp_path / "ping.md").write_text("old")
    (tmp_path / "gone.md").write_text("a module that is no more")
    assert reference.stale(str(tmp_path)) == ["gone.md", "ping.md"]
    assert reference.write(str(tmp_path)) == ["gone.md", "ping.md"]
    assert reference.stale(str(tmp_path)) == []


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator.check_schema(reference.tasks_schema())
    json.dumps(schema)


GOOD: Any = [
    {
        "hosts": "all",
        "become": "{{ wanted }}",
        "roles": ["base", {"role": "web", "port": 80, "tags": "x"}],
        "tasks": [
            {"name": "a", "copy": {"dest": "/x", "content": "{{ text }}", "mode": "0644"}, "notify": "again", "when": ["a", "b"]},
            {"ansible.builtin.shell": "echo hi", "register": "out", "changed_when": False},
            {"block": [{"ping": None}], "rescue": [{"debug": {"msg": "no"}}], "always": []},
            {"ping": {}, "with_items": [1, 2], "loop_control": {"label": "{{ item }}"}},
        ],
        "handlers": [{"name": "again", "ping": None, "listen": "topic"}],
    },
    {"import_playbook": "other.yml", "when": "x"},
]


def test_a_playbook_fits(schema: dict[str, Any]) -> None:
    jsonschema.validate(GOOD, schema, jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    "task",
    [
        {"copy": {"dset": "/x"}},
        {"copy": {"dest": "/x"}, "notifi": "x"},
        {"ansible.builtin.cpy": {}},
        {"ansible.builtin.copy": {"dset": "/x"}},
        {"ping": None, "register": "not a name"},
        {"ping": None, "loop_control": {"lable": "x"}},
        {"block": [{"pign": None}]},
        {"ping": None, "listen": "x"},
    ],
)
def test_a_typo_does_not(schema: dict[str, Any], task: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{"hosts": "all", "tasks": [task]}], schema, jsonschema.Draft7Validator)


@pytest.mark.parametrize("word", sorted(registry.ENGINE_WORDS))
def test_words_of_the_language_have_a_page(word: str) -> None:
    page = reference.text(word, 80)
    assert page.startswith(f"{word} (word of the language)\n\n")
    assert page.count("\n") >= 3
    assert max(map(len, page.split("\n"))) <= 80


def test_names_that_templates_may_use_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for kind, names in {"filters": {"combine", "regex_replace"}, "tests": {"version", "subset"}, "lookups": {"env", "first_found"}}.items():
        app.main(["doc", kind])
        assert names <= set(capsys.readouterr().out.replace(",", "").split())
