"""file_crypt: a file encrypted, or decrypted, by what the host has: age, gpg or openssl."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, required_if
from nxtplay.core.state import Secret, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _backup, _files, _pipe

SAMPLE = b"nxtplay: can what is encrypted be decrypted?\n"


class FileCrypt(Action):
    """Encrypt or decrypt a file; `check` tries the key on a sample and changes nothing. The key is never on a command line."""

    rules = (required_if("operation", "encrypt", "src", "dest"), required_if("operation", "decrypt", "src", "dest"))

    operation: Literal["encrypt", "decrypt", "check"] = arg("encrypt", help="What to do.")
    src: Path | None = arg(None, help="The file.")
    dest: Path | None = arg(None, help="Where it goes; one that is there is left alone.")
    method: Literal["openssl", "gpg", "age"] = arg("openssl", help="Program: openssl and gpg take a passphrase, age keys.")
    passphrase: Secret | None = arg(None, help="openssl, gpg: the passphrase.")
    recipients: list[str] = arg(default_factory=list, help="age: public keys to encrypt to.")
    identity: Path | None = arg(None, help="age: file of the private key, to decrypt (and to check that it fits).")
    remove_source: bool = arg(False, help="Remove the file that was read, when all went well.")

    def due(self, host: Reader) -> Optional[str]:
        if host.which(self.method) is None:
            raise Failed(f"no {self.method} on this host: `apt-get install {'gnupg' if self.method == 'gpg' else self.method}`")
        self._refuse_keys()
        if self.operation == "check":
            self._try(host)
            return None
        if host.stat(_files.host_path(str(self.dest))) is not None:
            return None
        if host.stat(_files.host_path(str(self.src)), follow=True) is None:
            raise Failed(f"src: no file {self.src}")
        _files.parent_state(host, _files.host_path(str(self.dest)))
        return f"{self.operation} {self.src}"

    def idle(self, host: Reader) -> dict[str, Any]:
        return {"dest": self.dest}

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        path = _files.host_path(str(self.dest))
        content = Unknown(f"{path} is not made yet")
        made = dataclasses.replace(_files.fresh(host, path, "file"), mode=0o600, content=content)
        gone = [(_files.file_key(str(self.src)), None)] if self.remove_source else []
        return [(_files.file_key(path), made), *gone]

    def perform(self, host: Host) -> dict[str, Any]:
        source, path = _files.host_path(str(self.src)), _files.host_path(str(self.dest))
        host.replace_with(path, lambda stream: self._through(host, _pipe.chunks(source), stream.write, self.operation), mode=0o600)
        sha256, size = _backup.hash_file(path)
        if size == 0:
            host.remove(path)
            raise Failed(f"{self.method} made nothing of {source}")
        if self.remove_source:
            host.remove(source)
        return {"dest": path, "sha256": sha256, "size": size}

    # -- on the way

    def _refuse_keys(self) -> None:
        if self.method == "age":
            if self.operation == "encrypt" and not self.recipients:
                raise Failed("recipients: age needs the public key of whoever shall read it (age1..., or ssh-ed25519 ...)")
            if self.operation == "decrypt" and not self.identity:
                raise Failed("identity: age needs the file of the private key")
        elif not self.passphrase:
            raise Failed(f"passphrase: {self.method} needs one, and it is empty")
        elif len(self.passphrase) < 12:
            raise Failed(f"passphrase: {len(self.passphrase)} characters are guessed too soon; 12 or more")

    def _try(self, host: Reader) -> None:
        """A sample there and, where we have what it takes, back."""
        there: list[bytes] = []
        self._through(host, [SAMPLE], there.append, "encrypt")
        if self.method == "age" and not self.identity:
            return
        back: list[bytes] = []
        self._through(host, [b"".join(there)], back.append, "decrypt")
        if b"".join(back) != SAMPLE or SAMPLE in b"".join(there):
            raise Failed(f"what {self.method} encrypts with this key cannot be decrypted with it")

    def _through(self, host: Reader, source: Any, sink: Any, operation: str) -> None:
        with tempfile.TemporaryDirectory(prefix="nxtplay-") as home:
            env: dict[str, str] = {}
            if self.method == "openssl":
                env["NXTPLAY_KEY"] = str.__str__(self.passphrase or "")
                argv = ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-iter", "600000", "-md", "sha256", "-pass", "env:NXTPLAY_KEY"]
                argv.append("-salt" if operation == "encrypt" else "-d")
            elif self.method == "gpg":
                key = os.path.join(home, "key")
                with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as stream:
                    stream.write(str.__str__(self.passphrase or "") + "\n")
                argv = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--no-tty", "--pinentry-mode", "loopback"]
                argv += ["--passphrase-file", key]
                argv += ["--symmetric", "--cipher-algo", "AES256", "--compress-algo", "none"] if operation == "encrypt" else ["--decrypt"]
            elif operation == "encrypt":
                argv = ["age", *(word for key in self.recipients for word in ("--recipient", key))]
            else:
                argv = ["age", "--decrypt", "--identity", _files.host_path(str(self.identity))]
            code, said = _pipe.through(host, argv, env=env, source=source, sink=sink)
            if self.method == "gpg":
                _pipe.through(host, ["gpgconf", "--homedir", home, "--kill", "all"])
        if code:
            why = said.splitlines()[-1] if said else f"it ended with {code}"
            hint = "; is it the key it was encrypted with?" if operation == "decrypt" else ""
            raise Failed(f"{self.method} could not {operation} {self.src or 'a sample'}: {why}{hint}")
