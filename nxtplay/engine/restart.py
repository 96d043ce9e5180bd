"""The words that outlive a connection: wait_for_connection, and reboot."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from typing import Any

from nxtplay.connection.protocol import Job, Reply
from nxtplay.core.state import Unknown
from nxtplay.engine import result as result_
from nxtplay.engine.attempt import Attempt
from nxtplay.engine.dispatch import Dispatch
from nxtplay.engine.hosts import HostRun
from nxtplay.engine.result import PartialResult
from nxtplay.engine.scopes import TaskScope
from nxtplay.errors import Diagnostic, TemplateError, Unreachable
from nxtplay.playbook.model import Task

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
SEARCH = ("/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin")
PAUSE = 1.0  # seconds between two tries to reach a machine that restarts

Ask = Callable[[str, Mapping[str, Any], float | None], Reply]


def wait_for_connection(
    dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None
) -> Attempt:
    """Try to reach the host until its Python answers."""
    if doubt is not None:
        return _in_doubt(doubt)
    delay, pause, limit, connect = (
        _seconds(task, args, name, otherwise) for name, otherwise in (("delay", 0), ("sleep", 1), ("timeout", 600), ("connect_timeout", 5))
    )
    began = time.monotonic()
    time.sleep(delay)
    ask = _anew(dispatch, task, host, scope)
    failure = _until(began + delay + limit, pause, lambda: _fault(ask("ping", {}, max(connect, 5.0))))
    elapsed = int(time.monotonic() - began)
    if failure:
        message = f"timed out waiting for the host after {limit:g} s: {failure}"
        return Attempt("failed", result_.failed(message, elapsed=elapsed), reason=message)
    return Attempt("ok", {"changed": False, "failed": False, "elapsed": elapsed})


def reboot(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope, args: dict[str, Any], doubt: Unknown | None) -> Attempt:
    """Restart the machine and wait until it is back, known by its boot id."""
    if dispatch.target(task, host, scope).kind == "local":
        message = "Running reboot with local connection would reboot the control node."
        return Attempt("failed", result_.failed(message, rebooted=False, elapsed=0), reason=message)
    if doubt is not None:
        return _in_doubt(doubt)
    if dispatch.in_check(task, scope):
        later = Unknown("the machine was not restarted")
        return Attempt("changed", PartialResult({"changed": True, "failed": False}, later), reason="restarts the machine")
    limit = _seconds(task, args, "reboot_timeout", 600, "reboot_timeout_sec")
    settle = _seconds(task, args, "post_reboot_delay", 0, "post_reboot_delay_sec")
    connect = max(_seconds(task, args, "connect_timeout", 10, "connect_timeout_sec"), 5.0)
    boot_command = str(args.get("boot_time_command", BOOT_ID))
    began = time.monotonic()
    ask = _anew(dispatch, task, host, scope)
    before = ask("shell", {"cmd": boot_command}, None)
    if _fault(before):
        return _failed(f"cannot tell when the machine started: {_fault(before)}", began, rebooted=False)
    try:
        told = ask("shell", {"cmd": _command(task, args)}, connect)
        if told.result.get("rc") not in (0, None):
            return _failed(f"the command to restart failed: {_fault(told)}", began, rebooted=False)
    except Unreachable:
        pass  # it went down before it could answer

    def is_back() -> str:
        now = ask("shell", {"cmd": boot_command}, connect)
        same = now.result.get("stdout") == before.result.get("stdout")
        return _fault(now) or ("it has not gone down yet" if same else "")

    failure = _until(time.monotonic() + limit, PAUSE, is_back)
    test = {"cmd": str(args.get("test_command", "whoami"))}
    failure = failure or _until(time.monotonic() + limit, PAUSE, lambda: _fault(ask("shell", test, connect)))
    if failure:
        return _failed(f"Timed out waiting for the machine to restart ({limit:g} s): {failure}", began, rebooted=True)
    time.sleep(settle)
    return Attempt(
        "changed",
        {"changed": True, "failed": False, "rebooted": True, "elapsed": int(time.monotonic() - began)},
        reason="restarted the machine",
    )


def _anew(dispatch: Dispatch, task: Task, host: HostRun, scope: TaskScope) -> Ask:
    """Asks the task's target, over a new connection where the last one failed or did not answer in time. Raises Unreachable."""
    wanted = dispatch.target(task, host, scope)
    dispatch.connections.drop(wanted)

    def ask(module: str, args: Mapping[str, Any], timeout: float | None) -> Reply:
        reply = dispatch.send(Job(module, args, permit=True), wanted, host, timeout)
        if reply.status == "failed" and "rc" not in reply.result:
            dispatch.connections.drop(wanted)
        return reply

    return ask


def _until(end: float, pause: float, look: Callable[[], str]) -> str:
    """Look again and again until nothing is wrong: "", or what was wrong last when the time was over."""
    while True:
        try:
            fault = look()
        except Unreachable as error:
            fault = str(error)
        if not fault or time.monotonic() + pause > end:
            return fault
        time.sleep(pause)


def _fault(reply: Reply) -> str:
    """What a reply says went wrong."""
    if reply.status in ("ok", "changed"):
        return ""
    return str(reply.result.get("stderr") or reply.result.get("msg") or reply.reason or reply.status).strip()


def _command(task: Task, args: Mapping[str, Any]) -> str:
    """What restarts the machine: as asked, or shutdown after so many whole minutes, with a word to those who are logged in."""
    if args.get("reboot_command"):
        return str(args["reboot_command"])
    minutes = int(_seconds(task, args, "pre_reboot_delay", 0, "pre_reboot_delay_sec")) // 60
    paths = ":".join(map(str, args.get("search_paths") or SEARCH))
    message = shlex.quote(str(args.get("msg", "Reboot initiated by nxtplay")))
    return f"PATH={shlex.quote(paths)} shutdown -r {minutes or 'now'} {message}"


def _seconds(task: Task, args: Mapping[str, Any], name: str, otherwise: float, alias: str = "") -> float:
    value = args.get(name, args.get(alias, otherwise))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TemplateError(Diagnostic(f"{task.module}: '{name}' takes seconds, found {value!r}", task.args.values_at.get(name))) from None


def _failed(message: str, began: float, *, rebooted: bool) -> Attempt:
    fields = result_.failed(message, rebooted=rebooted, elapsed=int(time.monotonic() - began))
    return Attempt("failed", fields, reason=message)


def _in_doubt(doubt: Unknown) -> Attempt:
    return Attempt("unknown", PartialResult({"failed": False, "changed": False}, doubt), reason=doubt.reason)
