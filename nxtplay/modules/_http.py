"""HTTP as uri and get_url need it, over the standard library."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Callable, Mapping, Optional

from nxtplay.core.host import Failed

REDIRECTS = {"all": "all", "safe": "safe", "none": "none", "urllib2": "urllib2", "yes": "all", "true": "all", "no": "none", "false": "none"}


@dataclass(frozen=True)
class Request:
    """One request. `redirects` is all, safe, none or urllib2; `timeout` in seconds."""

    url: str
    method: str = "GET"
    data: Optional[bytes] = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0
    verify: bool = True
    ca_path: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    redirects: str = "safe"
    user: Optional[str] = None
    password: Optional[str] = None
    basic: bool = False
    netrc: bool = False
    unix_socket: Optional[str] = None
    agent: str = "nxtplay"
    proxy: bool = True
    environ: Mapping[str, str] = field(default_factory=dict)
    ciphers: tuple[str, ...] = ()
    decompress: bool = True
    unredirected: tuple[str, ...] = ()  # headers for the first address alone


@dataclass(frozen=True)
class Answer:
    """What came back; `status` is -1 never: a server that does not answer raises Failed."""

    url: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    elapsed: float
    redirected: bool

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


def redirects(value: Any) -> str:
    text = str(value).lower()
    if text not in REDIRECTS:
        raise Failed(f"follow_redirects cannot be '{value}'; legal are all, safe, none, urllib2")
    return REDIRECTS[text]


def send(request: Request, *, into: Optional[Callable[[bytes], Any]] = None) -> Answer:
    """Make the request. With `into`, a 200 answer's body goes there in pieces instead of into memory. Failed where nobody answers."""
    import urllib.error
    import urllib.request

    if not request.url.lower().startswith(("http://", "https://", "ftp://", "file://")):
        raise Failed(f"'{request.url}' is no http or https address")
    request = _apart(request)
    began = time.monotonic()
    try:
        wire = urllib.request.Request(request.url, data=request.data, method=request.method, headers=_headers(request))
        try:
            response = _opener(request).open(wire, timeout=request.timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            body = b""
            headers = tuple((str(k), str(v)) for k, v in (response.headers or {}).items())
            status = int(getattr(response, "status", None) or getattr(response, "code", None) or 200)
            if into is not None and status < 300:
                _pour(response, into, _unpacker(headers, request))
            else:
                read = response.read()
                body = _plain(read if isinstance(read, bytes) else b"", headers, request)  # text where a login failed too often
            reason = str(getattr(response, "reason", "") or "OK")
            url = response.geturl() or request.url
            return Answer(url, status, reason, headers, body, time.monotonic() - began, url != request.url)
    except (OSError, ValueError) as error:  # URLError, timeouts and TLS errors are OSErrors; http.client's are not
        raise Failed(_told(request, error), status=-1, url=request.url, elapsed=int(time.monotonic() - began)) from None
    except Exception as error:
        import http.client
        import zlib

        if isinstance(error, (http.client.HTTPException, zlib.error)):
            raise Failed(_told(request, error), status=-1, url=request.url, elapsed=int(time.monotonic() - began)) from None
        raise


def _apart(request: Request) -> Request:
    """The request with the user and the password that stand in its address taken out of it; arguments go before them."""
    import urllib.parse

    parts = urllib.parse.urlsplit(request.url)
    who, at, where = parts.netloc.rpartition("@")
    if not at or not parts.scheme.lower().startswith("http"):
        return _of_netrc(request, parts.hostname or "")
    user, _, password = (urllib.parse.unquote(word) for word in who.partition(":"))
    bare = dataclasses.replace(request, url=urllib.parse.urlunsplit(parts._replace(netloc=where)))
    return bare if request.user is not None else dataclasses.replace(bare, user=user, password=password)


def _of_netrc(request: Request, host: str) -> Request:
    """With the login that a netrc file has for the host, where the request has none."""
    if not request.netrc or request.user is not None or request.unix_socket:
        return request
    import netrc

    home = request.environ.get("HOME") or os.path.expanduser("~")
    try:
        login = netrc.netrc(request.environ.get("NETRC") or os.path.join(home, ".netrc")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return request
    return request if login is None else dataclasses.replace(request, user=login[0], password=login[2], basic=True)


def _pour(response: Any, into: Callable[[bytes], Any], unpacker: Any) -> None:
    """The whole body, unpacked. Raises IncompleteRead where less came than was announced, which reading in pieces passes over."""
    while True:
        chunk = response.read(1 << 18)
        if not chunk:
            break
        into(unpacker.decompress(chunk) if unpacker else chunk)
    if unpacker:
        into(unpacker.flush())
    lacking = getattr(response, "length", None)
    if lacking:
        import http.client

        raise http.client.IncompleteRead(b"", lacking)


def _unpacker(headers: tuple[tuple[str, str], ...], request: Request) -> Any:
    """What undoes the compression of the transfer; None where there is none to undo."""
    encoding = next((value for key, value in headers if key.lower() == "content-encoding"), "")
    if not (request.decompress and encoding.lower() == "gzip"):
        return None
    import zlib

    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _plain(body: bytes, headers: tuple[tuple[str, str], ...], request: Request) -> bytes:
    unpacker = _unpacker(headers, request)
    if unpacker is None:
        return body
    import zlib

    try:
        return unpacker.decompress(body) + unpacker.flush()  # type: ignore[no-any-return]
    except zlib.error:
        return body


def _told(request: Request, error: BaseException) -> str:
    cause = getattr(error, "reason", error)
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    if type(cause).__name__ == "IncompleteRead":
        return f"Incomplete read: {request.url} sent less than it had announced: {text}"
    where = f"{request.url} (socket {request.unix_socket})" if request.unix_socket else request.url
    return f"no answer from {where}: {text}"


def _headers(request: Request) -> dict[str, str]:
    import base64

    out = {"User-Agent": request.agent, **dict(request.headers)}
    if request.decompress:
        out.setdefault("Accept-Encoding", "gzip")
    if request.basic and request.user is not None:
        token = base64.b64encode(f"{request.user}:{request.password or ''}".encode()).decode("ascii")
        out["Authorization"] = f"Basic {token}"
    return out


def _opener(request: Request) -> Any:
    import urllib.request

    handlers: list[Any] = [_redirecting(request.redirects, frozenset(name.lower() for name in request.unredirected))]
    if request.unix_socket:
        handlers.append(_unix(os.path.expanduser(request.unix_socket)))
        handlers.append(urllib.request.ProxyHandler({}))
    elif not request.proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    else:
        handlers.append(_proxies(request))
    if request.url.lower().startswith("https"):
        handlers.append(urllib.request.HTTPSHandler(context=_tls(request)))
    if request.user is not None and not request.basic:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, request.url, request.user, request.password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(passwords), urllib.request.HTTPDigestAuthHandler(passwords)]
    return urllib.request.build_opener(*handlers)


def _proxies(request: Request) -> Any:
    """The proxies of the task's environment; hosts in no_proxy are asked directly."""
    import urllib.parse
    import urllib.request

    environ = {name.lower(): value for name, value in request.environ.items()}
    found = {scheme: environ[f"{scheme}_proxy"] for scheme in ("http", "https") if environ.get(f"{scheme}_proxy")}
    host = urllib.parse.urlsplit(request.url).hostname or ""
    bypass = [part.strip().lstrip(".") for part in environ.get("no_proxy", "").split(",") if part.strip()]
    local = host in ("localhost", "127.0.0.1", "::1")
    if local or "*" in bypass or any(host == part or host.endswith("." + part) for part in bypass):
        found = {}
    return urllib.request.ProxyHandler(found)


def _tls(request: Request) -> Any:
    import ssl

    if request.ca_path and not os.path.exists(request.ca_path):
        raise Failed(f"ca_path: no {request.ca_path} on this host")
    directory = bool(request.ca_path) and os.path.isdir(request.ca_path or "")
    where: dict[str, Any] = {"capath" if directory else "cafile": request.ca_path} if request.ca_path else {}
    made = ssl.create_default_context(**where)
    if not request.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if request.ciphers:
        made.set_ciphers(":".join(request.ciphers))
    if request.client_cert:
        made.load_cert_chain(request.client_cert, request.client_key)
    return made


def _redirecting(policy: str, unredirected: AbstractSet[str]) -> Any:
    import urllib.request

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            method = req.get_method()
            if policy == "none" or (policy == "safe" and method not in ("GET", "HEAD")):
                return None
            if unredirected:
                req.headers = {name: value for name, value in req.headers.items() if name.lower() not in unredirected}
            if policy == "urllib2":
                return super().redirect_request(req, fp, code, msg, headers, newurl)
            keep = code in (307, 308) or method in ("GET", "HEAD")
            kept = {k: v for k, v in req.headers.items() if keep or k.lower() not in ("content-length", "content-type")}
            target = newurl.replace(" ", "%20")
            return urllib.request.Request(
                target, data=req.data if keep else None, method=method if keep else "GET", headers=kept, unverifiable=True
            )

        http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302

    return Redirects()


def _unix(path: str) -> Any:
    import http.client
    import socket
    import urllib.request

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(path)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: Any) -> Any:
            return self.do_open(Connection, req)

    return Handler()


# -- bodies and results ----------------------------------------------------------------------------------------------


def body_of(source: Optional[bytes], body: Any, form: str) -> tuple[Optional[bytes], str]:
    """The bytes to send and their content type ("" when the caller's headers decide)."""
    if source is not None:
        return source, ""
    if body is None:
        return None, ""
    if form == "json":
        import json

        return (body if isinstance(body, str) else json.dumps(body)).encode(), "application/json"
    if form == "form-urlencoded":
        import urllib.parse

        try:
            pairs = body if isinstance(body, (str, Mapping)) else [(key, value) for key, value in body]
            text = pairs if isinstance(pairs, str) else urllib.parse.urlencode(pairs, doseq=True)
        except (TypeError, ValueError) as error:
            raise Failed(f"failed to parse body as form_urlencoded: {error}; a mapping or a list of pairs is wanted") from None
        return text.encode(), "application/x-www-form-urlencoded"
    if form == "form-multipart":
        return _multipart(body)
    return (body if isinstance(body, str) else str(body)).encode("utf-8", "surrogateescape"), ""


def _multipart(body: Any) -> tuple[bytes, str]:
    import mimetypes
    import uuid

    if not isinstance(body, Mapping):
        raise Failed("body takes a mapping with body_format: form-multipart")
    boundary = uuid.uuid4().hex
    out: list[bytes] = []
    for name, value in body.items():
        part = value if isinstance(value, Mapping) else {"content": value}
        filename = part.get("filename")
        content = part.get("content")
        data = content if isinstance(content, bytes) else str(content).encode("utf-8", "surrogateescape")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if filename:
            kind = part.get("mime_type") or mimetypes.guess_type(str(filename))[0] or "application/octet-stream"
            head += f'; filename="{os.path.basename(str(filename))}"\r\nContent-Type: {kind}'
        out.append(head.encode() + b"\r\n\r\n" + data + b"\r\n")
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out), f"multipart/form-data; boundary={boundary}"


def result_of(answer: Answer, *, content: bool) -> dict[str, Any]:
    """Status, the headers as names with underscores, json where the answer is JSON, content where it is asked for."""
    out: dict[str, Any] = {}
    cookies: dict[str, str] = {}
    for name, value in answer.headers:
        key = name.lower().replace("-", "_")
        out[key] = f"{out[key]}, {value}" if key in out else value
        if key == "set_cookie":
            cookie, _, rest = value.partition("=")
            cookies[cookie.strip()] = rest.split(";")[0]
    out.update(
        status=answer.status,
        url=answer.url,
        redirected=answer.redirected,
        elapsed=int(answer.elapsed),
        msg=f"{answer.reason} ({out.get('content_length', len(answer.body))} bytes)",
        cookies=cookies,
        cookies_string="; ".join(f"{k}={v}" for k, v in cookies.items()),
    )
    if "location" in out:
        from urllib.parse import urljoin

        out["location"] = urljoin(answer.url, out["location"])
    kind = answer.header("content-type")
    text = answer.body.decode(_charset(kind), "replace")
    if "json" in kind.split(";")[0] and answer.body:
        import json

        try:
            out["json"] = json.loads(text)
        except ValueError:
            pass
    if content:
        out["content"] = text
    return out


def _charset(kind: str) -> str:
    import codecs

    name = kind.partition("charset=")[2].split(";")[0].strip().strip('"') or "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def file_name(url: str, disposition: str = "") -> str:
    """What a download is called: as the server says, else the last part of the address."""
    import re
    import urllib.parse

    given = re.search(r'filename="?([^";]+)"?', disposition)
    name = os.path.basename(given.group(1)) if given else os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
    return name or "index.html"
