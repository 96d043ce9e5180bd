"""tar and zip archives, member by member, with nothing that leads out of the directory they are unpacked into."""

from __future__ import annotations

import hashlib
import os
import posixpath
import tarfile
import tempfile
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Iterator, Optional, Union

from nxtplay.core.files import Content
from nxtplay.core.host import Failed

ZSTD = b"\x28\xb5\x2f\xfd"  # what such a stream begins with
Archive = Union[tarfile.TarFile, zipfile.ZipFile]


@dataclass(frozen=True)
class Member:
    """One path of an archive, relative to where it is unpacked. `implied` is a directory that no entry speaks of."""

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    mtime: float
    content: Optional[Content] = None
    target: Optional[str] = None
    implied: bool = False
    entry: Any = None
    dots: int = 0  # parts of "." that its path begins with, which count where parts are left out


@contextmanager
def opened(stream: BinaryIO, name: str) -> Iterator[Archive]:
    """The archive in a stream, whatever its format. Failed for what is none."""
    stream.seek(0)
    if stream.read(4) == ZSTD:
        with _without_zstd(stream, name) as plain, opened(plain, name) as archive:
            yield archive
        return
    if zipfile.is_zipfile(stream):
        stream.seek(0)
        with zipfile.ZipFile(stream) as packed:
            yield packed
        return
    stream.seek(0)
    try:
        tar = tarfile.open(fileobj=stream, mode="r:*")  # noqa: SIM115
    except (tarfile.TarError, EOFError, OSError):
        raise Failed(f"src: {name} is no archive that can be read here (tar, tar.gz, tar.bz2, tar.xz, tar.zst, zip)") from None
    with tar:
        yield tar


@contextmanager
def _without_zstd(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """What zstd packed, in a file without a name; Python unpacks the other formats itself."""
    import subprocess

    with tempfile.TemporaryFile() as plain:
        os.lseek(stream.fileno(), 0, os.SEEK_SET)
        try:
            done = subprocess.run(["zstd", "-dcq"], stdin=stream, stdout=plain, stderr=subprocess.PIPE, check=False)
        except FileNotFoundError:
            raise Failed(f"src: {name} is packed by zstd, and there is no program zstd on this host: install the package zstd") from None
        if done.returncode != 0:
            raise Failed(f"src: {name} cannot be unpacked: {done.stderr.decode('utf-8', 'replace').strip()}", rc=done.returncode)
        plain.seek(0)
        yield plain


def members(archive: Archive, chosen: Callable[[str], bool], *, strip: int = 0, flat: bool = False) -> Iterator[Member]:
    """Every chosen member, directories before what is in them; those that no entry speaks of are put in. The first `strip` parts of
    the paths are left out; `flat` leaves only the last one, of what is no directory."""
    seen: set[str] = set()
    directories: dict[str, Member] = {}
    for member in _zip_members(archive) if isinstance(archive, zipfile.ZipFile) else _tar_members(archive):
        if not chosen(member.name):
            continue
        name = "/".join(member.name.split("/")[-1 if flat else max(strip - member.dots, 0) :])
        if flat and member.kind == "directory":
            continue
        if not name or name == ".":
            continue
        for parent in _parents(name):
            if parent not in seen:
                seen.add(parent)
                yield directories.get(parent) or Member(parent, "directory", 0o755, os.geteuid(), os.getegid(), time.time(), implied=True)
        if name in seen and member.kind == "directory":
            continue
        seen.add(name)
        yield Member(**{**{f: getattr(member, f) for f in Member.__dataclass_fields__}, "name": name})


def pour(archive: Archive, member: Member, stream: Any) -> None:
    """Write a member's bytes."""
    source: Any = archive.open(member.entry) if isinstance(archive, zipfile.ZipFile) else archive.extractfile(member.entry)
    with source:
        while True:
            chunk = source.read(1 << 20)
            if not chunk:
                return
            stream.write(chunk)


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _safe(name: str) -> str:
    """The member's path below the destination. Failed for one that leads out of it."""
    clean = posixpath.normpath(name.replace("\\", "/") if "/" not in name else name)
    if clean.startswith(("/", "../")) or clean == "..":
        raise Failed(f"the archive holds '{name}', which leads out of where it is unpacked; refused")
    return clean


def content_of(source: Any) -> Content:
    """What an open file holds, by hash; it is read to its end and closed."""
    digest, size = hashlib.sha256(), 0
    with source:
        while True:
            chunk = source.read(1 << 20)
            if not chunk:
                return Content(digest.hexdigest(), size)
            digest.update(chunk)
            size += len(chunk)


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for entry in archive:
        name = _safe(entry.name)
        if name == ".":
            continue
        dots = entry.name.split("/").count(".")
        common = (entry.mode & 0o7777, _id(entry.uname, entry.uid, "user"), _id(entry.gname, entry.gid, "group"), float(entry.mtime))
        if entry.isdir():
            yield Member(name, "directory", *common, dots=dots)
        elif entry.issym():
            if _leads_out(name, entry.linkname):
                raise Failed(f"the archive holds the link '{name}' to {entry.linkname}, which leads out of where it is unpacked; refused")
            yield Member(name, "link", *common, target=entry.linkname, dots=dots)
        elif entry.isfile() or entry.islnk():
            source = archive.extractfile(entry)
            if source is not None:
                yield Member(name, "file", *common, content=content_of(source), entry=entry, dots=dots)


def _leads_out(name: str, target: str) -> bool:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return not target.startswith("/") and (end == ".." or end.startswith("../"))


def _id(name: str, number: int, kind: str) -> int:
    """The owner here: by name where it is known, as tar does."""
    import grp
    import pwd

    try:
        return (pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid) if name else number
    except KeyError:
        return number


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for entry in archive.infolist():
        name = _safe(entry.filename.rstrip("/"))
        bits = entry.external_attr >> 16
        mtime = time.mktime((*entry.date_time, 0, 0, -1))
        directory = entry.filename.endswith("/")
        mode = bits & 0o7777 or (0o755 if directory else 0o644)
        common = (mode, os.geteuid(), os.getegid(), mtime)
        if directory:
            yield Member(name, "directory", *common)
        elif bits & 0o170000 == 0o120000:
            target = archive.read(entry).decode("utf-8", "surrogateescape")
            if _leads_out(name, target):
                raise Failed(f"the archive holds the link '{name}' to {target}, which leads out of where it is unpacked; refused")
            yield Member(name, "link", *common, target=target)
        else:
            yield Member(name, "file", *common, content=content_of(archive.open(entry)), entry=entry)
