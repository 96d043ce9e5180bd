"""A page of its own: the run as a timeline, what changed, why something failed. No script, nothing fetched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from nxtplay import events as ev
from nxtplay.report import diff, failure, files
from nxtplay.report.text import LABEL, duration, fit

_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .4em}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.15em .6em;vertical-align:top;border-top:1px solid #eee}td.n{text-align:right;white-space:nowrap}
td.t{width:35%}.bar{position:relative;height:1em;margin-top:.25em}
.bar i{position:absolute;height:100%;min-width:2px;border-radius:2px;background:#bbb}
.changed i{background:#d9a400}.failed i,.unreachable i{background:#c8322b}.unknown i{background:#9b59b6}
.s{font-weight:600}.ok .s{color:#2b8a3e}.changed .s{color:#a87900}.failed .s,.unreachable .s{color:#c8322b}.unknown .s{color:#8e44ad}
.skipped{color:#999}pre{background:#f6f6f6;padding:.5em;overflow:auto;margin:.3em 0;white-space:pre-wrap}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}td,th{border-color:#333}pre{background:#262626}}
"""


@dataclass(frozen=True)
class Row:
    """A finished task on a host; `end` counts seconds from the start of the run."""

    play: str
    name: str
    event: ev.TaskFinished
    end: float


class Html:
    """A reporter. The file is written by `close`."""

    def __init__(self, path: str, *, mask: Callable[[str], str] = str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._mask, self._clock = path, mask, clock
        self._began = clock()
        self._names: dict[str, str] = {}
        self._play = ""
        self._title = ""
        self._rows: list[Row] = []
        self._items: dict[tuple[str, str], list[ev.ItemFinished]] = {}
        self._recap = ev.Recap()

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.RunStarted):
            self._began = self._clock()
            self._title = ("Check of " if event.check else "") + ", ".join(event.playbooks)
        elif isinstance(event, ev.PlayStarted):
            self._play = event.name
        elif isinstance(event, ev.TaskStarted):
            self._names[event.id] = event.title
        elif isinstance(event, ev.ItemFinished):
            self._items.setdefault((event.id, event.host), []).append(event)
        elif isinstance(event, ev.TaskFinished):
            self._rows.append(Row(self._play, self._names.get(event.id, event.id), event, self._clock() - self._began))
        elif isinstance(event, ev.RunFinished):
            self._recap = event.recap

    def close(self) -> None:
        """See Reporter."""
        title = escape(self._title or "nxtplay")
        ending = "interrupted" if self._recap.interrupted_at else "failed" if self._recap.exit_code not in (0, 3, 6) else "done"
        out = ["<!doctype html>", '<html lang="en"><meta charset="utf-8">', f"<title>{title}</title><style>{_STYLE}</style>"]
        out += [f"<h1>{title}: {ending} in {duration(self._recap.seconds)}</h1>", *self._hosts()]
        whole = max([self._recap.seconds, *(row.end for row in self._rows)], default=0.0) or 1.0
        play = None
        for row in self._rows:
            if row.play != play:
                out += ["</table>"] if play is not None else []
                out += [f"<h2>{escape(row.play)}</h2><table>"]
                play = row.play
            out += self._row(row, whole)
        out += ["</table>"] if self._rows else []
        files.write(self._path, "\n".join([*out, "</html>", ""]))

    def _hosts(self) -> list[str]:
        names = ("ok", "changed", "unknown", "skipped", "failed", "unreachable", "rescued", "ignored")
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = [
            f"<tr><td>{escape(host)}</td>{''.join(f'<td>{getattr(counts, name)}</td>' for name in names)}</tr>"
            for host, counts in self._recap.hosts.items()
        ]
        return [f"<table><tr><th>host</th>{head}</tr>", *rows, "</table>"]

    def _row(self, row: Row, whole: float) -> list[str]:
        event = row.event
        left, wide = 100 * max(0.0, row.end - event.seconds) / whole, 100 * min(event.seconds, whole) / whole
        return [
            f'<tr class="{event.status}"><td class="s">{event.status}</td><td>{escape(event.host)}</td>'
            f"<td>{escape(row.name)}{self._detail(event)}</td>"
            f'<td class="n">{duration(event.seconds)}</td>'
            f'<td class="t"><div class="bar"><i style="left:{left:.2f}%;width:{wide:.2f}%"></i></div></td></tr>'
        ]

    def _detail(self, event: ev.TaskFinished) -> str:
        lines: list[str] = []
        for finished in (*self._items.get((event.id, event.host), ()), event):
            part = list(diff.unified(finished.changes)) if finished.diff is not False else []
            if finished.status in (ev.FAILED, ev.UNREACHABLE):
                part += failure.explain(finished, mask=self._mask)
            elif finished.reason and finished.status in (ev.UNKNOWN, ev.IGNORED, ev.CHANGED):
                part.append(finished.reason)
            if part and finished.item_label:
                lines.append(f"(item={fit(finished.item_label, LABEL)})")
            lines += part
        if not lines:
            return ""
        opened = " open" if event.status in (ev.FAILED, ev.UNREACHABLE) else ""
        words = diff.summary(event.changes, 60) if event.changes else "details"
        return f"<details{opened}><summary>{escape(words)}</summary><pre>{escape(chr(10).join(lines))}</pre></details>"
