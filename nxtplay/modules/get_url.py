"""get_url: a download."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from typing import Any, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _files, _http


class GetUrl(_files.Ownership, Resource[FileState]):
    """Download a file. With a checksum a check knows whether anything would change; without one it does not claim to."""

    edits = True  # what the server has is asked once

    url: str = arg(help="http, https or ftp address.")
    dest: Path = arg(help="File or directory on the host.", key=True)
    checksum: str | None = arg(None, help="ALGORITHM:HASH, or ALGORITHM:ADDRESS of a file of checksums.")
    force: bool = arg(False, help="Download although the file is there.")
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
    use_netrc: bool = arg(True, help="Heed ~/.netrc.")

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
        if held is not None and not self.force:
            return held
        self._ask(host)
        return later

    def _ask(self, host: Reader) -> None:
        """Foresee an address that is not there. Servers that do not answer to HEAD say nothing about it."""
        if self.url.startswith("http"):
            answer = _http.send(dataclasses.replace(self._request(host), method="HEAD"))
            if answer.status in (404, 410):
                raise Failed(f"{self.url} answered {answer.status} {answer.reason}", status_code=answer.status, url=self.url)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        path, before, after = self._place(host), plan.before, plan.after
        assert after is not None
        if not plan.changed("content"):
            assert before is not None
            _files.set_attributes(path, before, after)
            return
        digests = [hashlib.sha256()]
        algorithm, wanted = self._checksum(host) if self.checksum is not None else ("", "")
        if algorithm:
            digests.append(hashlib.new(algorithm))
        if self.backup and before is not None:
            host.note(backup_file=_files.keep_backup(path))

        def fill(stream: Any) -> None:
            def take(chunk: bytes) -> None:
                stream.write(chunk)
                for digest in digests:
                    digest.update(chunk)

            answer = _http.send(self._request(host), into=take)
            if answer.status >= 300:
                raise Failed(f"{self.url} answered {answer.status} {answer.reason}", status_code=answer.status, url=self.url)
            if algorithm and digests[1].hexdigest() != wanted:
                raise Failed(f"{self.url} has the {algorithm} {digests[1].hexdigest()}, expected {wanted}")
            host.note(status_code=answer.status, msg=f"{answer.reason} ({answer.header('content-length') or 'unknown'} bytes)")

        _files.replace_file(host, path, fill, after, unsafe=self.unsafe_writes)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        path = after.path if after is not None and after.path else _files.host_path(self.dest)
        checksums = _files.checksum_of(after.content) if after is not None else {}
        if "checksum" in checksums:
            checksums["checksum_dest"] = checksums["checksum_src"] = checksums["checksum"]
        return {"dest": path, "url": self.url, **_files.facts_of(after), **checksums}

    def _place(self, host: Reader) -> str:
        path = _files.host_path(self.dest)
        if self.dest.endswith("/") or host.is_dir(path):
            return os.path.join(path, _http.file_name(self.url))
        return host.resolve(path)

    def _request(self, host: Reader, url: str = "") -> _http.Request:
        return _http.Request(
            url=url or self.url, headers={str(k): str(v) for k, v in self.headers.items()}, timeout=float(self.timeout),
            verify=self.validate_certs, client_cert=self.client_cert, client_key=self.client_key, redirects="all", user=self.url_username,
            password=self.url_password, basic=self.force_basic_auth, agent=self.http_agent, proxy=self.use_proxy, environ=host.environ,
            ciphers=tuple(self.ciphers or ()), decompress=False,
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
            if len(words) > 1 and os.path.basename(words[-1].lstrip("*")) == name:
                return algorithm, words[0].lower()
        if len(lines) == 1:
            return algorithm, lines[0][0].lower()
        raise Failed(f"checksum: {wanted} has no line for {name}")


def _digest(host: Reader, path: str, algorithm: str) -> str:
    return hashlib.new(algorithm, host.read(path)).hexdigest()
