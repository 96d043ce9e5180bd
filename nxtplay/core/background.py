"""Tasks that are not waited for: each in a process of its own that outlives its agent, its result in a file on the host.

A job's file holds one JSON object: `started`, `finished`, and once it has finished `status` and `result` (encoded as on the wire).
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from typing import Any, Callable

from nxtplay.core import host as host_
from nxtplay.core import wire

FOLDER = "~/.ansible_async"  # where people know to look


def start(work: Callable[[], dict[str, Any]], seconds: float, folder: str = FOLDER) -> dict[str, Any]:
    """Begin `work` (it gives status and result) and leave it; at most `seconds` long. The fields that a task registers of it."""
    folder = os.path.expanduser(folder or FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    jid = f"j{random.SystemRandom().randrange(10**11, 10**12)}.{os.getpid()}"
    path = os.path.join(folder, jid)
    _write(path, {"started": True, "finished": False})
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _watch(work, seconds, path)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return {"ansible_job_id": jid, "results_file": path, "started": True, "finished": False}


def look(jid: str, folder: str = FOLDER) -> dict[str, Any]:
    """What a job's file says now: started, finished and, in the end, the `status` and the fields of its `result`."""
    path = _path(jid, folder)
    try:
        with open(path, encoding="utf-8") as stream:
            found: dict[str, Any] = json.load(stream)
    except FileNotFoundError:
        raise host_.Failed("could not find job", ansible_job_id=jid, started=True, finished=True) from None
    result = wire.decode(found.pop("result", {}))
    return {**result, **found, "ansible_job_id": jid, "results_file": path}


def erase(jid: str, folder: str = FOLDER) -> dict[str, Any]:
    """Forget a job's result."""
    path = _path(jid, folder)
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
    return {"ansible_job_id": jid, "erased": path, "started": False, "finished": False}


def _path(jid: str, folder: str) -> str:
    if os.sep in jid or jid in ("", ".", ".."):
        raise host_.Failed(f"'{jid}' is no job's id")
    return os.path.join(os.path.expanduser(folder or FOLDER), jid)


def _watch(work: Callable[[], dict[str, Any]], seconds: float, path: str) -> None:
    """In the process that was left behind: let another one work, and end it when its time is over."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.closerange(3, 1024)
    worker = os.fork()
    if worker == 0:
        signal.signal(signal.SIGTERM, _ended)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _write(path, {"started": True, "finished": True, **_outcome(work)})
        os._exit(0)
    until = time.monotonic() + seconds
    while os.waitpid(worker, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            os.kill(worker, signal.SIGTERM)
            os.waitpid(worker, 0)
            message = f"the job took longer than its {seconds:g} s and was ended"
            _write(path, {"started": True, "finished": True, "status": "failed", "result": {"msg": message}})
            break
        time.sleep(0.05)
    os._exit(0)


def _outcome(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except BaseException as error:
        return {"status": "failed", "result": {"msg": f"{type(error).__name__}: {error}"}}


def _ended(*_: Any) -> None:
    host_.kill_running()
    os._exit(1)


def _write(path: str, document: dict[str, Any]) -> None:
    beside = f"{path}.{os.getpid()}"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(document, stream)
    os.replace(beside, path)
