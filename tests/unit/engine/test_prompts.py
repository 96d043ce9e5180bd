"""vars_prompt: what is asked, and what the answers come to."""

from __future__ import annotations

from typing import Any

import pytest

from nxtplay.engine.prompts import answers
from nxtplay.errors import PlaybookErrors
from nxtplay.playbook.load import load
from nxtplay.template.filters_codec import password_hash

PROMPTS = """
- hosts: all
  vars_prompt:
    - {name: plain}
    - {name: number, default: 5}
    - {name: made, prompt: "which {{ thing }}?", default: "{{ thing }}!"}
    - {name: hidden, default: secret, encrypt: sha512_crypt, salt: saltsalt}
"""


def asked(tmp_path: Any, ask: Any, given: tuple[str, ...] = ()) -> dict[str, Any]:
    (tmp_path / "play.yml").write_text(PROMPTS)
    play = load([str(tmp_path / "play.yml")]).plays[0]

    def render(said: dict[str, Any]) -> dict[str, Any]:
        return {key: value.replace("{{ thing }}", "one") if isinstance(value, str) else value for key, value in said.items()}

    return answers(play, ask, given, render)


def test_without_a_terminal_defaults_serve(tmp_path: Any) -> None:
    found = asked(tmp_path, None, ("plain",))
    assert found == {"number": "5", "made": "one!", "hidden": password_hash("secret", "sha512", "saltsalt")}
    with pytest.raises(PlaybookErrors, match="'plain' has to be asked for"):
        asked(tmp_path, None)


def test_what_is_typed_counts_and_an_empty_answer_is_the_default(tmp_path: Any) -> None:
    questions: list[str] = []

    def ask(question: str, echo: bool) -> str:
        questions.append(question)
        return "" if question.startswith("which") else "typed"

    found = asked(tmp_path, ask)
    assert questions == ["plain", "number [5]", "which one? [one!]", "hidden [secret]"]
    assert found == {"plain": "typed", "number": "typed", "made": "one!", "hidden": password_hash("typed", "sha512", "saltsalt")}
