"""From a task to its job, from the job's reply to how the task went: everything between the playbook and a connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nxtplay.connection.protocol import Connection, Job, Reply
from nxtplay.core import background
from nxtplay.core.decode import as_texts
from nxtplay.core.host import Failed
from nxtplay.core.resource import Args, Module, Query, Resource, check_args
from nxtplay.core.state import Change, Unknown, UnknownReached
from nxtplay.core.types import ArgError
from nxtplay.engine import bare, tocome
from nxtplay.engine import connections as connections_
from nxtplay.engine import result as result_
from nxtplay.engine.actions import find
from nxtplay.engine.attempt import Attempt
from nxtplay.engine.connections import Connections, Target, as_bool, as_number
from nxtplay.engine.finder import Controller
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.options import Options
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import Scopes, TaskScope
from nxtplay.engine.segment import Prepared, Segment
from nxtplay.errors import BecomeMissing, Diagnostic, NxtplayError, Span, TemplateError, UndefinedVariable, Unreachable
from nxtplay.events import Emit, Notice, TaskOutput, TaskProgress
from nxtplay.modules import registry
from nxtplay.playbook.model import Located, Task
from nxtplay.playbook.modules import concerns
from nxtplay.playbook.search import collection_roots, search_path
from nxtplay.template import routing
from nxtplay.template.render import Templates
from nxtplay.template.values import OMIT, drop_omitted, is_template
from nxtplay.variables.precedence import Scope

# words whose arguments have names
MAPPED = frozenset(("add_host", "assert", "debug", "fail", "group_by", "pause", "set_fact", "set_stats"))
MAX_TIMEOUT = 100_000_000  # seconds
Ask = Callable[[str, bool], str]  # (prompt, echo) -> what is typed


@dataclass
class Dispatch:
    """Makes jobs and sends them. Everything it works with is handed in once for a run."""

    templates: Templates
    scopes: Scopes
    connections: Connections
    options: Options
    emit: Emit
    register_secret: Callable[[str], None]
    other_host: Callable[[str], HostRun]  # the run's record of any host, for delegation
    ask: Ask | None = None
    _classes: dict[str, type[Module]] = field(default_factory=dict)

    def args(self, task: Task, scope: TaskScope) -> dict[str, Any]:
        """Rendered arguments, module_defaults below them. A template that stands for all of them brings a mapping."""
        merged: dict[str, Any] = {}

        def members(group: str) -> frozenset[str]:
            return routing.group(group, collection_roots(task.role, self.options.collections_path))

        for defaults in task.shared.module_defaults:
            rendered = self.templates.render(defaults.value, scope, span=defaults.span)
            for name, values in (rendered or {}).items():
                if concerns(str(name), task.module, members):
                    merged.update(values)
        if task.free_form is not None:
            whole = self.templates.render(task.free_form.value, scope, span=task.free_form.span)
            if isinstance(whole, Mapping):
                merged.update(drop_omitted(whole))
            elif whole is not OMIT:
                self._as_mapping(task, whole)
                merged["_raw_params"] = whole
        for name, value in task.args.items():
            rendered = self.templates.render(value, scope, span=task.args.values_at.get(name) or task.span)
            if rendered is OMIT:
                merged.pop(name, None)
            else:
                merged[name] = rendered
        return merged

    def _as_mapping(self, task: Task, whole: Any) -> None:
        """Raises TemplateError where a template brings no mapping for a word that takes nothing else."""
        if task.module not in MAPPED:
            return
        if isinstance(whole, Unknown):
            raise UnknownReached(whole)
        span = task.free_form.span if task.free_form else task.module_span
        raise TemplateError(Diagnostic(f"the arguments of {task.module} must resolve to a 'dict', found {whole!r}", span))

    def with_module(self, task: Task, scope: Scope) -> Task:
        """A task of `action: "{{ ... }}"` with the module that is meant now."""
        word = str(self.templates.render(task.module, scope, span=task.module_span))
        module = find.meant(word, task, self.scopes.playbook_dir, self.options)
        if module is None:
            raise NxtplayError(Diagnostic(f"unknown module '{word}'", task.module_span))
        return replace(task, module=module)

    def load_class(self, task: Task) -> type[Module]:
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

    def prepare(self, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Prepared | Attempt:
        """The job of a task, or how it went already when there is nothing to send."""
        if task.module not in registry.names():
            task, args = find.as_program(task, args, self.scopes.playbook_dir, self.options)
            args["settings"] = {
                "no_log": self.flag(task.shared.no_log, scope, default=self.options.no_log),
                "diff": self.flag(task.shared.diff, scope, default=self.options.diff),
                "verbosity": self.options.verbosity,
            }
        cls = self.load_class(task)
        if cls.free_form and "_raw_params" in args:
            args[cls.free_form] = args.pop("_raw_params")
        args = as_texts(cls, args, task.args)
        wrong = check_args(cls, args)
        if wrong:
            return self.wrong_args(task, cls, wrong)
        wanted = self.target(task, host, scope)
        permit = not self.in_check(task, scope)
        folders = search_path(task, self.scopes.playbook_dir)
        environ = self._environ(task, scope)
        controller = Controller(
            host.name,
            permit,
            self.scopes.playbook_dir,
            folders,
            lambda path, options: self.scopes.render_file(path, options, scope, folders),
            self.register_secret,
            environ,
            decrypt=self.scopes.templates.decrypted,
        )
        try:
            ready = cls.prepare(args, controller)
        except Failed as failed:
            return Attempt("failed", result_.failed(failed.message, **failed.result), reason=failed.message)
        job = Job(
            task.module,
            ready,
            permit,
            environ=environ,
            libraries=cls.libraries,
            doubt=doubt.reason if doubt is not None else "",
            apart=not permit and not self.options.check,
        )
        if task.async_ is not None and permit:
            job = replace(job, background=self.number("async", task.async_, scope), background_folder=self._async_folder(scope))
        if task.module == "async_status":
            job = replace(job, args={"folder": self._async_folder(scope), **ready})
        if doubt is not None and (permit or issubclass(cls, Query)):  # also with `check_mode: false`: what may not run at all is not run
            unknown = PartialResult({"failed": False, "changed": False}, doubt)
            return Attempt("unknown", unknown, reason=doubt.reason)
        receive = None
        if cls.receive.__func__ is not Module.receive.__func__:  # type: ignore[attr-defined]

            def receive(result: dict[str, Any]) -> dict[str, Any]:
                return cls.receive(ready, result, controller)

        return Prepared(job, wanted, receive)

    def answer(
        self,
        task: Task,
        host: HostRun,
        scope: TaskScope,
        prepared: Prepared,
        task_id: str,
        segment: Segment | None = None,
        *,
        facts: bool = True,
    ) -> Attempt:
        """Send the job (or take its reply from the segment that it travelled in). Raises Unreachable."""
        reply = None if segment is None else self._from_segment(segment, host, prepared, task_id)
        if reply is None:
            reply = self._send(prepared, host, task_id, self._timeout(task, scope))
        if reply.arg_errors:
            wrong = [ArgError(tuple(e["path"]), e["message"], e["hint"]) for e in reply.arg_errors]
            return self.wrong_args(task, self.load_class(task), wrong)
        attempt = self._of_reply(task, reply, scope, prepared)
        if facts:
            self.take_facts(task, host, scope, attempt)
        return attempt

    def carry_out(self, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], task_id: str) -> Attempt:
        """How a module went that stands for no task of its own: an action plugin asks for it, and says what its facts are worth."""
        made = self.prepare(task, host, scope, args, None)
        if isinstance(made, Attempt):
            return made
        if made.job.background:
            return self.poll(task, host, scope, made, task_id)
        return self.answer(task, host, scope, made, task_id, facts=False)

    def number(self, keyword: str, located: Located | None, scope: Mapping[str, Any], *, otherwise: float = 0) -> float:
        """What a keyword that takes a number comes to, `otherwise` where it is not there or omitted."""
        value = OMIT if located is None else self.templates.render(located.value, scope, span=located.span)
        return otherwise if located is None or value is OMIT else as_number(value or 0, keyword, located.span)

    def _async_folder(self, scope: TaskScope) -> str:
        return str(self.templates.render("{{ ansible_async_dir | default('') }}", scope)) or background.FOLDER

    def poll(self, task: Task, host: HostRun, scope: TaskScope, prepared: Prepared, task_id: str) -> Attempt:
        """Start a job that is not waited for; with `poll`, look after it until it has finished or its time is over."""
        attempt = self.answer(task, host, scope, prepared, task_id)
        pause = self.number("poll", task.poll, scope, otherwise=15)
        if pause <= 0 or attempt.status != "changed":
            return attempt
        until = time.monotonic() + prepared.job.background
        asked = {"jid": attempt.result["ansible_job_id"], "folder": prepared.job.background_folder}
        look = replace(prepared, job=replace(prepared.job, module="async_status", args=asked, background=0.0))
        last: Mapping[str, Any] = {}
        while time.monotonic() < until:
            time.sleep(min(pause, max(0.0, until - time.monotonic()) + 0.1))
            seen = self.answer(task, host, scope, look, task_id)
            if seen.status not in ("ok", "changed") or seen.result.get("finished"):
                self.answer(task, host, scope, replace(look, job=replace(look.job, args={**asked, "mode": "cleanup"})), task_id)
                return seen
            last = seen.result
            self.emit(TaskProgress(task_id, host.name, f"job {asked['jid']} is running"))
        message = f"async task did not complete within the requested time - {prepared.job.background:g}s"
        return Attempt("failed", {**result_.failed(message), "async_result": dict(last)}, reason=message)

    def unstarted(self, task: Task, scope: TaskScope, attempt: Attempt) -> Attempt:
        """In a check, what a task that would not be waited for comes to: as if it were, and the id of a job that is not there."""
        if task.async_ is None or not self.number("async", task.async_, scope) or self.number("poll", task.poll, scope, otherwise=15) > 0:
            return attempt
        if attempt.status in ("ok", "changed"):
            attempt.result.setdefault("ansible_job_id", Unknown("no job is started in a check"))
        return attempt

    def _of_reply(self, task: Task, reply: Reply, scope: TaskScope, prepared: Prepared) -> Attempt:
        where = f"{task.word} at {task.span}"
        fields = result_.from_reply(reply, where=where)
        changes = tuple(Change(path, before, after) for path, before, after in reply.changes)
        own_diff = None if task.shared.diff is None else self.flag(task.shared.diff, scope)
        if self.options.diff if own_diff is None else own_diff:
            self._add_diff(task, fields, changes, prepared.job.args)
        reason = reply.reason
        if reply.status == "failed":
            reason = str(fields.get("msg", "failed"))
        elif reply.status == "unknown":
            reason = reply.unknown or ""
        pending = (reply.unknown or "") if reply.status == "failed" else ""
        attempt = Attempt(reply.status, fields, changes, reason, pending=pending, diff=own_diff)
        if reply.status == "ok" and fields.get("skipped") is True:
            attempt.status = "skipped"
        if prepared.receive is not None and reply.status in ("ok", "changed"):
            try:
                attempt.result = prepared.receive(fields)
            except Failed as failed:
                return Attempt("failed", result_.failed(failed.message), reason=failed.message)
            if attempt.result.get("changed"):
                attempt.status = "changed"
        facts = fields.get("ansible_facts")
        if isinstance(facts, dict) and prepared.target.interpreter is not None:
            facts.pop("discovered_interpreter_python", None)
        return attempt

    def take_facts(self, task: Task, host: HostRun, scope: TaskScope, attempt: Attempt) -> None:
        """The facts that a result brings."""
        facts = attempt.result.get("ansible_facts")
        if isinstance(facts, Mapping):
            receiver = self.facts_receiver(task, host, scope)
            receiver.facts.update({_without_prefix(name): value for name, value in facts.items()})
            receiver.plain_facts.update(name for name in facts if not name.startswith("ansible_"))
            attempt.facts_for = receiver

    def _add_diff(self, task: Task, fields: dict[str, Any], changes: tuple[Change, ...], args: Mapping[str, Any]) -> None:
        """The differences in the result, where the module has any to tell."""
        if "diff" not in fields and task.module in registry.names() and issubclass(self.load_class(task), Resource):
            name = next((str(place[n]) for place in (fields, dict(args)) for n in ("dest", "path") if dict.get(place, n)), "")
            fields["diff"] = result_.diff_of(changes, name, task.module)

    def facts_receiver(self, task: Task, host: HostRun, scope: TaskScope) -> HostRun:
        """Facts go to the host itself unless delegate_facts says otherwise."""
        if task.shared.delegate_to is not None and self.flag(task.shared.delegate_facts, scope):
            name = str(self.templates.render(task.shared.delegate_to.value, scope))
            return self.other_host(self.scopes.inventory.meant(name))
        return host

    def begin(self, prepared: Sequence[Prepared], host: HostRun) -> Segment:
        """Send several jobs for one target in one message."""
        wanted = prepared[0].target
        connection = self._free(wanted, host)
        for one in prepared:
            self._part(one)
        foreseen = () if prepared[0].job.permit else self.connections.untold(wanted, self._owner(wanted, host).news)
        return Segment(connection, [one.job for one in prepared], foreseen)

    def _owner(self, wanted: Target, host: HostRun) -> HostRun:
        return host if wanted.host == host.name else self.other_host(wanted.host)

    def _free(self, wanted: Target, host: HostRun) -> Any:
        """The connection, once the segment under way (if any) has ended."""
        under_way = host.ahead.segment
        if under_way is not None:
            under_way.finish()
            host.ahead.segment = None
        return self.connections.get(wanted)

    def _part(self, prepared: Prepared) -> None:
        """An account that is about to be removed has no agent of ours in it."""
        job = prepared.job
        account = registry.load(job.module).removed_account(job.args) if job.permit else ""
        if account:
            self.connections.leave(prepared.target.host, account)

    def _on_event(self, host: HostRun, task_id: str) -> Callable[[int, str, str], None]:
        def tell(_: int, kind: str, text: str) -> None:
            self.emit((TaskProgress if kind == "progress" else TaskOutput)(task_id, host.name, text))

        return tell

    def _from_segment(self, segment: Segment, host: HostRun, prepared: Prepared, task_id: str) -> Reply | None:
        try:
            reply = segment.take(self._on_event(host, task_id))
        except Unreachable as error:
            self.connections.drop(prepared.target)
            reply = self._to_come(prepared, host, error)
            if reply is None:
                raise
        if reply is not None:
            self._learn(prepared, host, reply)
        return reply

    def send(self, job: Job, wanted: Target, host: HostRun, timeout: float | None) -> Reply:
        """A job that stands for no task of its own. Raises Unreachable."""
        return self._send(Prepared(job, wanted), host, "", timeout)

    def _send(self, prepared: Prepared, host: HostRun, task_id: str, timeout: float | None) -> Reply:
        """One job over the target's connection; its live lines become events."""
        job, wanted = prepared.job, prepared.target
        connection = self._free(wanted, host)
        if not registry.load(job.module).needs_python:
            return self._bare(prepared, connection, host, timeout)
        self._part(prepared)
        foreseen = () if job.permit else self.connections.untold(wanted, self._owner(wanted, host).news)
        began = time.monotonic()
        try:
            reply: Reply = connection.request([job], on_event=self._on_event(host, task_id), foreseen=foreseen, timeout=timeout)[0]
        except Unreachable as error:
            self.connections.drop(wanted)
            if timeout is not None and time.monotonic() - began >= timeout:
                return Reply("failed", result_.timed_out(timeout))
            early = self._to_come(prepared, host, error)
            if early is None:
                raise
            reply = early
        self._learn(prepared, host, reply)
        return reply

    def _to_come(self, prepared: Prepared, host: HostRun, error: Unreachable) -> Reply | None:
        """What a check says where the user that a task becomes is only to come; None where that is not the trouble."""
        wanted = prepared.target.escalation
        if wanted is None or not isinstance(error, BecomeMissing) or (prepared.job.permit and not self.options.check):
            return None
        reason = tocome.user_to_come(wanted.user, self._owner(prepared.target, host).news)
        return tocome.unknown(prepared.job, reason) if reason else None

    def _bare(self, prepared: Prepared, connection: Connection, host: HostRun, timeout: float | None) -> Reply:
        """The job of a module that needs no Python there; no agent foresaw what a check of it did."""
        try:
            reply = bare.reply(connection, prepared.job, timeout=timeout)
        except Unreachable:
            self.connections.drop(prepared.target)
            raise
        self._note(prepared, host, reply)
        return reply

    def _learn(self, prepared: Prepared, host: HostRun, reply: Reply) -> None:
        """What a check foresaw there, which its agent knows already."""
        if reply.news:
            self.connections.learned(prepared.target, len(reply.news))
        self._note(prepared, host, reply)

    def _note(self, prepared: Prepared, host: HostRun, reply: Reply) -> None:
        """What was foreseen, for the agents of the same host."""
        self._owner(prepared.target, host).news += reply.news

    def _timeout(self, task: Task, scope: TaskScope) -> float | None:
        if task.shared.timeout is not None:
            seconds = self.number("timeout", task.shared.timeout, scope)
            if not 0 <= seconds <= MAX_TIMEOUT:
                message = f"Timeout {seconds:.12g} is invalid, it must be between 0 and {MAX_TIMEOUT}."
                raise TemplateError(Diagnostic(message, task.shared.timeout.span))
            return seconds or None
        return float(self.options.task_timeout) if self.options.task_timeout else None

    def wrong_args(self, task: Task, cls: type[Args], errors: Sequence[ArgError]) -> Attempt:
        """A task whose arguments are wrong; `msg` says so in Ansible's words."""
        diagnostics = tuple(Diagnostic(f"{task.module}: {e.message}", _place(task, e.path), e.hint) for e in errors)
        message = "; ".join(d.message for d in diagnostics)
        told = result_.failed(_usual(task.module, cls, errors))
        return Attempt("failed", told, reason=message, span=diagnostics[0].span, diagnostics=diagnostics)

    def target(self, task: Task, host: HostRun, scope: TaskScope) -> Target:
        """Where the task's job goes: the host itself, or whom it is delegated to, by that host's own connection variables."""
        name, where = host.name, scope
        if task.shared.delegate_to is not None:
            delegate = self.templates.render(task.shared.delegate_to.value, scope, span=task.shared.delegate_to.span)
            if isinstance(delegate, Unknown):
                raise UnknownReached(delegate)
            if delegate not in (None, "", OMIT) and str(delegate) != host.name:
                name = str(delegate)
                where = self.scopes.of_host(self.other_host(name))

        def get(variable: str) -> Any:
            try:
                value, _ = where.find(variable)
            except KeyError:
                return None
            if type(value) in (int, bool) or (type(value) is str and not is_template(value)):
                return value  # two dozen of them are asked for, for each task on each host
            return self.templates.render("{{ " + variable + " }}", where)

        found = connections_.target(name, task.shared, get, lambda located: self.templates.render(located.value, scope), self.options)
        return found if name == host.name else replace(found, via=host.name)

    def in_check(self, task: Task, scope: TaskScope) -> bool:
        """Whether this task only foresees: the command line's --check, or the keyword's own word."""
        if task.shared.check_mode is None:
            return self.options.check
        return self.flag(task.shared.check_mode, scope)

    def _environ(self, task: Task, scope: TaskScope) -> dict[str, str]:
        out: dict[str, str] = {}
        for located in task.shared.environment:
            value = self._environ_of(task, located, scope)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Unknown):
                    raise UnknownReached(one)
                if isinstance(one, Mapping):
                    out.update({str(k): str(v) for k, v in one.items() if v is not OMIT})
                elif one and one is not OMIT:
                    raise TemplateError(Diagnostic("environment takes a mapping of names to values", located.span))
        return out

    def _environ_of(self, task: Task, located: Located, scope: TaskScope) -> Any:
        """One `environment`. While facts are gathered, entries that are made of the host's own environment are left out."""
        try:
            return self.templates.render(located.value, scope, span=located.span)
        except UndefinedVariable as error:
            if task.module not in ("setup", "gather_facts") or not isinstance(located.value, Mapping) or not _of_environ(error):
                raise
        out: dict[str, Any] = {}
        for name, value in located.value.items():
            try:
                out[name] = self.templates.render(value, scope, span=located.span)
            except UndefinedVariable as error:
                if not _of_environ(error):
                    raise
        return out

    def flag(self, located: Located | None, scope: TaskScope, *, default: bool = False) -> bool:
        if located is None:
            return default
        value = self.templates.render(located.value, scope, span=located.span)
        return False if isinstance(value, Unknown) else as_bool(value)

    def note(self, text: str, span: Span | None = None, *, host: str = "", level: str = "warning") -> None:
        self.emit(Notice(level, text, span, host))


def _of_environ(error: UndefinedVariable) -> bool:
    """Whether what is undefined is the environment that only facts tell."""
    return "'ansible_env'" in str(error)


def _usual(module: str, cls: type[Args], errors: Sequence[ArgError]) -> str:
    """What is wrong with arguments in one text, in the words of Ansible."""
    lists: dict[str, list[str]] = {}  # what is wrong -> with which arguments
    for error in errors:
        head, colon, rest = (error.usual or error.message).partition(": ")
        lists.setdefault(head + colon, []).append(rest)
    unsupported = lists.pop("Unsupported parameters: ", None)
    if unsupported:
        known = ", ".join(sorted(spec.name + (f" ({', '.join(spec.aliases)})" if spec.aliases else "") for spec in cls.specs().values()))
        return f"Unsupported parameters for ({module}) module: {', '.join(unsupported)}. Supported parameters include: {known}."
    return "; ".join(head + ", ".join(rest) for head, rest in lists.items())


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


def _without_prefix(name: str) -> str:
    return name[len("ansible_") :] if name.startswith("ansible_") and name != "ansible_local" else name.removeprefix("ansible_")
