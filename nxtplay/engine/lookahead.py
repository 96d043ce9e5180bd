"""Looking ahead: what may travel to the host together with the task that is due."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.engine.connections import as_bool
from nxtplay.engine.dispatch import Dispatch
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.loops import Items
from nxtplay.engine.scopes import TaskScope
from nxtplay.engine.segment import LONGEST, Lines, NotYet, Pending, Prepared
from nxtplay.errors import NxtplayError
from nxtplay.events import Notice
from nxtplay.modules import registry
from nxtplay.playbook.model import Located, Task
from nxtplay.template.values import is_template
from nxtplay.variables.precedence import Layer, Level

FACTS = frozenset(("setup", "gather_facts", "getent"))  # their answer changes what later tasks see
PASSED = frozenset(("debug", "set_fact"))  # carried out on the controller between tasks that travel together

Entry = tuple[tuple[int, int], Prepared]


@dataclass
class LookAhead:
    """Forms segments. `selected` says whether tags choose a task; `alone` whether no other host has to be kept step with."""

    dispatch: Dispatch
    words: Container[str]
    lines: Lines
    items: Items
    selected: Callable[[Task], bool]
    alone: Callable[[], bool]

    def start(self, task: Task, host: HostRun, scope: TaskScope, doubt: Unknown | None) -> None:
        """Prepare the task and what may go with it, and send that when it is more than one job. What was prepared is not done twice."""
        if host.ahead.has(task) or not self.dispatch.options.batch or not self._may_travel(task):
            return
        if self._is_local(task, host, scope):
            return  # nothing to save, and what the controller is asked for may be what the task before it has made
        pending = Pending()
        _looks_back(task, pending)
        entries = self._prepared(task, host, scope, doubt, pending, 0)
        if not entries:
            return
        names = [task]
        current: Task | None = task
        while current is not None and len(entries) < LONGEST and self._may_go_on(current):
            if current.register:
                pending.add(current.register)
            current = self._next(current)
            while current is not None and self._may_be_passed(current, host, pending):
                current = self._next(current)
            if current is None or not self._may_join(current):
                break
            _looks_back(current, pending)
            further = self._prepared(current, host, self.dispatch.scopes.of_task(host, current), None, pending, len(names))
            if further is None or any(not _together(entries[0][1], one) for _, one in further):
                break
            entries += further
            names.append(current)
        if len(entries) > 1:
            self._send(entries, names, host)
        elif task.loop is None:
            host.ahead.prepared = dict(entries)

    def _send(self, entries: list[Entry], names: list[Task], host: HostRun) -> None:
        host.ahead.prepared = dict(entries)
        host.ahead.places = {key: number for number, (key, _) in enumerate(entries)}
        host.ahead.segment = self.dispatch.begin([one for _, one in entries], host)
        if self.dispatch.options.verbosity >= 3:
            said = ", ".join(str(t.name.value) if t.name else t.module for t in names)
            self.dispatch.emit(Notice("debug", f"in one message: {said} ({len(entries)} jobs)", host=host.name))

    def _is_local(self, task: Task, host: HostRun, scope: TaskScope) -> bool:
        try:
            return self.dispatch.target(task, host, scope).kind == "local"
        except (NxtplayError, UnknownReached):
            return True  # told by whoever runs the task

    def _next(self, task: Task) -> Task | None:
        following = self.lines.behind(task)
        while following is not None and not self.selected(following):
            following = self.lines.behind(following)
        return following

    # -- which tasks may

    def _may_travel(self, task: Task) -> bool:
        """Whether the task is one job (an item each) with nothing to do between sending and the answer."""
        shared = task.shared
        if task.module in self.words or _brings_back(task) or task.module not in registry.names():
            return False  # an unknown one may be skipped by its condition
        if any(x is not None for x in (task.until, task.retries, task.async_, shared.delegate_to, shared.run_once, shared.throttle)):
            return False
        if any(is_template(tag) for tag in shared.tags):
            return False  # whether it is chosen is known when its turn comes
        if shared.timeout is not None or self.dispatch.options.task_timeout or _says_no(shared.batch):
            return False
        if task.loop is not None and (task.loop.control.pause is not None or task.loop.control.break_when):
            return False
        return self.dispatch.load_class(task).needs_python

    def _may_join(self, task: Task) -> bool:
        return self._may_travel(task) and (self.alone() or self.dispatch.load_class(task).private)

    def _may_go_on(self, task: Task) -> bool:
        """Whether tasks behind it may be sent before it has answered: nothing but its own failure can stop them."""
        shared = task.shared
        if task.failed_when is not None or task.module in FACTS or shared.any_errors_fatal is not None:
            return False
        literal = [*(task.changed_when or ()), *([shared.ignore_errors] if shared.ignore_errors else [])]
        return all(isinstance(one.value, bool) for one in literal)

    def _may_be_passed(self, task: Task, host: HostRun, pending: Pending) -> bool:
        """Whether it is a word of the controller that is sure to go well; it is carried out in its turn, and what it sets is pending."""
        shared = task.shared
        if task.module not in PASSED or task.loop is not None or not self._may_go_on(task):
            return False
        if any(x is not None for x in (task.until, task.retries, task.async_, shared.delegate_to, shared.run_once, shared.throttle)):
            return False
        try:
            scope = _waiting(self.dispatch.scopes.of_task(host, task), pending)
            held = self.dispatch.templates.test(shared.when, scope)
            args = self.dispatch.args(task, scope) if held is True else {}
        except (NotYet, NxtplayError, UnknownReached):
            return False
        if isinstance(held, Unknown) or (task.module == "set_fact" and not all(str(name).isidentifier() for name in args)):
            return False
        for name in (task.register, *(args if task.module == "set_fact" else ())):
            if name:
                pending.add(name)
        return True

    # -- preparing

    def _prepared(
        self, task: Task, host: HostRun, scope: TaskScope, doubt: Unknown | None, pending: Pending, group: int
    ) -> list[Entry] | None:
        """The task's jobs, none for items that are skipped; None when it has to wait for its turn."""
        inner = _waiting(scope, pending)
        ignore = task.shared.ignore_errors is not None and task.shared.ignore_errors.value is True
        out: list[Entry] = []
        try:
            for number, scope_of_item in self._scopes(task, inner):
                one = self._one(task, host, scope_of_item, doubt)
                if one is None:
                    return None
                if isinstance(one, Prepared):
                    job = replace(one.job, group=group, ignore_errors=ignore)
                    out.append(((id(task), number), Prepared(job, one.target)))
        except (NotYet, NxtplayError, UnknownReached):
            return None
        return out

    def _scopes(self, task: Task, scope: TaskScope) -> list[tuple[int, TaskScope]]:
        if task.loop is None:
            return [(0, scope)]
        found = self.items.scopes(task.loop, scope, task.module)
        if isinstance(found, Unknown):
            raise UnknownReached(found)
        return list(enumerate(found))

    def _one(self, task: Task, host: HostRun, scope: TaskScope, doubt: Unknown | None) -> Prepared | bool | None:
        """A job; True for an item that is skipped; None when it cannot be known yet."""
        if task.shared.when:
            held: Any = self.dispatch.templates.test(task.shared.when, scope)
            if held is False:
                return True
            if isinstance(held, Unknown):
                return None
        made = self.dispatch.prepare(task, host, scope, self.dispatch.args(task, scope), doubt)
        return made if isinstance(made, Prepared) else None


def _looks_back(task: Task, pending: Pending) -> None:
    """An item of a loop may ask for what the item before it registered."""
    if task.loop is not None and task.register:
        pending.add(task.register)


def _waiting(scope: TaskScope, pending: Pending) -> TaskScope:
    """The scope in which what is pending cannot be had."""
    return scope.plus(Layer(Level.SET_FACT, "segment", pending, trusted=False))


def _together(first: Prepared, one: Prepared) -> bool:
    return first.target == one.target and first.job.permit == one.job.permit


def _says_no(located: Located | None) -> bool:
    return located is not None and not as_bool(located.value)


def _brings_back(task: Task) -> bool:
    """Whether it changes the controller, which has to be looked at when its turn comes."""
    return task.module == "fetch" or (task.module == "synchronize" and task.args.get("mode", "push") != "push")
