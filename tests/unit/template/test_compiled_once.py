"""A text is compiled once in a run, however often it is rendered."""

from __future__ import annotations

from nxtplay.template.engine import Engine
from nxtplay.template.render import Program, Templates


class Noting(Engine):
    """An engine that notes what it is asked to compile."""

    def __init__(self) -> None:
        super().__init__()
        self.compiled: list[str] = []

    def text(self, text: str) -> Program:
        self.compiled.append(text)
        return super().text(text)

    def expression(self, text: str) -> Program:
        self.compiled.append(text)
        return super().expression(text)


def test_a_loop_of_a_thousand_items_compiles_each_text_once() -> None:
    templates, engine = Templates(), Noting()
    templates._engine = engine
    for item in range(1000):
        scope = {"item": item, "half": "{{ item // 2 }}", "plain": "nothing to render"}
        assert templates.render(["{{ half + 1 }}", "{{ item }}", "{{ plain }}"], scope) == [item // 2 + 1, item, "nothing to render"]
        assert templates.test(["item % 2 == 0"], scope) is (item % 2 == 0)
    assert sorted(engine.compiled) == ["item % 2 == 0", "{{ half + 1 }}", "{{ item // 2 }}"]  # the others need no Jinja
