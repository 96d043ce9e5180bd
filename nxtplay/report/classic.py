"""A run told in Ansible's own form, for people and scripts that read it: `TASK [..]`, `ok: [host]`, `fatal: [host]: FAILED! => ..`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any, TextIO

from nxtplay import events as ev
from nxtplay.report import diff, failure
from nxtplay.report.stats import CustomStats
from nxtplay.report.text import Style, clean, width

COLUMNS = 79
_WORDS = {ev.OK: "ok", ev.CHANGED: "changed", ev.SKIPPED: "skipping", ev.UNKNOWN: "unknown"}
_ALWAYS_TOLD = ("debug", "assert")  # their results are what they are for
_NOT_OF_DEBUG = frozenset("changed skipped skip_reason results ansible_loop_var ansible_index_var ansible_loop".split())
_SHOWN = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


class Classic:
    """A reporter. `quiet`: statuses that are not told (ok, skipped). `failures`: where what failed is told, the stream itself otherwise."""

    def __init__(
        self,
        stream: TextIO,
        *,
        colours: bool = False,
        verbosity: int = 0,
        show_diff: bool = False,
        as_yaml: bool = False,
        quiet: Collection[str] = (),
        failures: TextIO | None = None,
        notices: TextIO | None = None,
        custom_stats: bool = False,
        mask: Callable[[str], str] = str,
    ) -> None:
        self._stream, self._failures, self._notices = stream, failures or stream, notices or sys.stderr
        self._style, self._mask = Style(colours=colours), mask
        self._verbosity, self._show_diff, self._as_yaml, self._quiet = verbosity, show_diff, as_yaml, quiet
        self._custom = CustomStats() if custom_stats else None
        self._tasks: dict[str, ev.TaskStarted] = {}
        self._left: dict[str, int] = {}  # of each task that runs: how many hosts have not answered
        self._looped: set[tuple[str, str]] = set()
        self._headed = ""  # the task whose heading was written last
        self._included: dict[tuple[str, str], list[str]] = {}  # (file, item) -> hosts

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.Finished):
            if self._custom:
                self._custom.add(event)
            self._finished(event)
            return
        self._tell_included()
        if isinstance(event, ev.TaskStarted):
            self._tasks[event.id] = event
            if not self._left and not self._quiet:  # else it is headed when there is something to tell of it
                self._head(event.id)
            self._left[event.id] = len(event.hosts)
        elif isinstance(event, ev.PlayStarted):
            self._banner(f"PLAY [{event.name}]")
            if not event.hosts:
                self._say(self._style(ev.SKIPPED, "skipping: no hosts matched"))
        elif isinstance(event, ev.TaskProgress) and event.retries_left is not None:
            self._head(event.id)
            self._say(f"FAILED - RETRYING: [{event.host}]: {self._name(event.id)} ({event.retries_left} retries left).")
        elif isinstance(event, ev.HandlerNotified) and self._verbosity > 1:
            self._say(f"NOTIFIED HANDLER {event.handler} for {event.host}")
        elif isinstance(event, ev.Notice):
            self._notice(event)
        elif isinstance(event, ev.RunFinished):
            self._recap(event.recap)

    def close(self) -> None:
        """See Reporter."""
        self._tell_included()

    # -- tasks

    def _finished(self, event: ev.Finished) -> None:
        task, is_item = self._tasks.get(event.id), isinstance(event, ev.ItemFinished)
        key = (event.id, event.host)
        if is_item:
            self._looped.add(key)
        else:
            self._left[event.id] = self._left.get(event.id, 1) - 1
            if self._left[event.id] <= 0:
                del self._left[event.id]
        of_loop = not is_item and key in self._looped
        self._looped -= set() if is_item else {key}
        hidden = event.status == ev.SKIPPED in self._quiet
        if hidden or (of_loop and event.status not in (ev.SKIPPED, ev.IGNORED, ev.UNREACHABLE)):
            return
        if task is not None and (included := _included(task, event)):
            self._head(event.id)
            self._included.setdefault((included, event.item_label), []).append(event.host)
            return
        if event.status in self._quiet:
            return
        self._tell_included()
        self._head(event.id)
        if of_loop and event.status == ev.IGNORED:
            self._say(self._style(ev.SKIPPED, "...ignoring"))
            return
        if event.status == ev.CHANGED and (self._show_diff if event.diff is None else event.diff):
            for line in _differences(event):
                self._say(self._style(diff.STYLES.get(line[:1], ""), line))
        if event.status in (ev.FAILED, ev.UNREACHABLE, ev.IGNORED):
            self._failed(event, task.module if task else "", is_item=is_item)
            return
        line = f"{_WORDS.get(event.status, event.status)}: [{_where(event)}]" + (f" => (item={event.item_label})" if is_item else "")
        line += " " if is_item and event.status == ev.SKIPPED else ""
        told = self._verbosity > 0 or (task is not None and task.module in _ALWAYS_TOLD and event.status in (ev.OK, ev.CHANGED))
        if event.status == ev.UNKNOWN:
            line += f" => {clean(event.reason)}"
        elif of_loop and self._verbosity > 0:
            line += f" => {self._result({**event.result, 'msg': 'All items skipped'}, task.module if task else '', event.status)}"
        elif told and ("censored" not in event.result or self._verbosity > 0):
            line += f" => {self._result(event.result, task.module if task else '', event.status)}"
        self._say(self._style(event.status, line))

    def _failed(self, event: ev.Finished, module: str, *, is_item: bool) -> None:
        unreachable = event.status == ev.UNREACHABLE or event.result.get("unreachable") is True
        cause = "(hidden)" if "censored" in event.result else failure.cause(event)
        place = [f"Origin: {event.span}"] if event.span else []
        self._say(*self._mask("\n".join([f"[ERROR]: Task failed: {cause}", *place, ""])).split("\n"), to=self._failures)
        result = event.result if event.result.get("msg") is not None or "censored" in event.result else {**event.result, "msg": cause}
        if is_item:
            head = f"failed: [{_where(event)}] (item={event.item_label})"
        else:
            head = f"fatal: [{_where(event)}]: {'UNREACHABLE' if unreachable else 'FAILED'}!"
        self._say(self._style(ev.FAILED, f"{head} => {self._result(result, module)}"), to=self._failures)
        if event.status == ev.IGNORED:
            self._say(self._style(ev.SKIPPED, "...ignoring"))

    def _result(self, result: Any, module: str, status: str = "") -> str:
        left_out = {"failed", "exception", "warnings", "deprecations", *(["invocation", "diff"] if self._verbosity < 3 else [])}
        left_out |= {"skipped", "results"} if status == ev.SKIPPED else set()
        left_out |= _NOT_OF_DEBUG if module == "debug" else set()
        told = {key: value for key, value in ev.plain(result).items() if key not in left_out and not key.startswith("_")}
        if module == "debug" and "msg" in told:
            told = {"msg": told["msg"]}
        if self._as_yaml and told:
            for name in ("stdout", "stderr"):
                if name in told and f"{name}_lines" in told:
                    told[f"{name}_lines"] = "<omitted>"
            return "\n" + "\n".join(f"    {line}" for line in _yaml(told))
        indented = module in _ALWAYS_TOLD and status != ev.SKIPPED and "censored" not in told
        indent = 4 if indented or self._verbosity > 2 else None
        return clean(json.dumps(told, indent=indent, sort_keys=True, ensure_ascii=False))

    def _tell_included(self) -> None:
        included, self._included = self._included, {}
        for (file, item), hosts in included.items():
            label = f" => (item={item})" if item else ""
            self._say(self._style(ev.SKIPPED, f"included: {file} for {', '.join(hosts)}{label}"))

    # -- the rest

    def _head(self, id: str) -> None:
        task = self._tasks.get(id)
        if self._headed == id or task is None:
            return
        self._headed = id
        self._banner(f"{'RUNNING HANDLER' if task.is_handler else 'TASK'} [{self._name(id)}]")
        if self._verbosity > 1 and task.span:
            self._say(f"task path: {os.path.abspath(task.span.file)}:{task.span.line}")

    def _name(self, id: str) -> str:
        task = self._tasks.get(id)
        return clean(task.title) if task else id

    def _banner(self, title: str) -> None:
        self._say("", f"{title} {'*' * max(3, COLUMNS - width(title))}")

    def _notice(self, event: ev.Notice) -> None:
        if event.level == "debug" and self._verbosity < 3:
            return
        said = f"{event.host}: {event.text}" if event.host else event.text
        label = {"deprecated": "DEPRECATION WARNING"}.get(event.level, event.level.upper())
        text = f"[{label}]: {said}" + (f" ({event.hint})" if event.hint else "") + (f"\nOrigin: {event.span}" if event.span else "")
        lines = [self._style("warning", line) for line in self._mask(clean(text)).split("\n")]
        self._say(*lines, to=self._stream if event.level == "note" else self._notices)

    def _recap(self, recap: ev.Recap) -> None:
        self._banner("PLAY RECAP")
        for host, counts in sorted(recap.hosts.items()):
            worst = ev.FAILED if counts.failed or counts.unreachable else ev.CHANGED if counts.changed else ev.OK
            numbers = " ".join(f"{name}={getattr(counts, name):<4}" for name in _SHOWN)
            self._say(f"{self._style(worst, f'{host:<26}')} : {numbers}" + (f" unknown={counts.unknown}" if counts.unknown else ""))
        self._say("")
        if self._custom and self._custom.of:
            self._banner("CUSTOM STATS:")
            self._say(*(f"\t{line}" for line in self._custom.lines()), "")
        if recap.interrupted_at:
            self._say(f"[ERROR]: User interrupted execution, at {recap.interrupted_at}", to=self._notices)

    def _say(self, *lines: str, to: TextIO | None = None) -> None:
        print(*lines, sep="\n", file=to or self._stream, flush=True)


def _included(task: ev.TaskStarted, event: ev.Finished) -> str:
    """What was included: a file's path, a role's name; empty where nothing was."""
    if event.status != ev.OK:
        return ""
    if task.module == "include_role":
        args = event.result.get("include_args") or {}
        return str(args.get("name") or args.get("role") or "")
    said = str(event.result.get("include") or "") if task.module == "include_tasks" else ""
    beside = os.path.abspath(os.path.join(os.path.dirname(task.span.file), said)) if task.span and said else said
    return beside if os.path.exists(beside) else said


def _differences(event: ev.Finished) -> Iterator[str]:
    if "diff" in event.result:
        yield from diff.told(event.result["diff"])
    elif event.changes:
        name = next((str(event.result[key]) for key in ("dest", "path", "name") if isinstance(event.result.get(key), str)), "")
        yield from (*diff.unified(event.changes, name), "")


def _where(event: ev.Finished) -> str:
    return f"{event.host} -> {event.delegate}" if event.delegate else event.host


def _yaml(value: Any) -> Iterator[str]:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Lists stand at their key's column, texts of several lines are written as such."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        style = "|" if "\n" in value.rstrip("\n") else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    yield from (
        clean(yaml.dump(value, Dumper=Dumper, default_flow_style=False, allow_unicode=True, width=sys.maxsize)).rstrip("\n").split("\n")
    )
