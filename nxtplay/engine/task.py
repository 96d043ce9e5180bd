"""One task on one host: when, loop, arguments, the job, what it means, what is registered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nxtplay.connection.protocol import Job, Reply
from nxtplay.core.host import Failed
from nxtplay.core.resource import Query, check_args
from nxtplay.core.state import Change, Secret, Unknown, UnknownReached, find_unknown
from nxtplay.engine import connections as connections_
from nxtplay.engine import result as result_
from nxtplay.engine.connections import Connections, Target, as_bool
from nxtplay.engine.finder import Controller
from nxtplay.engine.hosts import Failure, HostRun
from nxtplay.engine.options import Options
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import Scopes, TaskScope
from nxtplay.engine.walk import Signal, Verdict
from nxtplay.errors import Diagnostic, NxtplayError, Span, TemplateError, Unreachable
from nxtplay.events import Emit, HandlerNotified, ItemFinished, Notice, TaskFinished, TaskOutput, TaskProgress
from nxtplay.modules import registry
from nxtplay.playbook.model import Block, Located, Loop, Task
from nxtplay.playbook.search import search_path
from nxtplay.template.render import Templates
from nxtplay.template.values import OMIT

CENSORED = "hidden: no_log is set for this task"
DOUBT = "whether it runs is unknown"


@dataclass
class Attempt:
    """How one item (or the whole of a task without a loop) went, before it is told."""

    status: str
    result: dict[str, Any]
    changes: tuple[Change, ...] = ()
    reason: str = ""
    span: Span | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    signal: Signal = Signal.NEXT
    children: tuple[Block, ...] = ()
    seconds: float = 0.0
    notify: tuple[str, ...] = ()
    no_log: bool = False
    facts_for: HostRun | None = None
    everywhere: Callable[[HostRun], None] | None = None  # what a run_once word does for each further host


Word = Callable[["TaskRunner", Task, HostRun, TaskScope, dict[str, Any], "Unknown | None"], Attempt]


@dataclass
class TaskRunner:
    """Runs tasks on hosts. Everything it works with is handed in once for a run."""

    templates: Templates
    scopes: Scopes
    connections: Connections
    options: Options
    emit: Emit
    words: Mapping[str, Word]
    register_secret: Callable[[str], None]
    notify: Callable[[HostRun, str, Located, str], list[str]]  # (host, name, where, doubt) -> names of handlers it meant
    other_host: Callable[[str], HostRun]  # the run's record of any host, for delegation
    _classes: dict[str, type] = field(default_factory=dict)

    # -- the whole task

    def run(self, task: Task, host: HostRun, *, task_id: str, doubt: str = "") -> tuple[Verdict, Attempt]:
        """Run, tell, register, notify. `doubt` says why a handler may not have been notified at all."""
        began = time.monotonic()
        scope = self.scopes.of_task(host, task)
        first_doubt = Unknown(doubt) if doubt else None
        try:
            run = self._with_loop if task.loop else self._item
            attempt = run(task, host, scope, task_id, first_doubt)
        except NxtplayError as error:
            attempt = self._broken(error, task)
        attempt.seconds = time.monotonic() - began
        self._settle(task, host, scope, attempt)
        self.tell(task, host, attempt, task_id)
        return Verdict(attempt.signal, attempt.children), attempt

    def _broken(self, error: NxtplayError, task: Task) -> Attempt:
        """An expression of the task itself could not be rendered: the host fails here."""
        if isinstance(error, Unreachable):
            return Attempt("unreachable", {"unreachable": True, "changed": False, "msg": str(error)}, reason=str(error), span=task.span)
        diagnostics = tuple(d if d.span else replace(d, span=task.span) for d in error.diagnostics)
        message = "; ".join(d.message for d in diagnostics)
        return Attempt("failed", result_.failed(message), reason=message, span=diagnostics[0].span, diagnostics=diagnostics)

    def _settle(self, task: Task, host: HostRun, scope: TaskScope, attempt: Attempt) -> None:
        """What the outcome means for the host: its counts, the way ahead, what is registered, who is notified."""
        if task.register:
            host.set_facts[task.register] = attempt.result
        tally = host.tally
        if attempt.status == "failed":
            ignore = self._flag(task.shared.ignore_errors, scope)
            if ignore:
                attempt.status = "ignored"
                tally.ok += 1
                tally.ignored += 1
            else:
                tally.failed += 1
                host.failure = Failure(task, attempt.result)
                attempt.signal = Signal.FAILED
        elif attempt.status == "unreachable":
            if self._flag(task.shared.ignore_unreachable, scope):
                attempt.status = "ignored"
                tally.ok += 1
                tally.ignored += 1
            else:
                tally.unreachable += 1
                host.out = host.unreachable = True
                attempt.signal = Signal.LEFT
        elif attempt.status == "skipped":
            tally.skipped += 1
        elif attempt.status == "unknown":
            tally.unknown += 1
        else:
            tally.ok += 1
            tally.changed += attempt.status == "changed"
        if attempt.status in ("changed", "unknown"):
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
                reason=CENSORED if censored and attempt.reason else attempt.reason,
                seconds=attempt.seconds,
                span=attempt.span or task.span,
                diagnostics=() if censored else attempt.diagnostics,
            )
        )

    # -- loops

    def _with_loop(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None) -> Attempt:
        assert task.loop
        try:
            items = self._items(task.loop, scope)
        except TemplateError:
            held = self.templates.test(task.shared.when, scope) if task.shared.when else True
            if held is False:
                return Attempt("skipped", result_.skipped("Conditional result was False"), reason="condition is false")
            raise
        if isinstance(items, Unknown):
            unknown = PartialResult({"failed": False, "changed": items}, items)
            return Attempt("unknown", unknown, reason=f"the items are unknown: {items.reason}", span=task.loop.value.span)
        if not items:
            return Attempt("skipped", result_.no_items(), reason="no items")
        control = task.loop.control
        extended = control.extended is not None and as_bool(self.templates.render(control.extended.value, scope))
        attempts: list[Attempt] = []
        for index, item in enumerate(items):
            inner = scope.with_item(_loop_vars(control.loop_var, control.index_var, items, index, extended=extended))
            if index and control.pause is not None:
                time.sleep(float(self.templates.render(control.pause.value, inner)))
            began = time.monotonic()
            attempt = self._item(task, host, inner, task_id, doubt)
            attempt.result.update({control.loop_var: item, "ansible_loop_var": control.loop_var})
            if control.index_var:
                attempt.result.update({control.index_var: index, "ansible_index_var": control.index_var})
            attempt.seconds = time.monotonic() - began
            attempts.append(attempt)
            if task.register:
                host.set_facts[task.register] = attempt.result
            self._tell_item(task, host, inner, attempt, task_id, item)
            if attempt.signal is Signal.LEFT or attempt.status == "unreachable":
                break
            if control.break_when and self.templates.test(control.break_when, inner) is True:
                break
        return _combined(attempts)

    def _items(self, loop: Loop, scope: TaskScope) -> Any:
        if loop.lookup is None:
            items = self.templates.render(loop.value.value, scope, span=loop.value.span)
            if isinstance(items, Unknown):
                return items
            if not isinstance(items, list):
                kind = "a mapping; `| dict2items` makes a list of it" if isinstance(items, dict) else f"{items!r}"
                raise TemplateError(Diagnostic(f"loop takes a list, found {kind}", loop.value.span))
            return items
        return self.scopes.with_lookup(loop, scope)

    def _tell_item(self, task: Task, host: HostRun, scope: TaskScope, attempt: Attempt, task_id: str, item: Any) -> None:
        assert task.loop
        label: Any = item
        if task.loop.control.label is not None:
            label = self.templates.render(task.loop.control.label.value, scope)
        if attempt.no_log:
            label = "(hidden)"
        self.emit(
            ItemFinished(
                id=task_id,
                host=host.name,
                status=attempt.status,
                item_label=_short(label),
                result=_censor(attempt.result) if attempt.no_log else attempt.result,
                changes=() if attempt.no_log else attempt.changes,
                reason=CENSORED if attempt.no_log and attempt.reason else attempt.reason,
                seconds=attempt.seconds,
                span=attempt.span or task.span,
                diagnostics=() if attempt.no_log else attempt.diagnostics,
            )
        )

    # -- one item

    def _item(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None) -> Attempt:
        """when, then attempts until it holds; never raises NxtplayError."""
        no_log = False
        try:
            no_log = self._flag(task.shared.no_log, scope)
            if task.shared.when:
                held = self.templates.test(task.shared.when, scope)
                if held is False:
                    result = result_.skipped("Conditional result was False", _plain(task.shared.when[-1].value))
                    return Attempt("skipped", result, reason="condition is false")
                if isinstance(held, Unknown):
                    doubt = held if held.reason.startswith(DOUBT) else Unknown(f"{DOUBT} ({held.reason})")
            attempt = self._attempts(task, host, scope, task_id, doubt)
        except NxtplayError as error:
            attempt = self._broken(error, task)
        except UnknownReached as reached:
            unknown = reached.unknown
            attempt = Attempt("unknown", PartialResult({"failed": False, "changed": unknown}, unknown), reason=unknown.reason)
        attempt.no_log = no_log
        if attempt.status in ("changed", "unknown"):
            names = [self.templates.render(n.value, scope, span=n.span) for n in task.shared.notify]
            flat = [one for name in names for one in (name if isinstance(name, list) else [name])]
            attempt.notify = tuple(str(name) for name in flat if name is not OMIT)
        return attempt

    def _attempts(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None) -> Attempt:
        if task.until is None and task.retries is None:
            return self._judge(task, scope, self._once(task, host, scope, task_id, doubt), 0)
        retries = 3 if task.retries is None else int(self.templates.render(task.retries.value, scope, span=task.retries.span))
        delay = 5.0 if task.delay is None else float(self.templates.render(task.delay.value, scope, span=task.delay.span))
        delay = 1.0 if delay < 0 else delay
        number = 0
        while True:
            number += 1
            attempt = self._judge(task, scope, self._once(task, host, scope, task_id, doubt), number)
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
                if attempt.status != "failed":
                    attempt.status, attempt.reason = "failed", f"still not so after {number} attempts: {_conditions(task.until)}"
                    attempt.result.setdefault("msg", attempt.reason)
                attempt.result["failed"] = True
                attempt.result["attempts"] = retries  # as Ansible counts: the repetitions
                return attempt
            self.emit(TaskProgress(task_id, host.name, f"attempt {number} of {retries + 1} did not hold; again in {delay:g} s"))
            time.sleep(delay)

    def _judge(self, task: Task, scope: TaskScope, attempt: Attempt, number: int) -> Attempt:
        """changed_when and failed_when over the module's own word."""
        result = attempt.result
        if number:
            result["attempts"] = number
        if attempt.status in ("skipped", "unreachable"):
            return attempt
        if task.changed_when is None and task.failed_when is None:
            return attempt
        inner = scope.with_result(task.register, result)
        if task.changed_when is not None:
            changed = self.templates.test(task.changed_when, inner)
            result["changed"] = changed
            if isinstance(changed, Unknown):
                attempt.status, attempt.reason = "unknown", changed.reason
            elif attempt.status in ("ok", "changed", "unknown"):
                attempt.status = "changed" if changed else "ok"
        if task.failed_when is not None:
            failed = self.templates.test(task.failed_when, inner)
            if isinstance(failed, Unknown):
                return attempt  # a check goes on as if it worked
            result["failed"] = result["failed_when_result"] = failed
            if failed:
                attempt.status, attempt.reason = "failed", f"failed_when: {_conditions(task.failed_when)}"
                result.setdefault("msg", attempt.reason)
            elif attempt.status == "failed":
                attempt.status, attempt.reason = "changed" if result_.is_true(result.get("changed")) else "ok", ""
        return attempt

    # -- doing it

    def _once(self, task: Task, host: HostRun, scope: TaskScope, task_id: str, doubt: Unknown | None) -> Attempt:
        args = self._args(task, scope)
        word = self.words.get(task.module)
        if word is not None:
            return word(self, task, host, scope, args, doubt)
        return self._module(task, host, scope, args, task_id, doubt)

    def _args(self, task: Task, scope: TaskScope) -> dict[str, Any]:
        """Rendered arguments, module_defaults below them."""
        merged: dict[str, Any] = {}
        for defaults in task.shared.module_defaults:
            rendered = self.templates.render(defaults.value, scope, span=defaults.span)
            for name, values in (rendered or {}).items():
                if name.rsplit(".", 1)[-1] == task.module:
                    merged.update(values)
        for name, value in task.args.items():
            rendered = self.templates.render(value, scope, span=task.args.values_at.get(name) or task.span)
            if rendered is OMIT:
                merged.pop(name, None)
            else:
                merged[name] = rendered
        if task.free_form is not None:
            merged["_raw_params"] = self.templates.render(task.free_form.value, scope, span=task.free_form.span)
        return merged

    def load_class(self, task: Task) -> Any:
        found = self._classes.get(task.module)
        if found is None:
            try:
                found = self._classes[task.module] = registry.load(task.module)
            except KeyError:
                raise NxtplayError(Diagnostic(f"unknown module '{task.module}'", task.module_span)) from None
        return found

    def streams(self, task: Task) -> bool:
        """Whether all that the task prints is shown as it comes."""
        return task.module in registry.names() and bool(self.load_class(task).streams)

    def _module(self, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], task_id: str, doubt: Unknown | None) -> Attempt:
        cls = self.load_class(task)
        if cls.free_form and "_raw_params" in args:
            args[cls.free_form] = args.pop("_raw_params")
        wrong = check_args(cls, args)
        if wrong:
            return self._wrong_args(task, [(e.path, e.message, e.hint) for e in wrong])
        wanted = self.target(task, host, scope)
        permit = not self.in_check(task, scope)
        folders = search_path(task, self.scopes.playbook_dir)
        controller = Controller(
            folders, lambda path, options: self.scopes.render_file(path, options, scope, folders), self.register_secret
        )
        try:
            ready = cls.prepare(args, controller)
        except Failed as failed:
            return Attempt("failed", result_.failed(failed.message, **failed.result), reason=failed.message)
        job = Job(
            task.module,
            ready,
            permit,
            environ=self._environ(task, scope),
            libraries=cls.libraries,
            doubt=doubt.reason if doubt is not None else "",
        )
        if doubt is not None and (permit or issubclass(cls, Query)):  # also with `check_mode: false`: what may not run at all is not run
            unknown = PartialResult({"failed": False, "changed": False}, doubt)
            return Attempt("unknown", unknown, reason=doubt.reason)
        reply = self.send(job, wanted, host, task_id, task, scope)
        if reply.arg_errors:
            return self._wrong_args(task, [(tuple(e["path"]), e["message"], e["hint"]) for e in reply.arg_errors])
        return self._of_reply(task, host, reply, wanted, scope)

    def _of_reply(self, task: Task, host: HostRun, reply: Reply, wanted: Target, scope: TaskScope) -> Attempt:
        where = f"{task.module} at {task.span}"
        fields = result_.from_reply(reply, where=where)
        changes = tuple(Change(path, before, after) for path, before, after in reply.changes)
        reason = reply.reason
        if reply.status == "failed":
            reason = str(fields.get("msg", "failed"))
        elif reply.status == "unknown":
            reason = f"depends on {reply.unknown}"
        attempt = Attempt(reply.status, fields, changes, reason)
        facts = fields.get("ansible_facts")
        if isinstance(facts, Mapping):
            receiver = self.facts_receiver(task, host, scope)
            receiver.facts.update({_without_prefix(name): value for name, value in facts.items()})
            attempt.facts_for = receiver
        return attempt

    def facts_receiver(self, task: Task, host: HostRun, scope: TaskScope) -> HostRun:
        """Facts go to the host itself unless delegate_facts says otherwise."""
        if task.shared.delegate_to is not None and self._flag(task.shared.delegate_facts, scope):
            return self.other_host(str(self.templates.render(task.shared.delegate_to.value, scope)))
        return host

    def send(self, job: Job, wanted: Target, host: HostRun, task_id: str, task: Task, scope: TaskScope) -> Reply:
        """One job over the target's connection; its live lines become events. Raises Unreachable."""

        def on_event(_: int, kind: str, text: str) -> None:
            self.emit((TaskProgress if kind == "progress" else TaskOutput)(task_id, host.name, text))

        connection = self.connections.get(wanted)
        owner = host if wanted.host == host.name else self.other_host(wanted.host)
        timeout = self._timeout(task, scope)
        began = time.monotonic()
        try:
            replies = connection.request(
                [job], on_event=on_event, foreseen=() if job.permit else self.connections.untold(wanted, owner.news), timeout=timeout
            )
        except Unreachable:
            self.connections.drop(wanted)
            if timeout is not None and time.monotonic() - began >= timeout:
                return Reply("failed", {"msg": f"the task took longer than its timeout of {timeout:g} s and was ended"})
            raise
        reply = replies[0]
        if reply.news:
            owner.news += reply.news
            self.connections.learned(wanted, len(reply.news))
        return reply

    def _timeout(self, task: Task, scope: TaskScope) -> float | None:
        if task.shared.timeout is not None:
            seconds = float(self.templates.render(task.shared.timeout.value, scope, span=task.shared.timeout.span))
            return seconds or None
        return float(self.options.task_timeout) if self.options.task_timeout else None

    def _wrong_args(self, task: Task, errors: Sequence[tuple[tuple[Any, ...], str, str]]) -> Attempt:
        diagnostics = tuple(Diagnostic(f"{task.module}: {message}", _place(task, path), hint) for path, message, hint in errors)
        message = "; ".join(d.message for d in diagnostics)
        return Attempt("failed", result_.failed(message), reason=message, span=diagnostics[0].span, diagnostics=diagnostics)

    def target(self, task: Task, host: HostRun, scope: TaskScope) -> Target:
        """Where the task's job goes: the host itself, or whom it is delegated to, by that host's own connection variables."""
        name, where = host.name, scope
        if task.shared.delegate_to is not None:
            delegate = self.templates.render(task.shared.delegate_to.value, scope, span=task.shared.delegate_to.span)
            if isinstance(delegate, Unknown):
                raise UnknownReached(delegate)
            if delegate not in (None, "", OMIT) and str(delegate) != host.name:
                name = str(delegate)
                where = self.scopes.of_delegate(self.other_host(name), task, scope)

        def get(variable: str) -> Any:
            if variable not in where:
                return None
            return self.templates.render("{{ " + variable + " }}", where)

        return connections_.target(name, task.shared, get, lambda located: self.templates.render(located.value, scope), self.options)

    def in_check(self, task: Task, scope: TaskScope) -> bool:
        """Whether this task only foresees: the command line's --check, or the keyword's own word."""
        if task.shared.check_mode is None:
            return self.options.check
        return self._flag(task.shared.check_mode, scope)

    def _environ(self, task: Task, scope: TaskScope) -> dict[str, str]:
        out: dict[str, str] = {}
        for located in task.shared.environment:
            value = self.templates.render(located.value, scope, span=located.span)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Unknown):
                    raise UnknownReached(one)
                if isinstance(one, Mapping):
                    out.update({str(k): str(v) for k, v in one.items() if v is not OMIT})
                elif one:
                    raise TemplateError(Diagnostic("environment takes a mapping of names to values", located.span))
        return out

    def _flag(self, located: Located | None, scope: TaskScope) -> bool:
        if located is None:
            return False
        value = self.templates.render(located.value, scope, span=located.span)
        return False if isinstance(value, Unknown) else as_bool(value)

    def note(self, text: str, span: Span | None = None, *, host: str = "", level: str = "warning") -> None:
        self.emit(Notice(level, text, span, host))


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
    )


def _loop_vars(loop_var: str, index_var: str | None, items: Sequence[Any], index: int, *, extended: bool) -> dict[str, Any]:
    out = {loop_var: items[index], "ansible_loop_var": loop_var}
    if index_var:
        out.update({index_var: index, "ansible_index_var": index_var})
    if extended:
        count = len(items)
        loop: dict[str, Any] = {
            "allitems": list(items),
            "index": index + 1,
            "index0": index,
            "first": index == 0,
            "last": index == count - 1,
            "length": count,
            "revindex": count - index,
            "revindex0": count - index - 1,
        }
        if index:
            loop["previtem"] = items[index - 1]
        if index < count - 1:
            loop["nextitem"] = items[index + 1]
        out["ansible_loop"] = loop
    return out


def _place(task: Task, path: tuple[Any, ...]) -> Span:
    """The place of an argument in the YAML: the value at `path`, else its key, else the task's module."""
    at: Any = task.args
    span = task.module_span
    for step in path:
        values_at = getattr(at, "values_at", None)
        if values_at is not None and step in values_at:
            span = at.keys_at.get(step, values_at[step]) if len(path) == 1 and step not in at else values_at[step]
            at = at[step]
        elif isinstance(at, list) and isinstance(step, int) and step < len(at):
            places = getattr(at, "items_at", [])
            span = places[step] if step < len(places) else span
            at = at[step]
        else:
            break
    return span


def _censor(result: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: result[k] for k in ("changed", "failed", "skipped", "unreachable", "attempts") if k in result}
    return {"censored": CENSORED, **kept}


def _conditions(conditions: Sequence[Located] | None) -> str:
    return " and ".join(str(c.value) for c in conditions or ())


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int)) else str(value)


def _short(label: Any) -> str:
    if isinstance(label, (Secret, Unknown)) or find_unknown(label) is not None:
        return "(unknown)" if not isinstance(label, Secret) else "********"
    text = str(label)
    return text if len(text) <= 100 else text[:97] + "..."


def _without_prefix(name: str) -> str:
    return name[len("ansible_") :] if name.startswith("ansible_") and name != "ansible_local" else name.removeprefix("ansible_")
