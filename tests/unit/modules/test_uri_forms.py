"""Files in a form come from the controller, or with remote_src from the host."""

from __future__ import annotations

import email
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nxtplay.core import wire
from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Failed, Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.engine.finder import Controller
from nxtplay.modules.uri import Uri


class _Keeps(http.server.BaseHTTPRequestHandler):
    forms: ClassVar[list[dict[str, tuple[str | None, str, bytes]]]] = []

    def do_POST(self) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\n\n".encode()
        parts = email.message_from_bytes(head + self.rfile.read(int(self.headers["Content-Length"]))).get_payload()
        named = {str(part.get_param("name", header="content-disposition")): part for part in parts}  # type: ignore[union-attr]
        self.forms.append({n: (part.get_filename(), part.get_content_type(), part.get_payload(decode=True)) for n, part in named.items()})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Keeps)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def post(url: str, here: Path, body: dict[str, Any], **more: Any) -> Outcome:
    controller = Controller("host", True, str(here), [str(here)], lambda *_: None, lambda _: None)
    args = Uri.prepare({"url": url, "method": "POST", "body_format": "form-multipart", "body": body, **more}, controller)
    sent = wire.decode(wire.encode(args), fetch=lambda blob: iter([Path(blob.path).read_bytes()]))
    permit = Host(World())
    return converge(decode(Uri, sent), permit, World(), permit)


def test_where_files_come_from(url: str, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.txt").write_bytes(b"of the controller")
    (tmp_path / "b.bin").write_bytes(b"of the host\xff")
    body = {"word": "x", "file": {"filename": "a.txt"}, "both": {"filename": "c.html", "content": "said", "mime_type": "text/html"}}
    assert post(url, tmp_path, body).status == "ok"
    assert post(url, tmp_path, {"file": {"filename": str(tmp_path / "b.bin")}}, remote_src=True).status == "ok"
    assert _Keeps.forms[-2:] == [
        {
            "word": (None, "text/plain", b"x"),
            "file": ("a.txt", "text/plain", b"of the controller"),
            "both": ("c.html", "text/html", b"said"),
        },
        {"file": ("b.bin", "application/octet-stream", b"of the host\xff")},
    ]


def test_files_that_are_not_there(url: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="could not find 'none'"):
        post(url, tmp_path, {"file": {"filename": "none"}})
    with pytest.raises(Failed, match="is a directory"):
        post(url, tmp_path, {"file": {"filename": str(tmp_path)}})
    done = post(url, tmp_path, {"file": {"filename": f"{tmp_path}/none"}}, remote_src=True)
    assert done.status == "failed" and "none" in done.reason
