"""Modules that push to a registry and pull from one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker_bench as bench
import mini_registry
import pytest
from docker_bench import IMAGE, LABELS, ME, check, engine, run, settle

pytestmark = pytest.mark.docker
CONTAINER = f"nxtregistry{ME}"


@pytest.fixture
def name() -> Iterator[str]:
    """An image name at a registry of its own."""
    with mini_registry.running() as address:
        yield f"{address}/some/image:1"
        bench.remove_containers()
        for image in engine().images(name=f"{address}/some/image"):
            for tag in image["RepoTags"] or ():
                engine().remove_image(tag, force=True)


def test_an_image_is_pushed_once_and_pulled_back(folder: Path, name: str) -> None:
    assert "no image" in check("docker_image_push", {"name": name}).reason
    run("docker_image_tag", {"name": IMAGE, "repository": [name]})
    pushed = settle("docker_image_push", {"name": name}).result
    assert pushed["image"]["RepoTags"]
    run("docker_image_remove", {"name": name})
    settle("docker_image_pull", {"name": name})
    assert "by its name" in check("docker_image_push", {"name": f"{name}@sha256:{'0' * 64}"}).reason


def test_a_pulled_image_that_is_the_same_leaves_the_container(folder: Path, name: str) -> None:
    run("docker_image_tag", {"name": IMAGE, "repository": [name]})
    run("docker_image_push", {"name": name})
    base: dict[str, Any] = {"name": CONTAINER, "command": "true", "state": "present", "labels": LABELS}
    before = run("docker_container", {**base, "image": IMAGE}).result["container"]["Id"]
    engine().remove_image(name)
    assert check("docker_container", {**base, "image": name}).status == "changed", "the image is pulled"
    done = run("docker_container", {**base, "image": name})
    assert (done.status, done.result["container"]["Id"]) == ("changed", before)


def test_docker_image_makes_tags_and_pushes(folder: Path, name: str) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL a=b\n")
    own = f"nxtplay-test/built:{ME}"
    build = {"name": own, "source": "build", "build": {"path": str(folder), "labels": LABELS}, "repository": name, "push": True}
    settle("docker_image", build)
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL a=c\n")
    assert check("docker_image", build).status == "ok", "it is there"
    settle("docker_image", {**build, "force_source": True})
    identity = engine().inspect_image(own)["Id"]
    for wrong in ({"name": identity, "source": "pull"}, {"name": identity, "push": True}, {"name": own, "repository": identity}):
        assert "id" in check("docker_image", wrong).reason
    assert "no tag" in check("docker_image_push", {"name": "nosuch", "tag": "a/b"}).reason
    settle("docker_image", {"name": own, "state": "absent"})
    settle("docker_image", {"name": name, "state": "absent"})
    settle("docker_image", {"name": name, "source": "pull"})
    archive = folder / "image.tar"
    with open(archive, "wb") as stream:
        for chunk in engine().get_image(name):
            stream.write(chunk)
    settle("docker_image", {"name": name, "state": "absent"})
    load = {"source": "load", "load_path": str(archive)}
    assert name in check("docker_image", {"name": "nosuch:1", **load}).reason
    settle("docker_image", {"name": name, **load})
    settle("docker_image", {"name": name, "source": "local", "repository": f"{name.rpartition(':')[0]}:2"})
    assert "`source` says" in check("docker_image", {"name": "nosuch:1"}).reason
