"""A run as one JSON document when it is over, in the form of Ansible's callback `json`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from nxtplay import events as ev
from nxtplay.errors import Span
from nxtplay.report.stats import RUN, CustomStats


class Document:
    """A reporter: plays with their tasks, each with the results of its hosts, and the counts."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.time) -> None:
        self._stream, self._clock = stream, clock
        self._plays: list[dict[str, Any]] = []
        self._given = CustomStats()
        self._tasks: dict[str, tuple[ev.TaskStarted, dict[str, Any]]] = {}

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        self._given.add(event)
        if isinstance(event, ev.PlayStarted):
            play = {"id": str(len(self._plays) + 1), "name": event.name, **self._begin(event.span)}
            self._plays.append({"play": play, "tasks": []})
        elif isinstance(event, ev.TaskStarted) and self._plays:
            told = {"task": {"id": event.id, "name": event.title, **self._begin(event.span)}, "hosts": {}}
            self._tasks[event.id] = (event, told)
            self._plays[-1]["tasks"].append(told)
        elif isinstance(event, ev.TaskFinished) and event.id in self._tasks:
            task, told = self._tasks[event.id]
            result = {key: value for key, value in ev.plain(event.result).items() if key != "failed" or value}
            told["hosts"][event.host] = {"changed": False, **result, "action": task.module}
            told["task"]["duration"]["end"] = self._plays[-1]["play"]["duration"]["end"] = self._now()
        elif isinstance(event, ev.RunFinished):
            stats = {host: _counts(counts) for host, counts in event.recap.hosts.items()}
            whole = {
                "plays": self._plays,
                "stats": stats,
                "custom_stats": self._given.by_host(),
                "global_custom_stats": self._given.of.get(RUN, {}),
            }
            print(json.dumps(whole, indent=4, sort_keys=True), file=self._stream, flush=True)

    def close(self) -> None:
        """See Reporter."""

    def _begin(self, span: Span | None) -> dict[str, Any]:
        path = {"path": f"{os.path.abspath(span.file)}:{span.line}"} if span else {}
        return {"duration": {"start": self._now()}, **path}

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _counts(counts: ev.Counts) -> dict[str, int]:
    names = {"failures": "failed", **{name: name for name in ("ok", "changed", "unreachable", "skipped", "rescued", "ignored")}}
    return {name: getattr(counts, ours) for name, ours in names.items()}
