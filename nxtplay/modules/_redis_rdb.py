"""RDB files: whether one is whole, and how to get one out of a server that lets nobody at its disk."""

from __future__ import annotations

import os
from typing import Any, Callable

from nxtplay.core.host import Failed
from nxtplay.modules._redis import Session

CHECKED = 32 * 1024 * 1024  # bytes up to which the checksum is computed; in Python that takes a second for five megabytes
_POLYNOMIAL = 0x95AC9329AC4BC9B5  # Jones, reflected: the CRC-64 that Redis ends its files with
_TABLE: list[int] = []


def crc64(data: bytes, value: int = 0) -> int:
    """Redis' checksum of the bytes."""
    if not _TABLE:
        for index in range(256):
            entry = index
            for _ in range(8):
                entry = (entry >> 1) ^ _POLYNOMIAL if entry & 1 else entry >> 1
            _TABLE.append(entry)
    table = _TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value


def whole(path: str) -> int:
    """The format version of an RDB file. Failed where it is none, or is cut off or damaged."""
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            head = stream.read(9)
            if head[:5] != b"REDIS" or not head[5:].isdigit() or size < 19:
                raise Failed(f"{path} is no RDB file (it begins with {head[:5]!r})")
            stream.seek(-9, os.SEEK_END)
            tail = stream.read(9)
            if tail[:1] != b"\xff":
                raise Failed(f"{path} is cut off: it does not end as an RDB file does")
            wanted = int.from_bytes(tail[1:], "little")
            if wanted and size <= CHECKED:
                stream.seek(0)
                if crc64(stream.read(size - 8)) != wanted:
                    raise Failed(f"{path} is damaged: its checksum is wrong")
            return int(head[5:])
    except OSError as error:
        raise Failed(f"cannot read {path}: {error.strerror}") from error


def receive(server: Session, sink: Callable[[bytes], Any]) -> int:
    """Take a snapshot over the connection, as a replica would (SYNC); its size. The session can be used for nothing else afterwards."""
    stream = server._stream
    server._sock.settimeout(600)  # the server writes the snapshot first
    server._sock.sendall(b"SYNC\r\n")
    line: bytes = stream.readline()
    while line == b"\n":  # it keeps us waiting
        line = stream.readline()
    if not line.startswith(b"$"):
        raise Failed(f"Redis gives no snapshot: {line.decode('utf-8', 'replace').strip() or 'it closed the connection'}")
    if line.startswith(b"$EOF:"):
        return _until(stream, line[5:].strip(), sink)
    left = size = int(line[1:])
    while left:
        piece = stream.read(min(left, 1 << 18))
        if not piece:
            raise Failed(f"Redis closed the connection {left} bytes before the end of the snapshot")
        sink(piece)
        left -= len(piece)
    return size


def _until(stream: Any, mark: bytes, sink: Callable[[bytes], Any]) -> int:
    size, rest = 0, b""
    while True:
        piece = stream.read1(1 << 18)
        if not piece:
            raise Failed("Redis closed the connection before the end of the snapshot")
        rest += piece
        if rest.endswith(mark):
            rest = rest[: -len(mark)]
            sink(rest)
            return size + len(rest)
        keep = len(mark)
        sink(rest[:-keep])
        size, rest = size + len(rest[:-keep]), rest[-keep:]
