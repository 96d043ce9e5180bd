"""The controller's end of the agent protocol, over any pair of byte streams."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from nxtplay.connection.protocol import Job, OnEvent, OnReply, Reply
from nxtplay.connection.streams import Sink
from nxtplay.core import wire
from nxtplay.core.host import Failed
from nxtplay.core.wire import Blob, Stream


class LinkLost(Exception):
    """A stream ended early, or brought what is no frame."""


class Link:
    """Requests out, replies in, one request at a time. `greet` waits for the agent's first word, before its first reply is read;
    without `carry` the other side has our own libraries."""

    def __init__(self, source: IO[bytes], sink: Sink, *, greet: Callable[[], None] | None = None, carry: bool = True) -> None:
        self._source, self._sink, self._greet, self._carry = source, sink, greet, carry
        self._number = 0
        self._streams: dict[int, Iterator[bytes]] = {}  # what is being made for the agent, by the number of its need

    def request(
        self, jobs: Sequence[Job], *, on_event: OnEvent, on_reply: OnReply | None = None, foreseen: Sequence[tuple[str, Any]] = ()
    ) -> list[Reply]:
        self._number += 1
        blobs: dict[str, Blob | Stream] = {}
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
        finally:
            for stream in self._streams.values():
                stream.close()  # type: ignore[attr-defined]
            self._streams.clear()

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

    def _replies(self, on_event: OnEvent, on_reply: OnReply | None, blobs: dict[str, Blob | Stream]) -> list[Reply]:
        replies: list[Reply] = []
        handed: dict[int, IO[bytes]] = {}  # what a job hands over, in a file of ours
        self.expect_greeting()
        while True:
            frame = wire.read(self._source)
            if frame is None:
                raise LinkLost("the stream ended")
            document, tail = frame
            kind = document.get("kind")
            if document.get("id") != self._number:
                continue  # the tail of a request that was given up
            if kind == "done":
                replies.append(_reply(document))
                file = handed.pop(document["job"], None)
                if file is not None and replies[-1].status == "ok":
                    file.seek(0)
                    replies[-1].result["handed_over"] = file
                if on_reply:
                    on_reply(document["job"], replies[-1])
            elif kind in ("progress", "output"):
                on_event(document["job"], kind, document["data"])
            elif kind == "piece":
                if document["job"] not in handed:
                    handed[document["job"]] = tempfile.SpooledTemporaryFile(max_size=_LARGE)  # noqa: SIM115
                handed[document["job"]].write(tail)
            elif kind == "need":
                wanted = blobs.get(document["sha256"])
                if isinstance(wanted, Stream):
                    self._send_some(wanted, document)
                else:
                    self._send_piece(wanted, document, on_event)
            elif kind == "library":
                from nxtplay.connection import libraries

                self._send({"op": "library"}, libraries.archive(document["name"]))
            elif kind == "end":
                return replies

    def _send_some(self, stream: Stream, asked: dict[str, Any]) -> None:
        """The next `size` bytes of a stream, or that there are no more."""
        number, sent = asked["need"], 0
        head = {"op": "data", "need": number}
        if number not in self._streams:
            self._streams[number] = stream.produce(asked["ask"])
        while sent < asked["size"]:
            try:
                chunk = next(self._streams[number], None)
            except Failed as failed:
                self._send({**head, "error": failed.message})
                return
            if chunk is None:
                self._send({**head, "end": True})
                return
            self._send(head, chunk)
            sent += len(chunk)

    def _send_piece(self, blob: Blob | None, asked: dict[str, Any], on_event: OnEvent) -> None:
        """A part of a file: `size` bytes from `at`. A file that cannot be read is told to the agent; a lost connection is raised."""
        head = {"op": "data", "need": asked["need"]}
        if blob is None:
            self._send({**head, "error": "no such file was announced"})
            return
        at, end = asked["at"], min(asked["at"] + asked["size"], blob.size)
        try:
            descriptor = os.open(blob.path, os.O_RDONLY)
        except OSError as error:
            self._send({**head, "error": error.strerror or str(error)})
            return
        try:
            while at < end:
                chunk = os.pread(descriptor, min(_CHUNK, end - at), at)
                if not chunk:
                    self._send({**head, "error": "it became shorter while it was being sent"})
                    return
                self._send(head, chunk)
                at += len(chunk)
        finally:
            os.close(descriptor)
        if blob.size >= _LARGE:
            on_event(asked["job"], "progress", f"{os.path.basename(blob.path)}: {at / 1e6:.0f} of {blob.size / 1e6:.0f} MB sent")


_CHUNK = 1 << 18
_LARGE = 1 << 24  # bytes of a file whose way is worth telling


def _encode(job: Job, blobs: dict[str, Blob | Stream], *, carry: bool) -> dict[str, Any]:
    return {
        "module": job.module,
        "args": wire.encode(dict(job.args), blobs),
        "permit": job.permit,
        "environ": dict(job.environ),
        "libraries": _digests(job.libraries) if carry else [],
        "ignore_errors": job.ignore_errors,
        "group": job.group,
        **({"background": [job.background, job.background_folder]} if job.background else {}),
        "doubt": job.doubt,
        "apart": job.apart,
    }


def _digests(names: Sequence[str]) -> list[list[str]]:
    if not names:
        return []
    from nxtplay.connection import libraries

    return [[name, libraries.digest(name)] for name in names]


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
