"""One task of an action plugin on one host: what the plugin may ask of the engine, and what its answer means.

In a check the plugin is called as well. The modules that it asks for are foreseen; a command or a file that it wants to send is not to be
foreseen, and the task is `unknown` from there on, whatever the plugin makes of it. See docs/decisions/action-plugins.md.
"""

from __future__ import annotations

import contextlib
import copy
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.engine import result as result_
from nxtplay.engine.actions import find, guard
from nxtplay.engine.attempt import Attempt
from nxtplay.engine.dispatch import Dispatch
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import TaskScope
from nxtplay.errors import NxtplayError, Unreachable
from nxtplay.modules import registry
from nxtplay.playbook.model import Task, YamlMap
from nxtplay.playbook.modules import canonical
from nxtplay.playbook.search import library_file, plain_name
from nxtplay.template.lazy import finish

Words = Mapping[str, Callable[..., Attempt]]


class Unforeseen(Unknown):
    """A field of an answer that a check does not know. Asked for a decision it says so to the errand too: a plugin may go on behind it."""

    __slots__ = ("tell",)

    def __init__(self, reason: str, tell: Callable[[Unknown], None]) -> None:
        super().__init__(reason)
        object.__setattr__(self, "tell", tell)

    def _decide(self, *args: object) -> Any:
        self.tell(self)
        raise UnknownReached(self)

    __bool__ = __str__ = __len__ = __iter__ = __contains__ = __int__ = __float__ = __index__ = _decide
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _decide
    __hash__ = None
    __format__ = _decide


@dataclass
class Errand:
    """What stands behind the objects that a plugin is handed."""

    dispatch: Dispatch
    words: Words
    task: Task
    host: HostRun
    scope: TaskScope
    task_id: str
    in_check: bool
    reached: Unknown | None = None  # the first thing that the plugin had to know and that only a run tells
    partial: Unknown | None = None  # why fields of a module's answer are missing
    diagnostics: list[Any] = field(default_factory=list)

    # -- what a plugin asks for

    def only_a_run(self, what: str) -> None:
        """Ends a check here."""
        if self.in_check:
            self.reach(Unknown(f"{self.task.word}: its plugin {what}, which only a run does"))
            assert self.reached is not None
            raise UnknownReached(self.reached)

    def reach(self, unknown: Unknown) -> None:
        if self.reached is None:
            self.reached = Unknown(unknown.reason)

    def module(self, name: str | None, args: Mapping[str, Any], *, wait: bool = True) -> dict[str, Any]:
        """What a module, or a word of the language, answers. Without `wait` the task's `async` counts."""
        with guard.at_ease():
            task = self._task_of(name or self.task.module, args, wait=wait)
            given = dict(task.args)
            try:
                word = self.words.get(task.module)
                if word is not None:
                    attempt = word(self.dispatch, task, self.host, self.scope, given, None)
                else:
                    attempt = self.dispatch.carry_out(task, self.host, self.scope, given, self.task_id)
            except UnknownReached as reached:
                self.reach(reached.unknown)
                raise
            self.diagnostics += attempt.diagnostics
            return self._answer(attempt)

    def _task_of(self, name: str, args: Mapping[str, Any], *, wait: bool) -> Task:
        base, options = self.dispatch.scopes.playbook_dir, self.dispatch.options
        module = name
        if name.startswith("ansible.legacy.") or "." not in name:
            own = library_file(plain_name(name), self.task, base, options.module_paths)
            module = f"ansible.legacy.{plain_name(name)}" if own else name
        module = canonical(module, registry.names() | registry.ENGINE_WORDS) or module if module == name else module
        given = YamlMap(finish(dict(args)), span=self.task.module_span)
        fresh = replace(self.task, module=module, args=given, free_form=None, loop=None, until=None, retries=None, register=None)
        return replace(fresh, async_=None, poll=None) if wait else fresh

    def _answer(self, attempt: Attempt) -> dict[str, Any]:
        known = {key: value for key, value in copy.deepcopy(dict(attempt.result)).items() if not isinstance(value, Unknown)}
        known.setdefault("failed", attempt.status == "failed")
        if attempt.status == "unreachable":
            raise Unreachable(attempt.reason)
        unknown = getattr(attempt.result, "unknown", None)
        if unknown is None and attempt.status == "unknown":
            unknown = Unknown(attempt.reason)
        if unknown is None:
            return known
        if self.partial is None:
            self.partial = unknown
        hidden = Unforeseen(unknown.reason, self.reach)
        found = _Foreseen(known, hidden)
        for key, value in attempt.result.items():
            if isinstance(value, Unknown):
                dict.__setitem__(found, key, Unforeseen(value.reason, self.reach))
        return found

    def command(self, line: str, *, stdin: bytes | str | None = None, executable: str | None = None) -> dict[str, Any]:
        """rc, stdout and stderr of a command of the host's shell, as the user that the task becomes."""
        self.only_a_run("runs a command")
        shell = {"executable": executable} if executable else {}
        if stdin is None:
            found = self.module("ansible.builtin.raw", {"_raw_params": line, **shell})
        else:
            text = stdin if isinstance(stdin, str) else stdin.decode("utf-8", "surrogateescape")
            given: dict[str, Any] = {"_raw_params": line, "stdin": text, "stdin_add_newline": False, "strip_empty_ends": False, **shell}
            found = self.module("ansible.builtin.shell", given)
        if "rc" not in found:
            raise NxtplayError(*self.diagnostics) if self.diagnostics else RuntimeError(str(found.get("msg")))
        return {name: found.get(name, "" if name != "rc" else 1) for name in ("rc", "stdout", "stderr")}

    def must(self, name: str, **args: Any) -> dict[str, Any]:
        """The answer of a module that has to work: a part of how files get there. A run only."""
        from ansible.errors import AnsibleError  # type: ignore[import-not-found]

        found = self.module(name, args)
        if found.get("failed"):
            raise AnsibleError(str(found.get("msg", f"{name} failed")))
        return found

    def render(self, value: Any, further: Mapping[str, Any] | None = None) -> Any:
        from nxtplay.variables.precedence import Layer, Level

        scope = self.scope
        if further is not None:
            scope = scope.plus(Layer(Level.TASK_VARS, "an action plugin", dict(further)))
        with guard.at_ease():
            return finish(self.dispatch.templates.render(value, scope))

    def view(self) -> Mapping[str, Any]:
        return self.dispatch.templates.view(self.scope)

    def say(self, level: str, text: str) -> None:
        with guard.at_ease():
            self.dispatch.note(text, self.task.span if level == "warning" else None, host=self.host.name, level=level)

    def plugin(self, name: str) -> Any:
        """The class of another plugin by its name; None where it is a module's alone."""
        path = find.path_of(replace(self.task, module=name), self.dispatch.scopes.playbook_dir, self.dispatch.options)
        return find.load(path) if path else None

    def read(self, path: str) -> bytes:
        """A file of the controller; opened where it is a vault's."""
        with open(path, "rb") as stream:
            data = stream.read()
        if data.startswith(b"$ANSIBLE_VAULT"):
            return self.dispatch.templates.reveal(data.decode()).encode()
        return data


class _Foreseen(PartialResult):
    """A module's answer in a check. Whether a field that is not known is there at all is a decision too."""

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or bool(self.unknown)

    def get(self, key: Any, default: Any = None) -> Any:
        return dict.get(self, key, self.unknown)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return dict.setdefault(self, key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        return dict.pop(self, key, self.unknown)

    def copy(self) -> Any:
        return _Foreseen(self, self.unknown)


# -- running one


def run(
    dispatch: Dispatch,
    words: Words,
    path: str,
    task: Task,
    host: HostRun,
    scope: TaskScope,
    args: dict[str, Any],
    doubt: Unknown | None,
    task_id: str,
) -> Attempt:
    """Carry out the plugin of `path` for a task; `doubt` says why a check cannot tell whether it runs at all."""
    if doubt is not None:
        return Attempt("unknown", PartialResult({"failed": False, "changed": False}, doubt), reason=doubt.reason)
    errand = Errand(dispatch, words, task, host, scope, task_id, dispatch.in_check(task, scope))
    attempt = _attempt(errand, path, args)
    if errand.reached is not None:
        unknown = errand.reached
        return Attempt("unknown", PartialResult({"failed": False, "changed": unknown}, unknown), reason=unknown.reason)
    if attempt.status in ("failed", "unreachable") and errand.partial is not None:  # what it missed may be what only a run brings
        unknown = Unknown(f"{errand.partial.reason}; as things are this would fail: {attempt.reason}")
        return Attempt("unknown", PartialResult({"failed": False, "changed": unknown}, unknown), reason=unknown.reason)
    return attempt


def _attempt(errand: Errand, path: str, args: dict[str, Any]) -> Attempt:
    from nxtplay.engine.actions import base
    from nxtplay.template import ansible_shim

    try:
        kind = find.load(path)
        with ansible_shim.heard(errand.say, errand.dispatch.options.verbosity), _in_a_check(errand, kind):
            answer = base.call(kind, errand, args)
    except UnknownReached as reached:
        errand.reach(reached.unknown)
        return Attempt("unknown", {})
    except NxtplayError:
        raise
    except (Exception, SystemExit) as error:
        return _broken(error, errand)
    if not isinstance(answer, Mapping):
        message = f"the action plugin gave no mapping but {type(answer).__name__}"
        return Attempt("failed", result_.failed(message), reason=message)
    return _of_answer(errand, answer)


@contextlib.contextmanager
def _in_a_check(errand: Errand, kind: Any) -> Iterator[None]:
    if errand.in_check and not find.speaks_of_checks(kind):
        with guard.watch(errand.only_a_run):
            yield
    else:
        yield


def _broken(error: BaseException, errand: Errand) -> Attempt:
    """What an exception of a plugin means."""
    names = {one.__name__ for one in type(error).__mro__}
    told = getattr(error, "result", None)
    result = dict(told) if isinstance(told, Mapping) else {}
    message = str(getattr(error, "message", "") or error)
    if "AnsibleConnectionFailure" in names:
        return Attempt("unreachable", {"unreachable": True, "changed": False, "msg": message}, reason=message)
    if "AnsibleActionSkip" in names:
        return _of_answer(errand, {"msg": message, **result, "skipped": True})
    if "_AnsibleActionDone" in names:
        return _of_answer(errand, result)
    if "AnsibleError" not in names:
        told_at = "".join(traceback.format_exception(error))
        result["exception"] = told_at
        message = f"Task failed: {message or type(error).__name__}"
    return Attempt("failed", {"changed": False, **result, "failed": True, "msg": message}, reason=message)


def _of_answer(errand: Errand, answer: Mapping[str, Any]) -> Attempt:
    fields: dict[str, Any] = {}
    for key, value in answer.items():
        if not str(key).startswith("_ansible_"):
            try:
                fields[str(key)] = _plain(value)
            except TypeError as error:
                message = f"the action plugin gave what cannot be kept: {key} is {error}"
                return Attempt("failed", result_.failed(message), reason=message)
    if "failed" not in fields and not isinstance(fields.get("rc"), Unknown) and fields.get("rc") not in (None, 0, "0"):
        fields["failed"] = True
    fields.setdefault("failed", False)
    fields.setdefault("changed", False)
    result_.with_lines(fields)
    result = fields if errand.partial is None else PartialResult(fields, errand.partial)
    status, reason = _status(fields)
    attempt = Attempt(status, result, reason=reason, diagnostics=tuple(errand.diagnostics) if status == "failed" else ())
    attempt.no_log = dict(answer).get("_ansible_no_log") is True
    errand.dispatch.take_facts(errand.task, errand.host, errand.scope, attempt)
    _of_inventory(errand, fields)
    return attempt


def _status(fields: Mapping[str, Any]) -> tuple[str, str]:
    message = str(fields.get("msg", "")) if not isinstance(fields.get("msg"), Unknown) else ""
    for status in ("unreachable", "failed", "skipped"):
        if result_.is_true(fields.get(status)):
            return status, message or status
    if isinstance(fields["changed"], Unknown):
        return "unknown", fields["changed"].reason
    return ("changed" if fields["changed"] else "ok"), ""


def _of_inventory(errand: Errand, fields: Mapping[str, Any]) -> None:
    """Hosts, groups and statistics that an answer brings, as those of `add_host`, `group_by` and `set_stats` do."""
    scopes = errand.dispatch.scopes
    host, stats = fields.get("add_host"), fields.get("ansible_stats")
    if isinstance(host, Mapping) and host.get("host_name"):
        scopes.add_host(str(host["host_name"]), list(host.get("groups") or ()), dict(host.get("host_vars") or {}))
    if isinstance(fields.get("add_group"), str):
        scopes.add_to_group(errand.host.name, fields["add_group"], list(fields.get("parent_groups") or ["all"]))
    if isinstance(stats, Mapping) and isinstance(stats.get("data"), Mapping):
        where = errand.host.name if stats.get("per_host") else ""
        scopes.add_stats(where, dict(stats["data"]), aggregate=bool(stats.get("aggregate", True)))


def _plain(value: Any) -> Any:
    """A value that may be kept; TypeError for one that is Python's alone."""
    if value is None or isinstance(value, (bool, int, float, str, Unknown)):
        return Unknown(value.reason) if isinstance(value, Unforeseen) else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, Mapping):
        return {key if isinstance(key, (str, int, float, bool)) else str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if type(value).__module__ == "datetime":
        return value
    raise TypeError(f"a {type(value).__name__}")
