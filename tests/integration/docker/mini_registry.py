"""A registry in memory, as much of one as an engine needs to push and pull."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of one, for the time of the block."""
    kept: dict[str, tuple[str, bytes]] = {}  # by path: content type, bytes

    class Registry(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            out = b""
            while size := int(self.rfile.readline(), 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out

        def _answer(self, code: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path == "/v2/":
                self._answer(200)
            elif self.path not in kept:
                self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
            else:
                kind, data = kept[self.path]
                self._answer(200, data, Content_Type=kind, Docker_Content_Digest="sha256:" + hashlib.sha256(data).hexdigest())

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self._body()
            self._answer(202, Location=f"{self.path.rstrip('/')}/{len(kept)}{threading.get_ident()}")

        def do_PATCH(self) -> None:
            kept[self.path] = ("", data := self._body())
            self._answer(202, Location=self.path, Range=f"0-{len(data) - 1}")

        def do_PUT(self) -> None:
            where, data = urlsplit(self.path), self._body()
            if "/manifests/" in where.path:
                digest = "sha256:" + hashlib.sha256(data).hexdigest()
                for name in (where.path, f"{where.path.rpartition('/')[0]}/{digest}"):
                    kept[name] = (self.headers.get("Content-Type") or "", data)
            else:
                digest = parse_qs(where.query)["digest"][0]
                data = kept.pop(where.path, ("", b""))[1] + data
                kept[f"{where.path.partition('/uploads/')[0]}/{digest}"] = ("application/octet-stream", data)
            self._answer(201, Docker_Content_Digest=digest)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
