"""Password hashes as `/etc/shadow` keeps them: sha512_crypt and sha256_crypt here, others by the system's crypt(3) or their library."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from nxtplay.errors import TemplateError

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALPHABET_OF_BCRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SHA = {"sha512": ("6", hashlib.sha512, 656_000), "sha256": ("5", hashlib.sha256, 535_000)}
_ORDER = {
    "6": [
        (0, 21, 42),
        (22, 43, 1),
        (44, 2, 23),
        (3, 24, 45),
        (25, 46, 4),
        (47, 5, 26),
        (6, 27, 48),
        (28, 49, 7),
        (50, 8, 29),
        (9, 30, 51),
        (31, 52, 10),
        (53, 11, 32),
        (12, 33, 54),
        (34, 55, 13),
        (56, 14, 35),
        (15, 36, 57),
        (37, 58, 16),
        (59, 17, 38),
        (18, 39, 60),
        (40, 61, 19),
        (62, 20, 41),
    ],
    "5": [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29)],
}


def crypt(
    password: str,
    hashtype: str = "sha512",
    *,
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The hash of a password. Without a salt it differs each time; `rounds` is the cost (bcrypt: its logarithm)."""
    name = hashtype.removesuffix("_crypt")
    if name in ("blowfish", "bcrypt"):
        return _bcrypt(password, salt, rounds or 12, ident or "2b")
    if name not in (*_SHA, "md5"):
        raise TemplateError(f"password_hash: there is no hash type '{hashtype}'; there are sha512, sha256, md5 and bcrypt")
    if salt is None:
        salt = "".join(secrets.choice(_ALPHABET) for _ in range(salt_size or (8 if name == "md5" else 16)))
    wrong = set(salt) - set(_ALPHABET)
    if wrong:
        raise TemplateError(f"password_hash: the salt may hold letters, digits, '.' and '/', not {''.join(sorted(wrong))!r}")
    if name == "md5":
        return _by_system(password, f"$1${salt[:8]}")
    number, algorithm, usual = _SHA[name]
    cost = min(max(rounds or usual, 1000), 999_999_999)
    setting = f"${number}${'' if cost == 5000 else f'rounds={cost}$'}{salt[:16]}"
    return _libcrypt(password, setting) or _sha_crypt(password.encode(), salt[:16].encode(), cost, number, algorithm, setting)


def _bcrypt(password: str, salt: str | None, rounds: int, ident: str) -> str:
    if salt is None:
        salt = "".join(secrets.choice(_ALPHABET) for _ in range(22))
    if len(salt) != 22:
        raise TemplateError(f"password_hash: a bcrypt salt has 22 characters, this has {len(salt)}")
    salt = salt[:21] + _ALPHABET_OF_BCRYPT[_ALPHABET_OF_BCRYPT.index(salt[21]) & 48]  # of the last one two bits count
    try:
        import bcrypt
    except ImportError:
        return _by_system(password, f"${ident}${rounds:02d}${salt}")
    hashed = bcrypt.hashpw(password.encode(), f"$2b${rounds:02d}${salt}".encode()).decode()
    return hashed.replace("$2b$", f"${ident}$", 1)


def _by_system(password: str, setting: str) -> str:
    hashed = _libcrypt(password, setting)
    if hashed is None:
        kind = "bcrypt (pip install bcrypt brings it)" if setting.startswith("$2") else "md5"
        raise TemplateError(f"password_hash: the crypt(3) of this system has no {kind}")
    return hashed


def _libcrypt(password: str, setting: str) -> str | None:
    """The system's own crypt(3) (half the time of ours); None where there is none."""
    import ctypes

    for name in ("libcrypt.so.1", "libcrypt.so.2"):
        try:
            function = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        function.restype, function.argtypes = ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_char_p]
        out = function(password.encode(), setting.encode())
        return out.decode() if out and out.startswith(setting.encode()) else None
    return None


def _sha_crypt(key: bytes, salt: bytes, rounds: int, number: str, algorithm: Callable[..., hashlib._Hash], setting: str) -> str:
    """SHA-crypt as Ulrich Drepper specified it."""
    size = algorithm().digest_size

    def stretched(digest: bytes, length: int) -> bytes:
        return (digest * (length // size + 1))[:length]

    inner = algorithm(key + salt + key).digest()
    first = algorithm(key + salt + stretched(inner, len(key)))
    bits = len(key)
    while bits:
        first.update(inner if bits & 1 else key)
        bits >>= 1
    digest = first.digest()
    p = stretched(algorithm(key * len(key)).digest(), len(key))
    s = stretched(algorithm(salt * (16 + digest[0])).digest(), len(salt))
    for turn in range(rounds):
        step = algorithm(p if turn & 1 else digest)
        if turn % 3:
            step.update(s)
        if turn % 7:
            step.update(p)
        step.update(digest if turn & 1 else p)
        digest = step.digest()
    groups = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _ORDER[number]]
    groups.append((digest[63], 2) if number == "6" else (digest[31] << 8 | digest[30], 3))
    out = []
    for value, count in groups:
        for _ in range(count):
            out.append(_ALPHABET[value & 63])
            value >>= 6
    return f"{setting}${''.join(out)}"
