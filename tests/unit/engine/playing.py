"""Runs a playbook in this process, its hosts over real agent sessions in threads, and gives back its events."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nxtplay.connection.protocol import Job, Reply
from nxtplay.connection.thread import ThreadConnection
from nxtplay.engine.options import Options
from nxtplay.engine.run import Run
from nxtplay.engine.scopes import Scopes
from nxtplay.events import Event, Recap
from nxtplay.inventory.load import load as load_inventory
from nxtplay.playbook import load
from nxtplay.playbook.source import read
from nxtplay.template.render import Templates


class Counting(ThreadConnection):
    """A connection that remembers how many jobs each of its messages carried."""

    def __init__(self, messages: list[list[str]]) -> None:
        super().__init__()
        self._messages = messages

    def request(self, jobs: Sequence[Job], **more: Any) -> list[Reply]:
        self._messages.append([job.module for job in jobs])
        return super().request(jobs, **more)


def play(text: str, folder: Path, *, hosts: str = "one,", options: Options | None = None) -> tuple[Recap, list[Event], list[list[str]]]:
    """(recap, events, the modules of each message). Hosts have the connection `memory`: not local, so tasks travel together."""
    path = folder / "playbook.yml"
    path.write_text(text)
    templates = Templates()
    inventory = load_inventory([hosts], read=read, playbook_dir=str(folder))
    chosen = _with_connection(options or Options())
    events: list[Event] = []
    messages: list[list[str]] = []
    scopes = Scopes(inventory, templates, chosen, playbook_dir=str(folder), read=read, given=load.options())
    makers = {"memory": lambda target: Counting(messages)}
    playbook = load.load([str(path)])
    run = Run(playbook, inventory, chosen, templates, scopes, events.append, makers=makers)
    return run.run(), events, messages


def _with_connection(options: Options) -> Options:
    from dataclasses import replace

    return replace(options, connection="memory")


def story(events: Sequence[Event]) -> list[Any]:
    """What the events tell, without what differs from run to run (times, temporary names)."""
    out = []
    for event in events:
        if event.kind in ("task_progress", "task_output", "notice", "run_finished", "play_finished"):
            continue
        told = event.as_dict()
        for name in ("seconds", "id"):
            told.pop(name, None)
        out.append(_steady(told))
    return out


_UNSTEADY = ("start", "end", "delta", "seconds", "ctime", "mtime", "atime", "inode", "version", "elapsed")


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(item) for key, item in value.items() if key not in _UNSTEADY}
    if isinstance(value, list):
        return [_steady(item) for item in value]
    return value.replace(os.sep + "on", "").replace(os.sep + "off", "") if isinstance(value, str) else value
