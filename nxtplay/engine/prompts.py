"""vars_prompt: what a play asks for before it begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nxtplay.engine.connections import as_bool
from nxtplay.errors import Diagnostic, PlaybookErrors
from nxtplay.playbook.model import Play, YamlMap
from nxtplay.template.render import Templates
from nxtplay.variables.precedence import Layer, Level, Scope

Ask = Callable[[str, bool], str]  # the question, and whether what is typed may be seen


def answers(play: Play, ask: Ask | None, templates: Templates, extra: Layer) -> dict[str, Any]:
    """The play's prompts by name. What extra variables give is not asked for; without `ask` defaults serve. Raises PlaybookErrors."""
    named = [(str(prompt["name"]), prompt) for prompt in play.vars_prompt]
    return {name: _answer(prompt, name, ask, templates, Scope([extra])) for name, prompt in named if name not in extra.values}


def _answer(prompt: YamlMap, name: str, ask: Ask | None, templates: Templates, scope: Scope) -> Any:
    default = prompt.get("default")
    if ask is None:
        if default is None:
            message = f"'{name}' has to be asked for and there is no terminal"
            raise PlaybookErrors(Diagnostic(message, prompt.span, f"give it with -e {name}=..."))
        return default
    text = str(templates.render(prompt.get("prompt") or name, scope))
    shown = text if default is None else f"{text} [{default}]"
    echo = not as_bool(prompt.get("private", True))
    answer: Any = ask(shown, echo)
    while as_bool(prompt.get("confirm", False)) and answer != ask(f"confirm {shown}", echo):
        answer = ask(f"the two answers differ. {shown}", echo)
    answer = answer or ("" if default is None else default)
    if prompt.get("encrypt"):
        values = {"answer": answer, "scheme": prompt["encrypt"], "salt": prompt.get("salt")}
        return templates.evaluate("answer | password_hash(scheme, salt)", Scope([Layer(Level.TASK_VARS, "prompt", values)]))
    return answer
