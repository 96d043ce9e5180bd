"""The project's name stands in COMPOSE_PROJECT_NAME for the files themselves, as in Compose (checked against 2.40)."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from nxtplay.core.host import Reader
from nxtplay.modules._compose import project
from nxtplay.modules._compose.load import Request

SERVICES = "services:\n  a:\n    image: ${COMPOSE_PROJECT_NAME:-none}-a\n"


@pytest.mark.parametrize(
    ("head", "said", "outer", "expected"),
    [
        ("", None, "", "proj"),
        ("name: fromfile\n", None, "", "fromfile"),
        ("name: ${WHO:-who}\n", None, "", "who"),
        ("name: fromfile\n", "said", "", "said"),
        ("name: fromfile\n", None, "outer", "outer"),
        ("name: fromfile\n", "said", "outer", "said"),
    ],
)
def test_the_name_is_known_to_the_files(tmp_path: Path, head: str, said: Optional[str], outer: str, expected: str) -> None:
    folder = tmp_path / "Pro.j"
    folder.mkdir()
    (folder / "c.yml").write_text(head + SERVICES)
    host = Reader(environ={"COMPOSE_PROJECT_NAME": outer})
    found = project.read(host, Request(str(folder), files=("c.yml",), project_name=said))
    assert (found.name, found.image("a")) == (expected, f"{expected}-a")
