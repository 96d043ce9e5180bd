"""Generated passwords, kept in files of the controller in Ansible's format: `PASSWORD salt=SALT`, one line, mode 0600."""

from __future__ import annotations

import fcntl
import os
import random
import string
from collections.abc import Callable, Mapping
from typing import Any

from nxtplay.core.state import Secret, Unknown
from nxtplay.template.crypt import crypt

_CLASSES = {
    name: getattr(string, name)
    for name in (
        "ascii_letters",
        "ascii_lowercase",
        "ascii_uppercase",
        "digits",
        "hexdigits",
        "octdigits",
        "punctuation",
        "printable",
        "whitespace",
    )
}


def kept_password(path: str, options: Mapping[str, Any], *, may_write: bool, on_secret: Callable[[str], None] | None) -> Secret | Unknown:
    """The password in the file, or a new one written there (not when `may_write` is False: then it is unknown). /dev/null keeps none."""
    kept = path != os.devnull
    if kept and not may_write and not os.path.exists(path):
        return Unknown(f"the password of {path} is made when the playbook runs")
    if not kept:
        text, salt = _made(options), None
    else:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | (os.O_CREAT if may_write else 0), 0o600) if may_write else os.open(path, os.O_RDONLY)
        with os.fdopen(handle, "r+" if may_write else "r", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX if may_write else fcntl.LOCK_SH)  # two hosts may ask at once
            text, salt = _parsed(stream.read())
            written = text, salt
            text = text or _made(options)
            if options.get("encrypt") and salt is None:
                salt = _random_text(string.ascii_letters + string.digits + "./", 22 if "bcrypt" in str(options["encrypt"]) else 16, None)
            if may_write and (text, salt) != written:
                stream.seek(0)
                stream.truncate()
                stream.write(f"{text} salt={salt}\n" if salt else f"{text}\n")
    if on_secret:
        on_secret(text)
    if options.get("encrypt"):
        return Secret(crypt(text, str(options["encrypt"]), salt=salt, ident=options.get("ident")))
    return Secret(text)


def _parsed(text: str) -> tuple[str, str | None]:
    text = text.rstrip("\n")
    body, found, rest = text.rpartition(" salt=")
    return (body, rest.split(" ident=")[0]) if found else (text, None)


def _made(options: Mapping[str, Any]) -> str:
    named = options.get("chars", ["ascii_letters", "digits", ".,:-_"])
    names = list(named) if isinstance(named, (list, tuple)) else _split(str(named))
    characters = "".join(dict.fromkeys("".join(_CLASSES.get(name, name) for name in names)))
    return _random_text(characters, int(options.get("length", 20)), options.get("seed"))


def _split(named: str) -> list[str]:
    """Names separated by commas; `,,` stands for a comma."""
    extra = [","] if ",," in named else []
    return [name for name in named.replace(",,", ",").split(",") if name] + extra


def _random_text(characters: str, length: int, seed: Any) -> str:
    source = random.SystemRandom() if seed is None else random.Random(seed)
    return "".join(source.choice(characters) for _ in range(length))
