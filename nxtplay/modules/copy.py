"""copy: put a file or a directory of the controller (or of the host itself) in its place."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Optional, Sequence, Union

from nxtplay.core.files import Content, FileState, FileTree
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.modes import octal
from nxtplay.core.resource import Resource, arg, exclusive, one_of
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Mode, Path, Raw
from nxtplay.modules import _copy, _files, _sources
from nxtplay.modules._sources import Source, SourceTree


class Copy(_files.Ownership, _files.Content_, Resource[FileState]):
    """Copy a file, a directory or given text to a path on the host."""

    rules = (one_of("src", "content"), exclusive("src", "content"))

    src: Raw | None = arg(
        None, help="File or directory on the controller; with remote_src on the host. A slash at the end copies what is in it."
    )
    content: Raw | None = arg(None, help="The file's text instead of src; mappings and lists are written as JSON.")
    dest: Path = arg(help="Where it goes; a directory when src is one, or when it ends with a slash.", key=True)
    remote_src: bool = arg(False, help="src is a path on the host.")
    force: bool = arg(True, help="Replace a file whose content differs; else only what is missing is copied.", aliases=["thirsty"])
    follow: bool = arg(False, help="When dest is a symbolic link, write what it leads to.")
    local_follow: bool | None = arg(None, help="Follow links in a source directory: by default on the controller, not on the host.")
    directory_mode: Mode | None = arg(None, help="Mode of directories that are made on the way.")
    checksum: str | None = arg(None, help="SHA-1 that src must have.")
    decrypt: bool = arg(True, help="Files encrypted by vault are decrypted on the controller.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        src = args.get("src")
        if not isinstance(src, str) or _sources.stated(args, "remote_src", False):
            return args
        follow, decrypt = _sources.stated(args, "local_follow", True), _sources.stated(args, "decrypt", True)
        return {**args, "src": _sources.take(controller, src, follow=follow, decrypt=decrypt)}

    def key(self) -> str:
        return _files.file_key(self.dest)

    def key_on(self, host: Reader) -> str:
        return "file:" + self._path(host, self._source(host))

    def observe(self, host: Reader) -> Optional[FileState]:
        source = self._source(host)
        if isinstance(source, SourceTree):
            return _copy.observe_tree(host, self._path(host, source), source)
        found = host.stat(self._path(host, source), content=True)
        return _files.hidden(found) if isinstance(source, Source) and source.secret else found

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        _files.check_validate(self.validate)
        source = self._source(host)
        path = self._path(host, source)
        if isinstance(source, SourceTree):
            assert before is None or isinstance(before, FileTree)
            return _copy.desired_tree(host, self, path, before, source, force=self.force)
        if before is not None and before.kind != "directory" and not self.force:
            return before
        content = source if isinstance(source, (Content, Unknown)) else self._content(source)
        mode = octal(source.mode) if self.mode == "preserve" and isinstance(source, Source) else self.mode
        return _copy.desired_file(host, self, path, before, content, mode=mode, make_parents=self.dest.endswith("/"))

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        source = self._source(host)
        if isinstance(source, SourceTree):
            _copy.apply_tree(host, self, self._path(host, source), plan, source)
            return
        data = source.content if isinstance(source, Source) else getattr(source, "data", None)
        _copy.write(host, self, plan, data, make_parents=self.dest.endswith("/"))

    def also_foresee(self, host: Reader, plan: Plan[FileState]) -> Sequence[tuple[str, Any]]:
        return _copy.with_parents_made(host, self, plan)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        path = after.path if after is not None and after.path else str(self.dest)
        out = {"dest": path, "path": path, **_files.facts_of(after)}
        src = self.src.path if isinstance(self.src, (Source, SourceTree)) else self.src
        if isinstance(after, FileTree) and (isinstance(self.src, SourceTree) or str(src).endswith("/")):
            out["dest"] = str(self.dest).rstrip("/") + "/"
        if src is not None:
            out["src"] = src
        if after is not None and not isinstance(after, FileTree):
            out.update(_files.checksum_of(after.content))
        return out

    # -- the source

    def _source(self, host: Reader) -> Union[Source, SourceTree, Content, Unknown]:
        """What is to be copied: taken from the controller, from the host, or given as text."""
        if isinstance(self.content, Unknown) or isinstance(self.src, Unknown):
            unknown = self.content if isinstance(self.content, Unknown) else self.src
            assert isinstance(unknown, Unknown)
            return unknown
        if self.content is not None:
            return Content.of(_text(self.content).encode("utf-8", "surrogateescape"))
        if isinstance(self.src, (Source, SourceTree)):
            return self.src
        return self._on_host(host, str(self.src))

    def _on_host(self, host: Reader, src: str) -> Union[Source, SourceTree]:
        path = _files.host_path(src)
        state = host.stat(path, follow=True)
        if state is None:
            raise Failed(f"src: no {path} on this host")
        if state.kind == "directory":
            real, dest = (host.canonical(host.resolve(p)) for p in (path, _files.host_path(self.dest)))
            if dest == real or dest.startswith(real.rstrip("/") + "/"):
                raise Failed(f"src: {path} cannot be copied into itself ({self.dest})")
            return _copy.tree_on_host(host, path, name="" if src.endswith("/") else os.path.basename(path), follow=bool(self.local_follow))
        if state.kind != "file":
            raise Failed(f"src: {path} is not a file but a {state.kind}")
        return Source(os.path.basename(path), _copy.known(state.mode), content=host.read(path))

    def _path(self, host: Reader, source: Union[Source, SourceTree, Content, Unknown]) -> str:
        if isinstance(source, SourceTree):
            return host.resolve(_copy.tree_root(self.dest, source))
        name = source.name if isinstance(source, Source) else None
        if name is None and self.dest.endswith("/"):
            raise Failed(f"content needs a file to go to; {self.dest} is a directory")
        return _copy.target_of(host, self.dest, name, follow=self.follow)

    def _content(self, source: Union[Source, SourceTree]) -> Content:
        assert isinstance(source, Source) and source.content is not None
        if self.checksum is not None:
            digest = hashlib.sha1()
            for chunk in [source.content] if isinstance(source.content, bytes) else source.content.chunks():
                digest.update(chunk)
            if digest.hexdigest() != self.checksum.lower():
                raise Failed(f"src has the SHA-1 {digest.hexdigest()}, expected {self.checksum}")
        return _files.content_of(source.content, secret=source.secret)


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
