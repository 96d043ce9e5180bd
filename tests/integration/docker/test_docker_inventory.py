"""Containers as hosts: found by the inventory plugin, reached through it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker_bench as bench
import pytest
from docker_bench import IMAGE, LABELS, ME, run

from nxtplay.errors import InventoryError
from nxtplay.inventory.load import load
from nxtplay.inventory.model import Inventory
from nxtplay.playbook.source import read
from nxtplay.template.render import Templates

pytestmark = pytest.mark.docker
UP, DOWN = f"nxtup{ME}", f"nxtdown{ME}"
OURS = f"""\
plugin: community.docker.docker_containers
filters:
  - include: "'{ME}' == docker_config.Labels['{bench.LABEL}'] | default('')"
  - exclude: true
"""


@pytest.fixture
def hosts(folder: Path) -> Iterator[Path]:
    """A file for the inventory, and two containers: one that runs, one that does not."""
    base: dict[str, Any] = {
        "image": IMAGE,
        "labels": LABELS,
        "command": ["sh", "-c", "trap exit TERM; sleep 1000 & wait"],
        "stop_timeout": 1,
    }
    run("docker_container", {**base, "name": UP, "env": {"GREETING": "{{ nothing }}"}, "published_ports": ["127.0.0.1::22"]})
    run("docker_container", {**base, "name": DOWN, "state": "present"})
    yield folder / "containers.docker.yml"
    bench.remove_containers()


def inventory(file: Path, text: str) -> Inventory:
    file.write_text(OURS + text)
    return load([str(file)], read=read, templates=Templates())


def test_containers_are_hosts_with_groups_made_of_what_the_engine_tells(hosts: Path) -> None:
    found = inventory(
        hosts,
        """\
strict: true
compose:
  image: docker_config.Image
groups:
  up: docker_state.Running
keyed_groups:
  - {key: docker_state.Status, prefix: status}
add_legacy_groups: true
""",
    )
    assert set(found.hosts) == {UP, DOWN}
    values = found.variables(UP)
    assert values["ansible_host"] == values["docker_name"] == UP
    assert values["ansible_connection"] == "community.docker.docker_api"
    assert values["ansible_docker_docker_host"].startswith("unix://")
    assert values["image"] == IMAGE
    assert "docker_config" not in values
    assert found.members("up") == found.members("status_running") == found.members("running") == [UP]
    assert found.members("stopped") == found.members("status_created") == [DOWN]
    assert set(found.members(f"image_{IMAGE}")) == {UP, DOWN}
    assert found.members(UP) == [UP]
    assert not [one.message for one in found.warnings if "connection variable" in one.message]


def test_everything_is_told_as_data(hosts: Path) -> None:
    values = inventory(hosts, "verbose_output: true\nconnection_type: docker-cli\n").variables(UP)
    assert "GREETING={{ nothing }}" in values["docker_config"]["Env"]
    assert Templates().render("{{ docker_config.Env | join(',') }}", values).startswith("GREETING={{")
    assert values["ansible_connection"] == "community.docker.docker"
    assert "ansible_docker_docker_host" not in values


def test_containers_are_reached_by_ssh_at_their_published_port(hosts: Path) -> None:
    values = inventory(hosts, "connection_type: ssh\n").variables(UP)
    assert (values["ansible_ssh_host"], values["ansible_ssh_port"] > 1000) == ("127.0.0.1", True)
    assert "ansible_connection" not in values


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("conection_type: ssh\n", "unknown option 'conection_type'"),
        ("connection_type: telnet\n", "docker-api, docker-cli, ssh"),
        ("timeout: soon\n", "soon"),
        ("docker_host: unix:///no/such.sock\n", "no such socket"),
        ("keyed_groups: [{prefix: a}]\n", "needs `key`"),
    ],
)
def test_what_is_wrong_is_told(hosts: Path, text: str, told: str) -> None:
    with pytest.raises(InventoryError, match=told):
        inventory(hosts, text)


def test_a_filter_that_cannot_be_worked_out_is_an_error(hosts: Path) -> None:
    hosts.write_text("plugin: docker_containers\nfilters: [{include: no_such_fact.x == 1}]\n")
    with pytest.raises(InventoryError, match="no_such_fact"):
        load([str(hosts)], read=read, templates=Templates())


def test_a_play_runs_in_the_containers(hosts: Path) -> None:
    inventory(hosts, "groups: {up: docker_state.Running}\n")
    play = hosts.parent / "play.yml"
    play.write_text("- hosts: up\n  gather_facts: false\n  tasks:\n    - raw: echo in $GREETING; test -e /bin/busybox\n")
    done = subprocess.run(
        [sys.executable, "-m", "nxtplay", "-i", str(hosts), str(play)], capture_output=True, text=True, cwd=hosts.parent, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
