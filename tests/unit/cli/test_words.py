"""What the words of a command line become."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from nxtplay.cli import playbooks, secrets
from nxtplay.cli.extra import extra_vars
from nxtplay.cli.run import asked, command
from nxtplay.errors import UsageError


def _asked(*words: str) -> Any:
    with command.make_context("nxtplay", list(words)) as context:
        return asked(**context.params)


def test_options_reach_the_engine() -> None:
    it = _asked(
        "a.yml",
        "b.yml",
        "-C",
        "-D",
        "-vv",
        "-t",
        "x,y",
        "-t",
        "z",
        "--skip-tags",
        "w",
        "-l",
        "web*",
        "-b",
        "-u",
        "root",
        "-f",
        "9",
        "-T",
        "3",
    )
    assert it.playbooks == ("a.yml", "b.yml")
    options = it.options
    assert (options.check, options.diff, options.verbosity, options.forks, options.timeout) == (True, True, 2, 9, 3)
    assert (options.tags, options.skip_tags, options.limit) == (("x", "y", "z"), ("w",), "web*")
    assert (options.become, options.user) == (True, "root")
    assert _asked("a.yml").options.become is None


def test_listing_options() -> None:
    assert _asked("a.yml", "--list-tasks", "--list-hosts").listing == {"tasks", "hosts"}
    assert _asked("a.yml", "--syntax-check").listing == {"syntax"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a=1"], {"a": "1"}),
        (["", " ", "a=1"], {"a": "1"}),
        (["a=1 b='x y'"], {"a": "1", "b": "x y"}),
        (["a=false", "a=true"], {"a": "true"}),
        (['{"a": [1, false]}'], {"a": [1, False]}),
        (["a: 1"], {"a": 1}),
        (["url=http://x:80/"], {"url": "http://x:80/"}),
        (["@vars.yml", "b=3"], {"read": "vars.yml", "b": "3"}),
        (["a="], {"a": ""}),
    ],
)
def test_extra_variables(given: list[str], found: dict[str, Any]) -> None:
    assert extra_vars(given, lambda path: {"read": path}) == found


@pytest.mark.parametrize("text", ["follow", "[1, 2]", "a=1 follow"])
def test_what_is_no_variable_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="-e"):
        extra_vars([text], lambda path: None)


def test_a_bare_name_is_a_playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "deploy.yml").touch()
    assert playbooks.find("deploy") == "playbooks/deploy.yml"
    assert playbooks.find("playbooks/deploy.yml") == "playbooks/deploy.yml"
    (tmp_path / "deploy").touch()  # a file of that very name is meant first
    assert playbooks.find("deploy") == "deploy"
    (tmp_path / "deploy").unlink()
    (tmp_path / "deploy").mkdir()  # a directory is not
    assert playbooks.find("deploy") == "playbooks/deploy.yml"
    with pytest.raises(UsageError, match="there are: deploy"):
        playbooks.find("zzz")
    with pytest.raises(UsageError, match=r"did you mean 'playbooks/deploy.yml'"):
        playbooks.find("playbooks/deplo.yml")


def test_password_files(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret \n")
    assert secrets.from_file(str(path)) == "s3cret "
    path.write_text("#!/bin/sh\necho from-script\n")
    os.chmod(path, stat.S_IRWXU)
    assert secrets.from_file(str(path)) == "from-script"
    path.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(UsageError, match="exit code 3"):
        secrets.from_file(str(path))
    with pytest.raises(UsageError, match="No such file"):
        secrets.from_file(str(tmp_path / "none"))
