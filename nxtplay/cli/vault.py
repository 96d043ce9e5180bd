"""`nxtplay vault`: files of secrets, as ansible-vault keeps them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nxtplay.cli import secrets
from nxtplay.cli.app import tell
from nxtplay.cli.editing import edited, read, write
from nxtplay.cli.run import configured
from nxtplay.errors import Diagnostic, NxtplayError, UsageError, VariableError
from nxtplay.template.vaulttext import is_vault

if TYPE_CHECKING:
    from nxtplay.variables.vault import Vault

F = TypeVar("F", bound=Callable[..., Any])


class Named(click.Group):
    """Commands by their names, with `_` or `-` in them."""

    def invoke(self, ctx: click.Context) -> Any:
        """A text that cannot be opened is no fault of a playbook: exit 1, as ansible-vault's."""
        try:
            return super().invoke(ctx)
        except VariableError as error:
            raise NxtplayError(*error.diagnostics) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name.replace("_", "-"))


@click.group("vault", cls=Named, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Encrypt, decrypt, view and edit files of secrets. Where a file is written or read, `-` is stdout or stdin."""


def _passwords(function: F) -> F:
    for decorator in (
        click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask", is_flag=True, help="Ask for the password."),
        click.option("--vault-password-file", "--vault-pass-file", "files", multiple=True, metavar="FILE", help="Holds the password."),
        click.option("--vault-id", "ids", multiple=True, metavar="ID@SOURCE", help="An identity and its password's file or `prompt`."),
        click.option("-v", "--verbose", count=True, hidden=True, expose_value=False),
    ):
        function = decorator(function)
    return function


_identity = click.option("--encrypt-vault-id", "label", default="", metavar="ID", help="By the password of this identity.")
_output = click.option("--output", metavar="FILE", help="Write there, and leave the file as it is.")


def vault_of(ids: tuple[str, ...], files: tuple[str, ...], *, ask: bool) -> Vault:
    """The vault asked for, with what the configuration says; without any word of it, a question."""
    from nxtplay.variables.vault import Vault

    config = configured()
    ids = (*config.get("vault_identity_list", ()), *ids)
    fallback = tuple(filter(None, [config.get("vault_password_file")]))
    ask = ask or bool(config.get("ask_vault_pass"))
    asking = secrets.ask if ask or not (ids or files or fallback) else None
    vault = Vault.open(ids, files, ask=asking, prompt=secrets.ask, fallback=fallback, **secrets.labels(config))
    vault.salt = config.get("vault_encrypt_salt")
    for warning in vault.warnings:
        tell(NxtplayError(warning))
    return vault


@command.command("encrypt")
@_passwords
@_identity
@_output
@click.argument("paths", nargs=-1, metavar="FILE...")
def encrypt(paths: tuple[str, ...], label: str, output: str | None, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Encrypt files in place; without a FILE, stdin to stdout."""
    texts = _texts(paths, output)
    for path, text in texts:
        if is_vault(text):
            raise NxtplayError(Diagnostic(f"{path} is already encrypted"))
    vault = vault_of(ids, files, ask=ask)
    for path, text in texts:
        write(output or path, vault.encrypt(text, label or _configured_identity()))
    return 0


@command.command("decrypt")
@_passwords
@_output
@click.argument("paths", nargs=-1, metavar="FILE...")
def decrypt(paths: tuple[str, ...], output: str | None, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Decrypt files in place; without a FILE, stdin to stdout."""
    texts = _vaults(paths, output)
    vault = vault_of(ids, files, ask=ask)
    for path, text in [(path, vault.decrypt(text, path)) for path, text in texts]:  # all are opened before one is written
        write(output or path, text)
    return 0


@command.command("view")
@_passwords
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def view(paths: tuple[str, ...], ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Print what encrypted files hold."""
    texts = _vaults(paths)
    vault = vault_of(ids, files, ask=ask)
    for path, text in texts:
        write("-", vault.decrypt(text, path))
    return 0


@command.command("edit")
@_passwords
@_identity
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def edit(paths: tuple[str, ...], label: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Open what encrypted files hold in $EDITOR and encrypt it again, by the same password and identity where none is named."""
    texts = _vaults(paths)
    vault = vault_of(ids, files, ask=ask)
    for path, text in texts:
        before = vault.decrypt(text, path)
        after = edited(before, path)
        if after != before:
            write(path, vault.encrypt(after, label) if label else vault.encrypt_again(after, text))
    return 0


@command.command("create")
@_passwords
@_identity
@click.option("--skip-tty-check", is_flag=True, hidden=True, expose_value=False)
@click.argument("path", metavar="FILE")
def create(path: str, label: str, ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> int:
    """Write a new file in $EDITOR and encrypt it."""
    if os.path.exists(path):
        raise UsageError(Diagnostic(f"{path} exists", hint=f"nxtplay vault edit {path}"))
    vault = vault_of(ids, files, ask=ask)
    label = label or _configured_identity()
    vault.secret_for(label)  # better told before somebody writes
    write(path, vault.encrypt(edited("", path), label))
    return 0


@command.command("rekey")
@_passwords
@click.option("--new-vault-id", "new_ids", multiple=True, metavar="ID@SOURCE", help="The new identity and password.")
@click.option("--new-vault-password-file", "new_files", multiple=True, metavar="FILE", help="Holds the new password.")
@_identity
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
def rekey(
    paths: tuple[str, ...],
    label: str,
    new_ids: tuple[str, ...],
    new_files: tuple[str, ...],
    ids: tuple[str, ...],
    files: tuple[str, ...],
    ask: bool,
) -> int:
    """Encrypt files by another password."""
    from nxtplay.variables.vault import DEFAULT, Vault

    if new_ids and new_files:
        raise UsageError("the new password is said twice: --new-vault-id, --new-vault-password-file")
    texts = _vaults(paths)
    vault = vault_of(ids, files, ask=ask)
    opened = [(path, vault.decrypt(text, path)) for path, text in texts]  # all are opened before one is written
    wanted = Vault.open(new_ids, new_files, prompt=secrets.ask) if new_ids or new_files else Vault([(DEFAULT, _new_password())])
    for path, text in opened:
        write(path, wanted.encrypt(text, label))
    return 0


@command.command("encrypt-string")
@_passwords
@_identity
@click.option("-n", "--name", "names", multiple=True, help="The variable's name, in the order of the texts.")
@click.option("--stdin-name", metavar="NAME", help="The name of the variable whose value is read from stdin.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the text.")
@click.option("--show-input", is_flag=True, help="With --prompt: show what is typed.")
@click.option("--output", metavar="FILE", default="-", help="Write there.")
@click.argument("texts", nargs=-1, metavar="TEXT...")
def encrypt_string(
    texts: tuple[str, ...],
    names: tuple[str, ...],
    stdin_name: str | None,
    prompt: bool,
    show_input: bool,
    output: str,
    label: str,
    ids: tuple[str, ...],
    files: tuple[str, ...],
    ask: bool,
) -> int:
    """Encrypt values to put into a YAML file; without a TEXT, or where it is `-`, one is read from stdin."""
    vault = vault_of(ids, files, ask=ask)
    given = [(name, text) for name, text in zip((*names, *[""] * len(texts)), texts, strict=False) if text != "-"]
    if prompt:
        given.append((names[len(given)] if len(names) > len(given) else "", secrets.ask("text", echo=show_input)))
    elif stdin_name is not None or "-" in texts or not texts:
        name = stdin_name or (names[len(given)] if len(names) > len(given) else "")
        given.append((name, secrets.ask("text") if sys.stdin.isatty() else read("-")))
    if not all(text for _, text in given):
        raise UsageError(Diagnostic("the text to encrypt is empty"))
    values = []
    for name, text in given:
        lines = "\n".join(f"          {line}" for line in vault.encrypt(text, label or _configured_identity()).splitlines())
        values.append((f"{name}: " if name else "") + f"!vault |\n{lines}\n")
    write(output, "".join(values))
    return 0


def _configured_identity() -> str:
    """The identity to encrypt by where the command line names none."""
    return str(configured().get("vault_encrypt_identity", ""))


def _new_password() -> str:
    first = secrets.ask("new vault password")
    if secrets.ask("the same again") != first:
        raise UsageError("the two passwords differ")
    return first


def _texts(paths: tuple[str, ...], output: str | None = None) -> list[tuple[str, str]]:
    """(path, text) of every file."""
    if output and len(paths) > 1:
        raise UsageError(Diagnostic(f"--output takes the place of one file, and {len(paths)} are given"))
    return [(path, read(path)) for path in paths or ("-",)]


def _vaults(paths: tuple[str, ...], output: str | None = None) -> list[tuple[str, str]]:
    """(path, text) of every file, each of them a vault."""
    texts = _texts(paths, output)
    for path, text in texts:
        if not is_vault(text):
            raise NxtplayError(Diagnostic(f"{path} is not vault encrypted data"))
    return texts
