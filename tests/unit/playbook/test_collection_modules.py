"""What of an installed collection can be run, and what is told of the rest before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxtplay.errors import PlaybookErrors
from nxtplay.playbook import collections
from nxtplay.playbook.load import load

HEAD = "from ansible.module_utils.basic import AnsibleModule\n"
UTILS = "from ansible_collections.a.b.plugins.module_utils"


def plant(root: Path, **files: str) -> list[str]:
    """A collection a.b with these modules (`x`) and utilities (`_x`)."""
    for name, text in files.items():
        folder = root / "ansible_collections/a/b/plugins" / ("module_utils" if name.startswith("_") else "modules")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name.lstrip('_')}.py").write_text(text)
    return [str(root)]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (HEAD, ()),
        ("from ansible.module_utils.basic import AnsibleModule, no_such\n", ("ansible.module_utils.basic.no_such",)),
        ("from ansible.module_utils.connection import exec_command\n", ("ansible.module_utils.connection",)),
        ("import ansible.module_utils.connection\n", ("ansible.module_utils.connection",)),
        ("try:\n    from ansible.module_utils.connection import exec_command\nexcept ImportError:\n    pass\n", ()),
        ("from ansible.module_utils.six.moves.urllib.parse import quote\nfrom ansible.module_utils.common import process\n", ()),
        (f"{UTILS}.used import x\n", ()),
        (f"{UTILS} import used\n", ()),
        (f"{UTILS}.lacking import x\n", ("ansible.module_utils.connection",)),
        (f"{UTILS}.nowhere import x\n", ("ansible_collections.a.b.plugins.module_utils.nowhere",)),
        ("def main(:\n", ()),  # what the host's Python says of it is told when it runs
    ],
)
def test_what_a_module_lacks(tmp_path: Path, text: str, missing: tuple[str, ...]) -> None:
    relative = "from ..module_utils.urls_of import y\n"
    roots = plant(tmp_path, m=text, _used=HEAD, _lacking=relative, _urls_of="import ansible.module_utils.connection\n")
    found = collections.module("a.b.m", roots)
    assert found is not None
    assert found.missing == missing


def test_imports_come_with_their_packages(tmp_path: Path) -> None:
    roots = plant(tmp_path, m=f"{UTILS}.one import x\n", _one="from . import two\nfrom .two import z\n", _two="")
    found = collections.module("a.b.m", roots)
    assert found is not None
    below = "ansible_collections/a/b/plugins/module_utils"
    assert {name for name in found.imports if not name.endswith("__init__.py")} == {f"{below}/one.py", f"{below}/two.py"}
    packages = [f"{'/'.join(below.split('/')[:at])}/__init__.py" for at in range(1, 6)]
    assert {name: source for name, source in found.imports.items() if name.endswith("__init__.py")} == dict.fromkeys(packages, "")


def test_an_action_of_a_collection_is_there_beside_its_module(tmp_path: Path) -> None:
    roots = plant(tmp_path, m=HEAD)
    (tmp_path / "ansible_collections/a/b/plugins/action").mkdir()
    for name in ("m", "alone"):
        (tmp_path / f"ansible_collections/a/b/plugins/action/{name}.py").touch()
    assert collections.module("a.b.m", roots) is not None
    assert collections.action("a.b.m", roots) == str(tmp_path / "ansible_collections/a/b/plugins/action/m.py")
    assert (collections.action("a.b.alone", roots) is None, collections.module("a.b.alone", roots)) == (False, None)
    assert collections.action("a.b.other", roots) is None
    assert collections.module("a.b.other", roots) is None
    assert collections.module("m", roots) is None


def test_what_cannot_be_run_is_an_error_of_the_playbook(tmp_path: Path) -> None:
    plant(tmp_path / "collections", good=HEAD, bad="import ansible.module_utils.connection\n")
    play = tmp_path / "site.yml"
    play.write_text("- hosts: all\n  tasks:\n    - a.b.good: {x: 1}\n    - a.b.bad: {x: 1}\n")
    with pytest.raises(PlaybookErrors) as raised:
        load(str(play))
    (found,) = raised.value.diagnostics
    assert found.span is not None and found.span.line == 4
    assert "a.b.bad" in found.message or "bad" in found.message
    assert "ansible.module_utils.connection" in found.hint


def test_what_a_collection_says_is_gone_is_an_error_with_its_reason(tmp_path: Path) -> None:
    plant(tmp_path / "collections", good=HEAD)
    meta = tmp_path / "collections/ansible_collections/a/b/meta"
    meta.mkdir()
    (meta / "runtime.yml").write_text(
        "plugin_routing:\n  modules:\n    gone: {tombstone: {removal_version: 2.0.0, warning_text: Use a.b.good.}}\n"
        "    led: {redirect: a.b.gone}\n    circle: {redirect: a.b.circle}\n"
        "    old: {deprecation: {removal_version: 9.0.0, warning_text: Say good.}, redirect: a.b.good}\n"
    )
    play = tmp_path / "site.yml"
    play.write_text("- hosts: all\n  tasks:\n    - a.b.gone: {x: 1}\n    - a.b.led: {x: 1}\n      when: false\n    - a.b.old: {x: 1}\n")
    with pytest.raises(PlaybookErrors) as raised:
        load(str(play))
    told = [(one.severity, one.span.line if one.span else 0, one.message) for one in raised.value.diagnostics]
    assert told == [
        ("error", 3, "module 'a.b.gone' has been removed in 2.0.0: Use a.b.good."),
        ("error", 4, "module 'a.b.gone' has been removed in 2.0.0: Use a.b.good."),
        ("warning", 6, "module 'a.b.old' is deprecated and will go in 9.0.0: Say good."),
    ]
    play.write_text("- hosts: all\n  tasks:\n    - a.b.circle: {x: 1}\n      when: false\n")
    assert load(str(play)).warnings
