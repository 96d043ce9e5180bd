"""get_url, uri, unarchive, cron files, getent, hostname."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import pwd
import tarfile
import threading
import zipfile
from typing import Any

from .harness import Case


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        body = {
            "/f": b"hello\n",
            "/f.sha256": f"{hashlib.sha256(b'hello' + bytes([10])).hexdigest()}  f\n".encode(),
            "/f.bsd": f"SHA256 (g) = 0\nSHA256 (f) = {hashlib.sha256(b'hello' + bytes([10])).hexdigest()}\n".encode(),
            "/json": b'{"a": 1}',
            "/keys": b"# whose\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF00000000000000000000000000000000000000000a me@here\n",
        }.get(self.path.partition("?")[0])
        unchanged = "since" in self.path and "If-Modified-Since" in self.headers
        if self.path == "/digest":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Digest realm="r", nonce="n"')
        else:
            self.send_response(404 if body is None else 304 if unchanged else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Content-Type", "application/json" if self.path == "/json" else "text/plain")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body or b"")

    do_POST = do_HEAD = do_GET


_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
threading.Thread(target=_server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{_server.server_port}"
ME = pwd.getpwuid(os.geteuid()).pw_name
SUM = "sha256:" + hashlib.sha256(b"hello\n").hexdigest()


def _tar(names: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, what in names.items():
            entry = tarfile.TarInfo(name)
            entry.mtime = 1_600_000_000
            if what is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o750
                archive.addfile(entry)
            elif isinstance(what, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(what), 0o640
                archive.addfile(entry, io.BytesIO(what))
    return out.getvalue()


def _zip(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, what in names.items():
            archive.writestr(name, what)
    return out.getvalue()


TAR = _tar({"top": None, "top/a": b"1\n", "top/l": "a", "other/b": b"2\n"})
UNPACK = {"src": "x.tgz", "dest": "{root}"}
CRON = {"cron_file": "{root}/jobs", "user": "root", "name": "law"}
JOB = "#Ansible: law\n0 2 * * * root true\n"

CASES = [
    Case("authorized_key", {"user": ME, "path": "{root}/keys", "key": f"{URL}/keys"}, expect="changed"),
    Case("authorized_key", {"user": ME, "path": "{root}/keys", "key": f"{URL}/none"}, expect="failed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f"}, {"f": "old"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f"}, {"f": "hello\n"}, expect="ok"),
    Case("get_url", {"url": f"{URL}/f?since", "dest": "{root}/f"}, {"f": "old"}, expect="ok"),
    Case("get_url", {"url": f"{URL}/f?since", "dest": "{root}/f", "force": True}, {"f": "hello\n"}, expect="ok"),
    Case(
        "get_url",
        {"url": f"{URL}/f", "dest": "{root}/f", "force": True},
        {"f": "old"},
        expect="changed",
        name="get_url-force",
    ),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f", "checksum": SUM, "mode": "0600"}, {"f": "hello\n"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f", "checksum": f"sha256:{URL}/f.sha256"}, {"f": "old"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/f", "checksum": f"sha256:{URL}/f.bsd"}, {"f": "old"}, expect="changed"),
    Case("get_url", {"url": f"{URL}/none", "dest": "{root}/f"}, expect="failed", name="get_url-404"),
    Case("get_url", {"url": f"{URL}/f", "dest": "{root}/n/f"}, expect="failed"),
    Case("uri", {"url": f"{URL}/json"}, expect="ok"),
    Case("uri", {"url": f"{URL}/none"}, expect="failed"),
    Case("uri", {"url": f"{URL}/json", "method": "POST", "body_format": "form-urlencoded", "body": [["a", [1, 2]]]}, expect="ok"),
    Case("uri", {"url": f"{URL}/json", "method": "POST", "body_format": "form-urlencoded", "body": ["a", "b"]}, expect="failed"),
    Case("uri", {"url": f"{URL}/digest", "url_username": "u", "url_password": "p", "status_code": [401]}, expect="ok"),
    Case("uri", {"url": f"{URL}/none", "status_code": [404]}, expect="ok"),
    Case("uri", {"url": f"{URL}/json", "method": "POST"}, expect="ok"),
    Case("uri", {"url": f"{URL}/f", "dest": "{root}/f"}, expect="changed"),
    Case("unarchive", UNPACK, files={"x.tgz": TAR}, expect="changed", name="unarchive-tar"),
    Case("unarchive", UNPACK, {"top/a": "old"}, {"x.tgz": TAR}, expect="changed", name="unarchive-over"),
    Case("unarchive", {**UNPACK, "owner": "1234", "mode": "u=rwX,go="}, files={"x.tgz": TAR}, expect="changed", name="unarchive-owned"),
    Case(
        "unarchive", {**UNPACK, "exclude": ["other"], "list_files": True}, files={"x.tgz": TAR}, expect="changed", name="unarchive-exclude"
    ),
    Case("unarchive", {**UNPACK, "include": ["top/a"]}, files={"x.tgz": TAR}, expect="changed", name="unarchive-include"),
    Case("unarchive", {**UNPACK, "extra_opts": ["--strip-components=1"]}, files={"x.tgz": TAR}, expect="changed", name="unarchive-strip"),
    Case("unarchive", {**UNPACK, "extra_opts": ["--strip-components", "1"]}, {"a": "1\n"}, {"x.tgz": TAR}, name="unarchive-strip-words"),
    Case("unarchive", {**UNPACK, "extra_opts": ["--no-same-owner", "-k"]}, {"top/a": "x"}, {"x.tgz": TAR}, name="unarchive-own"),
    Case("unarchive", {**UNPACK, "extra_opts": ["-j"]}, files={"x.tgz": _zip({"d/": b"", "d/a": b"1"})}, name="unarchive-flat"),
    Case("unarchive", {**UNPACK, "extra_opts": ["--transform=s/a/b/"]}, files={"x.tgz": TAR}, expect="failed", name="unarchive-transform"),
    Case("unarchive", {**UNPACK, "creates": "{root}/top"}, {"top": None}, {"x.tgz": TAR}, expect="ok", name="unarchive-creates"),
    Case("unarchive", {**UNPACK, "dest": "{root}/none"}, files={"x.tgz": TAR}, expect="failed", name="unarchive-no-dest"),
    Case("unarchive", UNPACK, files={"x.tgz": "no archive"}, expect="failed", name="unarchive-no-archive"),
    Case("unarchive", UNPACK, files={"x.tgz": _tar({"../evil": b"x"})}, expect="failed", name="unarchive-slip"),
    Case("unarchive", UNPACK, files={"x.tgz": _zip({"d/a": b"1", "b": b"2"})}, expect="changed", name="unarchive-zip"),
    Case(
        "unarchive",
        {"src": "{root}/x.tgz", "dest": "{root}", "remote_src": True},
        {"x.tgz": TAR},
        expect="changed",
        name="unarchive-remote",
    ),
    Case("cron", {**CRON, "job": "true", "minute": "0", "hour": "2"}, expect="changed"),
    Case("cron", {**CRON, "job": "true", "minute": "0", "hour": "2"}, {"jobs": JOB}, expect="ok"),
    Case("cron", {**CRON, "job": "false", "special_time": "daily"}, {"jobs": "A=1\n" + JOB + "# end\n"}, expect="changed"),
    Case("cron", {**CRON, "state": "absent"}, {"jobs": JOB}, expect="changed"),
    Case("cron", {**CRON, "state": "absent"}, {"jobs": "A=1\n" + JOB}, expect="changed"),
    Case("cron", {**CRON, "name": "PATH", "env": True, "job": "/bin"}, {"jobs": JOB}, expect="changed"),
    Case("cron", {**CRON}, expect="failed"),
    Case("cron", {**CRON, "cron_file": "/etc/crontab", "job": "true"}, expect="failed"),
    Case("getent", {"database": "passwd", "key": "root"}, expect="ok"),
    Case("getent", {"database": "passwd", "key": "no-such-user"}, expect="failed"),
    Case("hostname", {"name": os.uname().nodename + "..x"}, expect="failed"),
]
