"""wait_for without anything to look for, and what service_facts makes of systemd's answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Union

import pytest

from nxtplay.core.host import Completed, Reader
from nxtplay.core.resource import decode
from nxtplay.modules import service_facts
from nxtplay.modules.wait_for import WaitFor

UNIT_FILES = "a.service enabled enabled\nb.service disabled enabled\nc@.service static -\n"


class Answers(Reader):
    """A machine whose programs print what is given here by their words."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__()
        self.answers = answers

    def look(self, argv: Union[str, Sequence[str]], **_: Any) -> Completed:
        words = " ".join(argv)
        return Completed(tuple(argv), 0, next((text for part, text in self.answers.items() if part in words), "").encode(), b"")


def test_delay_and_timeout_add_up_where_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    decode(WaitFor, {"delay": 2, "timeout": 3}).look(Reader())
    assert sum(slept) == 5


def test_a_unit_that_is_not_loaded_is_inactive() -> None:
    answers = {"list-unit-files": UNIT_FILES, "list-units": "a.service loaded active running A\n", "ActiveState": "ActiveState=inactive\n"}
    states = {name: one["state"] for name, one in service_facts._units(Answers(answers)).items()}
    assert states == {"a.service": "running", "b.service": "inactive", "c@.service": "unknown"}
