"""What the backup modules talk to: a mail server, a webhook, S3 storage that may break, a server that takes files by SFTP."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry


def run(module: str, **args: Any) -> Outcome:
    host = Host(World())
    return converge(decode(registry.load(module), args), host, World(), host)


def check(module: str, **args: Any) -> Outcome:
    world = World()
    return converge(decode(registry.load(module), args), Reader(world), world, None)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# -- webhooks ------------------------------------------------------------------------------------------------------------


@dataclass
class Webhook:
    """What was posted: (path, body)."""

    url: str
    posts: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(body) for where, body in self.posts if where == path]


@contextlib.contextmanager
def webhook() -> Iterator[Webhook]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            found.posts.append((self.path, self.rfile.read(length).decode()))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(b"ok" if found.status == 200 else b"no_service")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Webhook(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


# -- mail ----------------------------------------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """What arrived. `ca` is the certificate to trust."""

    port: int
    ca: str
    messages: list[Any] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


def certificate(folder: Path) -> tuple[str, str]:
    """(certificate, key) for 127.0.0.1, its own authority."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=t",
    ]
    subprocess.run([*words, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def mailbox(folder: Path, *, tls: str = "starttls", login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """An SMTP server; `tls` is starttls (offered), always (from the first byte) or none."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    cert, key = certificate(folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(cert, key)

    class Handler:
        async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
            if address.startswith("nobody@"):
                return "550 no such person"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            import email
            import email.policy

            found.messages.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
            found.encrypted.append(session.ssl is not None or tls == "always")
            return "250 OK"

    def judge(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        return AuthResult(success=login is not None and (data.login.decode(), data.password.decode()) == login, handled=False)

    options: dict[str, Any] = {"tls_context": made} if tls == "starttls" else {"ssl_context": made} if tls == "always" else {}
    if login:
        options.update(authenticator=judge, auth_required=True, auth_require_tls=tls == "starttls")
    controller = Controller(Handler(), hostname="127.0.0.1", port=free_port(), ready_timeout=30, **options)
    found = Mailbox(controller.port, cert)
    controller.start()
    yield found
    controller.stop()


# -- S3 ------------------------------------------------------------------------------------------------------------------


@dataclass
class Storage:
    """S3 storage, reached through a relay; the relay breaks each connection after `limit` bytes where that is set."""

    direct: str
    port: int
    limit: int | None = None

    @property
    def login(self) -> dict[str, Any]:
        return {"endpoint_url": f"http://127.0.0.1:{self.port}", "access_key": "test", "secret_key": "testing-secret"}

    def request(self, method: str, path: str, data: bytes | None = None) -> bytes:
        import urllib.request

        with urllib.request.urlopen(urllib.request.Request(self.direct + path, data, method=method), timeout=20) as answer:
            found: bytes = answer.read()
            return found


@contextlib.contextmanager
def storage(bucket: str = "backups") -> Iterator[Storage]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    listening = socket.create_server(("127.0.0.1", 0))
    found = Storage(f"http://{host}:{port}", listening.getsockname()[1])
    threading.Thread(target=_relay, args=(listening, (host, port), found), daemon=True).start()
    found.request("POST", "/moto-api/reset")
    found.request("PUT", f"/{bucket}")
    yield found
    listening.close()
    server.stop()


def _relay(listening: socket.socket, target: tuple[str, int], settings: Storage) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        behind = socket.create_connection(target)
        for source, sink, counted in ((client, behind, True), (behind, client, False)):
            threading.Thread(target=_pump, args=(source, sink, settings, counted), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, settings: Storage, counted: bool) -> None:
    passed = 0
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(1 << 16)
            passed += len(data)
            if not data or (counted and settings.limit is not None and passed > settings.limit):
                break
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
