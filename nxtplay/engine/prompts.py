"""vars_prompt: what a play asks for before it begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from nxtplay.engine.connections import as_bool
from nxtplay.errors import Diagnostic, PlaybookErrors, Span
from nxtplay.playbook.model import Play
from nxtplay.template.crypt import crypt

Ask = Callable[[str, bool], str]  # the question, and whether what is typed may be seen


def answers(play: Play, ask: Ask | None, given: Collection[str], render: Callable[[Any], Any]) -> dict[str, Any]:
    """The play's prompts by name. What is `given` is not asked for; without `ask` defaults serve. Raises PlaybookErrors."""
    named = [(str(prompt["name"]), prompt) for prompt in play.vars_prompt]
    return {name: _answer(name, render(dict(prompt)), prompt.span or play.span, ask) for name, prompt in named if name not in given}


def _answer(name: str, said: Mapping[str, Any], span: Span, ask: Ask | None) -> str:
    default = said.get("default")
    if ask is None and default is None:
        raise PlaybookErrors(Diagnostic(f"'{name}' has to be asked for and there is no terminal", span, f"give it with -e {name}=..."))
    default = "" if default is None else str(default)
    answer = default if ask is None else _typed(said, default, ask) or default
    if said.get("encrypt"):
        return crypt(answer, str(said["encrypt"]), salt=said.get("salt"), salt_size=said.get("salt_size"))
    return answer


def _typed(said: Mapping[str, Any], default: str, ask: Ask) -> str:
    text = str(said.get("prompt") or said["name"])
    shown = f"{text} [{default}]" if said.get("default") is not None else text
    echo = not as_bool(said.get("private", True))
    answer = ask(shown, echo)
    while as_bool(said.get("confirm", False)) and answer != ask(f"confirm {shown}", echo):
        answer = ask(f"the two answers differ. {shown}", echo)
    return answer
