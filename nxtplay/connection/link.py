"""The controller's end of the agent protocol, over any pair of byte streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any

from nxtplay.connection.protocol import Job, OnEvent, OnReply, Reply
from nxtplay.connection.streams import Sink
from nxtplay.core import wire
from nxtplay.core.wire import Blob


class LinkLost(Exception):
    """A stream ended early, or brought what is no frame."""


class Link:
    """Requests out, replies in, one request at a time. `greet` waits for the agent's first word, before its first reply is read;
    without `carry` the other side has our own libraries."""

    def __init__(self, source: IO[bytes], sink: Sink, *, greet: Callable[[], None] | None = None, carry: bool = True) -> None:
        self._source, self._sink, self._greet, self._carry = source, sink, greet, carry
        self._number = 0

    def request(
        self, jobs: Sequence[Job], *, on_event: OnEvent, on_reply: OnReply | None = None, foreseen: Sequence[tuple[str, Any]] = ()
    ) -> list[Reply]:
        self._number += 1
        blobs: dict[str, Blob] = {}
        document = {
            "op": "run",
            "id": self._number,
            "jobs": [_encode(job, blobs, carry=self._carry) for job in jobs],
            "foreseen": list(foreseen),
        }
        try:
            self._send(document)
            return self._replies(on_event, on_reply, blobs)
        except (OSError, ValueError, wire.WireError) as error:
            self.expect_greeting()  # what kept the agent from starting says more than a closed pipe
            raise LinkLost(str(error)) from error

    def forget(self) -> None:
        """Drop what the agent has foreseen."""
        try:
            self._send({"op": "forget"})
        except (OSError, ValueError) as error:
            raise LinkLost(str(error)) from error

    def expect_greeting(self) -> None:
        """Wait for the agent's first word, unless it has come already. Raises what `greet` raises."""
        greet, self._greet = self._greet, None
        if greet:
            greet()

    def _send(self, document: dict[str, Any], tail: bytes = b"") -> None:
        self._sink.write(wire.pack(document, tail))

    def _replies(self, on_event: OnEvent, on_reply: OnReply | None, blobs: dict[str, Blob]) -> list[Reply]:
        replies: list[Reply] = []
        self.expect_greeting()
        while True:
            frame = wire.read(self._source)
            if frame is None:
                raise LinkLost("the stream ended")
            document, _ = frame
            kind = document.get("kind")
            if document.get("id") != self._number:
                continue  # the tail of a request that was given up
            if kind == "done":
                replies.append(_reply(document))
                if on_reply:
                    on_reply(document["job"], replies[-1])
            elif kind in ("progress", "output"):
                on_event(document["job"], kind, document["data"])
            elif kind == "need":
                self._send_blob(blobs.get(document["sha256"]))
            elif kind == "library":
                from nxtplay.connection import libraries

                self._send({"op": "library"}, libraries.archive(document["name"]))
            elif kind == "end":
                return replies

    def _send_blob(self, blob: Blob | None) -> None:
        if blob is None:
            self._send({"op": "data", "error": "no such file was announced"})
            return
        try:
            for chunk in blob.chunks():
                self._send({"op": "data"}, chunk)
            self._send({"op": "data"})
        except OSError as error:
            if error.filename is None:  # the connection, not the file
                raise
            self._send({"op": "data", "error": str(error)})


def _encode(job: Job, blobs: dict[str, Blob], *, carry: bool) -> dict[str, Any]:
    _collect_blobs(job.args, blobs)
    return {
        "module": job.module,
        "args": wire.encode(dict(job.args)),
        "permit": job.permit,
        "environ": dict(job.environ),
        "libraries": _digests(job.libraries) if carry else [],
        "ignore_errors": job.ignore_errors,
        "group": job.group,
        "doubt": job.doubt,
    }


def _digests(names: Sequence[str]) -> list[list[str]]:
    if not names:
        return []
    from nxtplay.connection import libraries

    return [[name, libraries.digest(name)] for name in names]


def _collect_blobs(value: Any, blobs: dict[str, Blob]) -> None:
    if isinstance(value, Blob):
        blobs[value.sha256] = value
    elif isinstance(value, dict):
        for item in value.values():
            _collect_blobs(item, blobs)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect_blobs(item, blobs)


def _reply(document: dict[str, Any]) -> Reply:
    return Reply(
        status=document["status"],
        result=wire.decode(document["result"]),
        changes=tuple((tuple(path), before, after) for path, before, after in wire.decode(document.get("changes", []))),
        reason=document.get("reason", ""),
        unknown=document.get("unknown"),
        news=tuple((key, state) for key, state in document.get("news", [])),
        arg_errors=tuple(document.get("args", ())),
        crashed=document.get("crashed", False),
    )


def first_of(source: IO[bytes], *markers: bytes, limit: int = 1 << 20) -> bytes:
    """Read up to and over the first of the markers, whatever a login shell printed before it; EOFError with that when none comes."""
    seen = bytearray()
    while True:
        byte = source.read(1)
        if not byte or len(seen) > limit:
            raise EOFError(bytes(seen[-2000:]).decode("utf-8", "replace"))
        seen += byte
        if byte == markers[0][-1:]:
            for marker in markers:
                if seen.endswith(marker):
                    return marker
