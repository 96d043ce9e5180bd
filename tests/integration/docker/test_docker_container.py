"""docker_container held to what users of community.docker know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker_bench as bench
import pytest
from docker_bench import IMAGE, LABELS, ME, check, engine, is_unknown, run, settle

pytestmark = pytest.mark.docker
NAME, OTHER, NETWORK = f"nxtcontainer{ME}", f"nxtother{ME}", f"nxtcontainernet{ME}"
WAIT = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]
BASE: dict[str, Any] = {"name": NAME, "image": IMAGE, "command": WAIT, "labels": LABELS, "stop_timeout": 1}


def test_a_container_is_registered_as_the_engine_describes_it(folder: Path) -> None:
    foreseen = check("docker_container", BASE).result["container"]
    assert foreseen["State"]["Status"] == "running"
    assert is_unknown(lambda: foreseen["NetworkSettings"]["IPAddress"] == "")
    made = run("docker_container", BASE).result["container"]
    assert made["NetworkSettings"]["IPAddress"] == engine().inspect_container(NAME)["NetworkSettings"]["IPAddress"] != ""
    assert made["Config"]["Cmd"] == WAIT
    assert check("docker_container", BASE).result["container"]["HostConfig"]["NetworkMode"] == "default"
    replaced = check("docker_container", {**BASE, "user": "1000"}).result["container"]
    assert is_unknown(lambda: replaced["Id"] == made["Id"])
    failed = run("docker_container", {**BASE, "state": "healthy", "healthcheck": {"test": "false"}, "healthy_wait_timeout": 0.1})
    assert failed.result["container"]["State"]["Health"]["Status"] == "starting"
    done = run("docker_container", {**BASE, "command": "echo hello", "detach": False, "cleanup": True})
    assert (done.result["status"], done.result["container"]["Output"]) == (0, "hello")


@pytest.mark.parametrize(
    "options",
    [
        {"publish_all_ports": True, "exposed_ports": ["81"]},
        {"device_requests": [], "device_read_bps": []},
        {"device_cgroup_rules": ["c 42:* rwm"]},
        {"cgroupns_mode": "host"},
        {"mac_address": "92-D0-C6-0A-29-33"},
        {"volumes": ["/anon:rw"]},
        {"restart_policy": "on-failure", "restart_retries": 2},
        {"command_handling": "compatibility", "entrypoint": ["sh -c"], "command": ["'trap exit TERM; sleep", "1000 & wait'"]},
    ],
    ids=lambda o: "-".join(o),
)
def test_options_settle(folder: Path, options: dict[str, Any]) -> None:
    settle("docker_container", {**BASE, "restart_policy": "on-failure", "restart_retries": 5, "mac_address": "92:d0:c6:0a:29:44"})
    settle("docker_container", {**BASE, **options})
    bench.remove_containers()
    settle("docker_container", {**BASE, **options})


def test_an_empty_list_says_something_where_it_is_compared_strictly(folder: Path) -> None:
    settle("docker_container", {**BASE, "ports": ["127.0.0.1:0:80"], "env": {"A": "1"}})
    settle("docker_container", {**BASE, "ports": [], "env": {}})
    strict = {"ports": [], "env": {}, "networks": [], "comparisons": {"ports": "strict", "env": "strict", "networks": "strict"}}
    settle("docker_container", {**BASE, **strict})
    found = engine().inspect_container(NAME)
    assert (found["HostConfig"]["PortBindings"], found["NetworkSettings"]["Networks"]) == (None, {})


def test_labels_are_compared_strictly_after_a_replacement(folder: Path) -> None:
    settle("docker_container", {**BASE, "labels": {**LABELS, "a": "1"}})
    settle("docker_container", {**BASE, "labels": LABELS, "comparisons": {"labels": "strict"}})


def test_what_the_image_says_comes_back_where_nothing_overrides_it(folder: Path) -> None:
    path = engine().inspect_image(IMAGE)["Config"]["Env"][0]
    settle("docker_container", {**BASE, "env": {"PATH": "/other:/bin"}})
    settle("docker_container", {**BASE, "env": {"A": "1"}})
    assert path in engine().inspect_container(NAME)["Config"]["Env"]
    refused = {**BASE, "labels": {}, "comparisons": {"labels": "strict"}, "image_label_mismatch": "fail"}
    assert bench.LABEL in check("docker_container", refused).reason


def test_another_name_of_the_image_counts_where_it_is_asked_for(folder: Path) -> None:
    other = f"nxtplay-test/name:{ME}"
    settle("docker_image_tag", {"name": IMAGE, "repository": [other]})
    settle("docker_container", BASE)
    assert check("docker_container", {**BASE, "image": other}).status == "ok"
    settle("docker_container", {**BASE, "image": other, "image_name_mismatch": "recreate"})


def test_namespaces_and_links_name_other_containers(folder: Path) -> None:
    settle("docker_container", {**BASE, "name": OTHER, "ipc_mode": "shareable"})
    settle("docker_container", {**BASE, "links": [OTHER, f"{OTHER}:alias"]})
    modes = {"network_mode": f"container:{OTHER}", "pid_mode": f"container:{OTHER}", "ipc_mode": f"container:{OTHER}"}
    settle("docker_container", {**BASE, **modes})
    found = engine().inspect_container(OTHER)["Id"]
    assert run("docker_container", {**BASE, **modes, "network_mode": f"container:{found}"}).status == "ok"


def test_a_container_that_ends_well_at_once_is_no_failure(folder: Path) -> None:
    done = run("docker_container", {**BASE, "command": "true"})
    assert (done.status, done.result["container"]["State"]["Status"]) == ("changed", "exited")
    assert check("docker_container", {**BASE, "command": "true"}).status == "changed", "it is started anew"
    assert run("docker_container", {**BASE, "command": "sh -c 'exit 3'"}).status == "failed"
    bench.remove_containers()
    assert run("docker_container", {**BASE, "command": "true", "auto_remove": True}).status == "changed"
    assert run("docker_container", {**BASE, "command": "true", "auto_remove": True, "detach": False, "cleanup": True}).status == "changed"


def test_two_mounts_in_one_place_are_told_by_a_check(folder: Path) -> None:
    mounts = [{"target": "/t", "type": "tmpfs"}]
    assert "/t" in check("docker_container", {**BASE, "volumes": ["/tmp:/t"], "mounts": mounts}).reason


def test_addresses_of_both_families_are_compared(folder: Path) -> None:
    pools = [{"subnet": "10.231.7.0/24"}, {"subnet": "fdb6:feea:0007::/64"}]
    settle("docker_network", {"name": NETWORK, "labels": LABELS, "enable_ipv6": True, "ipam_config": pools})

    def at(number: int) -> dict[str, Any]:
        return {**BASE, "networks": [{"name": NETWORK, "ipv4_address": "10.231.7.9", "ipv6_address": f"fdb6:feea:0007::{number}"}]}

    settle("docker_container", at(5))
    settle("docker_container", at(6))
    assert engine().inspect_container(NAME)["NetworkSettings"]["Networks"][NETWORK]["GlobalIPv6Address"] == "fdb6:feea:7::6"
    bench.remove_containers()


@pytest.mark.parametrize(
    "options",
    [
        {"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_size": "1m", "tmpfs_options": [{"noexec": None}, {"uid": 7}]}]},
        {"mounts": [{"target": "/t", "type": "bind", "source": "/usr", "read_only": True, "read_only_non_recursive": True}]},
        {"networks": [{"name": NETWORK, "mac_address": "92:d0:c6:0a:29:55"}]},
        {"networks": [{"name": NETWORK, "gw_priority": 5}]},
    ],
    ids=["tmpfs_options", "read_only_non_recursive", "mac_address", "gw_priority"],
)
def test_options_settle_or_are_told_to_be_too_new_for_the_engine(folder: Path, options: dict[str, Any]) -> None:
    settle("docker_network", {"name": NETWORK, "labels": LABELS})
    settle("docker_container", {**BASE, "networks": [{"name": NETWORK}]})
    foreseen = check("docker_container", {**BASE, **options})
    if foreseen.status == "failed":
        assert f"this one speaks {engine().api_version}" in foreseen.reason == run("docker_container", {**BASE, **options}).reason
        return
    settle("docker_container", {**BASE, **options})
    settle("docker_container", {**BASE, **options, "user": "7"})
    settle("docker_container", {**BASE, **options, "state": "stopped"})


def test_a_running_container_keeps_its_hardware_address_where_none_is_said(folder: Path) -> None:
    settle("docker_network", {"name": NETWORK, "labels": LABELS})
    settle("docker_container", {**BASE, "networks": [{"name": NETWORK}]})
    settle("docker_container", {**BASE, "networks": [{"name": NETWORK}], "user": "7"})
    settle("docker_container", {**BASE, "networks": [{"name": NETWORK, "aliases": ["x"]}], "state": "stopped"})
    settle("docker_container", {**BASE, "networks": [{"name": NETWORK}], "state": "started"})
