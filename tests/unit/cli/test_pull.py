"""A machine that fetches a repository and runs its playbook on itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .test_app import nxtplay

GIT = ("git", "-c", "user.name=n", "-c", "user.email=n@example.com")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "ansible.cfg").write_text("[defaults]\ninventory = hosts\n")
    (folder / "hosts").write_text("elsewhere\nlocalhost\n")
    say = "{debug: {msg: 'ran {{ word | default(1) }} {{ groups.all }}'}}"
    (folder / "local.yml").write_text(f"[{{hosts: all, gather_facts: false, tasks: [{say}]}}]")
    (folder / "other.yml").write_text("[{hosts: localhost, gather_facts: false, tasks: [{fail: {msg: other}}]}]")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return committed(folder)


def committed(folder: Path) -> Path:
    for words in (["add", "."], ["commit", "-q", "-m", "new"]):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
    return folder


def test_the_playbook_of_the_repository_runs_here_alone(repository: Path) -> None:
    def pull(*words: str) -> tuple[int, str]:
        done = nxtplay("pull", "-U", str(repository), "-d", "copy", *words, cwd=repository.parent)
        return done.returncode, done.stdout + done.stderr

    code, told = pull("-e", "word=two words=x")
    assert (code, "ran two ['elsewhere', 'localhost']" in told, "elsewhere :" in told) == (0, True, False)
    assert pull("-o")[1].endswith("nothing was run.\n")
    (repository / "more").write_text("x")
    committed(repository)
    assert "ran 1" in pull("-o")[1]
    assert (pull("other.yml")[0], pull("missing.yml")[0]) == (2, 1)
    (repository / ".git").rename(repository / "gone")
    assert pull()[0] == 2
    code, told = pull("--force", "--purge")
    assert (code, "ran 1" in told, (repository.parent / "copy").exists()) == (0, True, False)
