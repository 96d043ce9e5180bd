"""PostgreSQL's frontend/backend protocol 3.0, its simple-query half: log in, run SQL, move COPY data.

Ours, because a host may have Python 3.9 and nothing else: the pure-Python drivers of today ask for 3.10 or 3.11, take 70 ms to import,
and hide the command tags (`CREATE TABLE`, `INSERT 0 1`) that `changed` is read from.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence

from nxtplay.modules import _postgres_scram as scram

Source = Iterable[bytes]
Sink = Callable[[bytes], Any]
_NONE: Mapping[str, str] = MappingProxyType({})


class PgError(Exception):
    """The server refused: `code` is its SQLSTATE ("42P01"), `fields` all it said by one-letter name. Code "" is a broken conversation."""

    def __init__(self, message: str, fields: Optional[Mapping[str, str]] = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})
        self.code = self.fields.get("C", "")

    def __str__(self) -> str:
        extra = [self.fields[name] for name in ("D", "H") if self.fields.get(name)]
        return " ".join([super().__str__(), *(f"({text})" for text in extra)])


@dataclass(frozen=True)
class Answer:
    """What one statement brought. Rows hold text as the server wrote it, None for NULL; columns are (name, type oid)."""

    tag: str
    columns: tuple[tuple[str, int], ...] = ()
    rows: Sequence[tuple[Optional[str], ...]] = ()

    @property
    def count(self) -> int:
        """Rows brought or touched; 0 where the statement has none to count."""
        last = self.tag.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0


class Connection:
    """A logged-in session over a socket (or anything that has sendall, makefile and close)."""

    def __init__(
        self, sock: Any, user: str, database: str, *, password: Optional[Callable[[], str]] = None, options: Mapping[str, str] = _NONE
    ) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", 1 << 16)
        self.parameters: dict[str, str] = {}  # server_version, standard_conforming_strings ...
        self.notices: list[str] = []
        self.transaction = "I"  # I idle, T in a transaction, E in a failed one
        words = {"user": user, "database": database, "client_encoding": "UTF8", "DateStyle": "ISO", **options}
        body = b"".join(_cstring(name) + _cstring(value) for name, value in words.items()) + b"\0"
        self._raw(struct.pack(">II", len(body) + 8, 196608) + body)
        self._log_in(user, password)

    # -- doors

    def run(self, sql: str, *, source: Optional[Source] = None, sink: Optional[Sink] = None) -> list[Answer]:
        """Run a text of one or more statements (several are one transaction). COPY reads from `source` and writes to `sink`."""
        if "\0" in sql:
            raise PgError("a NUL character cannot be part of SQL")
        self._send(b"Q", _cstring(sql))
        answers: list[Answer] = []
        columns: tuple[tuple[str, int], ...] = ()
        rows: list[tuple[Optional[str], ...]] = []
        error: Optional[PgError] = None
        while True:
            try:
                kind, body = self._receive()
            except PgError:
                if error:  # it said why before it hung up
                    raise error from None
                raise
            if kind == b"T":
                columns, rows = _columns(body), []
            elif kind == b"D":
                rows.append(_row(body))
            elif kind == b"C":
                answers.append(Answer(body[:-1].decode("utf-8"), columns, rows))
                columns, rows = (), []
            elif kind == b"E":
                error = error or _error(body)
            elif kind == b"G":
                self._copy_in(source)
            elif kind == b"d" and sink is not None:
                sink(body)
            elif kind == b"Z":
                self.transaction = body.decode("ascii")
                if error:
                    raise error
                return answers

    def close(self) -> None:
        try:
            self._send(b"X", b"")
        except (OSError, PgError):
            pass
        self._stream.close()
        self._sock.close()

    # -- login

    def _log_in(self, user: str, password: Optional[Callable[[], str]]) -> None:
        exchange: Optional[scram.Exchange] = None
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise _error(body)
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            asked = struct.unpack(">I", body[:4])[0]
            if asked in (3, 5, 10) and password is None:
                raise PgError(f"the server asks for a password of {user}", {"C": "28P01", "H": "give login_password"})
            if asked == 3:
                self._send(b"p", _cstring(password()))  # type: ignore[misc]
            elif asked == 5:
                inner = scram.md5(password(), user)[3:]  # type: ignore[misc]
                self._send(b"p", _cstring("md5" + _md5_hex(inner.encode("ascii") + body[4:8])))
            elif asked == 10:
                offered = body[4:].rstrip(b"\0").split(b"\0")
                if b"SCRAM-SHA-256" not in offered:
                    raise PgError(f"the server wants a login of kind {b', '.join(offered).decode()}; SCRAM-SHA-256 is what we speak")
                exchange = scram.Exchange(password())  # type: ignore[misc]
                first = exchange.first()
                self._send(b"p", _cstring("SCRAM-SHA-256") + struct.pack(">I", len(first)) + first)
            elif asked == 11 and exchange:
                self._send(b"p", exchange.final(body[4:]))
            elif asked == 12 and exchange:
                try:
                    exchange.verify(body[4:])
                except ValueError as error:
                    raise PgError(str(error)) from error
            elif asked != 0:
                raise PgError(f"the server wants authentication method {asked} (GSS, SSPI ...), which we do not speak")

    # -- frames

    def _copy_in(self, source: Optional[Source]) -> None:
        if source is None:
            self._send(b"f", _cstring("no data was given for COPY FROM STDIN"))
            return
        try:
            for chunk in source:
                self._send(b"d", chunk)
        except OSError:
            raise
        except Exception as error:
            self._send(b"f", _cstring(f"the source of the data failed: {error}"))
            return
        self._send(b"c", b"")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._raw(kind + struct.pack(">I", len(body) + 4) + body)

    def _raw(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self) -> tuple[bytes, bytes]:
        while True:
            try:
                head = self._stream.read(5)
                body = self._stream.read(struct.unpack(">I", head[1:])[0] - 4) if len(head) == 5 else b""
            except (OSError, ValueError) as error:
                raise self._lost(error) from error
            if len(head) < 5:
                raise self._lost(None)
            kind = head[:1]
            if kind == b"S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode("utf-8", "replace")
            elif kind == b"N":
                self.notices.append(_fields(body).get("M", ""))
            elif kind != b"A":
                return kind, body

    def _lost(self, error: Optional[Exception]) -> PgError:
        why = f": {error}" if error else ""
        return PgError(f"the server closed the connection{why}", {"C": "08006"})


def secure(sock: socket.socket, host: str, mode: str, settings: Mapping[str, Optional[str]]) -> socket.socket:
    """Ask for TLS as libpq's sslmode says; `settings` may hold ca, cert, key (paths).

    Raises PgError where it is a must and not to be had.
    """
    sock.sendall(struct.pack(">II", 8, 80877103))
    answer = sock.recv(1)
    if answer != b"S":
        if mode in ("allow", "prefer"):
            return sock
        raise PgError(f"ssl_mode={mode}, but the server does not offer TLS")
    wrapping = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    by_address = mode == "verify-full" and _is_address(host)
    wrapping.check_hostname = mode == "verify-full" and not by_address
    wrapping.verify_mode = ssl.CERT_REQUIRED if mode in ("verify-ca", "verify-full") else ssl.CERT_NONE
    if settings.get("ca"):
        wrapping.load_verify_locations(settings["ca"])
        if mode == "require":  # libpq: a root certificate makes `require` verify the chain
            wrapping.verify_mode = ssl.CERT_REQUIRED
    elif wrapping.verify_mode == ssl.CERT_REQUIRED:
        wrapping.load_default_certs()
    if settings.get("cert"):
        wrapping.load_cert_chain(settings["cert"] or "", settings.get("key"))
    secured = wrapping.wrap_socket(sock, server_hostname=host)
    if by_address and not _is_for(secured.getpeercert() or {}, ipaddress.ip_address(host)):
        raise ssl.SSLCertVerificationError(f"the server's certificate is not for {host}")
    return secured


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_for(certificate: Mapping[str, Any], address: Any) -> bool:
    """As libpq: the certificate's addresses count; where it has no alternative names at all, so does its common name."""
    names = certificate.get("subjectAltName")
    if not names:
        names = [pair for part in certificate.get("subject", ()) for pair in part if pair[0] == "commonName"]
    return any(
        kind in ("IP Address", "commonName") and _is_address(name.strip()) and ipaddress.ip_address(name.strip()) == address
        for kind, name in names
    )


def _cstring(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def _md5_hex(data: bytes) -> str:
    import hashlib

    return hashlib.md5(data).hexdigest()


def _fields(body: bytes) -> dict[str, str]:
    parts = [part for part in body.split(b"\0") if part]
    return {part[:1].decode("ascii"): part[1:].decode("utf-8", "replace") for part in parts}


def _error(body: bytes) -> PgError:
    fields = _fields(body)
    return PgError(fields.get("M", "the server failed without saying why"), fields)


def _columns(body: bytes) -> tuple[tuple[str, int], ...]:
    count, at, out = struct.unpack(">H", body[:2])[0], 2, []
    for _ in range(count):
        end = body.index(b"\0", at)
        out.append((body[at:end].decode("utf-8", "replace"), struct.unpack(">I", body[end + 7 : end + 11])[0]))
        at = end + 19
    return tuple(out)


def _row(body: bytes) -> tuple[Optional[str], ...]:
    count, at = struct.unpack(">H", body[:2])[0], 2
    out: list[Optional[str]] = []
    for _ in range(count):
        size = struct.unpack(">i", body[at : at + 4])[0]
        at += 4
        if size < 0:
            out.append(None)
        else:
            out.append(body[at : at + size].decode("utf-8", "surrogateescape"))
            at += size
    return tuple(out)
