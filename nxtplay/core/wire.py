"""Frames between controller and agent: a length, a JSON document, raw bytes behind it.

    frame := u32 json length, u32 tail length (big endian), json, tail

JSON carries what it cannot say itself as {"\\u0000": kind, ...}: bytes, Secret, Unknown, states (dataclasses of core and modules).
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import importlib
import json
import struct
from typing import IO, Any, Optional

from nxtplay.core.state import Secret, Unknown

HEAD = struct.Struct(">II")
TAG = "\0"
LIMIT = 1 << 30


class WireError(Exception):
    """The other side sent something that is no frame."""


class Blob:
    """A controller's file on its way to a host: hash and size at once, bytes when asked for (`open` streams them)."""

    __slots__ = ("fetch", "mode", "path", "sha256", "size")

    def __init__(self, sha256: str, size: int, path: str = "", mode: int = 0o644, fetch: Any = None) -> None:
        self.sha256, self.size, self.path, self.mode, self.fetch = sha256, size, path, mode, fetch

    def chunks(self) -> Any:
        """The bytes in pieces. On the controller from the file, on the host from the controller."""
        if self.fetch is not None:
            yield from self.fetch(self)
            return
        with open(self.path, "rb") as stream:
            while True:
                chunk = stream.read(1 << 18)
                if not chunk:
                    return
                yield chunk


class Stream:
    """Bytes that the controller makes when the host asks for them. `produce(ask)` makes them there, for what the host says in `ask`."""

    __slots__ = ("fetch", "key", "produce")

    def __init__(self, key: str, produce: Any = None, fetch: Any = None) -> None:
        self.key, self.produce, self.fetch = key, produce, fetch

    def chunks(self, ask: str = "") -> Any:
        return self.produce(ask) if self.fetch is None else self.fetch.stream(self.key, ask)


def ahead(blobs: "list[Blob]") -> None:
    """Say that these will be read next, in this order: they come together, and not at a round trip each."""
    said = getattr(blobs[0].fetch, "ahead", None) if blobs else None
    if said is not None:
        said(blobs)


def encode(value: Any, blobs: "Optional[dict[str, Any]]" = None) -> Any:
    """The value as JSON can say it; files and streams met on the way join `blobs`."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Secret):
        return {TAG: "secret", "v": str.__str__(value)}
    if isinstance(value, str):
        return str.__str__(value) if type(value) is not str else value
    if isinstance(value, bytes):
        return {TAG: "bytes", "v": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Unknown):
        return {TAG: "unknown", "v": value.reason}
    if isinstance(value, Blob):
        if blobs is not None:
            blobs[value.sha256] = value
        return {TAG: "blob", "sha256": value.sha256, "size": value.size, "path": value.path, "mode": value.mode}
    if isinstance(value, Stream):
        if blobs is not None:
            blobs[value.key] = value
        return {TAG: "stream", "key": value.key}
    if isinstance(value, dict):
        out = {str(key): encode(item, blobs) for key, item in value.items()}
        return {TAG: "dict", "v": list(out.items())} if TAG in out else out
    if isinstance(value, (list, tuple)):
        items = [encode(item, blobs) for item in value]
        return items if isinstance(value, list) else {TAG: "tuple", "v": items}
    if isinstance(value, (set, frozenset)):
        return {TAG: "set", "v": sorted((encode(item, blobs) for item in value), key=repr)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = {f.name: encode(getattr(value, f.name), blobs) for f in dataclasses.fields(value)}
        return {TAG: "state", "t": f"{type(value).__module__}:{type(value).__qualname__}", "v": held}
    if isinstance(value, (datetime.date, datetime.time)):  # as YAML reads `2026-11-27`
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent")


def decode(value: Any, *, trusted: bool = False, fetch: Any = None) -> Any:
    """The value that was encoded. States name a class; only nxtplay's own are made, and only of dataclasses."""
    if isinstance(value, list):
        return [decode(item, fetch=fetch) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(TAG)
    if kind is None:
        return {key: decode(item, fetch=fetch) for key, item in value.items()}
    if kind == "secret":
        return Secret(value["v"])
    if kind == "bytes":
        return base64.b64decode(value["v"])
    if kind == "unknown":
        return Unknown(value["v"])
    if kind == "blob":
        return Blob(value["sha256"], value["size"], value["path"], value["mode"], fetch)
    if kind == "stream":
        return Stream(value["key"], fetch=fetch)
    if kind == "dict":
        return {key: decode(item, fetch=fetch) for key, item in value["v"]}
    if kind == "tuple":
        return tuple(decode(item, fetch=fetch) for item in value["v"])
    if kind == "set":
        return frozenset(decode(item, fetch=fetch) for item in value["v"])
    if kind == "state":
        module_name, _, name = value["t"].partition(":")
        if not module_name.startswith(("nxtplay.core.", "nxtplay.modules.")):
            raise WireError(f"refused a state of {value['t']}")
        cls = getattr(importlib.import_module(module_name), name)
        if not dataclasses.is_dataclass(cls):
            raise WireError(f"refused a state of {value['t']}")
        return cls(**{key: decode(item, fetch=fetch) for key, item in value["v"].items()})  # type: ignore[operator]
    raise WireError(f"unknown kind {kind!r}")


def pack(document: Any, tail: bytes = b"") -> bytes:
    """A frame of an encoded document."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return HEAD.pack(len(body), len(tail)) + body + tail


def read(stream: "IO[bytes]") -> Optional[tuple[Any, bytes]]:
    """The next frame's document and tail; None at the end of the stream."""
    head = stream.read(HEAD.size)
    if not head:
        return None
    if len(head) < HEAD.size:
        raise WireError("the stream ended inside a frame")
    body_size, tail_size = HEAD.unpack(head)
    if body_size > LIMIT or tail_size > LIMIT:
        raise WireError("a frame larger than 1 GiB: the stream is not ours")
    body = stream.read(body_size)
    tail = stream.read(tail_size) if tail_size else b""
    if len(body) < body_size or len(tail) < tail_size:
        raise WireError("the stream ended inside a frame")
    return json.loads(body), tail
