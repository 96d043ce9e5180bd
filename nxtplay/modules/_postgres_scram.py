"""Passwords as PostgreSQL keeps and asks for them: SCRAM-SHA-256 (RFC 5802, 7677) and md5."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os
import re
import stringprep
import unicodedata
from typing import Callable, Optional

ITERATIONS = 4096  # the server's own default (scram_iterations)
_VERIFIER = re.compile(r"^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$")
_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def saslprep(text: str) -> str:
    """RFC 4013; text that it forbids is taken as it is, as the server does."""
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or any(forbidden(c) for c in prepared for forbidden in _PROHIBITED):
        return text
    right_to_left = [stringprep.in_table_d1(c) for c in prepared]
    if any(right_to_left) and (any(stringprep.in_table_d2(c) for c in prepared) or not (right_to_left[0] and right_to_left[-1])):
        return text
    return prepared


@functools.lru_cache(maxsize=64)
def salted(password: str, salt: bytes, iterations: int) -> bytes:
    """The salted password; kept, since one server asks for the same one at every connection."""
    return hashlib.pbkdf2_hmac("sha256", saslprep(password).encode("utf-8"), salt, iterations)


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def verifier(password: str, *, salt: Optional[bytes] = None, iterations: int = ITERATIONS) -> str:
    """What pg_authid.rolpassword holds for a password."""
    salt = os.urandom(16) if salt is None else salt
    key = salted(password, salt, iterations)
    stored = hashlib.sha256(mac(key, b"Client Key")).digest()
    server = mac(key, b"Server Key")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def md5(password: str, user: str) -> str:
    """The older form: md5 over password and role name."""
    return "md5" + hashlib.md5((password + user).encode("utf-8")).hexdigest()


def is_hashed(text: str) -> bool:
    """Whether a password is given as the server would keep it."""
    return bool(_VERIFIER.match(text) or re.match(r"^md5[0-9a-f]{32}$", text))


def matches(password: str, user: str, kept: Optional[str]) -> bool:
    """Whether the server's stored form is of this password (which may itself be given in stored form)."""
    if not kept:
        return not password
    if password == kept:
        return True
    if not password or is_hashed(password):
        return False
    found = _VERIFIER.match(kept)
    if found:
        return hmac.compare_digest(verifier(password, salt=base64.b64decode(found[2]), iterations=int(found[1])), kept)
    return kept == md5(password, user)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


class Exchange:
    """A client's side of one SCRAM-SHA-256 login, without channel binding. Raises ValueError where the server does not prove itself."""

    def __init__(self, password: str, nonce: Optional[str] = None) -> None:
        self._password = password
        self._nonce = nonce or _text(os.urandom(18))
        self._first = f"n=,r={self._nonce}"
        self._signature = b""

    def first(self) -> bytes:
        return b"n,," + self._first.encode("ascii")

    def final(self, challenge: bytes) -> bytes:
        fields = dict(part.split("=", 1) for part in challenge.decode("utf-8").split(","))
        if not fields["r"].startswith(self._nonce):
            raise ValueError("the server answered another login's challenge")
        key = salted(self._password, base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c=biws,r={fields['r']}"
        message = f"{self._first},{challenge.decode('utf-8')},{without_proof}".encode()
        client = mac(key, b"Client Key")
        signature = mac(hashlib.sha256(client).digest(), message)
        self._signature = mac(mac(key, b"Server Key"), message)
        proof = bytes(a ^ b for a, b in zip(client, signature))
        return f"{without_proof},p={_text(proof)}".encode("ascii")

    def verify(self, answer: bytes) -> None:
        if answer.decode("utf-8").partition(",")[0] != f"v={_text(self._signature)}":
            raise ValueError("the server does not know the password either: it is not the one it claims to be")
