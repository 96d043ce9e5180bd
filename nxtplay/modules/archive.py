"""archive: files and directories in one archive, or one file compressed."""

from __future__ import annotations

import bz2
import dataclasses
import fnmatch
import gzip
import lzma
import os
import tarfile
import zipfile
from typing import Any, Iterator, Literal, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _archives, _files

_COMPRESSED: dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_Members = dict[str, FileState]  # by name; one without a name is the file that is compressed


class Archive(_files.Ownership, Resource[FileState]):
    """Pack paths of the host into one archive, or compress one file. What the archive holds already is compared, times aside."""

    path: list[str] = arg(help="Paths or shell patterns of what is packed.")
    format: Literal["bz2", "gz", "tar", "xz", "zip"] = arg("gz", help="tar compressed by gz, bz2 or xz; tar; or zip.")
    dest: Path | None = arg(None, help="The archive; default: the only path with the format behind it.")
    exclude_path: list[str] = arg(default_factory=list, help="Paths or patterns that are left out, with what is below them.")
    exclusion_patterns: list[str] = arg(default_factory=list, help="Patterns of paths that are left out; * matches / too.")
    force_archive: bool = arg(False, help="Make an archive of a single file too, instead of compressing it.")
    remove: bool = arg(False, help="Remove what was packed.")

    edits = True  # with remove there is nothing left to pack

    def key(self) -> str:
        return f"archive:{self._place()}"

    def observe(self, host: Reader) -> Optional[FileState]:
        state = host.stat(self._place())
        return None if state is None else dataclasses.replace(state, content=None)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        place, paths = self._place(), self._paths(host)
        if not paths:
            raise Failed("Error, no source paths were found", expanded_paths="", expanded_exclude_paths="")
        if before is not None and before.kind == "directory":
            raise Failed(f"dest: {place} is a directory")
        if before is None and not self._found(host):
            return None
        return _files.with_attributes(host, self, before or _files.fresh(host, place, "file"))

    def due(self, host: Reader, plan: Plan[FileState]) -> Optional[str]:
        if plan.before is None or not self._found(host):
            return None
        wanted, held = self._wanted(host), self._held(host)
        different = [name for name in {**wanted, **held} if wanted.get(name) != held.get(name)]
        if different:
            return f"is packed anew: {len(different)} of {len(wanted)} paths differ" if len(wanted) > 1 else "is packed anew"
        return "what is packed is removed" if self.remove else None

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        assert plan.after is not None
        if plan.before is None:
            self._pack(host, plan.after)
        else:
            _files.set_attributes(self._place(), plan.before, plan.after)

    def perform(self, host: Host, plan: Plan[FileState]) -> None:
        assert plan.after is not None
        self._pack(host, plan.after)

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return []
        packed = dataclasses.replace(plan.after, content=Unknown("what is packed is known once it is"))
        gone = self._found(host) if self.remove and (plan.before is None or self.due(host, plan)) else []
        return [(f"file:{self._place()}", packed), *((f"file:{path}", None) for path in gone)]

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        out = {"dest": self._place(), **self._told(Reader()), **_files.facts_of(after)}
        return out if after is not None else {**out, "dest_state": "absent"}

    def _told(self, host: Reader) -> dict[str, Any]:
        """What the result says of the paths as they are."""
        paths, found, left_out = self._paths(host), self._found(host), self._left_out(host)
        return {
            "dest_state": "compress" if self._single(host) else "incomplete" if len(found) < len(paths) else "archive",
            "archived": [path for _, path in self._walk(host) if path not in found or not host.is_dir(path)],
            "missing": [path for path in paths if path not in found and not self._excluded(_files.host_path(path), left_out)],
            "arcroot": self._root(host),
            "expanded_paths": paths,
            "expanded_exclude_paths": left_out,
        }

    # -- what is packed

    def _place(self) -> str:
        if self.dest is not None:
            return _files.host_path(self.dest)
        if len(self.path) != 1 or any(sign in self.path[0] for sign in "*?["):
            raise Failed("Error, must specify 'dest' when archiving multiple files or trees")
        return f"{_files.host_path(self.path[0])}.{self.format}"

    def _paths(self, host: Reader) -> list[str]:
        """The paths as written, patterns by what matches them; one that is no pattern stays though nothing is there."""
        out: list[str] = []
        for one in self.path:
            path = _files.expanded(one)
            out += _files.glob(host, path.rstrip("/") or "/") if any(sign in path for sign in "*?[") else [path]
        return out

    def _left_out(self, host: Reader) -> list[str]:
        return [path for one in self.exclude_path for path in _files.glob(host, _files.host_path(one)) or [_files.host_path(one)]]

    def _excluded(self, path: str, left_out: Sequence[str]) -> bool:
        if path == self._place() or any(path == one or path.startswith(one + "/") for one in left_out):
            return True
        return any(fnmatch.fnmatch(path, pattern) for pattern in self.exclusion_patterns)

    def _found(self, host: Reader) -> list[str]:
        left_out = self._left_out(host)
        paths = [path for path in self._paths(host) if not self._excluded(_files.host_path(path), left_out)]
        return [path for path in paths if host.stat(_files.host_path(path)) is not None]

    def _single(self, host: Reader) -> bool:
        """Whether one file is compressed, not archived."""
        paths = self._paths(host)
        state = host.stat(_files.host_path(paths[0])) if len(paths) == 1 else None
        return state is not None and state.kind == "file" and self.format in _COMPRESSED and not self.force_archive

    def _root(self, host: Reader) -> str:
        """The directory that names in the archive are relative to; a path that ends in a slash is one itself."""
        parents = [os.path.dirname(path) or "/" for path in self._paths(host)]
        return os.path.join(os.path.commonpath(parents), "") if parents else ""

    def _walk(self, host: Reader) -> Iterator[tuple[str, str]]:
        """The name in the archive and the path of all that is packed, directories before what is in them."""
        root, left_out = self._root(host), self._left_out(host)
        waiting = [_files.host_path(path) for path in self._found(host)]
        while waiting:
            path = waiting.pop(0)
            if self._excluded(path, left_out):
                continue
            state = host.stat(path)
            if state is None or state.kind not in ("file", "directory", "link"):
                continue
            name = os.path.relpath(path, root)
            if name != ".":
                yield name, path
            if state.kind == "directory":
                waiting = [os.path.join(path, one) for one in sorted(host.listdir(path))] + waiting

    def _wanted(self, host: Reader) -> _Members:
        out: _Members = {}
        for name, path in self._walk(host):
            state = host.stat(path, content=True)
            if state is None:
                continue
            if isinstance(state.content, Unknown):
                raise UnknownReached(state.content)
            out[name] = self._bare(state)
        return {"": FileState("file", content=next(iter(out.values())).content)} if out and self._single(host) else out

    def _bare(self, state: FileState) -> FileState:
        """What an archive keeps of a path and is compared; a zip knows no owners."""
        uid, gid = (None, None) if self.format == "zip" else (state.uid, state.gid)
        return FileState(state.kind, None if state.kind == "link" else state.mode, uid, gid, state.content, state.target)

    # -- the archive

    def _held(self, host: Reader) -> _Members:
        """What the archive that is there holds; nothing where it is none."""
        place = self._place()
        if host.has_foreseen(f"file:{host.canonical(place)}"):
            raise UnknownReached(Unknown(f"{place} would be another by then"))
        try:
            with open(place, "rb") as stream:
                if self._single(host):
                    with _COMPRESSED[self.format](stream) as plain:
                        return {"": FileState("file", content=_archives.content_of(plain))}
                with _archives.opened(stream, place) as archive:
                    if isinstance(archive, zipfile.ZipFile) != (self.format == "zip"):
                        return {}
                    members = [m for m in _archives.members(archive, lambda _: True) if not m.implied]
                    return {m.name: self._bare(FileState(m.kind, m.mode, m.uid, m.gid, m.content, m.target)) for m in members}
        except (OSError, EOFError, Failed, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile):
            return {}

    def _pack(self, host: Host, after: FileState) -> None:
        found, members = self._found(host), list(self._walk(host))
        fill = self._compress if self._single(host) else self._zip if self.format == "zip" else self._tar
        _files.replace_file(
            host, self._place(), lambda stream: fill(stream, members), after, unsafe=self.unsafe_writes, attributes=self.attributes
        )
        if self.remove:
            host.note(**self._told(host))
            for path in found:
                host.remove(_files.host_path(path))

    def _compress(self, stream: Any, members: Sequence[tuple[str, str]]) -> None:
        with open(members[0][1], "rb") as source, _COMPRESSED[self.format](stream, "wb") as packed:
            while chunk := source.read(1 << 20):
                packed.write(chunk)

    def _tar(self, stream: Any, members: Sequence[tuple[str, str]]) -> None:
        how: Any = "w:" if self.format == "tar" else f"w:{self.format}"
        with tarfile.open(fileobj=stream, mode=how, format=tarfile.PAX_FORMAT) as archive:
            for name, path in members:
                archive.add(path, name, recursive=False)

    def _zip(self, stream: Any, members: Sequence[tuple[str, str]]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            for name, path in members:
                entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                if os.path.islink(path):
                    entry.external_attr = 0o120777 << 16
                    archive.writestr(entry, os.readlink(path))
                elif entry.is_dir():
                    archive.writestr(entry, b"")
                else:
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with open(path, "rb") as source, archive.open(entry, "w") as packed:
                        while chunk := source.read(1 << 20):
                            packed.write(chunk)
