"""What an env file's task registers: names and values, of which secrets are kept from view."""

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


def judged(path: Path, **args: Any) -> Outcome:
    return converge(decode(EnvFile, {"path": str(path), "state": "valid", "mode": "0644", **args}), Reader(), World(), None)


def test_values_are_registered_and_secret_ones_masked(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("HOST=one\nDB_PASSWORD='two # not a comment'\nexport JWT_SECRET=three # a comment\nMADE=four\n")
    found = judged(tmp_path / "env", generate={"MADE": 4}).result["variables"]
    assert found == {"HOST": "one", "DB_PASSWORD": "two # not a comment", "JWT_SECRET": "three", "MADE": "four"}
    assert [name for name, value in found.items() if not isinstance(value, Secret)] == ["HOST"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "KEY is missing"),
        ("KEY=", "KEY is empty"),
        ("KEY=change-me-database", "KEY still holds a placeholder"),
        ("KEY=CHANGEME", "KEY still holds a placeholder"),
        ("KEY=<your key>", "KEY still holds a placeholder"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "env").write_text(f"OTHER=fine-and-long\n{line}\n")
    outcome = judged(tmp_path / "env", required=["OTHER", "KEY"])
    assert (outcome.status, outcome.result["problems"]) == ("failed", [problem])
