"""htpasswd: users and passwords of a web server's basic authentication."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
import string
from typing import Any, Literal, Optional, Sequence, cast

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Secret
from nxtplay.core.types import Path
from nxtplay.modules import _files, _openssl
from nxtplay.modules._openssl import Pem

LETTERS = string.ascii_letters + string.digits + "./"
BY_OPENSSL = {"apr_md5_crypt": ("apr1", 8), "md5_crypt": ("1", 8), "sha256_crypt": ("5", 16), "sha512_crypt": ("6", 16)}
PERL = "chomp($p = <STDIN>); chomp($s = <STDIN>); print crypt($p, $s)"


class Htpasswd(_files.Ownership, Resource[Pem]):
    """A user in a file of passwords. A hash that is of the password already is kept, whichever its kind."""

    rules = (required_if("state", "present", "password"),)
    backup = False

    path: Path = arg(help="The file.", aliases=["dest", "destfile"], key=True)
    name: str = arg(help="The user.", aliases=["username"])
    password: Secret | None = arg(None, help="The password in clear.")
    hash_scheme: str = arg(
        "apr_md5_crypt", help="How a new one is kept: apr_md5_crypt, bcrypt, sha512_crypt, ldap_sha1 ...", aliases=["crypt_scheme"]
    )
    state: Literal["present", "absent"] = arg("present", help="Whether the user is in the file.")
    create: bool = arg(True, help="Make the file where there is none.")

    def key(self) -> str:
        return f"htpasswd:{_files.host_path(self.path)}"

    def observe(self, host: Reader) -> Optional[Pem]:
        if host.has_foreseen(self.key()):
            found: Optional[Pem] = host.foreseen(self.key())
            return found
        path = _files.host_path(self.path)
        file = host.stat(path)
        if file is None:
            return None
        if file.kind == "directory":
            raise Failed(f"{path} is a directory, expected a file")
        users: dict[str, Any] = dict.fromkeys(_entries(_text(host, path)), "there")
        if self.name in users and self.state == "present":
            users[self.name] = "as wanted" if self._right(host, _entries(_text(host, path))[self.name]) else "another password"
        return _openssl.of_file(users, file)

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if ":" in self.name:
            raise Failed(f"name: '{self.name}' has a colon, which ends a name in the file")
        if before is None and (self.state == "absent" or not self.create):
            if self.state == "absent":
                return None
            raise Failed(f"no file {self.path}; create: true makes it")
        facts = dict(before.facts) if before is not None else {}
        if self.state == "absent":
            facts.pop(self.name, None)
        elif facts.get(self.name) != "as wanted":
            self._made_by(host)
            facts[self.name] = "as wanted"
        return _openssl.wanted(host, cast(Any, self), facts, before, mode="0644")

    def apply(self, host: Host, plan: Plan[Pem]) -> None:
        assert plan.after is not None
        path = _files.host_path(self.path)
        data: Optional[bytes] = None
        if plan.changed("facts"):
            lines = [line for line in _text(host, path).splitlines() if line.strip()] if host.exists(path) else []
            made = [f"{self.name}:{self._hash(host)}"] if self.state == "present" else []
            at = next((n for n, line in enumerate(lines) if line.partition(":")[0] == self.name), len(lines))
            lines[at : at + 1] = made
            data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
        _openssl.put(host, cast(Any, self), plan.after, data)

    def also_foresee(self, host: Reader, plan: Plan[Pem]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return []
        after = dataclasses.replace(plan.after)
        if not plan.changed("facts"):
            file = host.stat(_files.host_path(self.path), content=True)
            after_file = [] if file is None else [dataclasses.replace(file, mode=after.mode, uid=after.uid, gid=after.gid)]
            return [(f"file:{_files.host_path(self.path)}", one) for one in after_file]
        return _openssl.foreseen(cast(Any, self), after, "the salt of a password is chosen by chance")

    # -- hashes

    def _scheme(self) -> str:
        return "apr_md5_crypt" if self.hash_scheme.startswith(("portable", "host")) else self.hash_scheme

    def _made_by(self, host: Reader) -> None:
        """Failed where a hash of the kind cannot be made here."""
        scheme = self._scheme()
        if scheme in BY_OPENSSL:
            _openssl.openssl(host)
        elif scheme in ("bcrypt", "des_crypt"):
            _openssl.openssl(host, "perl")
        elif scheme not in ("ldap_sha1", "plaintext"):
            known = ", ".join((*BY_OPENSSL, "bcrypt", "des_crypt", "ldap_sha1", "plaintext"))
            raise Failed(f"hash_scheme: '{self.hash_scheme}' is none of {known}")

    def _hash(self, host: Reader) -> str:
        scheme, password = self._scheme(), str.__str__(self.password or "")
        if scheme == "plaintext":
            return password
        if scheme == "ldap_sha1":
            return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        if scheme in BY_OPENSSL:
            kind, length = BY_OPENSSL[scheme]
            return self._of(host, f"${kind}${_salt(length)}$")
        return self._of(host, _salt(2) if scheme == "des_crypt" else f"$2y$10${_salt(21)}.")

    def _right(self, host: Reader, held: str) -> bool:
        password = str.__str__(self.password or "")
        if held.startswith("{SHA}"):
            return held == "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        if not held.startswith("$") and len(held) != 13:
            return held == password
        return self._of(host, held) == held

    def _of(self, host: Reader, setting: str) -> str:
        """The hash of the password by the kind and salt of another: of openssl those that the system's crypt may not know."""
        password = str.__str__(self.password or "")
        if setting.startswith(("$apr1$", "$1$", "$5$", "$6$")) and "rounds=" not in setting:
            _, kind, salt, *_ = setting.split("$")
            words, asked = [_openssl.openssl(host), "passwd", f"-{kind}", "-salt", salt, "-stdin"], password
        else:
            words, asked = [_openssl.openssl(host, "perl"), "-e", PERL], f"{password}\n{setting}"
        done = host.look(words, stdin=f"{asked}\n".encode())
        if done.rc != 0 or not done.stdout.strip():
            raise Failed(f"{words[0]} cannot hash the password: {done.stderr.strip()[-300:] or 'a kind it does not know'}")
        return done.stdout.strip()


def _text(host: Reader, path: str) -> str:
    return host.read(path).decode("utf-8", "surrogateescape")


def _entries(text: str) -> dict[str, str]:
    return {name: held for name, colon, held in (line.partition(":") for line in text.splitlines()) if colon}


def _salt(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))
