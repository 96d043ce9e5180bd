"""The session on a host: reads requests, converges jobs, streams replies. One agent per (host, user); it lives as long as its connection.

Two threads: the main one reads frames and never blocks on work, so that a lost connection ends whatever runs; the other works.
Requests: {"op": "run", "id": n, "jobs": [job ...], "foreseen": [[key, state] ...]}, {"op": "data", "need": n} (pieces of a file asked for),
{"op": "library", "hash": h} (an archive in the tail), {"op": "forget"} (drop what was foreseen).
Replies: {"id": n, "job": i, "kind": "progress" | "output" | "piece" | "need" | "done", ...}, then {"id": n, "kind": "end"}.
"""

from __future__ import annotations

import collections
import io
import itertools
import os
import queue
import sys
import threading
from typing import Any, BinaryIO, Callable, Iterator, Optional, Sequence

from nxtplay.core import host as host_
from nxtplay.core import library, place, wire
from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Emit, Host, Reader
from nxtplay.core.resource import Module, decode
from nxtplay.core.state import Unknown, UnknownReached, find_unknown
from nxtplay.core.types import ArgErrors
from nxtplay.core.world import World

MARKER = b"\0nxtplay\0"  # everything a login shell printed before it is dropped


Load = Callable[[str], type[Module]]  # a module by its short name; KeyError


GRACE = 2.0  # seconds for a task to take away what it had half made, once the connection has ended
PIECE = 1 << 22  # bytes of a controller's file asked for at once; two of them may be on their way


class _Need:
    """A file on its way: its number, and how much of it has been asked for and has come."""

    def __init__(self, number: int, blob: wire.Blob) -> None:
        self.number, self.blob, self.asked, self.got = number, blob, 0, 0


class Fetcher:
    """The controller's files in pieces, asked for a little ahead of their use: of the next file too, where `ahead` names it."""

    def __init__(self, ask: Callable[[dict[str, Any]], None], incoming: "queue.Queue[Any]", numbers: Iterator[int]) -> None:
        self._ask, self._incoming, self._numbers = ask, incoming, numbers
        self._next: "collections.deque[wire.Blob]" = collections.deque()
        self._open: "collections.deque[_Need]" = collections.deque()  # the first is the one that is read

    def ahead(self, blobs: Sequence[wire.Blob]) -> None:
        self._next = collections.deque(blobs)

    def __call__(self, blob: wire.Blob) -> Iterator[bytes]:
        import hashlib

        if self._open and self._open[0].blob is blob:
            need = self._open[0]
        else:  # what was asked for and is not read is dropped when it comes
            self._open.clear()
            if self._next and self._next[0] is blob:
                self._next.popleft()
            need = self._begin(blob)
        digest = hashlib.sha256()
        try:
            while need.got < blob.size:
                self._top_up()
                kind, header, tail = self._incoming.get()
                if kind == "data" and header.get("need") != need.number:
                    continue
                if kind != "data" or header.get("error"):
                    raise host_.Failed(f"the controller cannot send {blob.path}: {header.get('error', kind)}")
                need.got += len(tail)
                digest.update(tail)
                yield tail
        finally:
            if self._open and self._open[0] is need:
                self._open.popleft()
        if digest.hexdigest() != blob.sha256:
            raise host_.Failed(f"{blob.path} changed on the controller while it was being sent")

    def stream(self, key: str, ask: str) -> Iterator[bytes]:
        """What the controller makes for us, until it says that this was all."""
        self._open.clear()
        number, asked, got = next(self._numbers), 0, 0
        while True:
            while asked < got + 2 * PIECE:
                self._ask({"need": number, "sha256": key, "ask": ask, "size": PIECE})
                asked += PIECE
            kind, header, tail = self._incoming.get()
            if kind == "data" and header.get("need") != number:
                continue
            if kind != "data" or header.get("error"):
                raise host_.Failed(f"the controller cannot send {key}: {header.get('error', kind)}")
            if header.get("end"):
                return
            got += len(tail)
            yield tail

    def _begin(self, blob: wire.Blob) -> _Need:
        self._open.append(_Need(next(self._numbers), blob))
        return self._open[-1]

    def _top_up(self) -> None:
        """Ask for more, up to two pieces that are on their way."""
        while sum(need.asked - need.got for need in self._open) < 2 * PIECE:
            last = self._open[-1]
            if last.asked >= last.blob.size:
                if not self._next:
                    return
                last = self._begin(self._next.popleft())
                continue
            size = min(PIECE, last.blob.size - last.asked)
            self._ask({"need": last.number, "sha256": last.blob.sha256, "at": last.asked, "size": size})
            last.asked += size


class Session:
    """Converges jobs one after the other and tells of each through `send(document)`."""

    def __init__(self, send: Any, incoming: "queue.Queue[Any]", load: Load) -> None:
        self._send = send
        self._load = load
        self._incoming = incoming  # answers to what we ask for: ("data", header, bytes), ("library", header, bytes)
        self._world = World()
        self._needs = itertools.count(1)

    def handle(self, request: dict[str, Any]) -> None:
        if request["op"] == "forget":
            self._world = World()
            return
        for key, state in request.get("foreseen", ()):
            self._world.foresee(key, wire.decode(state))
        self._world.take_news()
        number = request["id"]
        failed: Optional[int] = None  # the group that a failure belongs to; what is behind it does not run
        for index, job in enumerate(request["jobs"]):
            if failed is not None and job.get("group", 0) != failed:
                break
            reply = self._one(number, index, job)
            self._send({"id": number, "job": index, "kind": "done", **reply})
            if reply["status"] == "failed" and not job.get("ignore_errors"):
                failed = job.get("group", 0)
        self._send({"id": number, "kind": "end"})

    def _one(self, number: int, index: int, job: dict[str, Any]) -> dict[str, Any]:
        def emit(kind: str, data: Any) -> None:
            if kind == "piece":
                self._send({"id": number, "job": index, "kind": kind}, data)
            else:
                self._send({"id": number, "job": index, "kind": kind, "data": data})

        def ask(wanted: dict[str, Any]) -> None:
            self._send({"id": number, "job": index, "kind": "need", **wanted})

        try:
            outcome = self._converge(number, job, emit, Fetcher(ask, self._incoming, self._needs))
        except ArgErrors as errors:
            problems = [{"path": list(e.path), "message": e.message, "hint": e.hint} for e in errors.errors]
            return {"status": "failed", "result": {"msg": str(errors)}, "args": problems, "news": []}
        except Exception as error:
            import traceback

            trace = traceback.format_exc()
            message = f"{type(error).__name__}: {error}"
            return {"status": "failed", "result": wire.encode({"msg": message, "exception": trace}), "crashed": True, "news": []}
        return {
            "status": outcome.status,
            "result": wire.encode(outcome.result),
            "changes": wire.encode([[list(c.path), c.before, c.after] for c in outcome.changes]),
            "reason": outcome.reason,
            "unknown": outcome.unknown.reason if outcome.unknown is not None else None,
            "news": wire.encode([[key, state] for key, state in self._world.take_news()]),
        }

    def _converge(self, number: int, job: dict[str, Any], emit: Emit, fetch: Any) -> Outcome:
        for name, digest in job.get("libraries", ()):
            self._library(number, name, digest)
        environ = job.get("environ") or {}
        args = wire.decode(job["args"], fetch=fetch)
        if job["permit"] and job.get("background"):
            return self._leave(decode(self._load(job["module"]), wire.decode(job["args"], fetch=_no_files)), environ, *job["background"])
        if job["permit"]:
            permit = Host(World(), emit=emit, environ=environ)
            outcome = converge(decode(self._load(job["module"]), args), permit, World(), permit)
            pending = Reader(self._world).pending_act() if outcome.status == "failed" else None
            if pending is not None:  # `check_mode: false` in a check: what is missing may be what that act would have brought
                return Outcome("failed", outcome.result, outcome.changes, outcome.reason, pending)
            return outcome
        world = World() if job.get("apart") else self._world
        reader = Reader(world, emit=emit, environ=environ)
        try:
            doubt = Unknown(job["doubt"]) if job.get("doubt") else None
            return converge(decode(self._load(job["module"]), args), reader, world, None, doubt=doubt)
        except (UnknownReached, TypeError) as error:
            unknown = error.unknown if isinstance(error, UnknownReached) else find_unknown(args)
            if unknown is None:
                raise
            return Outcome("unknown", unknown=Unknown(unknown.reason))

    def _leave(self, module: Module, environ: dict[str, str], seconds: float, folder: str) -> Outcome:
        from nxtplay.core import background

        def work() -> dict[str, Any]:
            permit = Host(World(), emit=lambda kind, data: None, environ=environ)
            outcome = converge(module, permit, World(), permit)
            return {"status": outcome.status, "result": wire.encode(outcome.result)}

        return Outcome("changed", background.start(work, seconds, folder), reason="started, and not waited for")

    def _library(self, number: int, name: str, digest: str) -> None:
        if library.activate(digest):
            return
        self._send({"id": number, "kind": "library", "name": name, "hash": digest})
        kind, header, tail = self._incoming.get()
        if kind != "library" or not tail:
            raise host_.Failed(f"the controller cannot send the library {name}: {header.get('error', kind)}")
        library.install(digest, tail)


class _NoFiles:
    def __call__(self, blob: wire.Blob) -> Iterator[bytes]:
        raise host_.Failed(f"{blob.path} is on the controller, and a task that is not waited for cannot fetch it", path=blob.path)

    def stream(self, key: str, ask: str) -> Iterator[bytes]:
        raise host_.Failed(f"{key} is on the controller, and a task that is not waited for cannot fetch it")


_no_files = _NoFiles()


def serve(
    source: BinaryIO,
    sink: BinaryIO,
    load: Load,
    *,
    early: bytes = b"",
    leave: Callable[[int], None] = os._exit,
    directory: Optional[str] = None,
) -> None:
    """Answer requests until the stream ends; then end what runs, and the process with it (`leave`). `early`: frames read already.
    Relative paths start in `directory`, by default in the process's own."""
    lock = threading.Lock()
    over = threading.Event()

    def send(document: dict[str, Any], tail: bytes = b"") -> None:
        if over.is_set():  # nobody listens: the task unwinds from here, taking away what it had only half made
            raise SystemExit
        frame = wire.pack(document, tail)
        with lock:
            sink.write(frame)
            sink.flush()

    requests: "queue.Queue[Optional[dict[str, Any]]]" = queue.Queue()
    incoming: "queue.Queue[Any]" = queue.Queue()  # holds no more than was asked for; a bound here could keep us from reading
    session = Session(send, incoming, load)

    def work() -> None:
        place.settle(directory)
        try:
            while True:
                request = requests.get()
                if request is None or over.is_set():
                    return
                session.handle(request)
                library.keep()
        except BaseException as error:  # the controller went away, or a defect of ours: better an end than a silence
            if over.is_set():
                return
            if not isinstance(error, ConnectionError):
                import traceback

                traceback.print_exc(file=sys.stderr)
            host_.kill_running(worker.ident)
            leave(1)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        for stream in (io.BytesIO(early), source):
            while True:
                frame = wire.read(stream)
                if frame is None:
                    break
                document, tail = frame
                if document["op"] in ("data", "library"):
                    incoming.put((document["op"], document, tail))
                else:
                    requests.put(document)
    finally:
        over.set()
        host_.kill_running(worker.ident)
        incoming.put(("end", {"error": "the connection ended"}, b""))
        requests.put(None)
        worker.join(GRACE)
        host_.kill_running(worker.ident)
        leave(0)


def main(load: Load, early: bytes = b"") -> None:
    """The agent's process: frames on stdin and stdout; whatever else prints goes to stderr."""
    import signal

    source = os.fdopen(os.dup(0), "rb", buffering=1 << 16)
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the controller's to handle: it ends the connection

    def ended(*_: Any) -> None:
        host_.kill_running()
        os._exit(1)

    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGHUP, ended)
    sink.write(MARKER + b"%d.%d\n" % sys.version_info[:2])
    serve(source, sink, load, early=early)
