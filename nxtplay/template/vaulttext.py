"""The text format of encrypted files and values, as `ansible-vault` writes it (versions 1.1 and 1.2, AES256).

    $ANSIBLE_VAULT;1.1;AES256          or  $ANSIBLE_VAULT;1.2;AES256;label
    hex( hex(salt) \\n hex(hmac) \\n hex(ciphertext) ), in lines of 80

Keys: PBKDF2-HMAC-SHA256, 10,000 rounds, 80 bytes: 32 for AES-CTR, 32 for HMAC-SHA256 over the ciphertext, 16 for the counter's start.
The plain text is padded (PKCS#7, 128 bits).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from binascii import Error as HexError
from binascii import hexlify, unhexlify
from collections.abc import Sequence

from nxtplay.errors import Diagnostic, VariableError

HEADER = "$ANSIBLE_VAULT"


def is_vault(text: str) -> bool:
    return text.lstrip().startswith(HEADER + ";")


def label_of(text: str) -> str:
    """The vault id in the header; empty in version 1.1."""
    fields = text.lstrip().split("\n", 1)[0].strip().split(";")
    return fields[3] if len(fields) > 3 else ""


def decrypt(text: str, secrets: Sequence[tuple[str, str]]) -> str:
    """The plain text; secrets are (label, password), those with the text's own label are tried first.

    Raises VariableError when none fits or the text is damaged.
    """
    _, cipher_key, start, ciphertext = _open(text, secrets)
    padded = _aes(cipher_key, start, ciphertext)
    return padded[: -padded[-1]].decode("utf-8", "surrogateescape") if padded else ""


def opened_by(text: str, secrets: Sequence[tuple[str, str]]) -> str:
    """The password that opens the text. Raises VariableError as `decrypt` does."""
    return _open(text, secrets)[0]


def _open(text: str, secrets: Sequence[tuple[str, str]]) -> tuple[str, bytes, bytes, bytes]:
    """The password, and what it makes of the text: key, the counter's start, the ciphertext."""
    header, _, body = text.strip().partition("\n")
    fields = header.strip().split(";")
    if fields[0] != HEADER or len(fields) < 3 or fields[1] not in ("1.1", "1.2") or fields[2] != "AES256":
        hint = "expected $ANSIBLE_VAULT;1.1;AES256 or $ANSIBLE_VAULT;1.2;AES256;label"
        raise VariableError(Diagnostic(f"'{header[:60]}' is no vault header this program can read", hint=hint))
    try:
        salt, digest, ciphertext = (unhexlify(part) for part in unhexlify("".join(body.split())).split(b"\n", 2))
    except (HexError, ValueError):
        raise VariableError(Diagnostic("the vault text is damaged: it is not made of hexadecimal lines")) from None
    label = label_of(text)
    if not secrets:
        raise VariableError(Diagnostic("this is encrypted and no vault password was given", hint="add --vault-password-file or -J"))
    for _, password in sorted(secrets, key=lambda secret: secret[0] != label):
        cipher_key, hmac_key, start = _keys(password, salt)
        if hmac.compare_digest(hmac.new(hmac_key, ciphertext, hashlib.sha256).digest(), digest):
            return password, cipher_key, start, ciphertext
    labels = ", ".join(repr(name or "default") for name, _ in secrets)
    labelled = f", which is labelled '{label}'" if label else ""
    raise VariableError(Diagnostic(f"no vault password given ({labels}) opens this text{labelled}"))


def encrypt(plain: str, password: str, *, label: str = "", salt: str | None = None) -> str:
    """Vault text of version 1.2 where a label is given, else 1.1."""
    seed = os.urandom(32) if salt is None else salt.encode()
    cipher_key, hmac_key, start = _keys(password, seed)
    data = plain.encode("utf-8", "surrogateescape")
    padding = 16 - len(data) % 16
    ciphertext = _aes(cipher_key, start, data + bytes([padding]) * padding)
    digest = hmac.new(hmac_key, ciphertext, hashlib.sha256).digest()
    body = hexlify(b"\n".join(hexlify(part) for part in (seed, digest, ciphertext))).decode()
    header = f"{HEADER};1.2;AES256;{label}" if label else f"{HEADER};1.1;AES256"
    return "\n".join([header, *(body[i : i + 80] for i in range(0, len(body), 80))]) + "\n"


def _keys(password: str, salt: bytes) -> tuple[bytes, bytes, bytes]:
    derived = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "surrogateescape"), salt, 10_000, 80)
    return derived[:32], derived[32:64], derived[64:]


def _aes(key: bytes, start: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return cipher.update(data) + cipher.finalize()
