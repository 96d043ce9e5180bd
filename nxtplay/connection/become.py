"""Becoming another user: the words put before a command, and what its helpers say when they refuse."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from nxtplay.core.state import Secret

PROMPT = "[nxtplay] password: "


@dataclass(frozen=True)
class Escalation:
    """Whom to become and how; a None password means that none should be asked for."""

    user: str = "root"
    method: str = "sudo"
    flags: str = ""
    exe: str = ""
    password: Secret | None = None


METHODS = ("sudo", "su", "doas", "runuser")


def wrap(argv: Sequence[str], escalation: Escalation) -> list[str]:
    """The command that runs `argv` as the other user. sudo takes the password on stdin behind PROMPT on stderr."""
    method, user = escalation.method, escalation.user
    exe = [escalation.exe or method]
    flags = shlex.split(escalation.flags)
    if method == "sudo":
        asking = ["-S", "-p", PROMPT] if escalation.password is not None else ["-n"]
        return [*exe, "-H", *flags, *asking, "-u", user, "--", *argv]
    if method == "su":
        return [*exe, *flags, user, "-s", "/bin/sh", "-c", "exec " + shlex.join(argv)]
    if method == "doas":
        return [*exe, "-n", *flags, "-u", user, "--", *argv]
    return [*exe, "-u", user, *flags, "--", *argv]


_REFUSALS = (
    (r"incorrect password|sorry, try again|authentication failure", "wrong become password"),
    (
        r"a password is required|no password was provided|a terminal is required|auth.* required",
        "a become password is needed: -K, or ansible_become_password",
    ),
    (r"not in the sudoers file|is not allowed to (run sudo|execute)", "this user may not use sudo on that host"),
    (r"unknown user|user .* does not exist|no passwd entry", "there is no such become user on that host"),
    (r"must have a tty|requiretty", "sudo there wants a terminal: remove `Defaults requiretty`"),
    (r"account .*expired|password .*expired", "the account or its password has expired"),
    (r"command not found|no such file or directory", "the become program is not installed on that host"),
)


def explain(stderr: str) -> str | None:
    """What a refused escalation means, from what the helper printed; None when it looks like something else."""
    lowered = stderr.lower()
    return next((text for pattern, text in _REFUSALS if re.search(pattern, lowered)), None)
