"""get_url: a download."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
from email.utils import formatdate
from typing import Any, Optional

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _files, _http

_NAMES: dict[str, str] = {}  # of downloads, by address


class GetUrl(_files.Ownership, Resource[FileState]):
    """Download a file; one that is there, only where the server has a newer one. With a checksum a check knows whether anything would
    change; without one it asks the server."""

    edits = True  # what the server has is asked once

    url: str = arg(help="http, https or ftp address.")
    dest: Path = arg(help="File or directory on the host.", key=True)
    checksum: str | None = arg(None, help="ALGORITHM:HASH, or ALGORITHM:ADDRESS of a file of checksums.")
    force: bool = arg(False, help="Download a file that is there too, whether or not the server has a newer one.")
    backup: bool = arg(False, help="Keep a copy of the old file beside it.")
    headers: dict[str, Raw] = arg(default_factory=dict, help="Further headers.")
    timeout: int = arg(10, help="Seconds without an answer.")
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    client_cert: Path | None = arg(None, help="Certificate to show to the server (PEM).")
    client_key: Path | None = arg(None, help="Its key.")
    url_username: str | None = arg(None, help="User for basic authentication.", aliases=["username"])
    url_password: str | None = arg(None, help="Password for it.", aliases=["password"], secret=True)
    force_basic_auth: bool = arg(False, help="Send user and password at once.")
    use_proxy: bool = arg(True, help="Heed http_proxy and https_proxy of the environment.")
    http_agent: str = arg("nxtplay", help="User-Agent header.")
    tmp_dest: Path | None = arg(None, help="Of no effect: the download is written beside dest and renamed.")
    decompress: bool = arg(True, help="Undo gzip compression of the transfer.")
    ciphers: list[str] | None = arg(None, help="TLS ciphers to allow.")
    unredirected_headers: list[str] = arg(default_factory=list, help="Headers that are not sent to where a redirection leads.")
    use_gssapi: bool = arg(False, help="Kerberos; not supported.")
    use_netrc: bool = arg(True, help="Heed the logins in ~/.netrc, or in the file that NETRC names.")

    def key(self) -> str:
        return _files.file_key(self.dest)

    def key_on(self, host: Reader) -> str:
        return "file:" + self._place(host)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(self._place(host), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        path = self._place(host)
        if before is not None and before.kind == "directory":
            raise Failed(f"{path} is a directory; a file cannot take its place")
        base = before if before is not None and before.kind == "file" else _files.fresh(host, path, "file")
        return _files.holding(_files.with_attributes(host, self, base), self._content(host, before), path)

    def _content(self, host: Reader, before: Optional[FileState]) -> Any:
        """What dest shall hold: what it holds where that is right, else unknown until it is downloaded."""
        held = before.content if before is not None else None
        later = Unknown(f"{self.url} is downloaded by the run")
        if isinstance(held, Unknown):
            return later
        if self.checksum is not None:
            algorithm, wanted = self._checksum(host)
            if held is not None and _digest(host, self._place(host), algorithm) == wanted:
                return held
            return later
        if held is None or self.force:
            self._ask(host)
            return later
        return held if host.has_foreseen(self.key_on(host)) or not self._ask(host) else later

    def _ask(self, host: Reader) -> bool:
        """Whether the server may have another file than ours. Foresees an address that is not there; a server that does not answer
        to HEAD says nothing about it."""
        if not self.url.startswith("http"):
            return False
        answer = _http.send(dataclasses.replace(self._since(host), method="HEAD"))
        if answer.status in (404, 410):
            raise Failed(f"{self.url} answered {answer.status} {answer.reason}", status_code=answer.status, url=self.url)
        return answer.status != 304

    def _since(self, host: Reader) -> _http.Request:
        """The request; of a file that is there it asks for a newer one only."""
        asked, path = self._request(host), self._place(host)
        if self.force or self.checksum is not None or host.has_foreseen(f"file:{path}") or not os.path.isfile(path):
            return asked
        return dataclasses.replace(asked, headers={"If-Modified-Since": formatdate(os.path.getmtime(path), usegmt=True), **asked.headers})

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        path, before, after = self._place(host), plan.before, plan.after
        assert after is not None
        if not plan.changed("content"):
            assert before is not None
            _files.set_attributes(path, before, after)
            return
        if before is None:
            _files.replace_file(
                host, path, lambda stream: self._download(host, stream), after, unsafe=self.unsafe_writes, attributes=self.attributes
            )
            return
        with tempfile.TemporaryFile(dir=os.path.dirname(path)) as new:
            if not self._download(host, new) or _holds(new, before.content):
                _files.set_attributes(path, before, after)
                return
            if self.backup:
                host.note(backup_file=_files.keep_backup(path))
            new.seek(0)
            _files.replace_file(
                host, path, lambda stream: shutil.copyfileobj(new, stream), after, unsafe=self.unsafe_writes, attributes=self.attributes
            )

    def _download(self, host: Host, stream: Any) -> bool:
        """What the server has into the stream; False where it has nothing newer."""
        algorithm, wanted = self._checksum(host) if self.checksum is not None else ("sha256", "")
        digest = hashlib.new(algorithm)

        def take(chunk: bytes) -> None:
            stream.write(chunk)
            digest.update(chunk)

        answer = _http.send(self._since(host), into=take)
        if answer.status == 304:
            return False
        if answer.status >= 300:
            raise Failed(f"{self.url} answered {answer.status} {answer.reason}", status_code=answer.status, url=self.url)
        if wanted and digest.hexdigest() != wanted:
            raise Failed(f"{self.url} did not match its checksum: it has the {algorithm} {digest.hexdigest()}, expected {wanted}")
        host.note(status_code=answer.status, msg=f"{answer.reason} ({answer.header('content-length') or 'unknown'} bytes)")
        return True

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        path = after.path if after is not None and after.path else _files.host_path(self.dest)
        checksums = _files.checksum_of(after.content) if after is not None else {}
        if "checksum" in checksums:
            checksums["checksum_src"] = checksums["checksum"]
            checksums["checksum_dest"] = None if before is None else _files.checksum_of(before.content).get("checksum")
        kept = before is not None and after is not None and before.content == after.content
        told = {"msg": "file already exists"} if self.checksum else {"msg": "HTTP Error 304: Not Modified", "status_code": 304}
        return {"dest": path, "url": self.url, **_files.facts_of(after), **checksums, **(told if kept else {})}

    def _place(self, host: Reader) -> str:
        path = _files.host_path(self.dest)
        if self.dest.endswith("/") or host.is_dir(path):
            return os.path.join(path, self._name(host))
        return host.resolve(path)

    def _name(self, host: Reader) -> str:
        """What the download is called in a directory: as the server says, which is asked once for an address, else as the address does."""
        if not self.url.startswith("http"):
            return _http.file_name(self.url)
        if self.url not in _NAMES:
            try:
                answer = _http.send(dataclasses.replace(self._request(host), method="HEAD"))
            except Failed:
                return _http.file_name(self.url)  # the download tells what is wrong
            good = answer.status < 300
            _NAMES[self.url] = _http.file_name(answer.url if good else self.url, answer.header("content-disposition") if good else "")
        return _NAMES[self.url]

    def _request(self, host: Reader, url: str = "") -> _http.Request:
        return _http.Request(
            url=url or self.url, headers={str(k): str(v) for k, v in self.headers.items()}, timeout=float(self.timeout),
            verify=self.validate_certs, client_cert=self.client_cert, client_key=self.client_key, redirects="all", user=self.url_username,
            password=self.url_password, basic=self.force_basic_auth, netrc=self.use_netrc,
            agent=self.http_agent, proxy=self.use_proxy, environ=host.environ,
            ciphers=tuple(self.ciphers or ()), decompress=self.decompress, unredirected=tuple(self.unredirected_headers),
        )  # fmt: skip

    def _checksum(self, host: Reader) -> tuple[str, str]:
        """Algorithm and hash in lower case; a file of checksums is fetched (it is only looked at)."""
        algorithm, _, wanted = str(self.checksum).strip().partition(":")
        if algorithm not in hashlib.algorithms_available or not wanted:
            raise Failed(f"checksum: '{self.checksum}' is not ALGORITHM:HASH, such as sha256:9f86d0...")
        if not wanted.startswith(("http://", "https://", "ftp://", "file://")):
            wanted = re.sub(r"\W+", "", wanted).lower()
            if not re.fullmatch(r"[0-9a-f]+", wanted):
                raise Failed(f"checksum: '{wanted}' is no hash")
            return algorithm, wanted
        answer = _http.send(self._request(host, wanted))
        if answer.status != 200:
            raise Failed(f"checksum: {wanted} answered {answer.status} {answer.reason}")
        name = _http.file_name(self.url)
        lines = [line.split() for line in answer.body.decode("utf-8", "replace").splitlines() if line.strip()]
        for words in lines:
            if words[1:3] == [f"({name})", "="]:  # ALGORITHM (name) = hash
                return algorithm, re.sub(r"\W+", "", words[-1]).lower()
            if len(words) > 1 and os.path.basename(words[-1].lstrip("*")) == name:
                return algorithm, re.sub(r"\W+", "", words[0]).lower()
        if len(lines) == 1:
            return algorithm, re.sub(r"\W+", "", lines[0][0]).lower()
        raise Failed(f"checksum: {wanted} has no line for {name}")


def _holds(stream: Any, content: Any) -> bool:
    """Whether the stream is the content that a file has."""
    if not isinstance(content, Content):
        return False
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest() == content.sha256


def _digest(host: Reader, path: str, algorithm: str) -> str:
    return hashlib.new(algorithm, host.read(path)).hexdigest()
