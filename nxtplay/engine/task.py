"""One task on one host: when, loop, arguments, the job, what it means, what is registered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nxtplay.core.resource import check_args
from nxtplay.core.state import Secret, Unknown, UnknownReached, find_unknown
from nxtplay.engine import delegate
from nxtplay.engine import result as result_
from nxtplay.engine.actions import errand, find
from nxtplay.engine.attempt import CENSORED, Attempt
from nxtplay.engine.dispatch import Dispatch
from nxtplay.engine.hosts import Failure, HostRun
from nxtplay.engine.lookahead import LookAhead
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import TaskScope
from nxtplay.engine.walk import Signal, Verdict
from nxtplay.errors import BecomeFailed, Diagnostic, NoPython, NxtplayError, TemplateError, UndefinedVariable, Unreachable
from nxtplay.events import HandlerNotified, ItemFinished, TaskFinished, TaskProgress
from nxtplay.playbook.model import Located, Task
from nxtplay.playbook.words import ARGS
from nxtplay.template.values import OMIT, is_template
from nxtplay.variables.precedence import Scope

DOUBT = "whether it runs is unknown"

Word = Callable[[Dispatch, Task, HostRun, TaskScope, dict[str, Any], "Unknown | None"], Attempt]


@dataclass
class TaskRunner:
    """Runs tasks on hosts. Everything it works with is handed in once for a run."""

    dispatch: Dispatch
    words: Mapping[str, Word]
    notify: Callable[[HostRun, str, Located, str], list[str]]  # (host, name, where, doubt) -> names of handlers it meant
    ahead: LookAhead

    def __post_init__(self) -> None:
        self.templates = self.dispatch.templates
        self.scopes = self.dispatch.scopes
        self.options = self.dispatch.options
        self.emit = self.dispatch.emit
        self.items = self.ahead.items
        self._warned: set[tuple[str, Any]] = set()

    # -- the whole task

    def run(self, task: Task, host: HostRun, *, task_id: str, doubt: str = "") -> tuple[Verdict, Attempt]:
        """Run, tell, register, notify. `doubt` says why a handler may not have been notified at all."""
        began = time.monotonic()
        scope = self.scopes.of_task(host, task)
        first_doubt = Unknown(doubt) if doubt else None
        undo = dict(host.set_facts) if task.module == "set_fact" and (task.loop or task.failed_when) else None
        try:
            self.ahead.start(task, host, scope, first_doubt)
            run = self._with_loop if task.loop else self._item
            attempt = run(task, host, scope, task_id, first_doubt)
        except NxtplayError as error:
            attempt = self._broken(error, task)
            self._pardon(task, attempt, scope)
        if task.module == "include_vars" and attempt.status == "unknown":
            host.unread = attempt.reason
        elif host.unread:
            attempt.pending = attempt.pending or host.unread
            attempt = self._perhaps(task, attempt)
        attempt.seconds = time.monotonic() - began
        if undo is not None and attempt.status == "failed":  # a set_fact that failed has set nothing
            host.set_facts.clear()
            host.set_facts.update(undo)
        self._settle(task, host, scope, attempt)
        if task.module != "meta" or attempt.status == "failed":
            self.tell(task, host, attempt, task_id)
        return Verdict(attempt.signal, attempt.children), attempt

    def name(self, task: Task, scope: Scope) -> str:
        """What the task is called: its name rendered, as written where that cannot be, its module where it has none."""
        named = task.name.value if task.name else task.word
        if task.name is None and task.module == "include_role":
            named = f"include_role : {task.args.get('name', task.args.get('role'))}"
        try:
            return str(self.templates.render(named, scope))
        except NxtplayError:
            return str(named)

    def module(self, task: Task, scope: Scope) -> str:
        """The task's module, also where a template names it."""
        try:
            return self.dispatch.with_module(task, scope).word if is_template(task.module) else task.word
        except NxtplayError:
            return task.module

    def _broken(self, error: NxtplayError, task: Task) -> Attempt:
        """An expression of the task itself could not be rendered: the host fails here."""
        if isinstance(error, Unreachable) and not isinstance(error, (BecomeFailed, NoPython)):
            return Attempt("unreachable", {"unreachable": True, "changed": False, "msg": str(error)}, reason=str(error), span=task.span)
        diagnostics = tuple(d if d.span else replace(d, span=task.span) for d in error.diagnostics)
        message = "; ".join(d.message for d in diagnostics)
        told = result_.failed(message, exception=result_.NO_TRACE)
        return Attempt("failed", told, reason=message, span=diagnostics[0].span, diagnostics=diagnostics)

    @staticmethod
    def _break(attempt: Attempt, broken: Attempt) -> None:
        """The failure `broken` on top of what the attempt came to."""
        attempt.status, attempt.reason, attempt.span, attempt.diagnostics = "failed", broken.reason, broken.span, broken.diagnostics
        attempt.result.update(broken.result)

    def _settle(self, task: Task, host: HostRun, scope: TaskScope, attempt: Attempt) -> None:
        """What the outcome means for the host: its counts, the way ahead, what is registered, who is notified."""
        if task.register:
            host.set_facts[task.register] = attempt.result
        tally = host.tally
        if task.module == "meta" and attempt.status not in ("failed", "unreachable"):
            return  # an order to the engine is no task of the host
        if task.role is not None and attempt.status not in ("skipped", "unreachable"):
            host.roles_at_work.add(task.role.identity)
        if attempt.status == "failed":
            if attempt.pardoned:
                attempt.status = "ignored"
                tally.ok += 1
                tally.ignored += 1
                tally.changed += result_.is_true(attempt.result.get("changed"))
            else:
                tally.failed += 1
                host.ahead.forget()
                host.fail(Failure(task, attempt.result, self.name(task, scope) if task.name else ""))
                attempt.signal = Signal.FAILED
        elif attempt.status == "unreachable":
            host.ahead.forget()
            if attempt.pardoned:
                attempt.status = "ignored"
                tally.ok += 1
                tally.ignored += 1
            else:
                tally.unreachable += 1
                host.out = host.unreachable = True
        elif attempt.status == "skipped":
            tally.skipped += 1
        elif attempt.status == "unknown":
            tally.unknown += 1
        else:
            tally.ok += max(1, len(attempt.children)) if task.loop else 1  # each file that a loop includes counts
            tally.changed += attempt.status == "changed"
        asked = task.module not in ("add_host", "group_by") or task.changed_when is not None  # by themselves Ansible's notify nobody
        if attempt.status in ("changed", "unknown") and asked:
            self._notify(task, host, attempt, scope)

    def _notify(self, task: Task, host: HostRun, attempt: Attempt, scope: TaskScope) -> None:
        doubt = "" if attempt.status == "changed" else attempt.reason or "an earlier task is unknown"
        for name in attempt.notify:
            where = next((n for n in task.shared.notify), None)
            if where is not None:
                for handler in self.notify(host, name, where, doubt):
                    self.emit(HandlerNotified(id="", host=host.name, handler=handler))

    def tell(self, task: Task, host: HostRun, attempt: Attempt, task_id: str) -> None:
        censored = attempt.no_log
        self.emit(
            TaskFinished(
                id=task_id,
                host=host.name,
                status=attempt.status,
                result=_censor(attempt.result) if censored else attempt.result,
                changes=() if censored else attempt.changes,
                reason=_reason(attempt),
                seconds=attempt.seconds,
                span=attempt.span or task.span,
                diagnostics=() if censored else attempt.diagnostics,
                delegate=attempt.delegate,
                diff=attempt.diff,
            )
        )
        self._warn(task, host, attempt)

    def _warn(self, task: Task, host: HostRun, attempt: Attempt) -> None:
        """What the module warns of and what it says is going away, once for each task and text."""
        lists: dict[str, Any] = {"warning": dict.get(attempt.result, "warnings"), "deprecated": dict.get(attempt.result, "deprecations")}
        told = [(level, _said(one)) for level, found in lists.items() if isinstance(found, list) and not attempt.no_log for one in found]
        for level, text in told:
            if (text, task.span) not in self._warned and (level == "warning" or self.options.deprecation_warnings):
                self._warned.add((text, task.span))
                self.dispatch.note(text, task.span, host=host.name, level=level)

    # -- loops

    def _with_loop(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None) -> Attempt:
        assert task.loop
        try:
            items = self.items.of(task.loop, scope, task.module)
        except UndefinedVariable:
            if (false := self._surely_not(task, scope)) is not None:
                return Attempt("skipped", result_.skipped("Conditional result was False", _plain(false)), reason="condition is false")
            raise
        if isinstance(items, Unknown):
            unknown = PartialResult({"failed": False, "changed": items}, items)
            return Attempt("unknown", unknown, reason=f"the items are unknown: {items.reason}", span=task.loop.value.span)
        if not items:
            return Attempt("skipped", result_.no_items(), reason="no items")
        control = task.loop.control
        attempts: list[Attempt] = []
        for index, around in enumerate(self.items.around(control, items, scope)):
            inner = scope.with_item(around, task.loop)
            if index and control.pause is not None:
                time.sleep(self.dispatch.number("pause", control.pause, inner))
            began = time.monotonic()
            attempt = self._item(task, host, inner, task_id, doubt, index)
            attempt.result.update(around)
            attempt.seconds = time.monotonic() - began
            attempts.append(attempt)
            if task.register:
                host.set_facts[task.register] = attempt.result
            label = self._label(task, inner, attempt, items[index])
            self._tell_item(task, host, attempt, task_id, label)
            if attempt.signal is Signal.LEFT:
                break
            if attempt.status == "unreachable" and not attempt.pardoned:
                break
            if control.break_when and self.templates.test(control.break_when, inner) is True:
                break
        return _combined(attempts)

    def _surely_not(self, task: Task, scope: TaskScope) -> Any:
        """The condition that holds the task back even without an item, if one does; a fault in it does not outweigh the loop's."""
        false: list[Any] = []
        try:
            self.templates.test(task.shared.when or (), scope, false=false)
        except TemplateError:
            return None
        return false[0] if false else None

    def _label(self, task: Task, scope: TaskScope, attempt: Attempt, item: Any) -> Any:
        """What the item is called; a label that cannot be made fails the item, and that one alone."""
        assert task.loop
        label: Any = item
        if task.loop.control.label is not None:
            try:
                label = self.templates.render(task.loop.control.label.value, scope)
            except NxtplayError as error:
                self._break(attempt, self._broken(error, task))
                self._pardon(task, attempt, scope)
        return "(hidden)" if attempt.no_log else label

    def _tell_item(self, task: Task, host: HostRun, attempt: Attempt, task_id: str, label: Any) -> None:
        self.emit(
            ItemFinished(
                id=task_id,
                host=host.name,
                status=attempt.status,
                item_label=_told(label),
                result=_censor(attempt.result) if attempt.no_log else attempt.result,
                changes=() if attempt.no_log else attempt.changes,
                reason=_reason(attempt),
                seconds=attempt.seconds,
                span=attempt.span or task.span,
                diagnostics=() if attempt.no_log else attempt.diagnostics,
                delegate=attempt.delegate,
                diff=attempt.diff,
            )
        )
        self._warn(task, host, attempt)

    # -- one item

    def _item(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None, number: int = 0) -> Attempt:
        """when, then attempts until it holds; never raises NxtplayError."""
        no_log = False
        try:
            no_log = self.dispatch.flag(task.shared.no_log, scope, default=self.options.no_log)
            task, scope = delegate.named(self.templates, task, scope)
            if task.shared.when:
                false: list[Any] = []
                held = self.templates.test(task.shared.when, scope, false=false)
                if held is False:
                    result = result_.skipped("Conditional result was False", _plain(false[0]))
                    return Attempt("skipped", result, reason="condition is false", no_log=no_log)
                if isinstance(held, Unknown):
                    doubt = held if held.reason.startswith(DOUBT) else Unknown(f"{DOUBT} ({held.reason})")
            delegate.require(self.templates, task, scope)
            attempt = self._attempts(task, host, scope, task_id, doubt, number)
        except NxtplayError as error:
            attempt = self._broken(error, task)
        except UnknownReached as reached:
            unknown = reached.unknown
            attempt = Attempt("unknown", PartialResult({"failed": False, "changed": unknown}, unknown), reason=unknown.reason)
        attempt.no_log = attempt.no_log or no_log
        if attempt.status in ("failed", "unreachable"):
            attempt.result.setdefault("exception", result_.NO_TRACE)
        self._pardon(task, attempt, scope)
        if task.shared.delegate_to is not None and task.shared.delegate_to.value != host.name and attempt.status != "skipped":
            attempt.delegate = str(task.shared.delegate_to.value)
        if attempt.status in ("changed", "unknown"):
            names = [self.templates.render(n.value, scope, span=n.span) for n in task.shared.notify]
            flat = [one for name in names for one in (name if isinstance(name, list) else [name])]
            attempt.notify = tuple(str(name) for name in flat if name is not OMIT)
        return attempt

    def _pardon(self, task: Task, attempt: Attempt, scope: TaskScope) -> None:
        """Whether what went wrong is to be ignored; a fault in what says so is a failure that is not."""
        asked = {"failed": task.shared.ignore_errors, "unreachable": task.shared.ignore_unreachable}.get(attempt.status)
        try:
            attempt.pardoned = self.dispatch.flag(asked, scope)
        except NxtplayError as error:
            broken = self._broken(error, task)
            self._break(attempt, replace(broken, result={"failed": True, "msg": broken.reason}))

    def _attempts(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None, item: int) -> Attempt:
        if task.until is None and task.retries is None:
            return self._judge(task, scope, self._once(task, host, scope, task_id, doubt, item), 0)
        retries = int(self.dispatch.number("retries", task.retries, scope, otherwise=3))
        if retries <= 0:  # nothing is asked of the only attempt
            return self._judge(task, scope, self._once(task, host, scope, task_id, doubt, item), 0)
        delay = self.dispatch.number("delay", task.delay, scope, otherwise=5)
        delay = 1.0 if delay < 0 else delay
        number = 0
        while True:
            number += 1
            attempt = self._judge(task, scope, self._once(task, host, scope, task_id, doubt, item), number)
            if attempt.status in ("skipped", "unreachable", "unknown"):
                return attempt
            if task.until is not None:
                inner = scope.with_result(task.register, attempt.result)
                held = self.templates.test(task.until, inner)
                if isinstance(held, Unknown):
                    return attempt
            else:
                held = attempt.status != "failed"
            if held:
                return attempt
            if number > retries:
                if attempt.status != "failed" and attempt.result.get("failed_when_result") is not False:
                    attempt.status, attempt.reason = "failed", f"still not so after {number} attempts: {_conditions(task.until)}"
                    attempt.result.setdefault("msg", attempt.reason)
                attempt.result["failed"] = True  # for `is failed`, also where failed_when has cleared the task
                attempt.result["attempts"] = retries  # as Ansible counts: the repetitions
                return attempt
            said = f"attempt {number} of {retries + 1} did not hold; again in {delay:g} s"
            self.emit(TaskProgress(task_id, host.name, said, retries_left=retries - number + 1))
            time.sleep(delay)

    def _judge(self, task: Task, scope: TaskScope, attempt: Attempt, number: int) -> Attempt:
        """The module's word under the task's own conditions; what may only fail in a check is unknown."""
        return self._perhaps(task, self._by_conditions(task, scope, attempt, number))

    def _perhaps(self, task: Task, attempt: Attempt) -> Attempt:
        """A failure in a check, where what was left out before may have brought what it misses."""
        if attempt.status != "failed" or not attempt.pending or task.shared.ignore_errors is not None:
            return attempt
        unknown = Unknown(f"{attempt.pending}; as things are this would fail: {attempt.reason}")
        return Attempt("unknown", PartialResult({"failed": False, "changed": False}, unknown), reason=unknown.reason)

    def _by_conditions(self, task: Task, scope: TaskScope, attempt: Attempt, number: int) -> Attempt:
        """changed_when and failed_when over the module's own word."""
        result = attempt.result
        if number:
            result["attempts"] = number
        if attempt.status in ("skipped", "unreachable"):
            return attempt
        if task.changed_when is None and task.failed_when is None:
            return attempt
        inner = scope.with_result(task.register, result)
        asked = "changed_when_result"
        try:
            self._changed_when(task, inner, attempt)
            asked = "failed_when_result"
            self._failed_when(task, inner, attempt)
        except NxtplayError as error:  # what the module said is kept beside the fault
            broken = self._broken(error, task)
            self._break(attempt, replace(broken, result={"failed": True, "msg": broken.reason, asked: broken.reason}))
        return attempt

    def _changed_when(self, task: Task, scope: TaskScope, attempt: Attempt) -> None:
        if task.changed_when is None:
            return
        changed = self.templates.test(task.changed_when, scope)
        attempt.result["changed"] = changed
        if isinstance(changed, Unknown):
            attempt.status, attempt.reason = "unknown", changed.reason
        elif attempt.status in ("ok", "changed", "unknown"):
            attempt.status = "changed" if changed else "ok"

    def _failed_when(self, task: Task, scope: TaskScope, attempt: Attempt) -> None:
        if task.failed_when is None:
            return
        result = attempt.result
        failed = self.templates.test(task.failed_when, scope)
        if isinstance(failed, Unknown):
            return  # a check goes on as if it worked
        result["failed"] = result["failed_when_result"] = failed
        if failed:
            attempt.status, attempt.reason = "failed", f"failed_when: {_conditions(task.failed_when)}"
            result.setdefault("msg", attempt.reason)
        elif attempt.status == "failed":
            attempt.status, attempt.reason = "changed" if result_.is_true(result.get("changed")) else "ok", ""
            result_.suppress_exception(result)

    # -- doing it

    def _once(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None, item: int) -> Attempt:
        dispatch = self.dispatch
        prepared, segment = host.ahead.take(task, item)
        if prepared is not None:
            return dispatch.answer(task, host, scope, prepared, task_id, segment)
        if is_template(task.module):
            task = dispatch.with_module(task, scope)
        args = dispatch.args(task, scope)
        plugin = find.path_of(task, self.scopes.playbook_dir, self.options)
        if plugin is not None:
            return errand.run(dispatch, self.words, plugin, task, host, scope, args, doubt, task_id)
        word = self.words.get(task.module)
        if word is not None:
            if task.async_ is not None and task.async_.value:
                raise TemplateError(Diagnostic(f"{task.module} cannot run in the background", task.async_.span, "take out `async`"))
            named = {key: value for key, value in args.items() if key != "_raw_params"}
            spec = ARGS.get(task.module) if task.module != "meta" else None  # which looks itself
            wrong = check_args(spec, named) if spec and (named or not args) else []
            if spec and wrong:
                return dispatch.wrong_args(task, spec, wrong)
            return word(dispatch, task, host, scope, args, doubt)
        made = dispatch.prepare(task, host, scope, args, doubt)
        if isinstance(made, Attempt):
            return made
        if made.job.background:
            return dispatch.poll(task, host, scope, made, task_id)
        attempt = dispatch.answer(task, host, scope, made, task_id)
        return attempt if made.job.permit else dispatch.unstarted(task, scope, attempt)


def _all_of(parts: Sequence[Callable[[HostRun], None]]) -> Callable[[HostRun], None] | None:
    if not parts:
        return None

    def everywhere(host: HostRun) -> None:
        for part in parts:
            part(host)

    return everywhere


def _combined(attempts: Sequence[Attempt]) -> Attempt:
    """The attempts of a loop's items as the task's own."""
    results = [a.result for a in attempts]
    statuses = {a.status for a in attempts}
    status = next((s for s in ("unreachable", "failed", "changed", "unknown") if s in statuses), "ok")
    if statuses == {"skipped"}:
        status = "skipped"
    first = next((a for a in attempts if a.status == status), attempts[0])
    signal = next((a.signal for a in attempts if a.signal is not Signal.NEXT), Signal.NEXT)
    return Attempt(
        status,
        result_.of_loop(results),
        reason=first.reason,
        span=first.span,
        diagnostics=first.diagnostics,
        signal=signal,
        children=tuple(child for a in attempts for child in a.children),
        notify=tuple(dict.fromkeys(name for a in attempts if a.status in ("changed", "unknown") for name in a.notify)),
        no_log=any(a.no_log for a in attempts),
        pardoned=all(a.pardoned for a in attempts if a.status in ("failed", "unreachable")),
        facts_for=next((a.facts_for for a in attempts if a.facts_for), None),
        everywhere=_all_of([a.everywhere for a in attempts if a.everywhere]),
    )


def _censor(result: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: result[k] for k in ("changed", "failed", "skipped", "unreachable", "attempts") if k in result}
    return {"censored": CENSORED, **kept}


def _said(told: Any) -> str:
    """A warning, or what is said of something that is going away."""
    if not isinstance(told, Mapping):
        return str(told)
    version = f"{told.get('collection_name') or ''} {told.get('version') or ''}".strip()
    when = f"after {told['date']}" if told.get("date") else f"in {version}" if version else ""
    return f"{told.get('msg')}" + (f" (to be removed {when})" if when else "")


def _reason(attempt: Attempt) -> str:
    return CENSORED if attempt.no_log and attempt.reason and attempt.status != "skipped" else attempt.reason


def _conditions(conditions: Sequence[Located] | None) -> str:
    return " and ".join(str(c.value) for c in conditions or ())


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int)) else str(value)


def _told(label: Any) -> str:
    if isinstance(label, (Secret, Unknown)) or find_unknown(label) is not None:
        return "(unknown)" if not isinstance(label, Secret) else "********"
    return str(label)
