"""SSH by the program `ssh`: for what only it can do (GSSAPI, hardware keys with a touch, odd proxies)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nxtplay.connection.become import Escalation, for_login
from nxtplay.connection.connection import AgentConnection
from nxtplay.connection.pipe import PipeTransport
from nxtplay.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from nxtplay.connection.ssh.connect import Login


def connection(
    login: Login, *, program: str = "ssh", interpreter: str | None = None, escalation: Escalation | None = None
) -> AgentConnection:
    """An agent behind the program. Raises UsageError for a password: the program takes it from a terminal alone."""
    if login.password is not None:
        hint = "use a key, or the built-in client: ansible_connection: paramiko"
        raise UsageError(Diagnostic(f"{login.host}: the program {program} takes no password from us", hint=hint))
    words = [program, "-T", *_options(login), *shlex.split(login.arguments), login.host]

    def command(what: Sequence[str] | str) -> Sequence[str]:
        return [*words, what if isinstance(what, str) else shlex.join(what)]

    place = f"{login.user}@{login.host}" if login.user else login.host
    transport = PipeTransport(place, command, explain=_explain)
    return AgentConnection(transport, interpreter=interpreter, escalation=for_login(escalation, login.user or ""))


def _options(login: Login) -> list[str]:
    checking = {"off": "no", "accept-new": "accept-new"}.get(login.checking or "")
    given = {
        "BatchMode": "yes",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "2",
        "ConnectTimeout": str(int(login.timeout or 10)),
        "ConnectionAttempts": str(login.retries + 1),
        "StrictHostKeyChecking": checking,
        "UserKnownHostsFile": "/dev/null" if checking == "no" else None,
        "LogLevel": "ERROR" if checking == "no" else None,
        "Port": str(login.port) if login.port else None,
        "User": login.user,
        "IdentityFile": login.key_file,
        "IdentitiesOnly": "yes" if login.key_file else None,
    }
    return [word for name, value in given.items() if value is not None for word in ("-o", f"{name}={value}")]


def _explain(ended: int) -> str:
    return "the ssh program could not connect, or lost the connection" if ended == 255 else ""
