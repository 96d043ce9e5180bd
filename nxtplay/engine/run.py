"""A run: plays one after the other, batches of hosts within a play, the recap at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nxtplay.connection.protocol import Connection
from nxtplay.engine import makers as makers_
from nxtplay.engine import strategy
from nxtplay.engine.actions import find
from nxtplay.engine.attempt import Attempt
from nxtplay.engine.connections import Connections, Target, as_bool, as_number
from nxtplay.engine.dispatch import Ask, Dispatch
from nxtplay.engine.handlers import Handlers
from nxtplay.engine.hosts import Failure, HostRun
from nxtplay.engine.lookahead import LookAhead
from nxtplay.engine.loops import Items
from nxtplay.engine.options import Options
from nxtplay.engine.scopes import Scopes, TaskScope
from nxtplay.engine.segment import Lines
from nxtplay.engine.start import Start, start_at
from nxtplay.engine.strategy import Lane
from nxtplay.engine.task import TaskRunner
from nxtplay.engine.walk import Signal, Verdict, flatten, in_common_order, walk_play
from nxtplay.engine.words import WORDS, is_once
from nxtplay.errors import Diagnostic, InventoryError, NxtplayError, PlaybookErrors, did_you_mean
from nxtplay.events import Counts, Emit, Event, Notice, PlayFinished, PlayStarted, Recap, RunFinished, RunStarted, TaskStarted
from nxtplay.playbook.keywords import PLAY_ONCE
from nxtplay.playbook.model import Block, Item, Located, Play, Playbook, Task, YamlMap
from nxtplay.template.render import Templates
from nxtplay.template.values import OMIT, is_template

if TYPE_CHECKING:
    from nxtplay.inventory.model import Inventory

INTERRUPTED = 99


@dataclass
class Run:
    """Everything that lasts for a run. `emit` is called by one thread at a time."""

    playbook: Playbook
    inventory: Inventory
    options: Options
    templates: Templates
    scopes: Scopes
    emit: Emit
    register_secret: Callable[[str], None] = lambda text: None
    ask: Ask | None = None  # asks whoever sits at the terminal; None: there is none
    makers: Mapping[str, Callable[[Target], Connection]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[str, HostRun] = {}
        standard = makers_.standard(self.options, lambda text: self._tell(Notice("warning", text)), self.scopes.playbook_dir)
        self._connections = Connections({**standard, **self.makers})
        self._number = 0
        self._current = ""
        self._batch_hosts: Sequence[HostRun] = ()
        self._handlers = Handlers(self.templates, self.scopes)
        self._ended = False
        self._start = Start(self.playbook.plays)
        self._step = self.options.step
        self._lines = Lines()
        self._gates: dict[int, threading.Semaphore] = {}
        self._once_a_play: dict[int, tuple[Task, Attempt, HostRun]] = {}  # by the task's id: how it went, and where
        self._alone = True
        self._dispatch = Dispatch(
            templates=self.templates,
            scopes=self.scopes,
            connections=self._connections,
            options=self.options,
            emit=self._tell,
            register_secret=self.register_secret,
            other_host=self.host,
            ask=self.ask,
        )
        ahead = LookAhead(self._dispatch, WORDS, self._lines, Items(self.templates), selected=self._selected, alone=lambda: self._alone)
        self._runner = TaskRunner(self._dispatch, WORDS, self._handlers.notify, ahead)
        if self._step and self.ask is None:
            raise PlaybookErrors(Diagnostic("--step asks before each task and there is no terminal to ask at"))
        self.scopes.hosts = self.host
        self.scopes.ask = self.ask
        self.scopes.includes.on_handlers = self._handlers.add

    # -- doors

    def run(self) -> Recap:
        """All plays. A KeyboardInterrupt ends what runs on the hosts and is told in the recap, not raised."""
        began = time.monotonic()
        cache = self.options.fact_cache
        if cache and self.options.flush_cache:
            for name in self.inventory.hosts:
                cache.forget(name)
        self._start = start_at(self.playbook.plays, self.options.start_at_task, self._name_in)
        meant = self._all_hosts()
        self._tell(RunStarted((self.playbook.path,), self.options.check, self.options.diff, meant))
        interrupted = ""
        try:
            for play in self._start.plays:
                self._play(play)
                if self._ended:
                    break
        except KeyboardInterrupt:
            interrupted = self._current or "before the first task"
            self._connections.close()  # ends what runs there
            self._last_words()
        finally:
            self._connections.close()
        if cache and not self.options.check:
            for host in list(self._hosts.values()):
                cache.keep(host)
        counts = {name: host.tally.frozen() for name, host in self._hosts.items()}
        hosts = {name: counted for name, counted in counts.items() if name in meant or counted != Counts()}  # not who was only delegated to
        worst = max((host.exit_code for host in self._hosts.values()), default=0)
        recap = Recap(hosts, time.monotonic() - began, INTERRUPTED if interrupted else worst, interrupted)
        self._tell(RunFinished(recap))
        return recap

    def _last_words(self) -> None:
        """The handlers that listen to `nxtplay_interrupted`, on the hosts where the run was interrupted; a second interrupt ends them."""
        tasks = [] if self.options.check else self._handlers.listening("nxtplay_interrupted")
        hosts = [host for host in self._batch_hosts if not (host.out or host.ended or host.failure)]
        if not (tasks and hosts):
            return
        self._connections.reopen()
        with suppress(KeyboardInterrupt, NxtplayError):
            for task in tasks:
                self._execute(task, hosts)

    def _name_in(self, play: Play, task: Task) -> str:
        named = str(task.name.value) if task.name else task.word
        try:
            return str(self.scopes.keyword(play, task.name)) if task.name else named
        except NxtplayError:
            return named

    def host(self, name: str) -> HostRun:
        """The run's record of a host; made when it is first spoken of."""
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = HostRun(name)
                self._hosts[name].chosen = self._any_selected
                if self.options.fact_cache:
                    self.options.fact_cache.load(self._hosts[name])
            return self._hosts[name]

    # -- plays and batches

    def _all_hosts(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for play in self.playbook.plays:
            names.update(dict.fromkeys(self._hosts_of(play, quiet=True)))
        return tuple(names)

    def _hosts_of(self, play: Play, *, quiet: bool = False) -> list[str]:
        pattern = self.scopes.pattern(play)
        names = self.inventory.match(pattern, self.options.limit or None)
        if not names and not quiet and self.options.host_pattern_mismatch != "ignore":
            known = [*self.inventory.groups, *self.inventory.hosts]
            hint = did_you_mean(pattern, known) if isinstance(pattern, str) and self.inventory.hosts else ""
            hint = hint or ("" if self.inventory.hosts else "the inventory holds no host; -i names one")
            message = f"no host matches '{pattern}'"
            if self.options.host_pattern_mismatch == "error":
                raise InventoryError(Diagnostic(message, play.hosts.span, hint))
            self._tell(Notice("warning", message, play.hosts.span, hint=hint))
        return names

    def _rendered(self, located: Located | None, play: Play, default: Any = None) -> Any:
        value = OMIT if located is None else self.scopes.keyword(play, located)
        return default if value is OMIT else value

    def _play(self, play: Play) -> None:
        began = time.monotonic()
        self.scopes.ask_for(play)
        name = self.scopes.title(play)
        names = self._hosts_of(play)
        self.scopes.begin_play(play, names)
        self._once_a_play.clear()
        batches = _batches(_ordered(names, self._rendered(play.order, play)), self._rendered(play.serial, play), play)
        for batch in batches or [[]]:
            alive = [n for n in batch if not self.host(n).out]
            self._tell(PlayStarted(name, tuple(alive), play.span))
            if alive:
                self._batch(play, alive)
            if batch and len(alive) == len(batch) and all(self.host(n).out for n in batch):
                self._ended = True
                break
            if any(self.host(n).ends_play for n in batch):
                break
        self._tell(PlayFinished(name, time.monotonic() - began))

    def _batch(self, play: Play, names: Sequence[str]) -> None:
        hosts = [self.host(n) for n in names]
        for host in self._hosts.values():
            host.gone = False
        for host in hosts:
            host.begin_play()
        self.scopes.begin_batch(names)
        self._handlers.begin(play)
        force = as_bool(self._rendered(play.force_handlers, play, default=self.options.force_handlers))
        whole = _with_facts(play) if self._gathers(play) else play
        self._gathering = flatten(whole.sections)[0] if whole is not play and self.options.gathering == "smart" else None
        lanes = [Lane(h, walk_play(whole, h, force_handlers=force, handlers=self._handlers.tasks)) for h in hosts]
        limit = self._rendered(play.max_fail_percentage, play)
        self._max_fail = None if limit is None else as_number(limit, "max_fail_percentage", play.span)
        self._batch_hosts = hosts
        self._lines.begin(whole)
        chosen = str(self._rendered(play.strategy, play, default=self.options.strategy)).rsplit(".", 1)[-1].removeprefix("mitogen_")
        self._alone = len(hosts) == 1 or chosen in ("free", "host_pinned")
        if chosen in ("free", "host_pinned"):
            strategy.free(lanes, self._execute, lambda: True, forks=self.options.forks)
        elif chosen in ("linear", "debug"):
            strategy.linear(lanes, self._execute, lambda: True)
        else:
            raise PlaybookErrors(Diagnostic(f"strategy '{chosen}' is not known", play.span, "linear, free or host_pinned"))
        for host in hosts:
            if host.failure is not None:
                host.out = True

    def _gathers(self, play: Play) -> bool:
        """Whether facts are gathered before the first task of a play."""
        return as_bool(self._rendered(play.gather_facts, play, default=self.options.gathering != "explicit"))

    # -- one task on some hosts

    def _execute(self, task: Task, hosts: Sequence[HostRun]) -> list[Verdict]:
        if task is self._gathering and any(host.facts for host in hosts):
            return self._gather(task, hosts)
        first_scope = self.scopes.of_task(hosts[0], task)
        if not self._selected(task, first_scope):
            return [Verdict()] * len(hosts)
        once = self._once(task, first_scope)
        if once == PLAY_ONCE:
            with self._gate(task, 1):
                return self._shared(task, hosts) or self._carry_out(task, hosts, first_scope, once)
        return self._carry_out(task, hosts, first_scope, once)

    def _once(self, task: Task, scope: TaskScope) -> str:
        """Whether one host does it for all others: of its "batch", or of the "play"."""
        asked = task.shared.run_once
        if asked is not None and self.templates.render(asked.value, scope, span=asked.span) == PLAY_ONCE:
            return PLAY_ONCE
        single = is_once(task) or find.once(task, self.scopes.playbook_dir, self.options)
        return "batch" if single or self._dispatch.flag(asked, scope) else ""

    def _shared(self, task: Task, hosts: Sequence[HostRun]) -> list[Verdict]:
        """What an earlier batch did for these hosts too; empty where none did."""
        if id(task) not in self._once_a_play:
            return []
        _, attempt, first = self._once_a_play[id(task)]
        for host in hosts:
            _share(task, attempt, first, host)
        return [Verdict()] * len(hosts)

    def _carry_out(self, task: Task, hosts: Sequence[HostRun], first_scope: TaskScope, once: str) -> list[Verdict]:
        with self._lock:
            self._number += 1
            task_id = f"t{self._number}"
        acting, others = (hosts[:1], hosts[1:]) if once else (hosts, ())
        name = self._runner.name(task, first_scope)
        self._current = f"{name} ({task.span})"
        if self._step and task.module != "meta" and not self._wanted(name):
            return [Verdict()] * len(hosts)
        if task.module != "meta":
            role = task.role.name if task.role else ""
            names, streams = tuple(h.name for h in acting), self._dispatch.streams(task)
            module = self._runner.module(task, first_scope)
            self._tell(TaskStarted(task_id, name, module, task.span, names, task.is_handler, role, streams))
        sharers = self._sharers(acting[0]) if once else ()
        throttle = 0 if once else self._throttle(task, first_scope)
        verdicts = self._on_each(task, acting, task_id, throttle=throttle, others=sharers, once=once)
        if others:
            signal = Signal.NEXT if verdicts[0].signal is Signal.FAILED else verdicts[0].signal
            verdicts += [Verdict(signal)] * len(others)
        verdicts = in_common_order(verdicts)
        for verdict in verdicts:
            self._lines.add(verdict.children)
        return self._fatal(task, hosts, verdicts, first_scope, once=bool(once))

    def _sharers(self, first: HostRun) -> list[HostRun]:
        """Whom a run_once counts for besides the host that runs it: those that stand elsewhere (behind a rescue, say) among them."""
        return [] if self._alone else [host for host in self._batch_hosts if host is not first and not host.unreachable]

    def _gather(self, task: Task, hosts: Sequence[HostRun]) -> list[Verdict]:
        """Smart gathering: of the hosts of which nothing is known yet."""
        known = [bool(host.facts) for host in hosts]
        rest = [host for host in hosts if not host.facts]
        done = iter(self._execute(task, rest) if rest else ())
        return [Verdict() if one else next(done) for one in known]

    def _wanted(self, name: str) -> bool:
        """--step: whether the task is to run; `c` asks no more."""
        assert self.ask
        answer = self.ask(f"Perform task: {name} (N)o/(y)es/(c)ontinue", True).strip().lower()
        self._step = answer not in ("c", "continue")
        return answer in ("y", "yes", "c", "continue")

    def _on_each(
        self, task: Task, hosts: Sequence[HostRun], task_id: str, *, throttle: int, others: Sequence[HostRun], once: str
    ) -> list[Verdict]:
        """The task on some hosts; its outcome on the only one counts for `others` too. What a host answered is kept for none longer."""

        gate = self._gate(task, throttle) if throttle else nullcontext()  # hosts that do not keep step come here one by one

        def one(host: HostRun) -> Verdict:
            with gate:
                return act(host)

        def act(host: HostRun) -> Verdict:
            verdict, attempt = self._runner.run(task, host, task_id=task_id, doubt=host.doubt(task) if task.is_handler else "")
            for other in others:
                _share(task, attempt, host, other)
            if once == PLAY_ONCE and attempt.status != "unreachable":
                self._once_a_play[id(task)] = (task, attempt, host)
            return verdict

        width = 1 if task.module in WORDS else min(self.options.forks, throttle or self.options.forks, len(hosts))
        if width <= 1:
            return [one(host) for host in hosts]
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(max_workers=width, thread_name_prefix="host")
        try:
            return list(pool.map(one, hosts))
        except KeyboardInterrupt:
            self._connections.close()  # ends what runs, so that the threads come back
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _gate(self, task: Task, width: int) -> threading.Semaphore:
        """What lets `width` hosts at a time into a task."""
        with self._lock:
            return self._gates.setdefault(id(task), threading.Semaphore(width))

    def _fatal(self, task: Task, hosts: Sequence[HostRun], verdicts: list[Verdict], scope: Any, *, once: bool) -> list[Verdict]:
        """any_errors_fatal, run_once and max_fail_percentage: the failure of some becomes the failure of all."""
        failed = [v.signal is Signal.FAILED for v in verdicts]
        if not any(failed) and not any(h.unreachable for h in hosts):
            return verdicts
        fatal = once or self._dispatch.flag(task.shared.any_errors_fatal, scope, default=self.options.any_errors_fatal)
        if self._max_fail is not None and any(failed):
            fatal = fatal or 100.0 * sum(h.lost for h in self._batch_hosts) / len(self._batch_hosts) > self._max_fail
        if not fatal:
            return verdicts
        source = next((h.failure for h in hosts if h.failure), None) or Failure(task, {"failed": True})
        for host, has_failed in zip(hosts, failed, strict=True):
            if not has_failed and not host.unreachable:
                host.fail(replace(source, own=False))
        if not self._alone and any(h.lost or h.unreachable for h in hosts):
            self._strike(source, besides=hosts)
        return [v if h.unreachable else Verdict(Signal.FAILED) for h, v in zip(hosts, verdicts, strict=True)]

    def _strike(self, source: Failure, *, besides: Sequence[HostRun]) -> None:
        """A failure that ends the play for all, for those that stand elsewhere or are through (a handler was not theirs)."""
        there = set(map(id, besides))
        for host in self._batch_hosts:
            if id(host) not in there and not (host.failure or host.out or host.ended):
                host.fail(replace(source, own=False))
                host.struck = True

    def _throttle(self, task: Task, scope: Any) -> int:
        return int(self._dispatch.number("throttle", task.shared.throttle, scope))

    def _selected(self, task: Task, scope: Any = None) -> bool:
        if task.is_handler:
            return True
        if self._start.skips(task):
            return False
        tags = task.shared.tags
        if any(is_template(tag) for tag in tags):
            if scope is None:
                return True  # perhaps
            tags = rendered_tags(self.templates, tags, scope)
        return selected(tags, self.options.tags, self.options.skip_tags)

    def _any_selected(self, items: Sequence[Item]) -> bool:
        return bool(items) and any(self._selected(task) for task in flatten(items))

    # -- the end

    def _tell(self, event: Event) -> None:
        with self._emit_lock:
            self.emit(event)

    @property
    def _emit_lock(self) -> threading.Lock:
        lock: threading.Lock | None = self.__dict__.get("_emitting")
        if lock is None:
            lock = self.__dict__["_emitting"] = threading.Lock()
        return lock


def _share(task: Task, attempt: Attempt, first: HostRun, other: HostRun) -> None:
    """What run_once did for the first host counts for all; what it includes is for the first alone."""
    if task.register:
        other.set_facts[task.register] = attempt.result
    if attempt.everywhere is not None:
        attempt.everywhere(other)
    if attempt.facts_for is first:
        other.facts.update(first.facts)
        other.plain_facts.update(first.plain_facts)


def rendered_tags(templates: Templates, tags: frozenset[str], scope: Mapping[str, Any]) -> frozenset[str]:
    """Tags as they are called: a template may stand for several, as a list or with commas."""
    found: set[str] = set()
    for tag in tags:
        value = templates.render(tag, scope)
        found.update(str(one).strip() for one in (value if isinstance(value, list) else str(value).split(",")))
    return frozenset(found)


def selected(own: frozenset[str], wanted: Sequence[str], unwanted: Sequence[str]) -> bool:
    """Whether tags choose a task: `always` and `never` mean what they say; what is unwanted wins."""
    tags = own or frozenset(("untagged",))
    is_tagged = "untagged" not in tags
    asked = set(wanted) or {"all"}
    by_class = ("all" in asked or ("tagged" in asked and is_tagged)) and "never" not in tags
    run = by_class or bool(tags & asked) or ("always" in tags and "always" not in unwanted)
    if not run or not unwanted:
        return run
    no = set(unwanted)
    if "all" in no:
        return "always" in tags and "always" not in no
    return not (tags & no) and not ("tagged" in no and is_tagged)


def _ordered(names: list[str], order: Any) -> list[str]:
    if order in (None, "", "inventory"):
        return names
    if order == "reverse_inventory":
        return names[::-1]
    if order in ("sorted", "reverse_sorted"):
        return sorted(names, reverse=order == "reverse_sorted")
    if order == "shuffle":
        import random

        return random.sample(names, len(names))
    raise PlaybookErrors(f"order '{order}' is not known: inventory, reverse_inventory, sorted, reverse_sorted, shuffle")


def _batches(names: Sequence[str], serial: Any, play: Play) -> list[list[str]]:
    """Hosts in batches: a number, a percentage of all, or a list of them whose last one repeats."""
    sizes = serial if isinstance(serial, list) else [serial]
    if not sizes or serial is None or not names:
        return [list(names)] if names else []
    out: list[list[str]] = []
    left = list(names)
    number = 0
    while left:
        size = sizes[min(number, len(sizes) - 1)]
        count = _count(size, len(names), play)
        out.append(left[: count or len(left)])
        left = left[count or len(left) :]
        number += 1
    return out


def _count(size: Any, total: int, play: Play) -> int:
    text = str(size).strip()
    try:
        if text.endswith("%"):
            return max(1, int(float(text[:-1]) * total / 100))
        return max(0, int(text))
    except ValueError:
        raise PlaybookErrors(
            Diagnostic(f"serial takes a number or a percentage, found '{size}'", play.serial.span if play.serial else play.span)
        ) from None


def _with_facts(play: Play) -> Play:
    """The play with its implicit first task."""
    if not play.sections:
        return play
    args = YamlMap()
    for name, located in (("gather_subset", play.gather_subset), ("gather_timeout", play.gather_timeout), ("fact_path", play.fact_path)):
        if located is not None:
            args[name] = located.value
    tags = play.shared.tags or frozenset(("always",))
    shared = replace(play.shared, tags=tags, when=(), notify=(), run_once=None)
    task = Task(play.span, "setup", play.span, args, name=Located("Gathering Facts", play.span), shared=shared, file=play.file)
    first = Block(play.span, (task, *play.sections[0].tasks), play.sections[0].rescue, play.sections[0].always)
    return replace(play, sections=(first, *play.sections[1:]))
