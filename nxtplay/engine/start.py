"""--start-at-task: which plays and tasks come before the one that is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from nxtplay.engine.walk import flatten
from nxtplay.errors import Diagnostic, PlaybookErrors, did_you_mean
from nxtplay.playbook.model import Play, Task


@dataclass(frozen=True)
class Start:
    """Where a run begins. Every batch of that play begins there, and its facts are gathered."""

    plays: Sequence[Play]  # the first one has the task
    before: frozenset[int] = field(default_factory=frozenset)  # ids of the tasks to pass over

    def skips(self, task: Task) -> bool:
        return id(task) in self.before


def start_at(plays: Sequence[Play], wanted: str, name: Callable[[Play, Task], str]) -> Start:
    """The first task whose name is `wanted` or matches it as a pattern; tasks of dynamic includes cannot be named.

    Raises PlaybookErrors where there is none.
    """
    if not wanted:
        return Start(plays)
    known: list[str] = []
    for number, play in enumerate(plays):
        passed: list[int] = []
        for task in flatten(play.sections):
            names = _names(task, name(play, task))
            if any(one == wanted or fnmatchcase(one, wanted) for one in names):
                return Start(plays[number:], frozenset(passed))
            known += names
            passed.append(id(task))
    hint = did_you_mean(wanted, known) or "nxtplay --list-tasks tells the names; tasks of include_tasks and include_role cannot be named"
    raise PlaybookErrors(Diagnostic(f"--start-at-task: no task is called '{wanted}'", None, hint))


def _names(task: Task, name: str) -> list[str]:
    return [name, f"{task.role.name} : {name}"] if task.role else [name]
