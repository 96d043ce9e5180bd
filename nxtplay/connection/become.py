"""Becoming another user: the words put before a command, who answers its question, and what a refusal means."""

from __future__ import annotations

import os
import pwd
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nxtplay.core.state import Secret

PROMPT = f"[nxtplay-{os.urandom(6).hex()}] password: "  # nothing a lecture or a greeting could print by chance


@dataclass(frozen=True)
class Escalation:
    """Whom to become and how; a None password means that none should be asked for."""

    user: str = "root"
    method: str = "sudo"
    flags: str = ""
    exe: str = ""
    password: Secret | None = None


FROM_ROOT = "sudo (as root)"  # chosen by `for_login`, not by users
METHODS = ("sudo", "su", "doas", "runuser")


def wrap(argv: Sequence[str], escalation: Escalation) -> list[str]:
    """The command that runs `argv` as the other user. sudo asks on stderr with PROMPT and reads the answer, no more, from stdin."""
    method, user = escalation.method, escalation.user
    if method == FROM_ROOT:
        return ["/bin/sh", "-c", _FROM_ROOT, "nxtplay", user, "exec " + shlex.join(argv), *argv]
    exe = [escalation.exe or method]
    flags = shlex.split(escalation.flags)
    if method == "sudo":
        if escalation.password is not None:  # who has a password wants to be asked, whatever else the flags say
            flags = [re.sub("^-n?$|n", "", flag) if re.fullmatch("-[AEHKPSbikns]+", flag) else flag for flag in flags]
            flags = [flag for flag in flags if flag not in ("", "-", "--non-interactive")]
        asking = ["-S", "-p", PROMPT] if escalation.password is not None else ["-n"]
        return [*exe, "-H", *flags, *asking, "-u", user, "--", *argv]
    if method == "su":
        return [*exe, *flags, user, "-s", "/bin/sh", "-c", "exec " + shlex.join(argv)]
    if method == "doas":
        return [*exe, "-n", *flags, "-u", user, "--", *argv]
    return [*exe, "-u", user, *flags, "--", *argv]


_FROM_ROOT = (
    'u=$1; line=$2; shift 2; if command -v sudo >/dev/null 2>&1; then exec sudo -H -n -u $u -- "$@"; fi; '
    'eval h=~$u; if command -v runuser >/dev/null 2>&1; then exec runuser -u $u -- env HOME=$h USER=$u LOGNAME=$u "$@"; fi; '
    'exec su $u -s /bin/sh -c "$line"'
)


def own_name() -> str:
    """The user we run as; empty where nobody knows that number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def for_login(escalation: Escalation | None, login: str) -> Escalation | None:
    """What a login has to do to become that user: nothing to become itself, and root needs no sudo where there is none."""
    if escalation is None or escalation.user == login:
        return None
    plain = escalation.method == "sudo" and not escalation.flags and not escalation.exe
    if login == "root" and plain and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", escalation.user):
        return replace(escalation, method=FROM_ROOT, password=None)
    return escalation


def may_ask(escalation: Escalation) -> bool:
    """Whether the program could read from our stdin before the agent does."""
    return escalation.method == "su" or (escalation.method == "sudo" and escalation.password is not None)


class Dialog:
    """Answers the one question a become program may ask; a second question is a wrong password and ends the command.

    sudo waits for the prompt rather than being told ahead: where it needs no password the agent would read it instead.
    """

    def __init__(self, escalation: Escalation, *, answer: Callable[[bytes], object], end: Callable[[], None]) -> None:
        self._escalation, self._answer, self._end = escalation, answer, end
        self._answered_at = -1
        self.problem = ""

    def heard(self, text: str) -> None:
        """Called with all of stderr so far, by the thread that reads it."""
        if self.problem:
            return
        asked = self._questions(text)
        if asked <= max(self._answered_at, 0):
            return
        if self._escalation.password is None:
            self.problem = MISSING.format(self._escalation.method)
        elif self._answered_at > 0:
            self.problem = WRONG.format(self._escalation.method)
        else:
            self._answered_at = asked
            try:
                self._answer(self._escalation.password.encode() + b"\n")
            except OSError:
                pass  # it ended; what it said on stderr tells why
            return
        self._end()

    def beside(self, stderr: bytes) -> bytes:
        """What the command itself printed: without the lecture and the question before it."""
        return stderr.rpartition(PROMPT.encode())[2].removeprefix(b"\n")

    def _questions(self, text: str) -> int:
        if self._escalation.method == "su":  # its prompt is in the host's language
            return len(re.findall(r"[:\uff1a][ \u00a0]*$", text)) if self._answered_at < 0 else self._answered_at
        return text.count(PROMPT)


WRONG = "Incorrect {} password"
MISSING = "Missing {} password: -K, or ansible_become_password"
NO_USER = "there is no such become user on that host"
NO_PROGRAM = "the become program is not installed on that host"
_REFUSALS = (
    (r"incorrect password|sorry, try again|authentication failure", WRONG),
    (r"a password is required|no password was provided|auth.* required|authentication required", MISSING),
    (r"not in the sudoers file|is not allowed to (run sudo|execute)|may not run sudo", "this user may not use sudo on that host"),
    (r"unknown user|user .* does not exist|no passwd entry", NO_USER),
    (r"must have a tty|requiretty", "sudo there wants a terminal: remove `Defaults requiretty`"),
    (r"a tty is required", "doas there wants a terminal for the password: `permit nopass` in doas.conf, or another ansible_become_method"),
    (r"a terminal is required|must be run from a terminal", MISSING),
    (r"operation not permitted", "this user may not become another one: doas.conf or sudoers has no rule for it"),
    (r"account .*expired|password .*expired", "the account or its password has expired"),
    (r"command not found|no such file or directory|: not found|unknown command", NO_PROGRAM),
    (r"may not be used by non-root", "runuser is for root alone: ansible_become_method: sudo or su"),
)


def explain(stderr: str, method: str) -> str | None:
    """What a refused escalation means, from what the helper printed; None when it looks like something else."""
    lowered = stderr.lower()
    return next((text.format(method) for pattern, text in _REFUSALS if re.search(pattern, lowered)), None)


def refused(stderr: str, method: str) -> str | None:
    """That a command was not run for want of the right password, where the helper said so and nothing else was said."""
    if not re.fullmatch(rf"(?:[^\n]*[:\uff1a]\s?)?{re.escape(method)}: [^\n]+", stderr.strip()):
        return None
    problem = explain(stderr, method)
    return problem if problem in (WRONG.format(method), MISSING.format(method)) else None
