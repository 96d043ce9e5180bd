"""uri: an HTTP request."""

from __future__ import annotations

import os
from typing import Any, Literal, Mapping, Optional, Sequence, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.state import Unknown, UnknownReached
from nxtplay.core.types import TRUE, Path, Raw
from nxtplay.modules import _files, _http
from nxtplay.modules._sources import Source, take

LOOKS = ("GET", "HEAD", "OPTIONS")


class Uri(_files.Ownership, Action):
    """Make an HTTP request and judge the answer."""

    private = False

    url: str = arg(help="http or https address.")
    method: str = arg("GET", help="HTTP method. GET, HEAD and OPTIONS are made in a check too.")
    body: Raw | None = arg(None, help="What is sent.")
    body_format: Literal["raw", "json", "form-urlencoded", "form-multipart"] = arg("raw", help="How body is written.")
    status_code: list[int] = arg(default_factory=lambda: [200], help="Statuses that count as success.")
    return_content: bool = arg(False, help="Register the body as content.")
    headers: dict[str, Raw] = arg(default_factory=dict, help="Further headers.")
    timeout: int = arg(30, help="Seconds for the request.")
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    ca_path: Path | None = arg(None, help="File or directory of certificates to trust.")
    client_cert: Path | None = arg(None, help="Certificate to show to the server (PEM).")
    client_key: Path | None = arg(None, help="Its key, when it is not in client_cert.")
    follow_redirects: Raw = arg("safe", help="safe (GET and HEAD), all, none, urllib2.")
    url_username: str | None = arg(None, help="User for basic authentication.", aliases=["user"])
    url_password: str | None = arg(None, help="Password for it.", aliases=["password"], secret=True)
    force_basic_auth: bool = arg(False, help="Send user and password at once.")
    unix_socket: Path | None = arg(None, help="Connect to this Unix socket instead of a port.")
    http_agent: str = arg("nxtplay", help="User-Agent header.")
    use_proxy: bool = arg(True, help="Heed http_proxy and https_proxy of the environment.")
    creates: Path | None = arg(None, help="A path or pattern; when it is there, no request is made.")
    removes: Path | None = arg(None, help="A path or pattern; when it is not there, no request is made.")
    dest: Path | None = arg(None, help="File or directory to keep the body in.")
    src: Raw | None = arg(None, help="File to send as the body.")
    remote_src: bool = arg(False, help="src, and files that a form-multipart body names, are on the host.")
    force: bool = arg(False, help="Ask caches for a fresh answer.", aliases=["thirsty"])
    ciphers: list[str] | None = arg(None, help="TLS ciphers to allow.")
    decompress: bool = arg(True, help="Undo gzip compression of the answer.")
    use_netrc: bool = arg(True, help="Heed the logins in ~/.netrc, or in the file that NETRC names.")
    unredirected_headers: list[str] = arg(default_factory=list, help="Headers that are not sent to where a redirection leads.")
    use_gssapi: bool = arg(False, help="Kerberos; not supported.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        if str(args.get("remote_src", "no")).lower() in TRUE:
            return args
        body = args.get("body")
        if args.get("body_format") == "form-multipart" and isinstance(body, Mapping):
            args = {**args, "body": {name: _part(controller, part) for name, part in body.items()}}
        return {**args, "src": take(controller, args["src"])} if isinstance(args.get("src"), str) else args

    def due(self, host: Reader) -> Optional[str]:
        method = self.method.upper()
        if self._skips(host) or (method in LOOKS and self.dest is None):
            return None
        return f"sends {method} to {self.url}" if self.dest is None else f"fetches {self.url}"

    def certain(self) -> bool:
        return False  # a request does not count as a change, only a file that it changed

    def idle(self, host: Reader) -> dict[str, Any]:
        """A request that only looks is made in a check just the same."""
        skips = self._skips(host)
        if skips:
            return {"msg": skips, "stdout": skips}
        pending = host.pending()
        try:
            return self._judged(_http.send(self._request(host)))
        except Failed:
            if pending is not None:
                raise UnknownReached(pending) from None
            raise

    def perform(self, host: Host) -> dict[str, Any]:
        answer = _http.send(self._request(host))
        result = self._judged(answer)
        return {"changed": False, **result, **(self._keep(host, answer) if self.dest is not None else {})}

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return [(_files.file_key(self.dest), Unknown(f"{self.dest} is fetched by a request that was not made"))] if self.dest else ()

    def _skips(self, host: Reader) -> str:
        for path, reason, there in ((self.creates, "exists", True), (self.removes, "does not exist", False)):
            if path is not None and bool(_files.glob(host, _files.host_path(path))) == there:
                return f"skipped, since '{path}' {reason}"
        return ""

    def _request(self, host: Reader) -> _http.Request:
        headers = {str(name): str(value) for name, value in self.headers.items() if value is not None}
        body = self.body
        if self.body_format == "form-multipart" and isinstance(body, Mapping):
            body = {name: _read(host, part) for name, part in body.items()}
        data, kind = _http.body_of(self._source(host), body, self.body_format)
        if kind and "content-type" not in (name.lower() for name in headers):
            headers["Content-Type"] = kind
        if self.force:
            headers["Cache-Control"] = "no-cache"
        return _http.Request(
            url=self.url,
            method=self.method.upper(),
            data=data,
            headers=headers,
            timeout=float(self.timeout),
            verify=self.validate_certs,
            ca_path=self.ca_path,
            client_cert=self.client_cert,
            client_key=self.client_key,
            redirects=_http.redirects(self.follow_redirects),
            user=self.url_username,
            password=self.url_password,
            basic=self.force_basic_auth,
            netrc=self.use_netrc,
            unix_socket=self.unix_socket,
            agent=self.http_agent,
            proxy=self.use_proxy,
            environ=host.environ,
            ciphers=tuple(self.ciphers or ()),
            decompress=self.decompress,
            unredirected=tuple(self.unredirected_headers),
        )

    def _source(self, host: Reader) -> Optional[bytes]:
        if self.src is None:
            return None
        return _bytes(self.src) if isinstance(self.src, Source) else host.read(_files.host_path(str(self.src)))

    def _judged(self, answer: _http.Answer) -> dict[str, Any]:
        if answer.status not in self.status_code:
            wanted = ", ".join(str(code) for code in self.status_code)
            message = f"{self.url} answered {answer.status} {answer.reason}, expected {wanted}"
            raise Failed(message, **{**_http.result_of(answer, content=True), "msg": message})
        return _http.result_of(answer, content=self.return_content)

    def _keep(self, host: Host, answer: _http.Answer) -> dict[str, Any]:
        path = _files.host_path(str(self.dest))
        if host.is_dir(path):
            path = os.path.join(path, _http.file_name(answer.url, answer.header("content-disposition")))
        changed = _files.put_bytes(host, self, path, answer.body)
        return {"path": path, "changed": changed}


def _bytes(source: Source) -> bytes:
    content: Union[bytes, Any] = source.content
    return content if isinstance(content, bytes) else b"".join(content.chunks())


def _names_a_file(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("filename"), str) and part.get("content") is None


def _part(controller: Any, part: Any) -> Any:
    """A field of a form, with the controller's file that it names."""
    if not _names_a_file(part):
        return part
    found = take(controller, part["filename"])
    if not isinstance(found, Source):
        raise Failed(f"body: {part['filename']} is a directory; a form takes files")
    return {**part, "content": found}


def _read(host: Reader, part: Any) -> Any:
    """The same with the bytes, of the host's file where there are none yet."""
    content = part.get("content") if isinstance(part, Mapping) else None
    if isinstance(content, Source):
        return {**part, "content": _bytes(content)}
    return {**part, "content": host.read(_files.host_path(part["filename"]))} if _names_a_file(part) else part
