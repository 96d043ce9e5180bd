"""A container of the local engine as a host: the agent behind `docker exec -i`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

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


_FLAGS = (("docker_host", "--host"), ("ca_path", "--tlscacert"), ("client_cert", "--tlscert"), ("client_key", "--tlskey"))


def engine(named: Mapping[str, str]) -> list[str]:
    """Arguments for the docker program, quoted, of what docker modules call `docker_host`, `ca_path` and so on."""
    words = [f"{flag}={shlex.quote(named[name])}" for name, flag in _FLAGS if named.get(name)]
    flags = [flag for name, flag in (("tls", "--tls"), ("validate_certs", "--tlsverify")) if named.get(name, "").lower() == "true"]
    return [*words, *flags]
