"""Which connection a task needs, from its variables and keywords; one kept open per (host, user)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nxtplay.connection.become import METHODS, Escalation
from nxtplay.connection.protocol import Connection
from nxtplay.core.state import Secret
from nxtplay.engine.options import Options
from nxtplay.errors import Diagnostic, Span, TemplateError, Unreachable, did_you_mean
from nxtplay.playbook.model import Shared

Get = Callable[[str], Any]  # the rendered value of a variable, or None


@dataclass(frozen=True)
class Target:
    """All that decides which agent a task talks to. Equal targets share one connection."""

    host: str
    kind: str
    address: str = ""
    port: int | None = None
    user: str | None = None
    password: Secret | None = field(default=None, repr=False)
    interpreter: str | None = None
    escalation: Escalation | None = None
    via: str = ""  # the host that delegates to this one: each has a connection of its own, as a connection serves one thread
    settings: tuple[tuple[str, Any], ...] = ()  # further ansible_ssh_* and the like


def target(host: str, shared: Shared, get: Get, render: Callable[[Any], Any], options: Options) -> Target:
    """The target of a task: inventory and other variables first, then keywords, then the command line."""

    def choose(variables: tuple[str, ...], keyword: Any, option: Any) -> Any:
        for name in variables:
            value = get(name)
            if value is not None:
                return value
        if keyword is not None:
            value = render(keyword)
            if value is not None:
                return value
        return option

    kind = str(choose(("ansible_connection",), shared.connection, options.connection) or "ssh").rsplit(".", 1)[-1]
    kind = {"smart": "ssh", "paramiko_ssh": "paramiko"}.get(kind, kind)
    user = choose(("ansible_user", "ansible_ssh_user"), shared.remote_user, options.user)
    port = choose(("ansible_port", "ansible_ssh_port"), shared.port, options.port)
    password = choose(("ansible_password", "ansible_ssh_password", "ansible_ssh_pass"), None, options.password)
    interpreter = get("ansible_python_interpreter") or options.interpreter
    settings = {name: get(name) for name in _SETTINGS}
    return Target(
        host=host,
        kind=kind,
        address=str(get("ansible_host") or get("ansible_ssh_host") or host),
        port=int(as_number(port, "port")) if port is not None else None,
        user=str(user) if user is not None else None,
        password=Secret(password) if password is not None else None,
        interpreter=None if interpreter in (None, "auto", "auto_silent", "auto_legacy", "auto_legacy_silent") else str(interpreter),
        escalation=_escalation(shared, choose, get, options),
        settings=tuple((name, _setting(name, value)) for name, value in settings.items() if value is not None),
    )


# how to reach the engine of a container, as docker modules name it
ENGINE_SETTINGS = ("docker_host", "tls", "validate_certs", "ca_path", "client_cert", "client_key")
_SETTINGS = (
    "ansible_ssh_private_key_file",
    "ansible_private_key_file",
    "ansible_ssh_private_key_passphrase",
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_executable",
    "ansible_ssh_timeout",
    "ansible_ssh_retries",
    "ansible_host_key_checking",
    "ansible_ssh_host_key_checking",
    "ansible_paramiko_host_key_checking",
    "ansible_docker_extra_args",
    *(f"ansible_docker_{name}" for name in ENGINE_SETTINGS),
)


def _setting(name: str, value: Any) -> str:
    return Secret(value) if name.endswith("passphrase") else str(value)


def _escalation(shared: Shared, choose: Callable[..., Any], get: Get, options: Options) -> Escalation | None:
    become = choose(("ansible_become",), shared.become.become, options.become)
    if not as_bool(become):
        return None
    method = str(choose(("ansible_become_method",), shared.become.method, options.become_method) or "sudo").rsplit(".", 1)[-1]
    if method not in METHODS:
        hint = did_you_mean(method, METHODS) or "supported are: " + ", ".join(METHODS)
        raise TemplateError(Diagnostic(f"become method '{method}' is not supported", hint=hint))
    password = choose((f"ansible_{method}_pass", "ansible_become_password", "ansible_become_pass"), None, options.become_password)
    return Escalation(
        user=str(choose(("ansible_become_user",), shared.become.user, options.become_user) or "root"),
        method=method,
        flags=str(choose(("ansible_become_flags",), shared.become.flags, options.become_flags) or ""),
        exe=str(choose(("ansible_become_exe",), shared.become.exe, options.become_exe) or ""),
        password=Secret(password) if password is not None else None,
    )


def as_bool(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("yes", "true", "on", "1", "y", "t")
    return bool(value)


def as_number(value: Any, keyword: str, span: Span | None = None) -> float:
    """What a keyword that takes a number was given, which a template may have made."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TemplateError(Diagnostic(f"{keyword} takes a number, found {value!r}", span)) from None


class Connections:
    """Open connections by target; `close` may come from another thread at any time."""

    def __init__(self, makers: Mapping[str, Callable[[Target], Connection]]) -> None:
        self._makers = dict(makers)
        self._closed = False
        self._open: dict[Target, Connection] = {}
        self._told: dict[Target, int] = {}  # how much of a host's news its agent knows
        self._lock = threading.Lock()

    def get(self, wanted: Target) -> Connection:
        """The open connection of a target, or a new one where its agent is gone. Raises Unreachable once the run has ended."""
        found = self._open.get(wanted)
        if found is not None and not found.alive():
            self.drop(wanted)
        with self._lock:
            if self._closed:
                raise Unreachable("the run has ended")
            if wanted not in self._open:
                maker = self._makers.get(wanted.kind)
                if maker is None:
                    hint = did_you_mean(wanted.kind, self._makers) or "supported are: " + ", ".join(sorted(self._makers))
                    raise TemplateError(Diagnostic(f"connection '{wanted.kind}' is not supported", hint=hint))
                self._open[wanted] = maker(wanted)
            return self._open[wanted]

    def untold(self, wanted: Target, news: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """What a host's check foresaw that this agent does not know yet; counts as told from now on."""
        known = self._told.get(wanted, 0)
        self._told[wanted] = len(news)
        return news[known:]

    def learned(self, wanted: Target, count: int) -> None:
        """The agent foresaw `count` more things itself."""
        self._told[wanted] = self._told.get(wanted, 0) + count

    def drop(self, wanted: Target) -> None:
        """Close one connection; the next task opens it anew."""
        with self._lock:
            found = self._open.pop(wanted, None)
            self._told.pop(wanted, None)
        if found is not None:
            found.close()

    def leave(self, host: str, user: str) -> None:
        """Close those that became a user of a host."""
        for wanted in list(self._open):
            if wanted.host == host and wanted.escalation is not None and wanted.escalation.user == user:
                self.drop(wanted)

    def reopen(self) -> None:
        """Let `get` connect again after a `close`."""
        self._closed = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
            found = list(self._open.values())
            self._open.clear()
        for connection in found:
            connection.close()
