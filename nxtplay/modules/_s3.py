"""S3 and what speaks like it: objects put, got, listed and deleted; requests signed (Signature Version 4); bodies streamed.

The standard library alone: the field's own client is ten times the size of everything else that a host gets.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import os
import ssl
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Args, arg
from nxtplay.core.state import Secret
from nxtplay.core.types import Path

PART = 64 * 1024 * 1024  # bytes of one part of a large upload
ATTEMPTS = 3
EMPTY = hashlib.sha256(b"").hexdigest()


class S3Login(Args):
    """Where the storage is, and who asks."""

    endpoint_url: str | None = arg(None, help="Address of the storage; AWS unless given.", aliases=["s3_url"])
    region: str | None = arg(None, help="Region; AWS_REGION, else us-east-1.", aliases=["aws_region", "ec2_region"])
    access_key: str | None = arg(None, help="Key id; else AWS_ACCESS_KEY_ID.", aliases=["aws_access_key", "aws_access_key_id"])
    secret_key: Secret | None = arg(None, help="Its secret; else AWS_SECRET_ACCESS_KEY.", aliases=["aws_secret_key"])
    session_token: Secret | None = arg(None, help="Token of a temporary key; else AWS_SESSION_TOKEN.", aliases=["aws_session_token"])
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    aws_ca_bundle: Path | None = arg(None, help="File of certificate authorities to trust.")


@dataclass(frozen=True)
class Storage:
    """One bucket. `base` is the endpoint, path-style where it was given."""

    bucket: str
    base: str
    region: str
    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    verify: bool = True
    ca: Optional[str] = None
    path_style: bool = True


@dataclass(frozen=True)
class Stored:
    """An object as the storage tells of it. `etag` is its MD5 where it was put in one piece."""

    size: int
    etag: str
    metadata: Mapping[str, str]
    modified: str = ""

    @property
    def sha256(self) -> str:
        return self.metadata.get("sha256", "")


def storage(login: S3Login, host: Reader, bucket: str) -> Storage:
    """Raises Failed where there are no keys."""
    key = login.access_key or host.environ.get("AWS_ACCESS_KEY_ID")
    secret = login.secret_key or host.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise Failed("S3: no keys; give access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
    region = login.region or host.environ.get("AWS_REGION") or host.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    base = login.endpoint_url or f"https://{bucket}.s3.{region}.amazonaws.com"
    token = login.session_token or host.environ.get("AWS_SESSION_TOKEN") or ""
    return Storage(
        bucket, base.rstrip("/"), region, str(key), str.__str__(secret), str.__str__(token), login.validate_certs,
        login.aws_ca_bundle, bool(login.endpoint_url),
    )  # fmt: skip


# -- objects -------------------------------------------------------------------------------------------------------------


def head(at: Storage, key: str) -> Optional[Stored]:
    """The object, or None."""
    status, headers, _ = request(at, "HEAD", key)
    if status == 404:
        return None
    if status >= 300:
        raise Failed(f"S3 {_name(at, key)}: HTTP {status} ({_meaning(status)})")
    found = {name.lower(): value for name, value in headers}
    metadata = {name[11:]: value for name, value in found.items() if name.startswith("x-amz-meta-")}
    return Stored(int(found.get("content-length", 0)), found.get("etag", "").strip('"'), metadata, found.get("last-modified", ""))


def put(at: Storage, key: str, path: str, metadata: Mapping[str, str], *, part: int = PART, tell: Callable[[str], Any] = print) -> str:
    """Upload a file, in parts where it is large; nothing is there under the key until all of it is. The object's ETag.

    Raises Failed where the storage says that it has something else than what was sent.
    """
    size = os.path.getsize(path)
    headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
    if size <= part:
        md5, sha256 = _hashes(path, 0, size)
        _, found, _ = _must(at, "PUT", key, headers=headers, body=(path, 0, size), sha256=sha256)
        return _same(at, key, _etag(found), md5.hex())
    _, _, said = _must(at, "POST", key, query={"uploads": ""}, headers=headers)
    upload = _text(said, "UploadId")
    try:
        digests: list[bytes] = []
        tags: list[str] = []
        for number, start in enumerate(range(0, size, part), 1):
            length = min(part, size - start)
            md5, sha256 = _hashes(path, start, length)
            query = {"partNumber": str(number), "uploadId": upload}
            _, found, _ = _must(at, "PUT", key, query=query, body=(path, start, length), sha256=sha256)
            tags.append(_same(at, key, _etag(found), md5.hex()))
            digests.append(md5)
            tell(f"{os.path.basename(path)}: {100 * (start + length) // size} %")
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>&quot;{tag}&quot;</ETag></Part>" for n, tag in enumerate(tags, 1))
        document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        _, _, said = _must(at, "POST", key, query={"uploadId": upload}, data=document)
        if b"<Error>" in said:  # a failure that comes with status 200
            raise Failed(f"S3 {_name(at, key)}: {_text(said, 'Message') or 'the upload could not be completed'}")
        return _same(at, key, _text(said, "ETag").strip('"'), f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}")
    except BaseException:
        try:
            request(at, "DELETE", key, query={"uploadId": upload})
        except Failed:
            pass
        raise


def get(at: Storage, key: str, sink: Callable[[bytes], Any]) -> None:
    """Stream an object into `sink`. Failed where it is not there or ends too early."""
    status, _, said = request(at, "GET", key, sink=sink)
    if status >= 300:
        raise _failure(at, key, status, said)


def delete(at: Storage, key: str) -> None:
    _must(at, "DELETE", key)


def listing(at: Storage, prefix: str = "", limit: int = 0) -> dict[str, int]:
    """Size by key of all objects whose keys begin so."""
    found: dict[str, int] = {}
    token = ""
    while True:
        query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
        _, _, said = _must(at, "GET", "", query=query)
        root = ElementTree.fromstring(said)
        for entry in root.iter():
            if entry.tag.rpartition("}")[2] == "Contents":
                fields = {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
                found[fields["Key"]] = int(fields.get("Size") or 0)
        token = _text(said, "NextContinuationToken")
        if not token or (limit and len(found) >= limit):
            return found


# -- requests ------------------------------------------------------------------------------------------------------------


class _Slice:
    """Part of a file, to be read once."""

    def __init__(self, path: str, start: int, length: int) -> None:
        self._stream = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._stream.seek(start)
        self._left = length

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._stream.close()


def _hashes(path: str, start: int, length: int) -> tuple[bytes, str]:
    """(MD5, sha256) of a part of a file."""
    md5, sha256 = hashlib.md5(), hashlib.sha256()
    piece = _Slice(path, start, length)
    try:
        while True:
            data = piece.read(1 << 20)
            if not data:
                return md5.digest(), sha256.hexdigest()
            md5.update(data)
            sha256.update(data)
    finally:
        piece.close()


def _must(at: Storage, method: str, key: str, **options: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """A request that has to succeed; what may pass by itself (a lost connection, 500, 503) is tried again."""
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        try:
            status, headers, said = request(at, method, key, **options)
        except Failed:
            if last:
                raise
        else:
            if status < 300:
                return status, headers, said
            if last or status not in (500, 502, 503, 504):
                raise _failure(at, key, status, said)
        time.sleep(0.3 * 3**attempt)
    raise AssertionError


def request(
    at: Storage, method: str, key: str, *, query: Optional[Mapping[str, str]] = None, headers: Optional[Mapping[str, str]] = None,
    data: bytes = b"", body: Optional[tuple[str, int, int]] = None, sha256: str = "", sink: Optional[Callable[[bytes], Any]] = None,
) -> tuple[int, list[tuple[str, str]], bytes]:  # fmt: skip
    """One signed request: (status, headers, body). `body` is a part of a file (path, start, length) whose hash is `sha256`."""
    parts = urllib.parse.urlsplit(at.base)
    bucket = f"/{_quote(at.bucket)}" if at.path_style else ""
    path = parts.path + bucket + (f"/{_quote(key, safe='/')}" if key or not bucket else "")
    asked = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted((query or {}).items()))
    length = body[2] if body else len(data)
    payload = sha256 or hashlib.sha256(data).hexdigest()
    sent = sign(at, method, parts.netloc, path, asked, {name.lower(): value for name, value in (headers or {}).items()}, payload)
    sent["Content-Length"] = str(length)
    connection = _connection(at, parts)
    piece: Any = _Slice(*body) if body else None
    try:
        connection.request(method, f"{path}?{asked}" if asked else path, piece if piece is not None else data, sent)
        answer = connection.getresponse()
        if sink is not None and answer.status < 300:
            _pour(answer, sink)
            return answer.status, answer.getheaders(), b""
        return answer.status, answer.getheaders(), answer.read()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Failed(f"S3 {_name(at, key)}: the connection to {at.base} failed: {why}") from error
    finally:
        connection.close()
        if piece is not None:
            piece.close()


def _pour(answer: http.client.HTTPResponse, sink: Callable[[bytes], Any]) -> None:
    wanted, got = answer.length, 0
    while True:
        data = answer.read(1 << 18)
        if not data:
            break
        got += len(data)
        sink(data)
    if wanted is not None and got != wanted:
        raise http.client.IncompleteRead(b"", wanted - got)


def _connection(at: Storage, parts: urllib.parse.SplitResult) -> http.client.HTTPConnection:
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=60)
    if parts.scheme != "https" or not parts.netloc:
        raise Failed(f"endpoint_url: '{at.base}' is no http or https address")
    tls = ssl.create_default_context(cafile=at.ca)
    if not at.verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.netloc, timeout=60, context=tls)


def sign(
    at: Storage, method: str, netloc: str, path: str, query: str, headers: Mapping[str, str], payload: str, *, now: str = ""
) -> dict[str, str]:
    """The headers with Authorization, as Signature Version 4 wants it; the path and the query are encoded already. `now` is
    YYYYMMDDTHHMMSSZ."""
    now = now or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "host": netloc, "x-amz-content-sha256": payload, "x-amz-date": now}
    if at.token:
        signed["x-amz-security-token"] = at.token
    names = sorted(signed)
    canonical = "\n".join([method, path or "/", query, *(f"{n}:{signed[n].strip()}" for n in names), "", ";".join(names), payload])
    scope = f"{now[:8]}/{at.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + at.secret).encode()
    for word in (now[:8], at.region, "s3", "aws4_request"):
        secret = hmac.new(secret, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    authorization = f"AWS4-HMAC-SHA256 Credential={at.key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**signed, "Authorization": authorization}


def _quote(text: str, safe: str = "") -> str:
    return urllib.parse.quote(text, safe=safe + "-_.~")


def _etag(headers: Sequence[tuple[str, str]]) -> str:
    return next((value.strip('"') for name, value in headers if name.lower() == "etag"), "")


def _same(at: Storage, key: str, found: str, wanted: str) -> str:
    """The ETag; Failed where it is a hash (encrypted objects have none) of something else than what was sent."""
    head_, _, count = found.partition("-")
    is_hash = len(head_) == 32 and all(c in "0123456789abcdef" for c in head_) and ("-" in wanted) == bool(count)
    if is_hash and found != wanted:
        raise Failed(f"S3 {_name(at, key)}: what arrived is not what was sent (MD5 {found}, expected {wanted})")
    return found


def _text(document: bytes, name: str) -> str:
    try:
        found = next((e for e in ElementTree.fromstring(document).iter() if e.tag.rpartition("}")[2] == name), None)
    except ElementTree.ParseError:
        return ""
    return (found.text or "") if found is not None else ""


def _name(at: Storage, key: str) -> str:
    return f"s3://{at.bucket}/{key}"


def _meaning(status: int) -> str:
    words = {301: "another region", 400: "wrong keys or clock?", 403: "the keys may not do that", 404: "no such bucket or object"}
    return words.get(status, http.client.responses.get(status, "refused"))


def _failure(at: Storage, key: str, status: int, said: bytes) -> Failed:
    code, message = _text(said, "Code"), _text(said, "Message")
    return Failed(f"S3 {_name(at, key)}: HTTP {status}: {f'{code}: {message}' if code else _meaning(status)}", status=status)
