"""debconf: answers to the questions that packages ask when they are set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, together
from nxtplay.core.state import Plan, Secret
from nxtplay.core.types import Raw

HIDDEN = "(password omitted)"


@dataclass(frozen=True)
class _Answers:
    """What is answered already, by question."""

    values: dict[str, Any]


class Debconf(Resource[_Answers]):
    """Answer a question of a package beforehand; without `question`, only look at the answers there are."""

    rules = (together("vtype", "value"),)

    name: str = arg(help="The package.", aliases=["pkg"], key=True)
    question: str | None = arg(None, help="The question.", aliases=["selection", "setting"], key=True)
    vtype: Literal["boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"] | None = arg(
        None, help="The question's type."
    )
    value: Raw | None = arg(None, help="The answer.", aliases=["answer"])
    unseen: bool = arg(False, help="Leave the question marked as not seen, so that it is still asked.")

    def observe(self, host: Reader) -> Optional[_Answers]:
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        if host.which("debconf-show") is None:
            raise Failed("no debconf on this host")
        done = host.look(["debconf-show", self.name])
        if done.rc != 0:
            raise Failed(f"debconf-show failed: {done.stderr.strip()}", rc=done.rc)
        values: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            question, colon, value = line.strip("* \t\n").partition(":")
            if colon:
                values[question.strip()] = value.strip()
        if self.question is not None and values.get(self.question) == HIDDEN:
            values[self.question] = Secret(self._asked(host))
        return _Answers(values)

    def _asked(self, host: Reader) -> str:
        done = host.look(["debconf-communicate", self.name], stdin=f"GET {self.question}\n".encode())
        return done.stdout.strip().partition(" ")[2]

    def desired(self, host: Reader, before: Optional[_Answers]) -> Optional[_Answers]:
        assert before is not None
        if self.question is None:
            return before
        if self.vtype is None or self.value is None:
            raise Failed("vtype and value are required with question: what is the answer?")
        wanted: Any = self._text()
        if self.vtype == "password":
            wanted = Secret(wanted)
        if self.vtype == "multiselect" and self.question in before.values and _choices(before.values[self.question]) == _choices(wanted):
            return before  # the order says nothing
        return _Answers({**before.values, self.question: wanted})

    def apply(self, host: Host, plan: Plan[_Answers]) -> None:
        words = ["debconf-set-selections", *(["-u"] if self.unseen else [])]
        line = f"{self.name} {self.question} {self.vtype} {self._text()}\n"
        host.run(words, stdin=line.encode(), check=True)

    def result(self, before: Optional[_Answers], after: Optional[_Answers]) -> dict[str, Any]:
        previous = before.values if before is not None else {}
        if self.question is None:
            return {"msg": "", "current": dict(previous)}
        return {"msg": "", "current": {self.question: after.values[self.question]} if after else {}, "previous": dict(previous)}

    def _text(self) -> str:
        if self.vtype == "boolean" or isinstance(self.value, bool):
            return str(self.value).lower()
        return ", ".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)


def _choices(answer: str) -> set[str]:
    return {choice.strip() for choice in answer.split(",")}
