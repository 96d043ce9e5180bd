"""Places off the host that hold copies: a mounted folder, a server reached by SSH, a bucket. Each lists, hashes, takes and gives files."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tempfile
import urllib.parse
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Sequence

from nxtplay.core.host import Completed, Failed, Reader, run
from nxtplay.core.resource import arg
from nxtplay.core.types import Path
from nxtplay.modules import _backup, _files, _pipe, _s3

PARTIAL = ".nxtplay-"  # what a file is called while it arrives


class OffsiteLogin(_s3.S3Login):
    """Where copies are."""

    url: str = arg(
        help="/mounted/folder, sftp://[USER@]HOST[:PORT]/FOLDER (relative to the home with /~/), rsync+ssh://..., or s3://BUCKET[/PREFIX].",
        key=True,
    )
    ssh_key: Path | None = arg(None, help="With SSH: private key on the host.")
    ssh_known_hosts: Path | None = arg(None, help="With SSH: file with the server's key; the user's own unless given.")
    ssh_timeout: int = arg(20, help="With SSH: seconds to wait for a connection.")


class Place(Protocol):
    """Somewhere that copies are kept; names have no folders in them. Each call raises Failed with the place's name."""

    def names(self) -> list[str]:
        """What is there, unfinished arrivals left out."""

    def sha256(self, names: Sequence[str]) -> dict[str, str]:
        """Hashes of those that are there."""

    def put(self, path: str, name: str) -> None:
        """Bring a file; under its name only when all of it has arrived."""

    def get(self, name: str, sink: Any) -> None:
        """Stream one back."""

    def remove(self, name: str) -> None:
        """Remove one."""


def folder_of(url: str) -> Optional[str]:
    """The folder of this machine that a URL means; None where it means another place."""
    return _files.host_path(url[7:] if url.startswith("file://") else url) if url.startswith(("/", "~", "file://")) else None


def place(login: OffsiteLogin, host: Reader) -> Place:
    """By the URL's kind."""
    url, folder = login.url, folder_of(login.url)
    if folder is not None:
        return Folder(folder)
    parts = urllib.parse.urlsplit(url)
    if parts.scheme in ("sftp", "ssh", "rsync+ssh", "rsync"):
        if not parts.hostname:
            raise Failed(f"url: '{url}' names no host; sftp://USER@HOST/FOLDER is what is expected")
        for program in ("ssh", "sftp", *(["rsync"] if parts.scheme.startswith("rsync") else [])):
            if host.which(program) is None:
                raise Failed(f"no {program} on this host: `apt-get install {'rsync' if program == 'rsync' else 'openssh-client'}`")
        return Server(login, host, parts)
    if parts.scheme == "s3":
        return Bucket(_s3.storage(login, host, parts.netloc), parts.path.strip("/"), host)
    raise Failed(f"url: '{url}' is no place we know; /FOLDER, sftp://USER@HOST/FOLDER, rsync+ssh://USER@HOST/FOLDER, s3://BUCKET/PREFIX")


@dataclass(frozen=True)
class Folder:
    """A folder of this machine; a disk or a share is mounted there. It has to exist: a share that is not mounted does not."""

    path: str

    def names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self.path) if not name.startswith(PARTIAL)]
        except OSError as error:
            raise Failed(f"offsite folder {self.path}: {error.strerror}; is it mounted?") from error

    def sha256(self, names: Sequence[str]) -> dict[str, str]:
        there = set(self.names())
        return {name: _backup.hash_file(os.path.join(self.path, name))[0] for name in names if name in there}

    def put(self, path: str, name: str) -> None:
        try:
            handle, temporary = tempfile.mkstemp(prefix=PARTIAL, dir=self.path)
            try:
                with os.fdopen(handle, "wb") as stream:
                    for piece in _pipe.chunks(path):
                        stream.write(piece)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.rename(temporary, os.path.join(self.path, name))
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise Failed(f"offsite folder {self.path}: cannot write {name}: {error.strerror}") from error

    def get(self, name: str, sink: Any) -> None:
        for piece in _pipe.chunks(os.path.join(self.path, name)):
            sink(piece)

    def remove(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self.path, name))
        except OSError as error:
            raise Failed(f"offsite folder {self.path}: cannot remove {name}: {error.strerror}") from error


class Bucket:
    """A bucket, or what begins with a prefix in it."""

    def __init__(self, storage: _s3.Storage, prefix: str, host: Reader) -> None:
        self._at, self._prefix, self._host = storage, f"{prefix}/" if prefix else "", host

    def names(self) -> list[str]:
        found = [key[len(self._prefix) :] for key in _s3.listing(self._at, self._prefix)]
        return [name for name in found if name and "/" not in name]

    def sha256(self, names: Sequence[str]) -> dict[str, str]:
        out = {}
        for name in names:
            found = _s3.head(self._at, self._prefix + name)
            if found is not None:
                out[name] = found.sha256 or f"md5:{found.etag}"
        return out

    def put(self, path: str, name: str) -> None:
        _s3.put(self._at, self._prefix + name, path, {"sha256": _backup.hash_file(path)[0]}, tell=self._host.progress)

    def get(self, name: str, sink: Any) -> None:
        _s3.get(self._at, self._prefix + name, sink)

    def remove(self, name: str) -> None:
        _s3.delete(self._at, self._prefix + name)


class Server:
    """A folder of another machine. Files go by SFTP (or rsync) and are hashed there; an account without a shell sends them back for it."""

    def __init__(self, login: OffsiteLogin, host: Reader, parts: urllib.parse.SplitResult) -> None:
        self._host = host
        self._rsync = parts.scheme.startswith("rsync")
        folder = urllib.parse.unquote(parts.path)
        self._folder = folder[3:] or "." if folder.startswith("/~/") else folder.rstrip("/") or "/"
        self._target = f"{urllib.parse.unquote(parts.username)}@{parts.hostname}" if parts.username else str(parts.hostname)
        self._name = f"{self._target}:{self._folder}"
        given = {"Port": parts.port, "IdentityFile": login.ssh_key, "UserKnownHostsFile": login.ssh_known_hosts}
        options = {"BatchMode": "yes", "ConnectTimeout": login.ssh_timeout, "ServerAliveInterval": 15}
        options.update({name: value for name, value in given.items() if value})
        if login.ssh_key:
            options["IdentitiesOnly"] = "yes"
        self._options = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def names(self) -> list[str]:
        listed = self._sftp(f"ls -1 {_quoted(self._folder)}").splitlines()
        names = [os.path.basename(line.strip()) for line in listed if line.strip() and not line.startswith("sftp>")]
        return [name for name in names if not name.startswith(PARTIAL)]

    def sha256(self, names: Sequence[str]) -> dict[str, str]:
        there = set(self.names())
        wanted = [name for name in names if name in there]
        if not wanted:
            return {}
        words = " ".join(shlex.quote(os.path.join(self._folder, name)) for name in wanted)
        done = self._run(["ssh", *self._options, self._target, f"sha256sum -- {words}"], check=False)
        found = {os.path.basename(path): digest for digest, path in re.findall(r"^\\?([0-9a-f]{64})  (.+)$", done.stdout, re.M)}
        if done.rc == 0 and len(found) == len(wanted):
            return found
        return {name: self._hash_back(name) for name in wanted}

    def _hash_back(self, name: str) -> str:
        digest = hashlib.sha256()
        self.get(name, digest.update)
        return digest.hexdigest()

    def put(self, path: str, name: str) -> None:
        arriving = os.path.join(self._folder, PARTIAL + name)
        if self._rsync:
            shell = shlex.join(["ssh", *self._options])
            self._run(["rsync", "--partial", "--inplace", "--checksum", "-e", shell, path, f"{self._target}:{arriving}"])
        else:
            self._sftp(f"put {_quoted(path)} {_quoted(arriving)}")
        self._sftp(f"rename {_quoted(arriving)} {_quoted(os.path.join(self._folder, name))}")

    def get(self, name: str, sink: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="nxtplay-") as folder:
            local = os.path.join(folder, "file")
            self._sftp(f"get {_quoted(os.path.join(self._folder, name))} {_quoted(local)}")
            for piece in _pipe.chunks(local):
                sink(piece)

    def remove(self, name: str) -> None:
        self._sftp(f"rm {_quoted(os.path.join(self._folder, name))}")

    def _sftp(self, *commands: str) -> str:
        batch = "\n".join((*commands, "")).encode()
        done = self._run(["sftp", *self._options, "-b", "-", self._target], stdin=batch)
        return done.stdout

    def _run(self, argv: list[str], *, stdin: bytes = b"", check: bool = True) -> Completed:
        done = run(argv, stdin=stdin, env={**self._host.environ, "LC_ALL": "C.UTF-8"})
        if check and done.rc != 0:
            raise Failed(f"offsite {self._name}: {_last_line(done.stderr) or f'{argv[0]} ended with {done.rc}'}", stderr=done.stderr)
        return done


def _quoted(path: str) -> str:
    """As sftp's batch language reads it."""
    return '"' + re.sub(r'(["\\*?\[])', r"\\\1", path) + '"'


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Connection closed")]
    return lines[-1] if lines else ""
