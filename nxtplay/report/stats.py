"""What tasks gave to `set_stats`, for the whole run and by host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nxtplay import events as ev
from nxtplay.report.text import clean

RUN = "_run"  # stands for the run where a host's name would be


class CustomStats:
    """Keeps what goes by. Where a value is there already and the task says `aggregate`, mappings are merged, all else is added."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Any]] = {}  # host, or RUN -> name -> value

    def add(self, event: ev.Event) -> None:
        """Of any event; what does not concern it is passed over."""
        if not isinstance(event, ev.TaskFinished):
            return
        for result in event.result.get("results") or [event.result]:
            told = result.get("ansible_stats") if isinstance(result, dict) else None
            if isinstance(told, dict):
                kept = self.of.setdefault(event.host if told.get("per_host") else RUN, {})
                for name, value in told["data"].items():
                    kept[name] = _together(kept[name], value) if told.get("aggregate", True) and name in kept else value

    def by_host(self) -> dict[str, dict[str, Any]]:
        return {host: values for host, values in self.of.items() if host != RUN}

    def lines(self) -> Iterator[str]:
        """A line of JSON for each host, sorted, then one for the run."""
        for host, values in [*sorted(self.by_host().items()), *([("RUN", self.of[RUN])] if RUN in self.of else [])]:
            told = json.dumps(ev.plain(values), indent=1, sort_keys=True, ensure_ascii=False)
            yield clean(f"{host}: {told}".replace("\n", ""))


def _together(old: Any, new: Any) -> Any:
    if type(old) is not type(new):
        return new
    if isinstance(old, dict):
        inner = {name: _together(old[name], value) for name, value in new.items() if isinstance(value, dict) and name in old}
        return {**old, **new, **inner}
    return old + new if isinstance(old, (int, float, str, list)) else new
