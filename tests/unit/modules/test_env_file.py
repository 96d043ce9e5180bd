"""Env files: what is read, what is wrong, what is kept from view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Secret
from nxtplay.core.world import World
from nxtplay.modules.env_file import EnvFile


def look(path: Path, **args: Any) -> Outcome:
    return converge(decode(EnvFile, {"path": str(path), **args}), Reader(), World(), None)


def test_values_are_secrets_but_for_public_ones(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=one\nB='two # not a comment'\n# C=three\nexport D=four # a comment\n")
    found = look(tmp_path / "env", public=["A"]).result["variables"]
    assert found == {"A": "one", "B": "two # not a comment", "D": "four"}
    assert {name: isinstance(value, Secret) for name, value in found.items()} == {"A": False, "B": True, "D": True}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "KEY is missing in env"),
        ("KEY=", "KEY in env is empty"),
        ("KEY=change-me-database", "KEY in env is still a placeholder"),
        ("KEY=CHANGEME", "KEY in env is still a placeholder"),
        ("KEY=<your key>", "KEY in env is still a placeholder"),
        ("KEY=short", "KEY in env is too short: 5 characters, at least 8 are needed"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "env").write_text(f"OTHER=fine-and-long\n{line}\n")
    outcome = look(tmp_path / "env", required=["OTHER", "KEY"], min_length=8)
    assert (outcome.status, outcome.result["problems"], outcome.reason) == ("failed", [problem], problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert look(tmp_path / "env").reason == f"there is no {tmp_path}/env"


def test_a_line_that_is_no_variable_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nwhat is this\n")
    assert look(tmp_path / "env").reason.startswith(f"{tmp_path}/env:2: ")
