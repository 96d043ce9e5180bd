"""Output for people. On a terminal: what changed or failed stays, what is fine is counted, what runs now has a live line.
Elsewhere: one plain line per task and host, the same from run to run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from nxtplay import errors
from nxtplay import events as ev
from nxtplay.core.state import Change
from nxtplay.errors import Diagnostic
from nxtplay.report import diff, failure
from nxtplay.report.recap import Tally, recap
from nxtplay.report.screen import Screen
from nxtplay.report.stats import CustomStats
from nxtplay.report.text import LABEL, Style, clean, count, duration, fit, one_line, outline, width

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
BARE = {ev.OK, ev.SKIPPED}  # of no interest where somebody watches
COMMANDS = {"command", "raw", "script", "shell"}
LIVE_LINES = 8
BEAT = 60.0  # seconds after which a plain log says that a task still runs


@dataclass
class Running:
    """A task on a host, while it runs."""

    since: float
    step: str = ""  # what it said it is at
    text: str = ""  # what was printed last
    told: float = 0.0  # when a plain log last said so
    items: int = 0
    explained: bool = False  # an item's failure was shown
    rest: str = ""  # output after the last line end

    def now(self) -> str:
        """What to say behind its name."""
        said = " · ".join(text for text in (self.step, self.text) if text)
        return f"  {said}" if said else ""


class Human:
    """A reporter. `mask` is applied to text that it reads itself (excerpts of playbooks)."""

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool = False,
        colours: bool = False,
        verbosity: int = 0,
        show_diff: bool = False,
        custom_stats: bool = False,
        mask: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.screen = Screen(stream, live=live, tick=self._tick)
        self._style = Style(colours=colours)
        self._verbosity, self._show_diff, self._mask, self._clock = verbosity, show_diff, mask, clock
        self._spinner = SPINNER if "utf" in (getattr(stream, "encoding", None) or "utf-8").lower() else "-\\|/"
        self._tasks: dict[str, ev.TaskStarted] = {}
        self._running: dict[tuple[str, str], Running] = {}
        self._tally = Tally()
        self._custom = CustomStats() if custom_stats else None
        self._folded: dict[str, int] = {}
        self._hosts: tuple[str, ...] = ()
        self._host_width = 0
        self._started = clock()
        self._handlers: dict[type[ev.Event], Callable[[Any], None]] = {
            ev.RunStarted: self._run_started,
            ev.PlayStarted: self._play_started,
            ev.TaskStarted: self._task_started,
            ev.ItemFinished: self._item_finished,
            ev.TaskFinished: self._task_finished,
            ev.TaskProgress: self._progress,
            ev.TaskOutput: self._output,
            ev.HandlerNotified: self._notified,
            ev.Notice: self._notice,
            ev.PlayFinished: self._play_finished,
            ev.RunFinished: self._run_finished,
        }

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            with self.screen.lock:
                handler(event)

    def close(self) -> None:
        """See Reporter."""
        self.screen.close()

    # -- events

    def _run_started(self, event: ev.RunStarted) -> None:
        self._started = self._clock()
        self._hosts = event.hosts
        self._host_width = min(30, max(map(width, event.hosts), default=0))
        self._tally.check = event.check
        if event.check:
            self._say(self._style("title", "CHECK: nothing is changed; this is what a run would do"))

    def _play_started(self, event: ev.PlayStarted) -> None:
        shown = ", ".join(event.hosts[:5]) + (f" and {len(event.hosts) - 5} more" if len(event.hosts) > 5 else "")
        self._say("", self._style("title", f"PLAY [{one_line(event.name)}]") + (f" on {shown}" if shown else ": no hosts"))

    def _task_started(self, event: ev.TaskStarted) -> None:
        self._tasks[event.id] = event
        now = self._clock()
        for host in event.hosts:
            self._running[event.id, host] = Running(now, told=now)
        self.screen.wake()
        if self._verbosity >= 3:
            self._say(self._style("faint", f"  task {event.id}: {event.module} at {event.span} on {', '.join(event.hosts)}"))

    def _item_finished(self, event: ev.ItemFinished) -> None:
        running = self._run_of(event)
        running.items += 1
        running.step, running.text = f"{count(running.items, 'item')}, last {fit(one_line(event.item_label), LABEL)}", ""
        if event.status in (ev.FAILED, ev.UNREACHABLE):
            running.explained = True
        if event.status not in BARE or self._verbosity or self._is_debug(event):
            self._line(event, f"{self._name(event.id)} (item={fit(one_line(event.item_label), LABEL)})")

    def _task_finished(self, event: ev.TaskFinished) -> None:
        running = self._run_of(event)
        self._running.pop((event.id, event.host), None)
        self._flush_output(event, running)
        name = self._name(event.id)
        self._tally.add(event, name)
        if self._custom:
            self._custom.add(event)
        looped = running.items > 0
        bare = event.status in BARE or (looped and event.status == ev.CHANGED)
        if bare and self.screen.live and not self._verbosity and (looped or not self._is_debug(event)):
            self._folded[event.status] = self._folded.get(event.status, 0) + 1
            return
        if looped and running.explained:
            event = ev.TaskFinished(event.id, event.host, event.status, reason=f"of {count(running.items, 'item')}, see above")
            self._line(event, name, explained=True)
        elif looped:
            self._say(self._head(event, f"{name} ({count(running.items, 'item')})", event.reason if event.status != ev.OK else ""))
        else:
            self._line(event, name)

    def _progress(self, event: ev.TaskProgress) -> None:
        running = self._run_of(event)
        running.step, running.text = one_line(event.text), ""
        if self._verbosity and not self.screen.live:
            self._say(self._style("faint", f"    {self._where(event.host)}{one_line(event.text)}"))

    def _output(self, event: ev.TaskOutput) -> None:
        running = self._run_of(event)
        *lines, running.rest = (running.rest + event.text).split("\n")
        running.text = next((line for line in map(one_line, [running.rest, *reversed(lines)]) if line), running.text)
        if lines and self._streams(event.id):
            self._say(*(f"    {self._where(event.host)}{clean(line)}" for line in lines))

    def _notified(self, event: ev.HandlerNotified) -> None:
        if self._verbosity >= 2:
            self._say(self._style("faint", f"    {self._where(event.host)}notified: {one_line(event.handler)}"))

    def _notice(self, event: ev.Notice) -> None:
        if event.level == "debug" and self._verbosity < 3:
            return
        if event.level == "note":
            self._say(f"  {self._where(event.host)}{clean(event.text)}")
            return
        label = "warning" if event.level == "warning" else event.level
        said = f"{event.host}: {event.text}" if event.host else event.text
        text = errors.render(Diagnostic(said, event.span, event.hint, severity=label))
        self._say(*(self._style("warning", line) for line in self._mask(clean(text)).split("\n")))

    def _play_finished(self, event: ev.PlayFinished) -> None:
        if self._folded:
            said = ", ".join(f"{number} {status}" for status, number in self._folded.items())
            self._say(self._style("faint", f"  {said}"))
            self._folded.clear()

    def _run_finished(self, event: ev.RunFinished) -> None:
        self.screen.draw([])
        self._running.clear()
        if self._custom and self._custom.of:
            self._say("", self._style("title", "CUSTOM STATS"), *(f"  {line}" for line in self._custom.lines()))
        self._say(*recap(event.recap, self._tally, self._style, short=self.screen.live and not self._verbosity))

    # -- lines

    def _line(self, event: ev.Finished, name: str, *, explained: bool = False) -> None:
        failed = event.status in (ev.FAILED, ev.UNREACHABLE)
        self._say(self._head(event, name, "" if failed and not explained else self._note(event)))
        body: list[str] = []
        if failed and not explained:
            first, *rest = failure.explain(event, verbosity=self._verbosity, mask=self._mask)
            body += [self._style("failed", first), *rest]
        elif self._is_debug(event):
            body += _message(event.result)
        elif self._verbosity:
            body += outline(_told(event.result)) if event.result else ()
        if self._show_diff if event.diff is None else event.diff:
            lines = diff.unified(event.changes, self._subject(event)) if event.changes else diff.told(event.result.get("diff"))
            body += self._coloured(lines)
        self._say(*(f"    {line}" for line in body))

    def _head(self, event: ev.Finished, name: str, note: str) -> str:
        status = self._style(event.status, f"{event.status:<11}")
        took = f"  {duration(event.seconds)}" if event.seconds >= 1 else ""
        return f"  {status} {self._where(event.host)}{name}{self._style('faint', took)}" + (
            f"  {self._style('faint', note)}" if note else ""
        )

    def _note(self, event: ev.Finished) -> str:
        """What is worth saying behind the name: which attributes, or why."""
        if event.status == ev.UNKNOWN and event.reason:
            return one_line(event.reason)
        if event.changes:
            left = self.screen.size()[0] - 40 if self.screen.live else 100
            return diff.summary(_most(event.changes), max(40, left))
        if event.status in (ev.IGNORED, ev.RESCUED):
            return fit(one_line(failure.cause(event)), 160)
        if event.status == ev.SKIPPED and not self._verbosity:
            return ""
        task = self._tasks.get(event.id)
        plain_command = task is not None and task.module in COMMANDS  # that it runs goes without saying, but in a check
        return "" if event.reason == "always" or (plain_command and not self._tally.check) else one_line(event.reason)

    def _coloured(self, lines: Iterable[str]) -> list[str]:
        return [self._style(diff.STYLES.get(line[:1], ""), line) for line in lines]

    def _subject(self, event: ev.Finished) -> str:
        for key in ("dest", "path", "name"):
            if isinstance(event.result.get(key), str):
                return one_line(str(event.result[key]))
        return ""

    def _say(self, *lines: str) -> None:
        if lines:
            self.screen.write("".join(f"{line}\n" for line in lines))

    def _name(self, id: str) -> str:
        task = self._tasks.get(id)
        if task is None:
            return id
        name = one_line(task.name) or task.module
        return (f"{task.role} : {name}" if task.role else name) + (" (handler)" if task.is_handler else "")

    def _where(self, host: str) -> str:
        """The host's column, left out where everything happens on one host and somebody watches."""
        if not host or (self.screen.live and len(self._hosts) == 1 and host == self._hosts[0]):
            return ""
        return host + " " * (self._host_width - width(host)) + "  "

    def _is_debug(self, event: ev.Finished) -> bool:
        task = self._tasks.get(event.id)
        return task is not None and task.module == "debug" and event.status in (ev.OK, ev.CHANGED)

    # -- what runs now

    def _run_of(self, event: Any) -> Running:
        return self._running.setdefault((event.id, event.host), Running(self._clock(), told=self._clock()))

    def _streams(self, id: str) -> bool:
        task = self._tasks.get(id)
        return self._verbosity > 0 or (task is not None and task.stream)

    def _flush_output(self, event: ev.Finished, running: Running) -> None:
        if running.rest and self._streams(event.id):
            self._say(f"    {self._where(event.host)}{clean(running.rest)}")

    def _tick(self) -> None:
        now = self._clock()
        if self.screen.live:
            self.screen.draw(self._live_lines(now))
            return
        for (id, host), running in self._running.items():
            if now - running.told >= BEAT:
                running.told = now
                took = duration(now - running.since)
                self._say(f"  {'running':<11} {self._where(host)}{self._name(id)}  {took}{running.now()}")

    def _live_lines(self, now: float) -> list[str]:
        shown = [(key, running) for key, running in self._running.items() if now - running.since >= 0.15]
        if not shown:
            return []
        frame = self._spinner[int(now * 10) % len(self._spinner)]
        lines = []
        for (id, host), running in shown[:LIVE_LINES]:
            lines.append(f"{frame} {self._where(host)}{self._name(id)}  {duration(now - running.since)}{running.now()}")
        if len(shown) > LIVE_LINES:
            lines.append(f"  … and {len(shown) - LIVE_LINES} more")
        done = ", ".join(f"{number} {status}" for status, number in self._tally.counts.items())
        return [*lines, f"  {done + ' · ' if done else ''}{duration(now - self._started)}"]


def _most(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return changes[:20]


_SAID = ("changed", "failed", "results", "warnings", "deprecations", "exception")  # elsewhere


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what the line says already, and without lines twice."""
    left = {key: value for key, value in result.items() if not str(key).startswith("_") and key not in _SAID}
    return {key: value for key, value in left.items() if not (key.endswith("_lines") and key[:-6] in left)}


def _message(result: Mapping[str, Any]) -> Iterable[str]:
    """What `debug` was asked to say."""
    if "msg" in result:
        message = result["msg"]
        return clean(message).rstrip("\n").split("\n") if isinstance(message, str) else outline(message)
    return outline(_told(result))
