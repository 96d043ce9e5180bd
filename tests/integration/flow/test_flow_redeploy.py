"""The code changes: what it touches is rebuilt and replaced, nothing else; a version that does not come up does no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_stack import Stack, docker

pytestmark = pytest.mark.docker
SERVER = "backend/src/server.ts"


@pytest.fixture
def edited(deployed: Stack) -> Iterator[Stack]:
    """The stack; the source that the test changes is put back, and deployed again, afterwards."""
    path = deployed.folder / SERVER
    text = path.read_text()
    yield deployed
    path.write_text(text)
    restored = deployed.play("redeploy")
    assert restored.rc == 0, restored.text


def append(stack: Stack, line: str) -> None:
    path = stack.folder / SERVER
    path.write_text(path.read_text() + line + "\n")


def test_a_changed_line_of_the_backend_replaces_the_backend_alone(edited: Stack) -> None:
    before = edited.containers()
    append(edited, "// one line more")
    foreseen = edited.play("redeploy", "--check")
    played = edited.play("redeploy")
    assert played.rc == 0, played.text
    after = edited.containers()
    assert {name for name in after if after[name] != before[name]} == {"backend"}
    assert played.with_status("changed") == {("images", "Images", "backend"), ("stack", "Services", "")}
    # That there will be a new image is certain; what is made of it is unknown, and says so.
    assert foreseen.with_status("changed") == played.with_status("changed") - foreseen.with_status("unknown")
    assert ("images", "Images", "backend") in foreseen.with_status("changed")
    image = str(played.finished("Images", "backend")["changes"])
    assert "src/server.ts" in image
    services = str(played.finished("Services")["changes"])
    assert "backend" in services
    assert "image" in services
    assert not any(other in services for other in ("postgres", "redis", "frontend"))
    assert edited.search()["routes"]


def test_a_backend_that_does_not_come_up_does_no_harm(edited: Stack) -> None:
    before = edited.containers()
    append(edited, "console.error('broken on purpose');\nsetTimeout(() => process.exit(3), 300);")
    played = edited.play("redeploy")
    assert played.rc == 2
    assert "broken on purpose" in played.text
    assert played.seconds < 90  # the build of the image included
    failed = played.finished("Services")
    assert failed["status"] == "failed"
    assert failed["seconds"] < 30
    after = edited.containers()
    assert after["postgres"] == before["postgres"]
    assert after["redis"] == before["redis"]
    assert after["backend"][0] == before["backend"][0], "the old container is back in service"
    assert edited.search()["routes"]


def git(folder: Path, *words: str) -> None:
    identity = {f"GIT_{who}_{what}": "flow@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env={**os.environ, **identity})


@pytest.fixture
def checkout(deployed: Stack, tmp_path: Path) -> Iterator[Path]:
    """The stack's folder as a checkout of its own; yields another checkout to push from."""
    remote, other = tmp_path / "remote.git", tmp_path / "other"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    git(deployed.folder, "init", "-q", "-b", "main")
    git(deployed.folder, "add", ".")
    git(deployed.folder, "commit", "-q", "-m", "first")
    git(deployed.folder, "remote", "add", "origin", str(remote))
    git(deployed.folder, "push", "-q", "-u", "origin", "main")
    subprocess.run(["git", "clone", "-q", str(remote), str(other)], check=True)
    yield other
    shutil.rmtree(deployed.folder / ".git")


def test_a_pushed_commit_is_pulled_and_restarts_nothing_that_it_does_not_touch(deployed: Stack, checkout: Path) -> None:
    assert not (checkout / ".env.production").exists(), "secrets do not get into the repository"
    before = deployed.containers()
    (checkout / "README.md").write_text("pushed\n")
    git(checkout, "commit", "-q", "-a", "-m", "second")
    git(checkout, "push", "-q")
    foreseen = deployed.play("redeploy", "--check")
    assert ("source", "Pull", "") in foreseen.with_status("changed"), foreseen.text
    assert (deployed.folder / "README.md").read_text() != "pushed\n"
    played = deployed.play("redeploy")
    assert played.rc == 0, played.text
    assert played.with_status("changed") == {("source", "Pull", "")}
    assert (deployed.folder / "README.md").read_text() == "pushed\n"
    assert deployed.containers() == before


def test_stopping_keeps_the_data_and_cleaning_does_not(deployed: Stack) -> None:
    label = f"label=com.docker.compose.project={deployed.project}"
    assert deployed.play("stop").rc == 0
    assert deployed.containers() == {}
    assert len(docker("volume", "ls", "-q", "--filter", label).split()) == 2

    again = deployed.play("deploy")
    assert again.rc == 0, again.text
    assert again.with_status("changed") == {("stack", "Services", "")}, "the database is as it was: nothing to migrate, nothing to build"

    assert deployed.play("clean", "-e", f"confirm={deployed.project}").rc == 0
    assert docker("volume", "ls", "-q", "--filter", label) == ""
    anew = deployed.play("deploy")
    assert anew.rc == 0, anew.text
    assert anew.with_status("changed") == {("stack", "Services", ""), ("migrations", "Migrate", "")}
