"""A container of the local engine as a host: the agent behind `docker exec -i`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nxtplay.connection.become import Escalation, for_login
from nxtplay.connection.connection import AgentConnection
from nxtplay.connection.pipe import PipeTransport


def container(
    name: str,
    *,
    user: str | None = None,
    extra: str = "",
    interpreter: str | None = None,
    escalation: Escalation | None = None,
) -> AgentConnection:
    """An agent inside the container `name`; `extra` are arguments for the docker program itself (-H, --context)."""
    words = ["docker", *shlex.split(extra), "exec", "-i", *(["-u", user] if user else []), name]

    def command(what: Sequence[str] | str) -> Sequence[str]:
        return [*words, *(["/bin/sh", "-c", what] if isinstance(what, str) else what)]

    transport = PipeTransport(f"container {name}", command)
    return AgentConnection(transport, interpreter=interpreter, escalation=for_login(escalation, user or "root"))
