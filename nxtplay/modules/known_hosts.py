"""known_hosts: a host's key in a known_hosts file."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines


class KnownHosts(_lines.Edited, _files.Ownership, Resource[FileState]):
    """Keep the key of a host in a known_hosts file, or drop all keys of the host."""

    edits = True

    name: str = arg(help="The host as it is connected to: a name, an address, [name]:port.", aliases=["host"])
    key_: str | None = arg(None, help="The whole line: name, type and key; a type that is there already is replaced.")
    path: Path = arg(Path("~/.ssh/known_hosts"), help="The file.", key=True)
    hash_host: bool = arg(False, help="Write the name hashed.")
    state: Literal["present", "absent"] = arg("present", help="Whether the host's key is there.")
    validate: str | None = arg(None, help="Of no effect; for the modules that edit files.")

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        if self.state == "present" and not self.key_:
            raise Failed("key is required with state: present: which key does the host have?")
        return super().desired(host, before)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        return {"name": self.name, "key": self.key_, "path": _files.host_path(self.path), "hash_host": self.hash_host}

    # -- the text

    def edit(self, text: bytes) -> bytes:
        lines = _lines.split(text)
        if self.state == "absent":
            kept = [line for line in lines if not (_matches(line, self.name) and (not self.key_ or self._same_key(line)))]
            return b"".join(kept)
        new = self._wanted()
        kind = _kind(new)
        of_kind = [i for i, line in enumerate(lines) if _matches(line, self.name) and (_marker(line), _kind(line)) == (_marker(new), kind)]
        mine = [i for i in of_kind if not _marker(new) or self._same_key(lines[i])]  # a host may have several authorities
        if any(self._same_key(lines[i]) and _is_hashed(lines[i]) == self.hash_host for i in mine) and len(mine) == 1:
            return text
        kept = [line for i, line in enumerate(lines) if i not in mine]
        if kept and not kept[-1].endswith(b"\n"):
            kept[-1] += b"\n"
        return b"".join([*kept, new + b"\n"])

    def _wanted(self) -> bytes:
        words = str(self.key_).split()
        marked = words[0].startswith("@")
        names, rest = words[1 if marked else 0], words[2 if marked else 1 :]
        if len(rest) < 2:
            raise Failed(f"key: '{self.key_}' is no line of a known_hosts file: name, type and key were expected")
        if not any(one.strip() == self.name for one in names.split(",")) and not names.startswith("|1|"):
            raise Failed(f"key: the line is for {names}, not for {self.name}")
        name = _hashed(self.name, rest[1]) if self.hash_host and not names.startswith("|1|") else names
        return " ".join([*words[:1][: 1 if marked else 0], name, *rest]).encode()

    def _same_key(self, line: bytes) -> bool:
        mine = str(self.key_).encode()
        return (_marker(line), *_fields(line)[1:3]) == (_marker(mine), *_fields(mine)[1:3])


def _fields(line: bytes) -> list[bytes]:
    """Names, type and key of a line; empty for a comment."""
    words = line.split()
    if not words or words[0].startswith(b"#"):
        return []
    return words[1:] if words[0].startswith(b"@") else words


def _marker(line: bytes) -> bytes:
    """@cert-authority, @revoked or nothing."""
    return line.split()[0] if line.lstrip().startswith(b"@") else b""


def _kind(line: bytes) -> str:
    return _fields(line)[1].decode("ascii", "replace") if len(_fields(line)) > 1 else ""


def _is_hashed(line: bytes) -> bool:
    return _fields(line)[0].startswith(b"|1|")


def _matches(line: bytes, name: str) -> bool:
    """Whether a line is about the host, by its name or by the hash of it."""
    fields = _fields(line)
    if not fields:
        return False
    if not fields[0].startswith(b"|1|"):
        return name.encode() in fields[0].split(b",")
    try:
        _, _, salt, digest = fields[0].split(b"|")
        return hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest() == base64.b64decode(digest)
    except ValueError:
        return False


def _hashed(name: str, key: str) -> str:
    """The name as ssh hashes it. The salt is made of the name and the key, so that a check can tell what a run will write."""
    salt = hashlib.sha1(f"{name} {key}".encode()).digest()
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
