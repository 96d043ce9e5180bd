"""Base images: present, else pulled, else made by a program; a check foresees that they will be there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_stack import docker

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules.docker_base_image import DockerBaseImage

pytestmark = pytest.mark.docker
NAME = f"registry.invalid/nxtflow-base:{os.getpid()}"  # a registry that nobody reaches

# Writes what `docker load` reads: an image with nothing in it.
PROGRAM = """\
#!/usr/bin/env python3
import hashlib, io, json, sys, tarfile
out, names = sys.argv[2], sys.argv[3:]
print("making", names, file=sys.stderr)
if "fail" in "%s":
    sys.exit("no such recipe")
layer = io.BytesIO()
tarfile.open(fileobj=layer, mode="w").close()
data = layer.getvalue()
diff = "sha256:" + hashlib.sha256(data).hexdigest()
config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": names, "Layers": ["layer.tar"]}]).encode()
with tarfile.open(out + "/image.tar", "w") as archive:
    for name, content in (("config.json", config), ("layer.tar", data), ("manifest.json", manifest)):
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
"""


@pytest.fixture(autouse=True)
def removed() -> Iterator[None]:
    yield
    docker("image", "rm", "-f", NAME)


def program(tmp_path: Path, mode: str = "") -> str:
    path = tmp_path / "make-image"
    path.write_text(PROGRAM.replace("%s", mode))
    path.chmod(0o755)
    return str(path)


def check(world: World, **args: Any) -> Outcome:
    return converge(decode(DockerBaseImage, {"name": NAME, **args}), Reader(world), world, None)


def run(**args: Any) -> Outcome:
    return converge(decode(DockerBaseImage, {"name": NAME, **args}), Reader(), World(), Host())


def test_what_no_registry_has_is_made_and_a_check_foresees_it(tmp_path: Path) -> None:
    world = World()
    foreseen = check(world, program=program(tmp_path))
    assert foreseen.status == "changed"
    assert isinstance(world.foreseen[f"image:{NAME}"].id, Unknown)
    made = run(program=program(tmp_path))
    assert (made.status, made.result["made"], made.result["pulled"]) == ("changed", [NAME], []), made.reason
    assert run(program=program(tmp_path)).status == "ok"
    assert check(World(), program=program(tmp_path)).status == "ok"


def test_a_program_that_fails_is_named_with_why_the_image_was_not_pulled(tmp_path: Path) -> None:
    outcome = run(program=program(tmp_path, "fail"))
    assert outcome.status == "failed"
    assert "no such recipe" in outcome.reason
    assert "registry.invalid" in outcome.reason


def test_without_a_program_it_is_said_why_the_image_cannot_be_had() -> None:
    assert "cannot be reached" in run().reason


def test_a_task_after_it_builds_on_the_foreseen_image(tmp_path: Path) -> None:
    from nxtplay.modules.docker_image_build import DockerImageBuild

    (tmp_path / "Dockerfile").write_text(f"FROM {NAME}\n")
    world = World()
    check(world, program=program(tmp_path))
    module = decode(DockerImageBuild, {"name": f"nxtflow-on-base:{os.getpid()}", "path": str(tmp_path)})
    assert converge(module, Reader(world), world, None).status == "changed"
