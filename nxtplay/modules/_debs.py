"""Package files of Debian: on the host, or at an address."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.modules import _files, _http

ARCHIVES = "/var/cache/apt/archives"  # only root writes here, and apt clean empties it
_fetched: dict[str, str] = {}  # address -> path, of this run


def fetch(host: Host, url: str) -> None:
    """Downloads a package, so that it can be looked at and installed."""
    os.makedirs(ARCHIVES, exist_ok=True)
    path = os.path.join(ARCHIVES, f"nxtplay-{hashlib.sha256(url.encode()).hexdigest()[:16]}.deb")
    _download(host, url, path)
    _fetched[url] = path


def path(host: Reader, deb: str) -> str:
    """Where a package file is on the host; fails where there is none."""
    found = _fetched[deb] if "://" in deb else _files.host_path(deb)
    if host.stat(found, follow=True) is None:
        raise Failed(f"deb: no {found} on this host")
    return found


def facts(host: Reader, deb: str) -> tuple[str, str]:
    """The name and the version of a package. In a check one with an address is downloaded, looked at, and not kept."""
    if "://" in deb and deb not in _fetched:
        return _asked(host, deb)
    return _inside(host, path(host, deb))


@functools.lru_cache(maxsize=16)
def _asked(host: Reader, url: str) -> tuple[str, str]:
    with tempfile.TemporaryDirectory(prefix="nxtplay-") as directory:
        file = os.path.join(directory, "package.deb")
        _download(host, url, file)
        return _inside(host, file)


def _download(host: Reader, url: str, path: str) -> None:
    with open(path, "wb") as stream:
        answer = _http.send(_http.Request(url=url, redirects="all", environ=host.environ, decompress=False), into=stream.write)
    if answer.status >= 300:
        os.unlink(path)
        raise Failed(f"deb: {url} answered {answer.status} {answer.reason}", status_code=answer.status, url=url)


def _inside(host: Reader, path: str) -> tuple[str, str]:
    done = host.look(["dpkg-deb", "-W", "--showformat=${Package}\t${Version}", path])
    if done.rc != 0:
        raise Failed(f"deb: {path} is no Debian package: {done.stderr.strip()}")
    name, _, version = done.stdout.partition("\t")
    return name, version
