"""Groups and variables made of other variables, and inventories in TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxtplay.errors import InventoryError, NxtplayError
from nxtplay.inventory.load import load
from nxtplay.inventory.model import Inventory
from nxtplay.playbook.source import read
from nxtplay.template.render import Templates

HOSTS = """\
all:
  vars: {region: north}
  hosts:
    web1.example:
      tags: {role: web, size: ""}
      disks: [ssd, big]
      tier: front
    db1:
      tags: {role: db}
      tier: back
      port: 5432
"""


def constructed(text: str, folder: Path) -> Inventory:
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "made.yml").write_text("plugin: ansible.builtin.constructed\n" + text)
    return load([str(folder / "hosts.yml"), str(folder / "made.yml")], read=read, templates=Templates(), extra_vars={"word": "hi"})


def test_variables_are_made_before_groups(tmp_path: Path) -> None:
    text = """\
compose:
  place: region ~ '-' ~ tier
  address: inventory_hostname_short
groups:
  northern_fronts: place == 'north-front'
  with_port: port is defined and port > 1024
  never: nothing_of_this_name == 1
"""
    inventory = constructed(text, tmp_path)
    assert inventory.variables("web1.example")["place"] == "north-front"
    assert inventory.variables("web1.example")["address"] == "web1"
    assert inventory.members("northern_fronts") == ["web1.example"]
    assert inventory.members("with_port") == ["db1"]
    assert "never" not in inventory.groups


def test_keyed_groups_of_text_lists_and_mappings(tmp_path: Path) -> None:
    text = """\
keyed_groups:
  - {key: tier}
  - {key: tier, prefix: tier, separator: "-", parent_group: "{{ region }} tiers"}
  - {key: disks, prefix: disk}
  - {key: tags, prefix: tag, default_value: none}
  - {key: tags, prefix: bare, trailing_separator: false}
"""
    groups = constructed(text, tmp_path)
    made = {name for name in groups.groups if name not in ("all", "ungrouped")}
    assert made == {
        *("_front", "_back", "tier_front", "tier_back", "north_tiers", "disk_ssd", "disk_big"),
        *("tag_role_web", "tag_role_db", "tag_size_none", "bare_role_web", "bare_role_db", "bare_size"),
    }
    assert groups.members("north_tiers") == ["web1.example", "db1"]
    assert groups.members("disk_ssd") == ["web1.example"]


def test_the_leading_separator_may_be_left_out(tmp_path: Path) -> None:
    assert "front" in constructed("leading_separator: false\nkeyed_groups:\n  - key: tier\n", tmp_path).groups


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("strict: true\ncompose: {a: no_such_name}\n", "'no_such_name' is undefined", 3),
        ("compos: {}\n", "unknown option 'compos'", 2),
        ("keyed_groups:\n  - prefix: x\n", "a keyed group needs `key`", 3),
        ("compose: {a: '1 +'}\nstrict: true\n", "unexpected", 2),
        ("strict: true\nkeyed_groups:\n  - key: port | default('')\n", "the key is empty for the host 'web1.example'", 4),
    ],
)
def test_what_is_wrong_has_a_place(text: str, message: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        constructed(text, tmp_path)
    found = caught.value.diagnostics[0]
    assert message in found.message
    assert found.span is not None and found.span.line == line


def test_toml(tmp_path: Path) -> None:
    (tmp_path / "hosts.toml").write_text(
        """\
[all.vars]
region = "north"
[site]
children = ["web"]
[web.hosts]
web1 = {}
web2 = { ansible_port = 2222 }
[web.vars]
workers = 4
"""
    )
    inventory = load([str(tmp_path / "hosts.toml")], read=read)
    assert inventory.members("site") == ["web1", "web2"]
    assert inventory.variables("web2") == {"region": "north", "workers": 4, "ansible_port": 2222}


def test_faulty_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "hosts.toml").write_text("[web\n")
    with pytest.raises(InventoryError, match="not TOML"):
        load([str(tmp_path / "hosts.toml")], read=read)


def test_variables_files_and_extra_variables_where_the_file_asks_for_them(tmp_path: Path) -> None:
    for name, text in (("group_vars", "zone: all"), ("host_vars", "zone: own")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ("all.yml" if name == "group_vars" else "db1.yml")).write_text(text)
    text = "compose: {at: zone, said: word}\n"
    assert "at" not in constructed(text, tmp_path).variables("db1")
    inventory = constructed(text + "use_vars_plugins: true\nuse_extra_vars: true\n", tmp_path)
    assert [inventory.variables(name).get("at") for name in ("web1.example", "db1")] == ["all", "own"]
    assert inventory.variables("db1")["said"] == "hi"


GENERATOR = """\
plugin: ansible.builtin.generator
hosts:
  name: "{{ operation }}_{{ application }}_runner"
  parents:
    - name: "{{ operation }}_{{ application }}"
      parents:
        - {name: "{{ operation }}", vars: {operation: "{{ operation }}", count: 1}}
        - {name: "{{ application }}"}
    - name: runner
layers:
  operation: [build, launch]
  application: [web, api]
"""


def generated(text: str, folder: Path) -> Inventory:
    (folder / "made.yml").write_text(text)
    return load([str(folder / "made.yml")], read=read, templates=Templates())


def test_a_host_for_every_combination(tmp_path: Path) -> None:
    inventory = generated(GENERATOR, tmp_path)
    assert list(inventory.hosts) == ["build_web_runner", "build_api_runner", "launch_web_runner", "launch_api_runner"]
    assert inventory.groups_of("build_api_runner") == ["api", "build", "build_api", "runner"]
    assert inventory.members("launch") == ["launch_web_runner", "launch_api_runner"]
    assert inventory.variables("build_web_runner") == {"operation": "build", "count": 1}


def test_what_a_generator_cannot_say_yet_stays_a_template(tmp_path: Path) -> None:
    inventory = generated(GENERATOR.replace("count: 1", "later: ['{{ of_a_play }}']"), tmp_path)
    assert inventory.variables("build_web_runner") == {"operation": "build", "later": ["{{ of_a_play }}"]}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("layers:", "layer:", "unknown option 'layer'"),
        ("[build, launch]", "build", "each a list"),
        ("name: runner", "nme: runner", "unknown option 'nme'"),
        ("- name: runner", "- {}", "needs a `name`"),
        ("{{ application }}_runner", "{{ applicatio }}", "'applicatio' is undefined"),
        ("[build, launch]", str(list(range(60000))), "more than 100,000 hosts"),
    ],
)
def test_a_generator_that_is_wrong(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(NxtplayError) as caught:
        generated(GENERATOR.replace(old, new), tmp_path)
    assert told in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].span
