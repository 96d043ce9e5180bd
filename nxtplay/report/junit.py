"""A JUnit XML file for CI systems: a suite per play, a case per task and host."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from nxtplay import events as ev
from nxtplay.report import failure, files

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnit:
    """A reporter. The file is written whole by `close`, or left as it was when that fails."""

    def __init__(self, path: str, *, mask: Callable[[str], str] = str) -> None:
        self._path = path
        self._mask = mask
        self._suites: list[tuple[str, list[tuple[ev.TaskStarted | None, ev.TaskFinished]]]] = []
        self._tasks: dict[str, ev.TaskStarted] = {}
        self._seconds = 0.0

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.PlayStarted):
            self._suites.append((event.name, []))
        elif isinstance(event, ev.TaskStarted):
            self._tasks[event.id] = event
        elif isinstance(event, ev.TaskFinished):
            if not self._suites:
                self._suites.append(("run", []))
            self._suites[-1][1].append((self._tasks.get(event.id), event))
        elif isinstance(event, ev.RunFinished):
            self._seconds = event.recap.seconds

    def close(self) -> None:
        """See Reporter."""
        lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<testsuites time="{self._seconds:.3f}">']
        for name, cases in self._suites:
            lines += self._suite(name, cases)
        files.write(self._path, "\n".join([*lines, "</testsuites>", ""]))

    def _suite(self, name: str, cases: list[tuple[ev.TaskStarted | None, ev.TaskFinished]]) -> list[str]:
        failed = sum(case.status == ev.FAILED for _, case in cases)
        errors = sum(case.status == ev.UNREACHABLE for _, case in cases)
        skipped = sum(case.status in (ev.SKIPPED, ev.UNKNOWN) for _, case in cases)
        took = sum(case.seconds for _, case in cases)
        out = [
            f'  <testsuite name={_attribute(name)} tests="{len(cases)}" failures="{failed}" errors="{errors}" '
            f'skipped="{skipped}" time="{took:.3f}">'
        ]
        for task, case in cases:
            out += self._case(task, case)
        return [*out, "  </testsuite>"]

    def _case(self, task: ev.TaskStarted | None, case: ev.TaskFinished) -> list[str]:
        name = f"[{case.host}] {task.title if task else case.id}"
        place = f" file={_attribute(task.span.file)} line={_attribute(str(task.span.line))}" if task and task.span else ""
        head = f"    <testcase name={_attribute(name)} classname={_attribute(case.host)}{place} "
        head += f'time="{case.seconds:.3f}"'
        if case.status in (ev.FAILED, ev.UNREACHABLE):
            kind = "failure" if case.status == ev.FAILED else "error"
            text = "\n".join(failure.explain(case, mask=self._mask))
            message = _attribute(failure.cause(case))
            return [f"{head}>", f"      <{kind} message={message}>{_text(text)}</{kind}>", "    </testcase>"]
        if case.status in (ev.SKIPPED, ev.UNKNOWN):
            return [f"{head}>", f"      <skipped message={_attribute(case.reason)}/>", "    </testcase>"]
        return [f"{head}/>"]


def _text(text: str) -> str:
    return escape(_ILLEGAL.sub("", text))


def _attribute(text: str) -> str:
    return quoteattr(_ILLEGAL.sub("", text), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
