"""A conversation with a command: what it asks, what is answered, and how it may go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.host import Failed, Host
from nxtplay.core.resource import decode
from nxtplay.modules.expect import Expect

ASKING = "printf 'Name: '; read name; printf 'Again: '; read again; echo \"got $name $again\"; test $again = yes"


@pytest.fixture()
def script(tmp_path: Path) -> str:
    path = tmp_path / "asks"
    path.write_text(ASKING)
    return f"sh {path}"


def talk(command: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    return decode(Expect, {"command": command, "responses": responses, "timeout": 20, **more}).perform(Host())


def test_each_question_gets_its_answer(script: str) -> None:
    done = talk(script, {"Name": "law", "Again": "yes"})
    assert (done["rc"], done["stdout"]) == (0, "Name: Again: got law yes")


def test_answers_of_a_list_are_given_one_after_another(script: str) -> None:
    assert talk(script, {"(Name|Again): ": ["one", "yes"]})["stdout"].endswith("got one yes")


def test_what_is_typed_is_seen_where_asked_for(script: str) -> None:
    assert "Name: law\n" in talk(script, {"Name": "law", "Again": "yes"}, echo=True)["stdout"]


@pytest.mark.parametrize(
    ("responses", "timeout", "message"),
    [
        ({"Name": "law", "Again": "no"}, 20, "non-zero return code"),
        ({"Name|Again": ["only one"]}, 20, "No remaining responses for 'Name|Again'"),
        ({"Colour": "blue"}, 0.3, "nothing it said in 0.3 s matched"),
    ],
)
def test_what_goes_wrong_is_told(script: str, responses: dict[str, Any], timeout: float, message: str) -> None:
    with pytest.raises(Failed, match=message.replace("|", r"\|")):
        talk(script, responses, timeout=timeout)
