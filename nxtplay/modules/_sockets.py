"""TCP sockets of this machine, and who holds them, from /proc."""

from __future__ import annotations

import os
import re
import socket
import struct
from dataclasses import dataclass
from typing import Iterator, Optional

STATES = {
    "ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECV": 3, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "TIME_WAIT": 6, "CLOSE": 7, "CLOSE_WAIT": 8,
    "LAST_ACK": 9, "LISTEN": 10, "CLOSING": 11,
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of /proc/net/tcp: addresses as text, the state's number, the socket's inode."""

    address: str
    port: int
    peer: str
    state: int
    inode: int


@dataclass(frozen=True)
class Holder:
    """A process that listens; `command` is its command line."""

    pid: int
    name: str
    command: tuple[str, ...]


def entries() -> Iterator[Entry]:
    """Every TCP socket, IPv4 and IPv6."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path) as stream:
                lines = stream.read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            address, _, port = words[1].partition(":")
            yield Entry(_address(address), int(port, 16), _address(words[2].partition(":")[0]), int(words[3], 16), int(words[9]))


def _address(text: str) -> str:
    raw = b"".join(struct.pack("=I", int(text[i : i + 8], 16)) for i in range(0, len(text), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    out = socket.inet_ntop(socket.AF_INET6, raw)
    return out[7:] if out.startswith("::ffff:") and "." in out else out


def holders(inodes: set[int]) -> dict[int, Holder]:
    """Which process has each socket inode open; those of other users stay out for one who is not root."""
    found: dict[int, Holder] = {}
    for pid in sorted((int(p) for p in os.listdir("/proc") if p.isdigit())):
        directory = f"/proc/{pid}/fd"
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            try:
                link = os.readlink(f"{directory}/{name}")
            except OSError:
                continue
            matched = re.fullmatch(r"socket:\[(\d+)\]", link)
            if matched and int(matched.group(1)) in inodes:
                found.setdefault(int(matched.group(1)), _holder(pid))
        if len(found) == len(inodes):
            break
    return found


def _holder(pid: int) -> Holder:
    def read(name: str) -> str:
        try:
            with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError:
            return ""

    command = tuple(word for word in read("cmdline").split("\0") if word)
    return Holder(pid, read("comm").strip() or "?", command)


def after(words: tuple[str, ...], option: str) -> Optional[str]:
    """The word behind an option of a command line."""
    for i, word in enumerate(words[:-1]):
        if word == option:
            return words[i + 1]
    return None
