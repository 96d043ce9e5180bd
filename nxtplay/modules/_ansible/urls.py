"""`ansible.module_utils.urls`, as far as modules that speak to an HTTP interface use it. It stands alone on the host."""

from __future__ import annotations

import base64
import gzip
import http.client
import http.cookiejar
import netrc
import os
import shutil
import socket
import ssl
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Mapping, Optional

HAS_GSSAPI = False
ConnectionError = OSError  # the name that modules catch


class SSLValidationError(OSError):
    """The server's certificate is not to be trusted."""


class NoSSLError(SSLValidationError):
    """Never raised: every Python has it."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows as asked: `urllib2` and `safe` GET and HEAD alone, `all`, `none`."""

    def __init__(self, follow: str) -> None:
        self._follow = follow

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        method = req.get_method()
        if self._follow in ("none", "no", "False") or (self._follow in ("safe", "urllib2") and method not in ("GET", "HEAD", "POST")):
            raise urllib.error.HTTPError(newurl, code, msg, headers, fp)
        if self._follow in ("all", "yes", "True") and code in (307, 308):
            return urllib.request.Request(newurl, req.data, dict(req.headers), method=method)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Local(urllib.request.AbstractHTTPHandler):
    """Reaches every server by one Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, req: Any) -> Any:
        path = self._path

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(self.timeout)
                self.sock.connect(path)

        return self.do_open(Connection, req)


def basic_auth_header(username: str, password: str) -> bytes:
    """The value of the header Authorization."""
    return b"Basic " + base64.b64encode(f"{username or ''}:{password or ''}".encode())


def url_argument_spec() -> dict[str, Any]:
    """The arguments that modules of this kind have in common."""
    return {
        "url": {"type": "str"},
        "force": {"type": "bool", "default": False},
        "http_agent": {"type": "str", "default": "ansible-httpget"},
        "use_proxy": {"type": "bool", "default": True},
        "validate_certs": {"type": "bool", "default": True},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        "force_basic_auth": {"type": "bool", "default": False},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "use_gssapi": {"type": "bool", "default": False},
    }


def open_url(
    url: str,
    data: Any = None,
    headers: Optional[Mapping[str, Any]] = None,
    method: Optional[str] = None,
    use_proxy: bool = True,
    force: bool = False,
    last_mod_time: Any = None,
    timeout: float = 10,
    validate_certs: bool = True,
    url_username: Optional[str] = None,
    url_password: Optional[str] = None,
    http_agent: Optional[str] = None,
    force_basic_auth: bool = False,
    follow_redirects: Any = "urllib2",
    client_cert: Optional[str] = None,
    client_key: Optional[str] = None,
    cookies: Any = None,
    unix_socket: Optional[str] = None,
    ca_path: Optional[str] = None,
    use_netrc: bool = True,
    **_: Any,
) -> Any:
    """The server's answer, as urllib has it. Raises urllib.error.HTTPError and URLError."""
    parts = urllib.parse.urlsplit(url)
    if parts.username and not url_username:
        url_username, url_password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    given = {str(name): value.decode() if isinstance(value, bytes) else str(value) for name, value in (headers or {}).items()}
    sent = {"User-Agent": http_agent or "ansible-httpget", **({"Cache-Control": "no-cache"} if force else {})}
    if last_mod_time and not force:
        sent["If-Modified-Since"] = last_mod_time.strftime("%a, %d %b %Y %H:%M:%S GMT")
    context = _tls(validate_certs, ca_path, client_cert, client_key)
    handlers: list[Any] = [_Redirects(str(follow_redirects)), urllib.request.HTTPSHandler(context=context)]
    if url_username and not force_basic_auth:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, url_username, url_password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    elif url_username:
        sent["Authorization"] = basic_auth_header(url_username, url_password or "").decode()
    elif use_netrc and "authorization" not in map(str.lower, given):
        sent.update(_of_netrc(parts.hostname or ""))
    if not use_proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    if unix_socket:
        handlers.append(_Local(unix_socket))
    if cookies is not None:
        handlers.append(urllib.request.HTTPCookieProcessor(cookies))
    body = data.encode() if isinstance(data, str) else data
    request = urllib.request.Request(url, body, {**sent, **given}, method=method.upper() if method else None)
    return urllib.request.build_opener(*handlers).open(request, timeout=timeout)


class Request:
    """Requests that have these settings in common, and the cookies that came."""

    def __init__(self, headers: Optional[Mapping[str, Any]] = None, **settings: Any) -> None:
        self.headers = dict(headers or {})
        self.cookies = settings.pop("cookies", None)
        if self.cookies is None:
            self.cookies = http.cookiejar.CookieJar()
        self._settings = settings

    def open(self, method: str, url: str, data: Any = None, headers: Optional[Mapping[str, Any]] = None, **settings: Any) -> Any:
        """As `open_url`."""
        given = {**self._settings, **{name: value for name, value in settings.items() if value is not None}}
        return open_url(url, data, {**self.headers, **(headers or {})}, method, **{"cookies": self.cookies, **given})

    def get(self, url: str, **settings: Any) -> Any:
        return self.open("GET", url, **settings)

    def options(self, url: str, **settings: Any) -> Any:
        return self.open("OPTIONS", url, **settings)

    def head(self, url: str, **settings: Any) -> Any:
        return self.open("HEAD", url, **settings)

    def post(self, url: str, data: Any = None, **settings: Any) -> Any:
        return self.open("POST", url, data=data, **settings)

    def put(self, url: str, data: Any = None, **settings: Any) -> Any:
        return self.open("PUT", url, data=data, **settings)

    def patch(self, url: str, data: Any = None, **settings: Any) -> Any:
        return self.open("PATCH", url, data=data, **settings)

    def delete(self, url: str, **settings: Any) -> Any:
        return self.open("DELETE", url, **settings)


class ParseResultDottedDict(dict):  # type: ignore[type-arg]
    """The parts of an address by key and by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def as_list(self) -> list[Any]:
        return [self.get(name) for name in ("scheme", "netloc", "path", "params", "query", "fragment")]


def generic_urlparse(parts: Any) -> ParseResultDottedDict:
    """What urlparse gives, as a mapping whose entries can be replaced."""
    names = ("scheme", "netloc", "path", "params", "query", "fragment", "username", "password", "hostname", "port")
    return ParseResultDottedDict((name, getattr(parts, name)) for name in names)


def fetch_file(
    module: Any,
    url: str,
    data: Any = None,
    headers: Optional[Mapping[str, Any]] = None,
    method: Optional[str] = None,
    use_proxy: bool = True,
    force: bool = False,
    last_mod_time: Any = None,
    timeout: float = 10,
    **more: Any,
) -> str:
    """The path of a temporary file with what came; the module fails where nothing did."""
    name, ending = os.path.splitext(str(urllib.parse.urlsplit(url).path.rpartition("/")[2]))
    answer, info = fetch_url(module, url, data, headers, method, use_proxy, force, last_mod_time, timeout, **more)
    if not answer or info["status"] >= 400:
        module.fail_json(msg=f"Failure downloading {url}, {info['msg']}")
    with tempfile.NamedTemporaryFile(dir=module.tmpdir, prefix=name, suffix=ending, delete=False) as stream:
        shutil.copyfileobj(answer, stream)
    return stream.name


def fetch_url(
    module: Any,
    url: str,
    data: Any = None,
    headers: Optional[Mapping[str, Any]] = None,
    method: Optional[str] = None,
    use_proxy: Optional[bool] = None,
    force: bool = False,
    last_mod_time: Any = None,
    timeout: float = 10,
    cookies: Any = None,
    **more: Any,
) -> tuple[Any, dict[str, Any]]:
    """The answer (None where none came) and what is told of it: status (-1: none came), msg, url, body of an error, the headers."""
    params = module.params
    info: dict[str, Any] = {"url": url, "status": -1}
    jar = http.cookiejar.CookieJar() if cookies is None else cookies
    named = "url_username url_password http_agent client_cert client_key".split()
    given = {name: params.get(name) for name in named}
    given |= {"validate_certs": params.get("validate_certs", True), "force_basic_auth": params.get("force_basic_auth", False)}
    given |= {"follow_redirects": params.get("follow_redirects", "urllib2"), "use_proxy": params.get("use_proxy", True)}
    given |= {} if use_proxy is None else {"use_proxy": use_proxy}
    answer: Any = None
    try:
        answer = open_url(
            url, data, headers, method, force=force, last_mod_time=last_mod_time, timeout=timeout, cookies=jar, **{**given, **more}
        )
        info.update({name.lower(): value for name, value in answer.headers.items()})
        size = answer.headers.get("Content-Length", "unknown")
        info.update(msg=f"OK ({size} bytes)", url=answer.geturl(), status=answer.status)
        info["cookies"] = {cookie.name: cookie.value for cookie in jar}
        info["cookies_string"] = "; ".join(f"{name}={value}" for name, value in info["cookies"].items())
        if answer.headers.get("Content-Encoding") == "gzip":
            answer = gzip.GzipFile(fileobj=answer)
    except urllib.error.HTTPError as error:
        answer = error
        info.update({name.lower(): value for name, value in error.headers.items()})
        info.update(msg=str(error), body=error.read() if error.fp else b"", status=error.code)
    except urllib.error.URLError as error:
        info.update(msg=f"Request failed: {error}", status=int(getattr(error, "code", -1)))
    except (OSError, http.client.HTTPException) as error:
        info.update(msg=f"Connection failure: {error}")
    return answer, info


def _tls(validate: bool, ca_path: Optional[str], cert: Optional[str], key: Optional[str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_path) if validate else ssl.create_default_context()
    if not validate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if cert:
        context.load_cert_chain(cert, key)
    return context


def _of_netrc(host: str) -> dict[str, str]:
    """The header for a host whose login stands in ~/.netrc."""
    try:
        login = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return {}
    return {"Authorization": basic_auth_header(login[0], login[2] or "").decode()} if login else {}
