"""assemble: one file out of the pieces in a directory."""

from __future__ import annotations

import os
import re
from typing import Any, Optional, Union

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path, Raw
from nxtplay.modules import _copy, _files, _sources
from nxtplay.modules._sources import SourceTree


class Assemble(_files.Ownership, _files.Content_, Resource[FileState]):
    """Join the files of a directory, in the order of their names, into one."""

    src: Raw = arg(help="Directory of the pieces.")
    dest: Path = arg(help="The file to make.", key=True)
    remote_src: bool = arg(True, help="src is on the host; false: on the controller.")
    delimiter: str | None = arg(None, help="Text between two pieces.")
    regexp: str | None = arg(None, help="Only pieces whose names it matches.")
    ignore_hidden: bool = arg(False, help="Leave out names that begin with a dot.")
    decrypt: bool = arg(True, help="Files encrypted by vault are decrypted on the controller.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        src = args.get("src")
        if isinstance(src, str) and not _sources.stated(args, "remote_src", True):
            return {**args, "src": _sources.take(controller, src, decrypt=_sources.stated(args, "decrypt", True))}
        return args

    def key(self) -> str:
        return _files.file_key(self.dest)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(_files.host_path(self.dest), content=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        _files.check_validate(self.validate)
        dest = _files.host_path(self.dest)
        if host.is_dir(dest):  # or a link to one: perhaps to where the pieces are
            raise Failed(f"dest: {dest} is a directory; a file cannot take its place")
        content = Content.of(self._joined(self._pieces(host)))
        return _copy.desired_file(host, self, dest, before, content, mode=self.mode)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        content = plan.after.content if plan.after is not None else None
        _copy.write(host, self, plan, content.data if isinstance(content, Content) else None, make_parents=False)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        checksums = _files.checksum_of(after.content) if after is not None else {}
        src = self.src.name if isinstance(self.src, SourceTree) else str(self.src)
        return {"dest": _files.host_path(self.dest), "src": src, **_files.facts_of(after), **checksums, "msg": "OK"}

    def _pieces(self, host: Reader) -> list[bytes]:
        if isinstance(self.src, SourceTree):
            flat = {e.name: e.content for e in self.src.entries if "/" not in e.name and e.content is not None}
            return [_whole(flat[name]) for name in self._wanted(list(flat))]
        path = _files.host_path(str(self.src))
        if not host.is_dir(path):
            raise Failed(f"src: {path} is no directory on this host")
        own = host.canonical(_files.host_path(self.dest))  # what was made here before is no piece, nor is a link to it
        places = {name: os.path.join(path, name) for name in host.listdir(path)}
        files = [
            name
            for name, place in places.items()
            if _is_file(host, place) and own not in (host.canonical(place), host.canonical(host.resolve(place)))
        ]
        return [host.read(places[name]) for name in self._wanted(files)]

    def _wanted(self, names: list[str]) -> list[str]:
        try:
            expression = re.compile(self.regexp or "")
        except re.error as error:
            raise Failed(f"regexp: '{self.regexp}' is no regular expression: {error}") from None
        return [n for n in sorted(names) if expression.search(n) and not (self.ignore_hidden and n.startswith("."))]

    def _joined(self, pieces: list[bytes]) -> bytes:
        """The pieces, each on lines of its own, with the delimiter between them."""
        out: list[bytes] = []
        delimiter = self.delimiter.encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1") if self.delimiter else b""
        for piece in pieces:
            if out and not out[-1].endswith(b"\n"):
                out.append(b"\n")
            if out and delimiter:
                out.append(delimiter if delimiter.endswith(b"\n") else delimiter + b"\n")
            out.append(piece)
        return b"".join(out)


def _is_file(host: Reader, path: str) -> bool:
    state = host.stat(path, follow=True)
    return state is not None and state.kind == "file"


def _whole(content: Union[bytes, Any]) -> bytes:
    return content if isinstance(content, bytes) else b"".join(content.chunks())
