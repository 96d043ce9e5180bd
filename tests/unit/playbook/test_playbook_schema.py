"""The editor's schema accepts what the loader accepts and refuses what it refuses."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook_tree import MODULES, Tree

from nxtplay.errors import PlaybookErrors
from nxtplay.playbook.keywords import KEYWORDS, LOOKUPS, legal, wrong_value
from nxtplay.playbook.lint_args import registered
from nxtplay.playbook.schema import json_schema
from nxtplay.playbook.words import ARGS

SCHEMA = json_schema(MODULES, lambda module: ARGS.get(module))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

GOOD = """
- name: p
  hosts: [a, b]
  become: yes
  serial: [1, "30%"]
  vars: {x: 1}
  roles: [web, {role: web, extra: 1, when: x, tags: [a]}]
  tasks:
    - ansible.builtin.debug: {msg: hello, verbosity: "{{ v }}"}
      loop: [1]
      loop_control: {loop_var: one}
      when: [a, b is defined]
      become: "{{ yes_or_no }}"
    - block: [{command: ls, register: r}]
      rescue: [{meta: noop}]
    - shell: ls
      with_items: [1]
  handlers: [{name: h, listen: t, command: ls}]
- import_playbook: other.yml
  vars: {a: 1}
"""


def test_a_good_playbook_is_valid(tree: Tree) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(GOOD))) == []
    tree.write("other.yml", "- hosts: all\n")
    tree.write("roles/web/tasks/main.yml", "- ping:\n")
    tree.load(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        "- hosts: a\n  task: []",
        "- tasks: []",
        "- hosts: a\n  tasks: [{coppy: {}}]",
        "- hosts: a\n  tasks: [{command: ls, become: maybe}]",
        "- hosts: a\n  tasks: [{command: ls, register: a-b}]",
        "- hosts: a\n  tasks: [{block: [], rescu: []}]",
        "- hosts: a\n  tasks: {command: ls}",
        "- hosts: a\n  strategy: linar",
        "- hosts: a\n  vars: {a-b: 1}",
        "- hosts: a\n  tasks: [{command: ls, loop: [1], loop_control: {lop_var: a}}]",
    ],
)
def test_what_the_loader_refuses_is_invalid(tree: Tree, text: str) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text)))
    with pytest.raises(PlaybookErrors):
        tree.load(text + "\n")


def test_wrong_arguments_are_invalid() -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load("- hosts: a\n  tasks: [{debug: {mgs: a}}]")))


values = st.none() | st.booleans() | st.integers(-3, 70000) | st.sampled_from(["yes", "x", "10", "1.5", "{{ x }}", "", "free"])
values = values | st.lists(values, max_size=2) | st.dictionaries(st.sampled_from(["a", "b-c"]), values, max_size=1)


@given(st.sampled_from(sorted(set(legal("T")) - {"action", "local_action", "loop_control", "args"})), values)
@settings(max_examples=300, deadline=None)
def test_schema_and_loader_agree_on_values_of_keywords(name: str, value: Any) -> None:
    """What the walker takes, the schema takes: an editor never marks what runs."""
    if not wrong_value(KEYWORDS[name], value) and value is not None:
        errors = list(VALIDATOR.iter_errors([{"hosts": "a", "tasks": [{"command": "ls", name: value}]}]))
        if name == "vars":  # the names in it are checked elsewhere
            errors = [one for one in errors if "b-c" not in str(one.instance)]
        assert not errors, errors[0].message


def test_every_word_of_the_engine_declares_its_arguments() -> None:
    from nxtplay.modules.registry import ENGINE_WORDS

    assert {*ARGS, "set_fact", "add_host", "import_playbook"} >= ENGINE_WORDS
    assert registered("set_fact") is None
    assert "items" in LOOKUPS
