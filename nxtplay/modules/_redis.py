"""One face of a Redis server for the redis modules: where it is, who logs in, what it answers.

The protocol (RESP 2) is a page; the field's client asks for Python 3.10, and takes 100 ms to import.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import Any, Iterator, Optional, Union

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Secret
from nxtplay.core.types import Path
from nxtplay.modules import _inside

Value = Any  # bytes, int, None, a list of such; RedisError inside the answer of a transaction


class RedisError(Exception):
    """The server refused; the first word of its text is the kind (WRONGPASS, NOAUTH, ERR ...)."""

    @property
    def kind(self) -> str:
        return str(self).partition(" ")[0]


class RedisLogin(Args):
    """The arguments every redis module has: which server, who logs in."""

    login_host: str = arg("localhost", help="Server to connect to.")
    login_port: int = arg(6379, help="Port of the server (inside the container, where `container` is given).")
    login_unix_socket: str = arg("", help="Path of the server's Unix socket, instead of host and port.")
    container: str = arg("", help="Name of the Docker container the server runs in; its port need not be published.")
    login_user: str | None = arg(None, help="User of Redis 6's access lists.")
    login_password: Secret | None = arg(None, help="Else REDISCLI_AUTH, else the container's own REDIS_PASSWORD or REDISCLI_AUTH.")
    tls: bool = arg(False, help="Speak TLS.")
    validate_certs: bool = arg(True, help="With TLS: whether the server's certificate must be good.")
    ca_certs: Path | None = arg(None, help="With TLS: file of certificate authorities to trust.")
    client_cert_file: Path | None = arg(None, help="With TLS: client certificate.")
    client_key_file: Path | None = arg(None, help="With TLS: key of the client certificate.")


def server_of(login: RedisLogin) -> str:
    """The server as part of keys."""
    if login.container:
        return f"container/{login.container}:{login.login_port}"
    return login.login_unix_socket or f"{login.login_host}:{login.login_port}"


def where(login: RedisLogin) -> str:
    """The server in words."""
    if login.container:
        return f"container {login.container}"
    return login.login_unix_socket or f"{login.login_host} port {login.login_port}"


class Session:
    """A logged-in connection."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", 1 << 16)

    def call(self, *words: Union[str, bytes, int, float]) -> Value:
        """Send a command, take its answer: bytes, int, None or a list of such. Raises RedisError."""
        parts = [w if isinstance(w, bytes) else str.__str__(w).encode("utf-8") if isinstance(w, str) else str(w).encode() for w in words]
        self._sock.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        answer = self._read()
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def text(self, *words: Union[str, bytes, int, float]) -> str:
        """A command whose answer is text."""
        return text_of(self.call(*words))

    def texts(self, *words: Union[str, bytes, int, float]) -> list[str]:
        """A command whose answer is a list of texts."""
        found = self.call(*words)
        return [text_of(item) for item in found] if isinstance(found, list) else []

    def pairs(self, *words: Union[str, bytes, int, float]) -> dict[str, str]:
        """A command that answers name, value, name, value ... (CONFIG GET)."""
        found = self.texts(*words)
        return dict(zip(found[::2], found[1::2]))

    def info(self, section: str = "") -> dict[str, Any]:
        return parse_info(self.text("INFO", section) if section else self.text("INFO"))

    def close(self) -> None:
        self._stream.close()
        self._sock.close()

    def _read(self) -> Value:
        line: bytes = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise RedisError("CLOSED the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return bytes(rest)
        if kind == b"-":
            return RedisError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            data: bytes = self._stream.read(int(rest) + 2)
            return data[:-2]
        if kind == b"*":
            return None if int(rest) < 0 else [self._read() for _ in range(int(rest))]
        raise RedisError("PROTOCOL this is no Redis server (or it speaks TLS: tls: true)")


def text_of(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else "" if value is None else str(value)


def parse_info(text: str) -> dict[str, Any]:
    """INFO's lines as values: numbers as numbers, `db0:keys=1,expires=0` as a mapping."""
    out: dict[str, Any] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        if name == "module" and "=" in value:
            out.setdefault("modules", []).append({k: _number(v) for k, v in (p.split("=", 1) for p in value.split(",") if "=" in p)})
        elif "," in value and "=" in value:
            out[name] = {k: _number(v) for k, _, v in (part.partition("=") for part in value.split(","))}
        else:
            out[name] = _number(value)
    return out


def _number(text: str) -> Any:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text) if not any(c in text for c in "_naNi") else text
    return text


@contextlib.contextmanager
def session(login: RedisLogin, host: Reader) -> Iterator[Session]:
    """Log in. Raises Failed with what the server said, UnknownReached where a check has only foreseen the server."""
    try:
        with contextlib.closing(_open(login, host)) as found:
            yield found
    except RedisError as error:
        raise Failed(f"Redis at {where(login)}: {error}", error=error.kind) from error
    except OSError as error:
        raise _unreachable(login, host, error) from error


def _open(login: RedisLogin, host: Reader) -> Session:
    password = login.login_password
    if password is None and host.environ.get("REDISCLI_AUTH"):
        password = Secret(host.environ["REDISCLI_AUTH"])
    if login.container:
        place = _inside.find(host, login.container)
        if password is None:
            found = next(filter(None, (_inside.secret_of(host, place, name) for name in ("REDIS_PASSWORD", "REDISCLI_AUTH"))), None)
            password = Secret(found) if found else None
        sock: Any = None if login.login_unix_socket else _inside.connect(place, login.login_port)
        opened = Session(_encrypt(login, sock or _inside.relay(host, place, login.login_port, login.login_unix_socket)))
    else:
        opened = Session(_dial(login))
    try:
        if password is not None:
            _authenticate(opened, login.login_user, password)
        opened.call("PING")
        return opened
    except BaseException:
        opened.close()
        raise


def _authenticate(opened: Session, user: Optional[str], password: Secret) -> None:
    try:
        opened.call("AUTH", *([user] if user else []), password)
    except RedisError as error:
        if "without any password configured" not in str(error) or user:
            raise


def _dial(login: RedisLogin) -> Any:
    if login.login_unix_socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(10)
        sock.connect(os.path.expanduser(login.login_unix_socket))
    else:
        sock = socket.create_connection((login.login_host, login.login_port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _encrypt(login, sock)


def _encrypt(login: RedisLogin, sock: Any) -> Any:
    if login.tls:
        wrapping = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        wrapping.check_hostname = login.validate_certs and not login.container
        wrapping.verify_mode = ssl.CERT_REQUIRED if login.validate_certs else ssl.CERT_NONE
        if login.ca_certs:
            wrapping.load_verify_locations(login.ca_certs)
        elif login.validate_certs:
            wrapping.load_default_certs()
        if login.client_cert_file:
            wrapping.load_cert_chain(login.client_cert_file, login.client_key_file)
        sock = wrapping.wrap_socket(sock, server_hostname=login.login_host)
    sock.settimeout(60)
    return sock


def _unreachable(login: RedisLogin, host: Reader, error: OSError) -> Failed:
    for key in ("container:" + login.container, "service:redis", "package:redis"):
        if key != "container:":
            _inside.unless_foreseen(host, (key,), f"Redis at {where(login)}")
    if isinstance(error, ssl.SSLError):
        return Failed(f"Redis at {where(login)}: TLS failed: {error}")
    why = "it took too long to answer" if isinstance(error, socket.timeout) else (error.strerror or str(error))
    hint = "is it running there? login_host, login_port, login_unix_socket or container say where"
    return Failed(f"cannot reach Redis at {where(login)}: {why} ({hint})")


def foreseen_state(host: Reader, key: str) -> tuple[bool, Any]:
    """(whether a check has foreseen the key, its state). Raises UnknownReached where only that something happens is foreseen."""
    if not host.has_foreseen(key):
        return False, None
    return True, host.foreseen(key)
