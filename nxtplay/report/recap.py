"""The end of a run: counts per host, what changed or would, what is not foreseeable and why, where the time went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nxtplay import events as ev
from nxtplay.report import diff
from nxtplay.report.text import Style, count, duration, one_line, width

LISTED = 20
SLOW = 1.0  # seconds; faster tasks are not worth naming
_SHOWN = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


@dataclass
class Tally:
    """What a reporter keeps of the tasks that went by."""

    check: bool = False
    counts: dict[str, int] = field(default_factory=dict)  # by status
    changed: dict[str, list[str]] = field(default_factory=dict)  # task -> hosts
    words: dict[str, str] = field(default_factory=dict)  # task -> its changes in words
    unknown: dict[str, list[str]] = field(default_factory=dict)  # reason -> tasks
    failed: dict[str, list[str]] = field(default_factory=dict)  # task -> hosts
    seconds: dict[str, float] = field(default_factory=dict)  # task -> on the slowest host

    def add(self, event: ev.TaskFinished, name: str) -> None:
        self.counts[event.status] = self.counts.get(event.status, 0) + 1
        self.seconds[name] = max(event.seconds, self.seconds.get(name, 0.0))
        if event.status == ev.CHANGED:
            self.changed.setdefault(name, []).append(event.host)
            self.words.setdefault(name, diff.summary(event.changes, 60) if event.changes else "")
        elif event.status == ev.UNKNOWN:
            tasks = self.unknown.setdefault(one_line(event.reason) or "it cannot be foreseen", [])
            if name not in tasks:
                tasks.append(name)
        elif event.status in (ev.FAILED, ev.UNREACHABLE):
            self.failed.setdefault(name, []).append(event.host)


def recap(result: ev.Recap, tally: Tally, style: Style, *, short: bool) -> Iterator[str]:
    """The recap's lines; a `short` one leaves out zeros and what was said right above."""
    yield ""
    yield style("title", "PLAY RECAP")
    longest = max(map(width, result.hosts), default=0)
    for host, counts in result.hosts.items():
        yield _counts(host + " " * (longest - width(host)), counts, style, unknown=tally.check, short=short)
    yield ""
    if tally.check:
        yield from _foreseen(tally, style)
    elif not short and tally.changed:
        yield f"Changed ({len(tally.changed)}):"
        yield from _listed(tally, style)
    slowest = sorted(((s, name) for name, s in tally.seconds.items() if s >= SLOW), reverse=True)[:3]
    if slowest and result.seconds >= 5:
        yield "Slowest: " + ", ".join(f"{name} {duration(seconds)}" for seconds, name in slowest)
    yield _ending(result, tally, style)


def _counts(host: str, counts: ev.Counts, style: Style, *, unknown: bool, short: bool) -> str:
    worst = "failed" if counts.failed or counts.unreachable else "changed" if counts.changed else "ok"
    shown = [*_SHOWN, *(["unknown"] if unknown or counts.unknown else [])]
    parts = []
    for name in shown:
        number = getattr(counts, name)
        if short and not number and name not in ("ok", "changed", "failed"):
            continue
        parts.append(style(name if number else "faint", f"{name}={number:<4}"))
    return f"{style(worst, host)} : {' '.join(parts)}".rstrip()


def _foreseen(tally: Tally, style: Style) -> Iterator[str]:
    unknown = len({name for names in tally.unknown.values() for name in names})
    if not tally.changed and not unknown:
        if not tally.failed:
            yield "Nothing would change."
        return
    if tally.changed:
        yield f"{count(len(tally.changed), 'task')} would change:"
        yield from _listed(tally, style)
    if unknown:
        yield f"{count(unknown, 'task is', 'tasks are')} unknown until the run, because"
        for reason, names in tally.unknown.items():
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield f"  {style('unknown', reason)}: {', '.join(names[:3])}{more}"


def _listed(tally: Tally, style: Style) -> Iterator[str]:
    several = len({host for hosts in tally.changed.values() for host in hosts}) > 1
    for number, (name, hosts) in enumerate(tally.changed.items()):
        if number == LISTED:
            yield f"  … and {len(tally.changed) - LISTED} more"
            return
        where = f"  on {', '.join(hosts[:3])}" + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "") if several else ""
        words = tally.words.get(name, "")
        yield f"  {style('changed', name)}{where}" + (f"  {style('faint', words)}" if words else "")


def _ending(result: ev.Recap, tally: Tally, style: Style) -> str:
    took = duration(result.seconds)
    if result.interrupted_at:
        return style("failed", f"Interrupted after {took} at {result.interrupted_at}.") + " A second run continues from the state it finds."
    if tally.failed:
        name, hosts = next(iter(tally.failed.items()))
        more = f", and {count(len(tally.failed) - 1, 'more task')}" if len(tally.failed) > 1 else ""
        if result.exit_code:
            return style("failed", f"Failed after {took}: {name} ({', '.join(hosts[:3])}){more}")
    if result.exit_code not in (0, 3, 6):
        return style("failed", f"Failed after {took}.")
    return style("ok", f"Done in {took}.")
