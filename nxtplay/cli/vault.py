"""`nxtplay vault`: files of secrets, as ansible-vault keeps them."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nxtplay.cli import secrets
from nxtplay.cli.run import configured
from nxtplay.errors import Diagnostic, NxtplayError, UsageError
from nxtplay.template.vaulttext import is_vault, label_of

if TYPE_CHECKING:
    from nxtplay.variables.vault import Vault

F = TypeVar("F", bound=Callable[..., Any])


@click.group("vault", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Encrypt, decrypt, view and edit files of secrets."""


def _passwords(function: F) -> F:
    for decorator in (
        click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask", is_flag=True, help="Ask for the password."),
        click.option("--vault-password-file", "--vault-pass-file", "files", multiple=True, metavar="FILE", help="Holds the password."),
        click.option("--vault-id", "ids", multiple=True, metavar="ID@SOURCE", help="An identity and its password's file or `prompt`."),
    ):
        function = decorator(function)
    return function


def vault_of(ids: tuple[str, ...], files: tuple[str, ...], *, ask: bool) -> Vault:
    """The vault asked for, with what the configuration says; without any word of it, a question."""
    from nxtplay.variables.vault import Vault

    config = configured()
    ids = (*config.get("vault_identity_list", ()), *ids)
    if not files and not ask:
        files = tuple(filter(None, [config.get("vault_password_file")]))
    return Vault.open(ids, files, ask=secrets.ask if ask or not (ids or files) else None, prompt=secrets.ask)


@command.command("encrypt")
@_passwords
@click.option("--encrypt-vault-id", "label", default="", metavar="ID", help="By the password of this identity.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def encrypt(paths: tuple[str, ...], label: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Encrypt files in place."""
    vault = vault_of(ids, files, ask=ask)
    for path in paths:
        text = _read(path)
        if is_vault(text):
            raise UsageError(Diagnostic(f"{path} is encrypted already"))
        _write(path, vault.encrypt(text, label or _identity()))
    return 0


@command.command("decrypt")
@_passwords
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def decrypt(paths: tuple[str, ...], ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Decrypt files in place."""
    vault = vault_of(ids, files, ask=ask)
    for path in paths:
        _write(path, _opened(vault, path))
    return 0


@command.command("view")
@_passwords
@click.argument("path", metavar="FILE")
def view(path: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Print what an encrypted file holds."""
    click.echo(_opened(vault_of(ids, files, ask=ask), path), nl=False)
    return 0


@command.command("edit")
@_passwords
@click.argument("path", metavar="FILE")
def edit(path: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Open what an encrypted file holds in $EDITOR and encrypt it again."""
    vault = vault_of(ids, files, ask=ask)
    before = _opened(vault, path)
    after = _edited(before)
    if after != before:
        _write(path, vault.encrypt(after, label_of(_read(path))))
    return 0


@command.command("create")
@_passwords
@click.option("--encrypt-vault-id", "label", default="", metavar="ID", help="By the password of this identity.")
@click.argument("path", metavar="FILE")
def create(path: str, label: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Write a new file in $EDITOR and encrypt it."""
    if os.path.exists(path):
        raise UsageError(Diagnostic(f"{path} exists", hint=f"nxtplay vault edit {path}"))
    vault = vault_of(ids, files, ask=ask)
    _write(path, vault.encrypt(_edited(""), label or _identity()))
    return 0


@command.command("rekey")
@_passwords
@click.option("--new-vault-id", "new_ids", multiple=True, metavar="ID@SOURCE", help="The new identity and password.")
@click.option("--new-vault-password-file", "new_files", multiple=True, metavar="FILE", help="Holds the new password.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def rekey(
    paths: tuple[str, ...], new_ids: tuple[str, ...], new_files: tuple[str, ...], ids: tuple[str, ...], files: tuple[str, ...], ask: bool
) -> int:
    """Encrypt files by another password."""
    from nxtplay.variables.vault import DEFAULT, Vault

    vault = vault_of(ids, files, ask=ask)
    wanted = Vault.open(new_ids, new_files) if new_ids or new_files else Vault([(DEFAULT, _new_password())])
    for path, text in [(path, _opened(vault, path)) for path in paths]:  # all are opened before one is written
        _write(path, wanted.encrypt(text))
    return 0


@command.command("encrypt_string")
@_passwords
@click.option("--encrypt-vault-id", "label", default="", metavar="ID", help="By the password of this identity.")
@click.option("-n", "--name", help="The variable's name.")
@click.argument("text", required=False)
def encrypt_string(text: str | None, name: str | None, label: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Encrypt one value to put into a YAML file; without TEXT it is read from stdin."""
    vault = vault_of(ids, files, ask=ask)
    plain = text if text is not None else secrets.ask("text") if sys.stdin.isatty() else sys.stdin.read()
    lines = "\n".join(f"          {line}" for line in vault.encrypt(plain, label or _identity()).splitlines())
    click.echo((f"{name}: " if name else "") + f"!vault |\n{lines}")
    return 0


def _identity() -> str:
    """The identity to encrypt by where the command line names none."""
    return str(configured().get("vault_encrypt_identity", ""))


def _new_password() -> str:
    first = secrets.ask("new vault password")
    if secrets.ask("the same again") != first:
        raise UsageError("the two passwords differ")
    return first


def _opened(vault: Vault, path: str) -> str:
    text = _read(path)
    if not is_vault(text):
        raise UsageError(Diagnostic(f"{path} is not encrypted"))
    return vault.decrypt(text, path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except UnicodeDecodeError as error:
        raise NxtplayError(Diagnostic(f"{path} is not UTF-8 text")) from error
    except OSError as error:
        raise UsageError(Diagnostic(f"cannot read {path}: {error.strerror}")) from error


def _write(path: str, text: str) -> None:
    """Replace the file at once, with its permissions; a new one belongs to its owner alone."""
    path = os.path.realpath(path)
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o600
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(path))
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chmod(draft, mode)
        os.replace(draft, path)
    except OSError as error:
        raise NxtplayError(Diagnostic(f"cannot write {path}: {error.strerror}")) from error


def _edited(text: str) -> str:
    """What is left in a private temporary file when the editor ends."""
    editor = shlex.split(configured().get("editor") or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="nxtplay-") as folder:  # 0700
        path = os.path.join(folder, "vault.yml")
        with open(path, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        try:
            done = subprocess.run([*editor, path])
        except OSError as error:
            raise UsageError(Diagnostic(f"cannot start the editor {editor[0]}: {error.strerror}", hint="set EDITOR")) from error
        if done.returncode:
            raise NxtplayError(Diagnostic(f"the editor ended with exit code {done.returncode}; nothing was changed"))
        return _read(path)
