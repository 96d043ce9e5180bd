"""Passwords that a command line asks for, or reads from files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from nxtplay.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from nxtplay.cli.configuration import Config


def ask(prompt: str, *, echo: bool = False) -> str:
    """A password typed at the terminal, unseen without `echo`; where there is none, the next line of stdin. UsageError without either."""
    import getpass

    if not _terminal():
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise UsageError(Diagnostic(f"{prompt}: there is no terminal to ask at", hint="give the password in a file"))
        return line.rstrip("\r\n")
    try:
        return input(f"{prompt}: ") if echo else getpass.getpass(f"{prompt}: ")
    except EOFError as error:
        raise KeyboardInterrupt from error


def _terminal() -> bool:
    """Whether there is a terminal to ask at, be stdin another thing (a pipe)."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def from_file(path: str) -> str:
    """What a password file holds, or prints where it is executable; line ends at its end do not count. Raises UsageError."""
    import subprocess

    path = os.path.expanduser(path)
    try:
        if os.access(path, os.X_OK) and os.path.isfile(path):
            found = subprocess.run([os.path.abspath(path)], stdout=subprocess.PIPE, check=True).stdout
        else:
            with open(path, "rb") as stream:
                found = stream.read()
    except subprocess.CalledProcessError as error:
        raise UsageError(Diagnostic(f"the password script {path} ended with exit code {error.returncode}")) from error
    except OSError as error:
        raise UsageError(Diagnostic(f"cannot read the password file {path}: {error.strerror}")) from error
    text = found.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if not text:
        raise UsageError(Diagnostic(f"the password file {path} is empty"))
    return text


def labels(config: Config) -> dict[str, Any]:
    """What the configuration says of vault labels, as `Vault.open` takes it."""
    said = {"unlabelled": config.get("vault_identity"), "exact": config.get("vault_id_match")}
    return {name: value for name, value in said.items() if value}


def password(prompt: str, file: str | None, *, wanted: bool) -> str | None:
    """From the file, else asked for when wanted, else None."""
    if file and wanted:
        raise UsageError(Diagnostic(f"{prompt}: give the file or ask for it, not both"))
    if file:
        return from_file(file)
    return ask(prompt) if wanted else None
