"""Why a task failed, on one screen: cause, place, what the command said last."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nxtplay import errors
from nxtplay.errors import Diagnostic
from nxtplay.events import Finished, plain
from nxtplay.report.text import clean, outline

TAIL = 15  # lines of a command's output that are shown
_TOLD = frozenset(
    "attempts changed cmd delta end exception failed invocation msg rc results start stderr stderr_lines stdout stdout_lines "
    "warnings".split()
)


def explain(event: Finished, *, verbosity: int = 0, mask: Callable[[str], str] = str) -> Iterator[str]:
    """The lines below a failed task's own. `mask` is applied to what is read from files for the excerpt."""
    diagnostics = event.diagnostics or (Diagnostic(cause(event), event.span),)
    for diagnostic in diagnostics:
        yield from mask(clean(errors.render(diagnostic))).split("\n")
    result = event.result
    if "rc" in result or "cmd" in result:
        yield from _command(result, everything=verbosity > 0)
    if verbosity > 0:
        left = {key: value for key, value in result.items() if key not in _TOLD and not str(key).startswith("_")}
        yield from outline(left) if left else ()
    trace = str(result.get("exception") or "").rstrip()
    if "\n" not in trace:  # there is none
        return
    if verbosity >= 3:
        yield from clean(trace).split("\n")
    else:
        yield f"at {_last_frame(trace)} (-vvv shows the traceback)"


def cause(event: Finished) -> str:
    """The failure in a sentence."""
    told = event.reason or plain(event.result.get("msg")) or (event.diagnostics[0].message if event.diagnostics else "")
    if isinstance(told, list):
        told = "\n".join(str(line) for line in told)
    return clean(str(told)).strip() or {"unreachable": "the host cannot be reached"}.get(event.status, "it failed without a message")


def _command(result: Mapping[str, Any], *, everything: bool) -> Iterator[str]:
    if result.get("cmd"):
        command = plain(result["cmd"])
        said = shlex.join(str(word) for word in command) if isinstance(command, list) else str(command)
        yield f"command: {clean(said)}" + (f"  (exit code {result['rc']})" if result.get("rc") is not None else "")
    elif result.get("rc") is not None:
        yield f"exit code: {result['rc']}"
    streams = {name: clean(str(plain(result.get(name)) or "")).rstrip() for name in ("stderr", "stdout")}
    for name, text in streams.items():
        if text and (everything or name == "stderr" or not streams["stderr"]):
            yield from _tail(name, text, everything=everything)


def _tail(name: str, text: str, *, everything: bool) -> Iterator[str]:
    lines = text.split("\n")
    left = 0 if everything else max(0, len(lines) - TAIL)
    yield f"{name}:" + (f" (the last {TAIL} of {len(lines)} lines; -v shows all)" if left else "")
    yield from (f"  {line}" for line in lines[left:])


def _last_frame(trace: str) -> str:
    frames = [line.strip() for line in trace.splitlines() if line.strip().startswith("File ")]
    return frames[-1] if frames else "an unknown place"
