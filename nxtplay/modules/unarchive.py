"""unarchive: unpack an archive."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from typing import Any, Iterator, Optional, Union

from nxtplay.core.files import FileState, FileTree
from nxtplay.core.host import Failed, Host, Reader, current_umask
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _archives, _copy, _files, _http, _sources, _unpacking
from nxtplay.modules._archives import Member
from nxtplay.modules._sources import Source


class Unarchive(_files.Ownership, Resource[FileState]):
    """Unpack a tar or zip archive of the controller, of the host, or from an address. What is there already is compared by content."""

    rules = (exclusive("include", "exclude"), exclusive("copy", "remote_src"))

    src: Raw = arg(help="The archive: a path on the controller; with remote_src a path on the host or an address.")
    dest: Path = arg(help="The directory to unpack into.", key=True)
    remote_src: bool = arg(False, help="src is on the host, or an address.")
    copy: bool = arg(True, help="The older opposite of remote_src.")
    creates: Path | None = arg(None, help="A path; when it is there, nothing is unpacked.")
    exclude: list[str] = arg(default_factory=list, help="Patterns of members to leave out.")
    include: list[str] = arg(default_factory=list, help="Patterns of the only members to unpack.")
    extra_opts: list[str] = arg(default_factory=list, help="Options of tar and unzip: --strip-components, --no-same-owner and others.")
    keep_newer: bool = arg(False, help="Leave files alone that are newer than the archive's.")
    list_files: bool = arg(False, help="Register the members' names as files.")
    decrypt: bool = arg(True, help="Archives encrypted by vault are decrypted on the controller.")
    validate_certs: bool = arg(True, help="Check the server's certificate.")
    io_buffer_size: int = arg(65536, help="Of no effect.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        remote = _sources.stated(args, "remote_src", False) or not _sources.stated(args, "copy", True)
        src = args.get("src")
        if remote or not isinstance(src, str) or (args.get("creates") and "://" in src):
            return args
        return {**args, "src": _sources.take(controller, src, decrypt=_sources.stated(args, "decrypt", True))}

    def key(self) -> str:
        return _files.file_key(self.dest)

    def observe(self, host: Reader) -> Optional[FileState]:
        root = self._root(host)
        state = host.stat(root)
        if state is None or state.kind != "directory" or self._skips(host):
            return state
        others = {
            path: host.stat(path, content=True, times=self.keep_newer) for path in (os.path.join(root, m.name) for m in self._members(host))
        }
        return FileTree(**{f.name: getattr(state, f.name) for f in dataclasses.fields(FileState)}, others=others)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        root = self._root(host)
        if before is None or before.kind != "directory":
            raise Failed(f"dest: {root} is no directory on this host; make it first (file: state: directory)")
        if not isinstance(before, FileTree):
            return before
        others: dict[str, Optional[FileState]] = {}
        for member in self._members(host):
            path = os.path.join(root, member.name)
            now = (before.others or {}).get(path)
            parent = others.get(os.path.dirname(path)) or (before if os.path.dirname(path) == root else None)
            others[path] = self._wanted(host, path, now, member, parent)
        return dataclasses.replace(before, others=others)

    def _wanted(self, host: Reader, path: str, now: Optional[FileState], member: Member, parent: Optional[FileState]) -> FileState:
        if now is not None and (now.kind == "directory") != (member.kind == "directory"):
            raise Failed(f"{path} is a {now.kind} here and a {member.kind} in the archive")
        how = _unpacking.unpacking(self.extra_opts)
        if now is not None and now.kind == "file" and how.keep:
            return now
        if now is not None and self.keep_newer and now.mtime is not None and now.mtime > member.mtime:
            return now
        base = now if now is not None and now.kind == member.kind else _files.fresh(host, path, "file", parent)
        mode: Any = 0o777 if member.kind == "link" else member.mode & ~(0 if os.geteuid() == 0 and not how.masked else current_umask())
        if member.implied and now is not None:
            mode = now.mode
        ids: dict[str, Any] = (
            {"uid": member.uid, "gid": member.gid} if os.geteuid() == 0 and not how.own and not (member.implied and now is not None) else {}
        )
        state = dataclasses.replace(base, kind=member.kind, mode=mode, target=member.target, content=member.content, path=path, **ids)
        if now is not None and now.content == member.content:
            state = dataclasses.replace(state, inode=now.inode)
        else:
            state = dataclasses.replace(state, inode=None, mtime=None)
        return _files.with_attributes(host, self, state)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        before, after = plan.before, plan.after
        assert isinstance(before, FileTree) and isinstance(after, FileTree)
        root = self._root(host)
        with self._archive(host) as archive:
            for member in self._picked(archive):
                path = os.path.join(root, member.name)
                now, wanted = (before.others or {}).get(path), (after.others or {}).get(path)
                if wanted is None or not plan.changed("others", path):
                    continue
                if wanted.kind == "directory":
                    _files.make_directory(host, path, wanted) if now is None else _files.set_attributes(path, now, wanted)
                elif wanted.kind == "link":
                    _copy.make_link(host, path, now, wanted)
                elif now is not None and now.kind == "file" and now.content == wanted.content:
                    _files.set_attributes(path, now, wanted)
                else:
                    _files.replace_file(
                        host,
                        path,
                        lambda s, m=member: _archives.pour(archive, m, s),
                        wanted,
                        unsafe=self.unsafe_writes,
                        attributes=self.attributes,
                    )
                    os.utime(path, (member.mtime, member.mtime))

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        out = {
            "dest": _files.host_path(self.dest),
            "src": self.src.name if isinstance(self.src, Source) else str(self.src),
            **_files.facts_of(after),
        }
        if not isinstance(after, FileTree):
            out.update(skipped=True, msg=f"skipped, since {self.creates} exists")
        if isinstance(after, FileTree) and self.list_files:
            root = _files.host_path(self.dest)
            out["files"] = [
                os.path.relpath(p, root) + ("/" if s and s.kind == "directory" else "") for p, s in (after.others or {}).items()
            ]
        return out

    # -- the archive

    def _root(self, host: Reader) -> str:
        return host.resolve(_files.host_path(self.dest))

    def _skips(self, host: Reader) -> bool:
        return self.creates is not None and bool(_files.glob(host, _files.host_path(self.creates)))

    def _chosen(self, name: str, exclude: list[str]) -> bool:
        def fits(patterns: list[str]) -> bool:
            parts = name.split("/")
            heads = ["/".join(parts[: i + 1]) for i in range(len(parts))]
            return any(fnmatch.fnmatchcase(head, p.rstrip("/")) for p in patterns for head in heads)

        return not fits(exclude) and (not self.include or fits(self.include))

    def _members(self, host: Reader) -> list[Member]:
        with self._archive(host) as archive:
            return list(self._picked(archive))

    def _picked(self, archive: _archives.Archive) -> Iterator[Member]:
        how = _unpacking.unpacking(self.extra_opts)
        exclude = [*self.exclude, *how.exclude]
        if isinstance(archive, tarfile.TarFile):
            exclude += [f"*/{pattern}" for pattern in exclude]  # which tar takes for the end of a path as well
        return _archives.members(archive, lambda name: self._chosen(name, exclude), strip=how.strip, flat=how.flat)

    @contextmanager
    def _archive(self, host: Reader) -> Iterator[Union[tarfile.TarFile, zipfile.ZipFile]]:
        """The archive, opened; one that has to come from elsewhere is kept in a file without a name meanwhile."""
        with tempfile.TemporaryFile() as kept:
            if isinstance(self.src, Source):
                content: Any = self.src.content
                for chunk in [content] if isinstance(content, bytes) else content.chunks():
                    kept.write(chunk)
                name = self.src.name
            elif "://" in str(self.src):
                answer = _http.send(
                    _http.Request(url=str(self.src), redirects="all", verify=self.validate_certs, environ=host.environ, decompress=False),
                    into=kept.write,
                )
                if answer.status >= 300:
                    raise Failed(f"{self.src} answered {answer.status} {answer.reason}")
                name = str(self.src)
            else:
                name = _files.host_path(str(self.src))
                state = host.stat(name, follow=True)
                if state is None or state.kind != "file":
                    raise Failed(f"src: no file {name} on this host")
                if isinstance(state.content, Unknown):
                    raise UnknownReached(state.content)
                if state.content is not None and state.content.data is not None:
                    kept.write(state.content.data)
                else:
                    with open(name, "rb") as stream:
                        while chunk := stream.read(1 << 20):
                            kept.write(chunk)
            kept.seek(0)
            with _archives.opened(kept, name) as archive:
                yield archive
