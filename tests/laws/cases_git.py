"""git, against a repository on the same machine."""

from __future__ import annotations

import os
import subprocess

from .harness import Case

ENV = {**os.environ, "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}


def git(directory: str, *words: str) -> str:
    return subprocess.run(["git", "-C", directory, *words], env=ENV, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory: str, name: str, text: str) -> None:
    with open(os.path.join(directory, name), "w") as stream:
        stream.write(text)
    git(directory, "add", name)
    git(directory, "commit", "-q", "-m", f"{name} {text}")


def upstream(root: str) -> None:
    """A repository beside the tree that is looked at: two commits on main, the tag v1 on the first, a branch side."""
    place = os.path.join(os.path.dirname(root), "files", "up")
    os.makedirs(place)
    git(place, "init", "-q", "-b", "main")
    commit(place, "a", "1")
    git(place, "tag", "-a", "-m", "one", "v1")
    git(place, "checkout", "-q", "-b", "side")
    commit(place, "b", "side")
    git(place, "checkout", "-q", "main")
    commit(place, "a", "2")


def cloned(root: str) -> None:
    upstream(root)
    place = os.path.join(os.path.dirname(root), "files", "up")
    subprocess.run(["git", "clone", "-q", place, f"{root}/c"], check=True, capture_output=True)


def behind(root: str) -> None:
    cloned(root)
    commit(os.path.join(os.path.dirname(root), "files", "up"), "a", "3")


def touched(root: str) -> None:
    behind(root)
    with open(f"{root}/c/a", "w") as stream:
        stream.write("mine")


def packed(root: str) -> None:
    cloned(root)
    git(f"{root}/c", "archive", "--prefix=p/", "-o", f"{root}/c.tar", "HEAD")


SHALLOW = {"repo": "file://{files}/up", "dest": "{root}/c", "depth": 1}
UP = {"repo": "{files}/up", "dest": "{root}/c"}

CASES = [
    Case("git", UP, setup=upstream, expect="changed", name="git-clone"),
    Case("git", {**UP, "version": "v1"}, setup=upstream, expect="changed", name="git-clone-tag"),
    Case("git", {**SHALLOW, "version": "side"}, setup=upstream, expect="changed", name="git-clone-shallow"),
    Case("git", {**UP, "version": "side", "single_branch": True}, setup=upstream, expect="changed", name="git-clone-single"),
    Case("git", {**UP, "bare": True}, setup=upstream, expect="changed", name="git-clone-bare"),
    Case("git", {**UP, "dest": "{root}/n/m/c"}, setup=upstream, expect="changed", name="git-clone-deep"),
    Case("git", {**UP, "clone": False}, setup=upstream, expect="ok", name="git-no-clone"),
    Case("git", {"repo": "{files}/up", "clone": False, "update": False}, setup=upstream, expect="ok", name="git-no-dest"),
    Case("git", {**UP, "version": "none"}, setup=upstream, expect="failed", name="git-no-such-version"),
    Case("git", {**UP, "repo": "{files}/none"}, expect="failed", name="git-no-such-repository"),
    Case("git", UP, {"c/x": "t"}, setup=upstream, expect="failed", name="git-dest-in-the-way"),
    Case("git", UP, setup=cloned, expect="ok", name="git-there"),
    Case("git", UP, setup=behind, expect="changed", name="git-behind"),
    Case("git", {**UP, "version": "main"}, setup=behind, expect="changed", name="git-behind-branch"),
    Case("git", {**UP, "update": False}, setup=behind, expect="ok", name="git-no-update"),
    Case("git", {**UP, "version": "side"}, setup=cloned, expect="changed", name="git-other-branch"),
    Case("git", UP, setup=touched, expect="failed", name="git-local-changes"),
    Case("git", {**UP, "force": True}, setup=touched, expect="changed", name="git-local-changes-force"),
    Case("git", {**UP, "archive": "{root}/c.tar.gz"}, setup=upstream, expect="changed", name="git-archive-of-a-new-clone"),
    Case("git", {**UP, "archive": "{root}/c.zip"}, setup=cloned, expect="changed", name="git-archive"),
    Case("git", {**UP, "archive": "{root}/c.tar", "archive_prefix": "p/"}, setup=packed, expect="ok", name="git-archive-already"),
    Case("git", {**UP, "archive": "{root}/c.tar", "archive_prefix": "q/"}, setup=packed, expect="changed", name="git-archive-of-before"),
    Case("git", {**UP, "archive": "{root}/c.rar"}, setup=cloned, expect="failed", name="git-archive-of-no-kind"),
]
