"""s3_object: objects in S3 and storage that speaks like it."""

from __future__ import annotations

import dataclasses
import mimetypes
import os
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.files import Content
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _backup, _files, _s3


@dataclass(frozen=True)
class Object:
    """What is under a key, or (mode get) in the file: its hash ("md5:..." where only that is known), "" where nothing is."""

    content: Any


class S3Object(_s3.S3Login, Resource[Object]):
    """Put a file under a key, get it back, delete it, list keys. Files are compared by hash, and streamed."""

    private = False
    rules = (
        required_if("mode", "put", "object", "src"),
        required_if("mode", "get", "object", "dest"),
        required_if("mode", "delobj", "object"),
    )

    bucket: str = arg(help="Bucket; it has to exist.", key=True)
    mode: Literal["put", "get", "delobj", "list"] = arg(help="What to do.")
    object: str | None = arg(None, help="Key.", aliases=["object_name"], key=True)
    src: Path | None = arg(None, help="With put: file on the host.")
    dest: Path | None = arg(None, help="With get: file on the host.")
    overwrite: Literal["different", "always", "never"] = arg("different", help="When there is something already.", aliases=["force"])
    metadata: dict[str, str] = arg(default_factory=dict, help="With put: metadata of the object.")
    prefix: str = arg("", help="With list: what keys begin with.")
    max_keys: int = arg(1000, help="With list: how many at most.")

    def key(self) -> str:
        if self.mode == "get" and self.dest:
            return _files.file_key(self.dest)
        return f"s3:{self.endpoint_url or ''}:{self.bucket}:{self.object}"

    def observe(self, host: Reader) -> Optional[Any]:
        if self.mode == "list":
            self._listed[:] = sorted(_s3.listing(self._at(host), self.prefix, self.max_keys))[: self.max_keys]
            return Object("")
        if self.mode == "get":
            return host.stat(_files.host_path(str(self.dest)), content=True)
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())
        found = _s3.head(self._at(host), self.object or "")
        return Object(found.sha256 or f"md5:{found.etag}") if found else None

    def desired(self, host: Reader, before: Optional[Any]) -> Optional[Any]:
        if self.mode == "list":
            return before
        if self.mode == "delobj":
            return None
        if before is not None and self.overwrite == "never":
            return before
        return self._wanted_file(host, before) if self.mode == "get" else self._wanted_object(host, before)

    def due(self, host: Reader, plan: Plan[Any]) -> Optional[str]:
        again = self.overwrite == "always" and self.mode in ("put", "get") and plan.before is not None and not plan
        return "overwrite: always" if again else None

    def perform(self, host: Host, plan: Plan[Any]) -> None:
        self.apply(host, plan)

    def apply(self, host: Host, plan: Plan[Any]) -> None:
        at, key = self._at(host), self.object or ""
        if self.mode == "delobj":
            _s3.delete(at, key)
        elif self.mode == "put":
            path = _files.host_path(str(self.src))
            kind = mimetypes.guess_type(path)[0]
            metadata = {**self.metadata, "sha256": _backup.hash_file(path)[0]}
            host.note(etag=_s3.put(at, key, path, metadata, tell=host.progress), **({"content_type": kind} if kind else {}))
        else:
            self._get(host, at, key)

    def result(self, before: Optional[Any], after: Optional[Any]) -> dict[str, Any]:
        return {"bucket": self.bucket, "object": self.object, **({"s3_keys": list(self._listed)} if self.mode == "list" else {})}

    # -- on the way

    _listed: list[str] = dataclasses.field(default_factory=list, repr=False)

    def _at(self, host: Reader) -> _s3.Storage:
        return _s3.storage(self, host, self.bucket)

    def _wanted_object(self, host: Reader, before: Optional[Object]) -> Optional[Object]:
        path = _files.host_path(str(self.src))
        state = host.stat(path, follow=True)
        if state is None:
            raise Failed(f"src: no file {path}")
        if isinstance(state.content, Unknown):
            return Object(state.content)
        if before is not None and before.content == f"md5:{_md5(path)}":
            return before
        return Object(_backup.hash_file(path)[0])

    def _wanted_file(self, host: Reader, before: Optional[Any]) -> Optional[Any]:
        found = _s3.head(self._at(host), self.object or "")
        if found is None:
            raise Failed(f"S3: there is no s3://{self.bucket}/{self.object}")
        path = _files.host_path(str(self.dest))
        base = before if before is not None else _files.fresh(host, path, "file")
        here = getattr(before, "content", None)
        if isinstance(here, Content) and (here.sha256 == found.sha256 or (not found.sha256 and found.etag == _md5(path))):
            return before
        return dataclasses.replace(base, content=_content(found), inode=None)

    def _get(self, host: Host, at: _s3.Storage, key: str) -> None:
        found = _s3.head(at, key)

        def inspect(temporary: str) -> None:
            if found is not None and found.sha256 and _backup.hash_file(temporary)[0] != found.sha256:
                raise Failed(f"s3://{self.bucket}/{key} is damaged: it is not what was put there")

        host.replace_with(_files.host_path(str(self.dest)), lambda stream: _s3.get(at, key, stream.write), inspect=inspect)


def _md5(path: str) -> str:
    return _s3._hashes(path, 0, os.path.getsize(path))[0].hex()


def _content(found: _s3.Stored) -> Any:
    return Content(found.sha256, found.size) if found.sha256 else Unknown("the object carries no sha256")
