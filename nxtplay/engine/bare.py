"""Modules that need no Python on the host (raw): their command goes over the connection itself, past any agent."""

from __future__ import annotations

import datetime
import shlex
from typing import Any

from nxtplay.connection.protocol import Connection, Job, Reply
from nxtplay.core import wire
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.engine import result as result_
from nxtplay.modules import _commands, registry


def reply(connection: Connection, job: Job, *, timeout: float | None) -> Reply:
    """As the agent would answer the job. In a check its `news` are for every agent of the host. Raises Unreachable."""
    args: Any = decode(registry.load(job.module), dict(job.args))
    reason = "runs a shell"
    if not job.permit:
        unknown = Unknown(job.doubt or f"{job.module} was not run")
        news = ((f"act:{job.module}", wire.encode(unknown)),)
        return Reply("unknown" if job.doubt else "changed", {}, reason=reason, unknown=unknown.reason, news=news)
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in job.environ.items())
    line = exports + args.cmd
    began = datetime.datetime.now()
    done = connection.raw(f"{args.executable} -c {shlex.quote(line)}" if args.executable else line, timeout=timeout)
    full = _commands.result_of(done, cmd=args.cmd, began=began, ended=datetime.datetime.now(), strip=False)
    result = {name: full[name] for name in ("rc", "stdout", "stderr")}
    if done.rc == 0:
        return Reply("changed", result, reason=reason)
    if timeout is not None and done.rc == -9 and done.seconds >= timeout:
        return Reply("failed", {**result, **result_.timed_out(timeout)})
    return Reply("failed", {**result, "msg": "non-zero return code", "changed": True})
