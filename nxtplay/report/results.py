"""The results of one task and nothing else, for whoever ran it without a playbook."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from nxtplay import errors
from nxtplay import events as ev
from nxtplay.errors import Diagnostic
from nxtplay.report import diff
from nxtplay.report.text import Style, clean

_WORDS = {ev.OK: "SUCCESS", ev.IGNORED: "FAILED", ev.UNREACHABLE: "UNREACHABLE!"}
_FAILED = (ev.FAILED, ev.IGNORED)
_AS_TEXT = ("command", "shell", "raw", "script")  # what they print is what they are run for
_UNSAID = ("failed", "exception", "skipped", "warnings", "deprecations", "stdout_lines", "stderr_lines", "unreachable")


class Results:
    """A reporter. `in_lines`: each host's result in one line."""

    def __init__(self, stream: TextIO, *, colours: bool, in_lines: bool) -> None:
        self._stream, self._style, self._in_lines = stream, Style(colours=colours), in_lines
        self._module = ""

    def emit(self, event: ev.Event) -> None:
        """See Reporter."""
        if isinstance(event, ev.TaskStarted):
            self._module = event.module
        elif isinstance(event, ev.TaskFinished):
            if event.status == ev.CHANGED and not self._in_lines:
                for line in diff.told(event.result.get("diff")):
                    print(self._style(diff.STYLES.get(line[:1], ""), line), file=self._stream)
            text = self._text(event)
            print(*(self._style(event.status, line) for line in text.split("\n")), sep="\n", file=self._stream, flush=True)
        elif isinstance(event, ev.Notice) and event.level in ("warning", "deprecated"):
            said = f"{event.host}: {event.text}" if event.host else event.text
            print(clean(errors.render(Diagnostic(said, event.span, event.hint, severity=event.level))), file=sys.stderr)
        elif isinstance(event, ev.RunFinished) and event.recap.interrupted_at:
            print("Interrupted.", file=sys.stderr)

    def close(self) -> None:
        """See Reporter."""

    def _text(self, event: ev.Finished) -> str:
        head = f"{event.host} | {_WORDS.get(event.status, event.status.upper())}"
        result = event.result
        if self._module in _AS_TEXT and "rc" in result:
            texts = [str(result.get(name) or "").rstrip("\n") for name in ("stdout", "stderr")]
            texts.append(str(result.get("msg") or "") if event.status in _FAILED else "")
            if self._in_lines:
                named = " ".join(f"({name}) {_escaped(text)}" for name, text in zip(("stdout", "stderr"), texts, strict=False) if text)
                return clean(f"{head} | rc={result['rc']} | {named}")
            return clean("\n".join([f"{head} | rc={result['rc']} >>", *filter(None, texts)]))
        told = {name: value for name, value in result.items() if name not in _UNSAID and (name != "diff" or self._in_lines)}
        if event.reason and event.status in (ev.UNKNOWN, ev.SKIPPED, ev.UNREACHABLE) and "msg" not in told:
            told["msg"] = event.reason
        mark = "!" if event.status in _FAILED else ""
        indent = None if self._in_lines else 4
        return clean(f"{head}{mark} => {json.dumps(ev.plain(told), indent=indent, sort_keys=True, ensure_ascii=False)}")


def _escaped(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
