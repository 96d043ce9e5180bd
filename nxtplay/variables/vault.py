"""Vault passwords of a run, and the texts they open."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from nxtplay.errors import Diagnostic, Span, UsageError, VariableError

DEFAULT = "default"


class Vault:
    """Opens vault text with the passwords it was given; each text is opened once. `salt` makes what it encrypts the same each time."""

    salt: str | None = None

    def __init__(self, secrets: Sequence[tuple[str, str]] = (), *, exact: bool = False, asked: int | None = None) -> None:
        """secrets: (label, password), tried in this order, those with the text's own label first; `exact`: those alone. The first
        `asked` of them are those that were asked for here, among which encrypting chooses (all of them when not said)."""
        self.secrets = tuple(secrets)
        self.warnings: tuple[Diagnostic, ...] = ()
        self._asked = self.secrets[:asked]
        self._exact = exact
        self._opened: dict[str, str] = {}

    @classmethod
    def open(
        cls,
        ids: Sequence[str] = (),
        password_files: Sequence[str] = (),
        *,
        ask: Callable[[str], str] | None = None,
        prompt: Callable[[str], str] | None = None,
        fallback: Sequence[str] = (),
        unlabelled: str = DEFAULT,
        exact: bool = False,
    ) -> Vault:
        """The vault of a command line.

        ids: `label@file`, `label@prompt` or a file; password_files: files; an executable file is run and prints its password
        (one named `*-client` is told the label with --vault-id). `ask(prompt)` is given when a password is to be asked for besides;
        `prompt` asks where an id says so (getpass when not given). `unlabelled`: the label of what has none; `exact`: a text is opened by
        passwords of its own label alone. `fallback`: files that open texts too, and encrypt where nothing else is given.

        A password file may be encrypted by a password before it. One that cannot be had is a warning, unless none is left: UsageError.
        """
        import getpass

        at_terminal = prompt or ask or (lambda text: getpass.getpass(f"{text}: "))
        secrets: list[tuple[str, str]] = []
        failed: list[UsageError] = []

        def take(label: str, path: str) -> None:
            try:
                secrets.append((label, password_of(path, label, cls(secrets).decrypt)))
            except UsageError as error:
                failed.append(error)

        for entry in ids:
            label, at, source = entry.rpartition("@")
            label = label if at and label else unlabelled
            if source in ("prompt", "prompt_ask_vault_pass"):
                secrets.append((label, at_terminal(f"vault password ({label})")))
            else:
                take(label, source)
        for path in password_files:
            take(unlabelled, path)
        if ask is not None:
            secrets.append((unlabelled, ask("vault password")))
        asked = len(secrets) or None
        for path in fallback:
            take(unlabelled, path)
        if failed and not secrets:
            raise failed[-1]
        vault = cls(secrets, exact=exact, asked=asked)
        vault.warnings = tuple(replace(found, severity="warning") for error in failed for found in error.diagnostics)
        return vault

    def decrypt(self, text: str, where: str = "") -> str:
        """The plain text; `where` names the file for messages. Raises VariableError."""
        found = self._opened.get(text)
        if found is None:
            from nxtplay.template import vaulttext

            try:
                found = self._opened[text] = vaulttext.decrypt(text, self._fitting(text))
            except VariableError as error:
                first = error.diagnostics[0]
                place = Span(where) if where and first.span is None else first.span
                raise VariableError(Diagnostic(first.message, place, first.hint)) from None
        return found

    def secret_for(self, label: str = "") -> tuple[str, str]:
        """(label, password) to encrypt by: the one of that label, else the only one. Raises UsageError."""
        found = [secret for secret in dict.fromkeys(self.secrets if label else self._asked) if label in ("", secret[0])]
        if len(found) == 1 or (found and label):
            return found[0]
        if found:
            names = ", ".join(sorted({known for known, _ in found}))
            raise UsageError(Diagnostic(f"there are passwords for several identities: {names}", hint="say which with --encrypt-vault-id"))
        if label and self.secrets:
            known = ", ".join(sorted({name for name, _ in self.secrets}))
            raise UsageError(Diagnostic(f"no vault password for the identity '{label}' was given", hint=f"given are: {known}"))
        raise UsageError(Diagnostic("no vault password was given", hint="add --vault-password-file or -J"))

    def encrypt(self, plain: str, label: str = "") -> str:
        """Vault text by `secret_for(label)`."""
        from nxtplay.template import vaulttext

        known, password = self.secret_for(label)
        return vaulttext.encrypt(plain, password, label="" if known == DEFAULT else known, salt=self.salt)

    def encrypt_again(self, plain: str, before: str) -> str:
        """Vault text by the password that opens `before`, labelled as that is."""
        from nxtplay.template import vaulttext

        password, label = vaulttext.opened_by(before, self._fitting(before)), vaulttext.label_of(before)
        return vaulttext.encrypt(plain, password, label="" if label == DEFAULT else label, salt=self.salt)

    def _fitting(self, text: str) -> Sequence[tuple[str, str]]:
        """The secrets that may open a text. Raises VariableError."""
        from nxtplay.template import vaulttext

        label = vaulttext.label_of(text) or DEFAULT
        if not self._exact or not self.secrets:
            return self.secrets
        found = [secret for secret in self.secrets if secret[0] == label]
        if not found:
            known = ", ".join(sorted({name for name, _ in self.secrets}))
            hint = f"given are: {known}; vault_id_match is on"
            raise VariableError(Diagnostic(f"no vault password for the identity '{label}' was given", hint=hint))
        return found

    def reader(self, read: Callable[..., Any]) -> Callable[[str], Any]:
        """`read(path, decrypt=...)` with this vault's decrypt bound."""
        return lambda path: read(path, decrypt=self.decrypt)


def password_of(path: str, label: str, decrypt: Callable[[str], str]) -> str:
    """The password a file holds, or prints when it is executable. Raises UsageError."""
    import subprocess

    from nxtplay.template import vaulttext

    path = os.path.expanduser(path)
    try:
        if os.path.isfile(path) and os.access(path, os.X_OK):
            client = os.path.splitext(os.path.basename(path))[0].endswith("-client")
            command = [os.path.abspath(path), *(["--vault-id", label] if client else [])]
            found = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        else:
            with open(path, "rb") as stream:
                found = stream.read()
    except subprocess.CalledProcessError as error:
        raise UsageError(Diagnostic(f"the vault password script {path} ended with exit code {error.returncode}")) from None
    except OSError as error:
        raise UsageError(Diagnostic(f"cannot read the vault password file {path}: {(error.strerror or str(error)).lower()}")) from None
    text = found.decode("utf-8", "surrogateescape").strip()
    if not text:
        raise UsageError(Diagnostic(f"the vault password file {path} is empty"))
    if vaulttext.is_vault(text):
        try:
            return decrypt(text).strip()
        except VariableError as error:
            hint = f"give a password that opens it before: {error.diagnostics[0].message}"
            raise UsageError(Diagnostic(f"the vault password file {path} is itself encrypted", hint=hint)) from None
    return text
