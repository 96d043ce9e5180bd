"""A task as a linter meets it: with what surrounds it beyond what the loader has merged."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from nxtplay.errors import Span
from nxtplay.playbook.keywords import templated
from nxtplay.playbook.model import Play, Role, Task


@dataclass(frozen=True)
class Seen:
    """`names` come from includes around the task (their vars and loop variables); it is `certain` when, once the play gets there, a
    fault in it fails the run; `expected` when the playbook provides for its failure (a rescue, ignore_errors, failed_when); `includes`
    are the includes around it, outermost first."""

    task: Task
    names: frozenset[str] = frozenset()
    certain: bool = True
    expected: bool = False
    includes: tuple[tuple[str, str, str], ...] = ()

    @staticmethod
    def start() -> Seen:
        return Seen(None)  # type: ignore[arg-type]  # replaced by `at` before anyone looks

    def at(self, task: Task) -> Seen:
        seen = dataclasses.replace(self, task=task)
        expected = self.expected or seen.ignored or bool(task.failed_when)
        return dataclasses.replace(seen, certain=self.certain and not seen.ignored, expected=expected)

    @property
    def ignored(self) -> bool:
        """Whether its failure is no failure."""
        ignore = self.task.shared.ignore_errors
        return ignore is not None and str(ignore.value).lower() not in ("false", "no")

    @property
    def installed(self) -> bool:
        """Whether it stands in a collection, which those who run it did not write."""
        return "/ansible_collections/" in (self.task.file or "")

    @property
    def optional(self) -> bool:
        """Whether the play may get there and leave it out."""
        return not self.certain or any(templated(one.value) or one.value is not True for one in self.task.shared.when)

    def inside(self, task: Task, key: tuple[str, str, str]) -> Seen:
        """What surrounds the tasks that an include brings."""
        own = {str(name) for variables in task.shared.vars[task.block_vars :] for name in variables}
        certain = not dataclasses.replace(self, task=task).optional
        return Seen(task, self.names | own | loop_names(task), certain, self.expected, (*self.includes, key))


@dataclass(frozen=True)
class Course:
    """A play with everything literal followed."""

    play: Play
    base: str
    tasks: tuple[Seen, ...]
    handlers: tuple[Seen, ...]
    roles: tuple[Role, ...]  # of literal include_role
    unforeseen: frozenset[Span]  # includes that only a run can follow


def loop_names(task: Task) -> frozenset[str]:
    """The variables that a task's loop sets."""
    if task.loop is None:
        return frozenset()
    control = task.loop.control
    names = {control.loop_var, "ansible_loop_var", "ansible_index_var", "ansible_loop"}
    return frozenset(names | ({control.index_var} if control.index_var else set()))
