"""What modules for networks, volumes and images register, and how they compare: as users of community.docker know it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import docker_bench as bench
import pytest
from docker_bench import IMAGE, LABEL, LABELS, ME, check, engine, is_unknown, run, settle

pytestmark = pytest.mark.docker
NETWORK, VOLUME, CONTAINER = f"nxtregnet{ME}", f"nxtregvol{ME}", f"nxtreg{ME}"


def test_a_network_is_registered_as_the_engine_describes_it(folder: Path) -> None:
    args = {"name": NETWORK, "labels": LABELS, "ipam_config": [{"subnet": "10.231.9.0/24"}]}
    foreseen = check("docker_network", args).result["network"]
    assert is_unknown(lambda: foreseen["Id"] == "")
    made = settle("docker_network", args).result["network"]
    assert made["IPAM"]["Config"][0]["Subnet"] == "10.231.9.0/24"
    assert check("docker_network", args).result["network"]["Id"] == made["Id"]


def test_a_network_s_ranges_are_compared_by_what_they_mean(folder: Path) -> None:
    base: dict[str, Any] = {"name": NETWORK, "labels": LABELS, "enable_ipv6": True}
    four, six = {"subnet": "10.231.9.0/24"}, {"subnet": "fdd1:ac8c:0557:7ce2::/64", "gateway": "fdd1:ac8c:0557:7ce2::1"}
    settle("docker_network", {**base, "ipam_config": [four, six]})
    assert run("docker_network", {**base, "ipam_config": [six, four]}).status == "ok"
    wrong = {**base, "ipam_config": [{"subnet": "fdd1:ac8c:0557:7ce1::"}]}
    assert check("docker_network", wrong).reason == run("docker_network", wrong).reason != ""


def test_a_network_s_options_settle(folder: Path) -> None:
    icc = "com.docker.network.bridge.enable_icc"
    settle("docker_network", {"name": NETWORK, "labels": LABELS, "driver_options": {icc: "false"}})
    assert check("docker_network", {"name": NETWORK, "driver_options": {icc: False}}).status == "ok"
    settle("docker_network", {"name": NETWORK, "labels": LABELS, "ipam_driver": "default", "ipam_driver_options": {"a": True}})
    settle("docker_network", {"name": NETWORK, "labels": LABELS, "ipam_driver": "default", "ipam_driver_options": {"a": "c"}})
    settle("docker_network", {"name": NETWORK, "labels": LABELS, "config_only": True})


def test_a_volume_is_registered_as_the_engine_describes_it(folder: Path) -> None:
    args = {"name": VOLUME, "labels": LABELS}
    foreseen = check("docker_volume", args).result["volume"]
    assert (foreseen["Name"], is_unknown(lambda: foreseen["Mountpoint"] == "")) == (VOLUME, True)
    assert settle("docker_volume", args).result["volume"]["Mountpoint"] == engine().inspect_volume(VOLUME)["Mountpoint"]


def test_images_are_registered_as_the_engine_describes_them(folder: Path) -> None:
    first, second = f"nxtplay-test/one:{ME}", f"nxtplay-test/two:{ME}"
    foreseen, tagged = (act("docker_image_tag", {"name": IMAGE, "repository": [first, second]}).result for act in (check, run))
    assert foreseen["image"]["RepoTags"] == tagged["image"]["RepoTags"]
    assert (tagged["tagged_images"], tagged["image"]["Config"]["Labels"][LABEL]) == ([first, second], ME)
    assert run("docker_image_tag", {"name": IMAGE, "repository": [first]}).result["tagged_images"] == []
    plain = run("docker_image_tag", {"name": IMAGE, "repository": ["nxtplay-test/plain"]}).result
    assert plain["tagged_images"] == ["nxtplay-test/plain:latest"], "the image's own tag is not handed on"
    run("docker_image_remove", {"name": "nxtplay-test/plain"})
    assert "ids and digests" in check("docker_image_tag", {"name": IMAGE, "repository": [f"{first}@sha256:{'0' * 64}"]}).reason
    archive = folder / "image.tar"
    with open(archive, "wb") as stream:
        for chunk in engine().get_image(first):
            stream.write(chunk)
    assert run("docker_image_load", {"path": str(archive)}).result["images"][0]["Os"] == "linux"
    for name in (first, second):
        foreseen, done = (act("docker_image_remove", {"name": name}).result for act in (check, run))
        assert foreseen == done
        assert (done["untagged"], done["deleted"], done["image"]["Os"]) == ([name], [], "linux")
    gone = run("docker_image_remove", {"name": first}).result
    assert (gone["image"], gone["untagged"], gone["deleted"]) == ({}, [], [])


def test_the_last_name_of_an_image_takes_it_along(folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL a={folder.name}\n")
    name = f"nxtplay-test/last:{ME}"
    built = run("docker_image_build", {"name": name, "path": str(folder), "labels": LABELS}).result["image"]
    assert built["Config"]["Labels"]["a"] == folder.name
    foreseen, done = (act("docker_image_remove", {"name": built["Id"], "force": True}).result for act in (check, run))
    assert built["Id"] in foreseen["deleted"]
    assert built["Id"] in done["deleted"]
    assert foreseen["untagged"] == done["untagged"] == [name]


def test_prune_tells_ids_and_sizes(folder: Path) -> None:
    container = {"name": CONTAINER, "image": IMAGE, "command": "true", "state": "present", "labels": LABELS}
    made = run("docker_container", container).result["container"]
    args = {"containers": True, "containers_filters": {"label": f"{LABEL}={ME}"}}
    assert check("docker_prune", args).result["containers"] == [made["Id"]]
    done = settle("docker_prune", args).result
    assert (done["containers"], done["containers_space_reclaimed"]) == ([made["Id"]], 0)


def test_host_info_filters_by_several_labels(folder: Path) -> None:
    run("docker_container", {"name": CONTAINER, "image": IMAGE, "command": "true", "state": "present", "labels": {**LABELS, "a": "b"}})
    args = {"containers": True, "containers_all": True, "containers_filters": {"label": [f"{LABEL}={ME}", "a=b"]}}
    assert len(run("docker_host_info", args).result["containers"]) == 1


def test_a_stack_s_containers_and_images_are_listed(folder: Path) -> None:
    bench.write(folder, {"web": {"command": ["sleep", "1000"], "ports": ["127.0.0.1::80"]}})
    assert is_unknown(lambda: len(check("docker_compose_v2", bench.stack(folder)).result["containers"]))
    done = run("docker_compose_v2", bench.stack(folder)).result
    (web,) = done["containers"]
    assert (web["Name"], web["Service"], web["State"], web["ExitCode"]) == (f"{bench.PROJECT}-web-1", "web", "running", 0)
    assert (web["Publishers"][0]["TargetPort"], web["Image"]) == (80, IMAGE)
    repository, _, tag = IMAGE.partition(":")
    (image,) = done["images"]
    assert (image["ContainerName"], image["Repository"], image["Tag"]) == (web["Name"], repository, tag)
    assert [a["status"] for a in done["actions"] if a["what"] == "container"] == ["Creating", "Starting"]
    assert check("docker_compose_v2", bench.stack(folder)).result["containers"] == [web]
    assert run("docker_compose_v2", {**bench.stack(folder), "state": "absent"}).result["containers"] == []


def test_a_copied_file_belongs_to_the_container_s_user(folder: Path) -> None:
    base = {"image": IMAGE, "command": "true", "state": "present", "labels": LABELS}
    into: dict[str, Any] = {"container": CONTAINER, "content": "x", "mode": "0644", "container_path": "/f"}
    for user, owner in (("1000", (1000, 0)), ("12:13", (12, 13)), ("bob", (77, 78))):
        run("docker_container", {**base, "name": CONTAINER, "user": user})
        passwd = {"content": "bob:x:77:78::/:/bin/sh\n", "container_path": "/etc/passwd", "owner_id": 0, "group_id": 0}
        settle("docker_container_copy_into", {**into, **passwd})
        settle("docker_container_copy_into", into)
        with tarfile.open(fileobj=io.BytesIO(b"".join(engine().get_archive(CONTAINER, "/f")[0]))) as archive:
            member = archive.getmember("f")
        assert (member.uid, member.gid) == owner
    settle("docker_container_copy_into", {**into, "container_path": "/g", "content": "y"})
    (folder / "link").symlink_to("g")
    link = {"path": str(folder / "link"), "local_follow": False, "container_path": "/link"}
    settle("docker_container_copy_into", {"container": CONTAINER, **link})
    through = {**into, "content": "z", "container_path": "/link", "follow": True}
    assert settle("docker_container_copy_into", through).result["container_path"] == "/g"


def test_an_image_for_another_platform_is_another_one(folder: Path) -> None:
    args = {"name": IMAGE, "pull": "not_present"}
    here = engine().inspect_image(IMAGE)
    assert check("docker_image_pull", {**args, "platform": f"{here['Os']}/{here['Architecture']}"}).status == "ok"
    assert check("docker_image_pull", {**args, "platform": here["Architecture"]}).status == "ok"
    assert "cannot pull" in check("docker_image_pull", {**args, "platform": "linux/s390x"}).reason
