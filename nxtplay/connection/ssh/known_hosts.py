"""Files of known host keys: read once, shared by all connections, asked by host name or address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from nxtplay.connection.ssh.config import matches


@dataclass(frozen=True)
class Entry:
    """One line: `hosts` as it stands there, the key's type and base64 text."""

    file: str
    line: int
    hosts: str
    kind: str
    key: str
    marker: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Judgement:
    """known, unknown, changed or revoked; `entry` is the line that says so."""

    verdict: str
    entry: Entry | None = None


def name_of(host: str, port: int) -> str:
    """How a host is written in the file."""
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """The entries of some files, in their order."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = tuple(files)
        self._plain: dict[str, list[Entry]] = {}
        self._hashed: list[tuple[bytes, bytes, Entry]] = []
        self._patterns: list[tuple[tuple[str, ...], Entry]] = []
        self._lock = threading.Lock()
        for file in self.files:
            self._load(file)

    def entries(self, name: str) -> list[Entry]:
        """All lines that speak of the host."""
        name = name.lower()
        with self._lock:
            found = list(self._plain.get(name, ()))
            found += [entry for patterns, entry in self._patterns if matches(name, patterns)]
            found += [entry for salt, digest, entry in self._hashed if _hash(salt, name) == digest]
        return found

    def kinds(self, name: str) -> list[str]:
        """The types of the keys that are known of the host: to ask it for these first."""
        return list(dict.fromkeys(entry.kind for entry in self.entries(name) if not entry.marker))

    def judge(self, name: str, kind: str, key: str) -> Judgement:
        """What the files say of a key that the host showed; another type than the known ones is unknown, as for ssh."""
        known = self.entries(name)
        for entry in known:
            if entry.marker == "@revoked" and entry.key == key:
                return Judgement("revoked", entry)
        plain = [entry for entry in known if not entry.marker]
        for entry in plain:
            if entry.kind == kind and entry.key == key:
                return Judgement("known", entry)
        for entry in plain:
            if entry.kind == kind:
                return Judgement("changed", entry)
        return Judgement("changed", plain[0]) if plain else Judgement("unknown")

    def remember(self, name: str, kind: str, key: str, *, hashed: bool = False) -> None:
        """Append a line to the first file. Raises OSError."""
        if hashed:
            salt = os.urandom(20)
            shown = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(_hash(salt, name.lower())).decode()}"
        else:
            shown = name
        path = self.files[0]
        with self._lock:
            os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
            with open(path, "a+b") as stream:
                stream.seek(0, os.SEEK_END)
                if stream.tell():
                    stream.seek(-1, os.SEEK_END)
                    last = stream.read(1)
                else:
                    last = b"\n"
                stream.write((b"" if last == b"\n" else b"\n") + f"{shown} {kind} {key}\n".encode())
            self._plain.setdefault(name.lower(), []).append(Entry(path, 0, name, kind, key))

    def _load(self, file: str) -> None:
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:
                lines = stream.read().splitlines()
        except OSError:
            return
        for number, text in enumerate(lines, 1):
            words = text.split()
            if not words or words[0].startswith("#"):
                continue
            marker = words.pop(0) if words[0].startswith("@") else ""
            if len(words) < 3:
                continue
            self._add(Entry(file, number, words[0], words[1], words[2], marker))

    def _add(self, entry: Entry) -> None:
        if entry.hosts.startswith("|1|"):
            parts = entry.hosts.split("|")
            try:
                self._hashed.append((base64.b64decode(parts[2]), base64.b64decode(parts[3]), entry))
            except (ValueError, IndexError):
                pass
            return
        names = tuple(entry.hosts.lower().split(","))
        if any(mark in entry.hosts for mark in "*?!"):
            self._patterns.append((names, entry))
            return
        for name in names:
            self._plain.setdefault(name, []).append(entry)


def _hash(salt: bytes, name: str) -> bytes:
    return hmac.digest(salt, name.encode(), "sha1")


def fingerprint(key: str) -> str:
    """As ssh-keygen -l shows it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
