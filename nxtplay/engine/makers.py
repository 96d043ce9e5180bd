"""A connection for every kind that `ansible_connection` may name, made from a target and what the command line adds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nxtplay.connection.become import for_login, own_name
from nxtplay.connection.protocol import Connection
from nxtplay.connection.thread import ThreadConnection
from nxtplay.core.state import Secret
from nxtplay.engine.connections import ENGINE_SETTINGS, Target
from nxtplay.engine.options import Options
from nxtplay.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from nxtplay.connection.ssh.connect import Login

Maker = Callable[[Target], Connection]
Warn = Callable[[str], None]


def standard(options: Options, warn: Warn, playbook_dir: str) -> dict[str, Maker]:
    """The kinds there are. `warn` is told what cannot be followed, once each. What is run on this machine runs in the playbook's folder."""
    ssh = _SshMaker(options, warn)
    return {
        "local": partial(_local, directory=os.path.abspath(playbook_dir)),
        "ssh": ssh.choose,
        "paramiko": ssh.own,
        "openssh": ssh.client,
        "docker": _docker,
        "docker_api": _docker,
    }


def _local(wanted: Target, *, directory: str) -> Connection:
    """Our own session for the user we are; a process of its own for another user or another Python."""
    escalation = for_login(wanted.escalation, own_name())
    if escalation is None and wanted.interpreter in (None, sys.executable):
        return ThreadConnection(directory)
    from nxtplay.connection import pipe

    return pipe.local(interpreter=wanted.interpreter, escalation=escalation, directory=directory)


def _docker(wanted: Target) -> Connection:
    from nxtplay.connection import docker

    held = dict(wanted.settings)
    named = {name: held[f"ansible_docker_{name}"] for name in ENGINE_SETTINGS if f"ansible_docker_{name}" in held}
    extra = " ".join([held.get("ansible_docker_extra_args", ""), *docker.engine(named)]).strip()
    return docker.container(wanted.address, user=wanted.user, extra=extra, interpreter=wanted.interpreter, escalation=wanted.escalation)


class _SshMaker:
    """SSH connections of one run. paramiko and what it needs are imported when the first one is made."""

    def __init__(self, options: Options, warn: Warn) -> None:
        self._options, self._warn = options, warn
        self._ssh: Any = None
        self._told: set[str] = set()

    def choose(self, wanted: Target) -> Connection:
        """Our own client, unless the program is named (ansible_ssh_executable)."""
        named = self._options.ssh_executable or "ansible_ssh_executable" in dict(wanted.settings)
        return self.client(wanted) if named else self.own(wanted)

    def own(self, wanted: Target) -> Connection:
        from nxtplay.connection.connection import AgentConnection
        from nxtplay.connection.ssh import args
        from nxtplay.connection.ssh.transport import Ssh

        if self._ssh is None:
            self._ssh = Ssh()
        made = login(wanted, self._options)
        try:
            ignored = args.parse(made.arguments).ignored
        except ValueError as error:
            raise UsageError(Diagnostic(f"the ssh arguments of {wanted.host} cannot be read: {error}: {made.arguments}")) from error
        for text in ignored:
            self._once(f"ssh argument '{text}' has no effect here; with the OpenSSH client it has: ansible_ssh_executable: ssh")
        transport = self._ssh.transport(made)
        return AgentConnection(transport, interpreter=wanted.interpreter, escalation=for_login(wanted.escalation, transport.user))

    def client(self, wanted: Target) -> Connection:
        from nxtplay.connection import openssh

        made = login(wanted, self._options)
        program = str(dict(wanted.settings).get("ansible_ssh_executable", self._options.ssh_executable or "ssh"))
        return openssh.connection(made, program=program, interpreter=wanted.interpreter, escalation=wanted.escalation)

    def _once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._warn(text)


def login(wanted: Target, options: Options) -> Login:
    """How a target is reached: its variables, then what the command line and the configuration say."""
    from nxtplay.connection.ssh.connect import Login

    held = dict(wanted.settings)

    def choose(*names: str, option: Any) -> str | None:
        for name in names:
            if held.get(name) not in (None, ""):
                return str.__str__(held[name])
        return None if option is None else str(option)

    passphrase = held.get("ansible_ssh_private_key_passphrase")
    arguments = [
        choose("ansible_ssh_args", option=options.ssh_args),
        choose("ansible_ssh_common_args", option=options.ssh_common_args),
        choose("ansible_ssh_extra_args", option=options.ssh_extra_args),
    ]
    seconds = choose("ansible_ssh_timeout", option=options.timeout)
    key_file = choose("ansible_ssh_private_key_file", "ansible_private_key_file", option=options.private_key)
    checking = choose(
        "ansible_ssh_host_key_checking",
        "ansible_paramiko_host_key_checking",
        "ansible_host_key_checking",
        option=options.host_key_checking,
    )
    return Login(
        host=wanted.address,
        port=wanted.port,
        user=wanted.user,
        password=wanted.password,
        key_file=os.path.expanduser(key_file) if key_file else None,
        passphrase=Secret(passphrase) if passphrase else None,
        arguments=" ".join(text for text in arguments if text),
        checking=_checking(checking, wanted.host),
        timeout=_number(seconds, "ansible_ssh_timeout", wanted.host),
        retries=int(_number(choose("ansible_ssh_retries", option=options.ssh_retries), "ansible_ssh_retries", wanted.host) or 0),
    )


def _checking(text: str | None, host: str) -> str | None:
    """off, accept-new, or None: as the SSH configuration says, which is to check unless it says otherwise."""
    word = (text or "").strip().lower()
    if word in ("", "yes", "true", "1", "on", "ask"):
        return None
    if word in ("no", "false", "0", "off"):
        return "off"
    if word == "accept-new":
        return word
    raise UsageError(f"ansible_host_key_checking of {host} is '{text}', expected true, false or accept-new")


def _number(text: str | None, name: str, host: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise UsageError(f"{name} of {host} is '{text}', expected a number") from None
