"""Plugins of an installed collection, by their full names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SHARED = "def doubled(text):\n    return text * 2\n"
FILTER = """
from ansible.errors import AnsibleFilterError
from ansible_collections.our.tools.plugins.plugin_utils.shared import doubled


class FilterModule:
    def filters(self):
        return {"twice": doubled, "combine": lambda *_: "never asked by its short name"}
"""
LOOKUP = """
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.compat.version import LooseVersion
from ansible.module_utils.six.moves.urllib.parse import quote
from ansible.plugins.lookup import LookupBase
from ..plugin_utils.shared import doubled


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **options):
        assert doubled(quote("a b")) == "a%20ba%20b" and check_type_dict("a=1") == {"a": "1"} and LooseVersion("1.10") > LooseVersion("1.9")
        places = [self._loader.path_dwim_relative("/nowhere", "files", term) for term in terms]
        return [place.removeprefix("/nowhere/files/").upper() for place in places]
"""
BROKEN = "raise RuntimeError('of no concern to the others')\n"
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - debug:
        msg: "{{ 'ab' | our.tools.twice }} {{ lookup('our.tools.loud', 'x') }} {{ {'a': 1} | combine({'b': 2}) }}"
    - debug:
        msg: "{{ 'ab' | our.tools.%s }}"
"""


def play(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    plugins = folder / "collections/ansible_collections/our/tools/plugins"
    for path, text in (
        ("plugin_utils/shared.py", SHARED),
        ("filter/_all.py", FILTER),
        ("filter/broken.py", BROKEN),
        ("lookup/loud.py", LOOKUP),
    ):
        (plugins / path).parent.mkdir(parents=True, exist_ok=True)
        (plugins / path).write_text(text)
    (folder / "site.yml").write_text(PLAYBOOK % name)
    return subprocess.run([sys.executable, "-m", "nxtplay", str(folder / "site.yml")], capture_output=True, text=True, check=False)


def test_filters_and_lookups_by_their_full_names(tmp_path: Path) -> None:
    done = play(tmp_path, "twice")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "abab X" in done.stdout and "'b': 2" in done.stdout


def test_one_that_is_not_there_is_found_before_the_run(tmp_path: Path) -> None:
    done = play(tmp_path, "thrice")
    assert done.returncode == 4
    assert "there is no filter named 'our.tools.thrice'" in done.stderr + done.stdout


ABOUT = '''
from ansible.plugins import AnsiblePlugin
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
extends_documentation_fragment: [our.tools.server, our.tools.server.plugins]
options:
  own: {type: int, default: "3"}
"""


class Settings(AnsiblePlugin):
    pass


class LookupModule(LookupBase, Settings):
    def run(self, terms, variables=None, **options):
        self.set_options(var_options=variables, direct=options)
        self.set_option("set", 1)
        return [self.get_option(name) for name in ("own", "address", "safe", "names", "set", "none")]
'''
FRAGMENT = '''
class ModuleDocFragment:
    DOCUMENTATION = """
options:
  address: {type: str}
  safe: {type: bool, default: true}
  names: {type: list, default: [a]}
"""
    PLUGINS = """
options:
  address: {env: [{name: OUR_ADDRESS}], vars: [{name: our_address}]}
  safe: {env: [{name: OUR_SAFE}]}
  names: {env: [{name: OUR_NAMES}]}
"""
'''


def test_options_are_those_of_the_documentation_and_its_fragments(tmp_path: Path) -> None:
    plugins = tmp_path / "collections/ansible_collections/our/tools/plugins"
    for path, text in (("lookup/about.py", ABOUT), ("doc_fragments/server.py", FRAGMENT)):
        (plugins / path).parent.mkdir(parents=True, exist_ok=True)
        (plugins / path).write_text(text)
    book = tmp_path / "site.yml"
    book.write_text(
        "- hosts: localhost\n  gather_facts: false\n  vars: {our_address: here}\n  tasks:\n"
        "    - assert: {that: \"query('our.tools.about', 'x', own='7') == [7, 'here', false, ['a', 'b'], 1, none]\"}\n"
    )
    environ = {**os.environ, "OUR_SAFE": "no", "OUR_NAMES": "a,b", "OUR_ADDRESS": "there"}
    done = subprocess.run([sys.executable, "-m", "nxtplay", str(book)], capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
