"""docker_container_copy_into: a file inside a container."""

from __future__ import annotations

import base64
import io
import posixpath
import stat as stat_
import tarfile
import time
from dataclasses import dataclass, field, replace
from typing import Any, Optional, Union

from nxtplay.core.files import Content
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive, one_of, together
from nxtplay.core.state import Plan, Unknown
from nxtplay.core.types import Path
from nxtplay.modules import _docker


@dataclass(frozen=True)
class InsideState:
    """A file (or link) in a container: as core.files.FileState, each field Unknown where a check cannot foresee the host's file."""

    kind: str
    mode: Any
    uid: Any
    gid: Any
    content: Any = None
    target: Any = None
    path: str = field(default="", compare=False, metadata={"volatile": True})  # where it is, links followed


class DockerContainerCopyInto(_docker.DockerOptions, Resource[InsideState]):
    """Copy a file of the host, or a text, into a container, running or not. Compared by content, mode and owner."""

    libraries = ("docker",)
    private = False
    rules = (one_of("path", "content"), exclusive("path", "content"), together("owner_id", "group_id"))

    container: str = arg(help="Name or id of the container.", key=True)
    container_path: str = arg(help="Where it goes; an absolute path.", key=True)
    path: Optional[Path] = arg(None, help="The file on the host.")
    content: Optional[str] = arg(None, help="The text itself; needs `mode`.")
    content_is_b64: bool = arg(False, help="`content` is base64.")
    follow: bool = arg(False, help="Follow links in the container.")
    local_follow: bool = arg(True, help="Follow links on the host.")
    owner_id: Optional[int] = arg(None, help="UID in the container; default: that of the container's user.")
    group_id: Optional[int] = arg(None, help="GID in the container; default: that of the container's user.")
    mode: Optional[Union[int, str]] = arg(None, help="Permission mode, octal; default: as on the host.")
    mode_parse: str = arg("octal_string_only", help="Accepted for Ansible's sake; text is octal.")
    force: Optional[bool] = arg(None, help="`true`: write in any case. `false`: only where nothing is.")

    def key(self) -> str:
        return f"inside:{self.container}:{self.container_path}"

    def _where(self, api: Any) -> str:
        """The path, links followed where that is asked for."""
        where = posixpath.normpath(self.container_path)
        for _ in range(40):
            found = _fetch(api, self.container, where) if self.follow else None
            if found is None or found.kind != "link":
                return where
            where = posixpath.normpath(posixpath.join(posixpath.dirname(where), found.target or ""))
        raise Failed(f"too many levels of symbolic links: {self.container_path}")

    def observe(self, host: Reader) -> Optional[InsideState]:
        if host.has_foreseen(self.key()):
            found: Optional[InsideState] = host.promised(self.key())
            return found
        if host.promised(f"container:{self.container}") is not None:
            return None  # a container that is only foreseen has the files of its image, which nobody has seen
        with _docker.engine(host, self) as api:
            if _docker.inspect_container(api, self.container) is None:
                raise Failed(f"no container {self.container}; `docker ps -a` lists what is there")
            where = self._where(api)
            found = _fetch(api, self.container, where)
            return replace(found, path=where) if found else None

    def desired(self, host: Reader, before: Optional[InsideState]) -> Optional[InsideState]:
        if not self.container_path.startswith("/"):
            raise Failed(f"container_path: '{self.container_path}' has to be absolute")
        if before is not None and self.force is False:
            return before
        return replace(self._wanted(host), path=before.path if before else "")

    def _owner(self, host: Reader) -> tuple[Any, Any]:
        """UID and GID of new files: as given, else those of the container's user."""
        if self.owner_id is not None:
            return self.owner_id, self.group_id
        if host.has_foreseen(f"container:{self.container}"):
            later = Unknown(f"the user of container {self.container} is seen in the run")
            return later, later
        with _docker.engine(host, self) as api:
            live = _docker.inspect_container(api, self.container) or {}
            user, _, group = str((live.get("Config") or {}).get("User") or "0:0").partition(":")
            people, groups = (_entries(api, self.container, f"/etc/{name}") for name in ("passwd", "group"))
        known = next((e for e in people if user in (e[0], e[2])), None)
        uid = user if user.isdigit() else known[2] if known else None
        gid = group or (known[3] if known else "0")
        if not gid.isdigit():
            gid = next((e[2] for e in groups if e[0] == gid), "")
        if uid is None or not gid:
            raise Failed(f"the user {user}:{group} of container {self.container} is not known in it; say owner_id and group_id")
        return int(uid), int(gid)

    def _wanted(self, host: Reader) -> InsideState:
        mode = int(self.mode, 8) if isinstance(self.mode, str) else self.mode
        owner, group = self._owner(host)
        if self.content is not None:
            if mode is None:
                raise Failed("`content` needs `mode`, such as '0644'")
            text = self.content
            data = base64.b64decode(text) if self.content_is_b64 else text.encode("utf-8", "surrogateescape")
            return InsideState("file", mode, owner, group, Content.of(data))
        assert self.path is not None
        found = host.stat(self.path, content=True, follow=self.local_follow)
        if found is None or found.kind not in ("file", "link"):
            what = f"no file {self.path} on the host" if found is None else f"{self.path} is a {found.kind}; only files can be copied"
            raise Failed(what)
        if found.kind == "link":
            return InsideState("link", 0o777, owner, group, None, found.target)
        return InsideState("file", mode if mode is not None else found.mode, owner, group, found.content)

    def due(self, host: Reader, plan: Plan[InsideState]) -> Optional[str]:
        return "force: true" if self.force and not plan else None

    def perform(self, host: Host, plan: Plan[InsideState]) -> None:
        self.apply(host, plan)

    def apply(self, host: Host, plan: Plan[InsideState]) -> None:
        assert plan.after is not None
        after = plan.after
        with _docker.engine(host, self, timeout=600) as api:
            where = self._where(api)
            member = tarfile.TarInfo(posixpath.basename(where))
            member.mode, member.uid, member.gid, member.mtime = after.mode, after.uid, after.gid, int(time.time())
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                if after.kind == "link":
                    member.type, member.linkname = tarfile.SYMTYPE, after.target or ""
                    archive.addfile(member)
                else:
                    data = self._data(host)
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            api.put_archive(self.container, posixpath.dirname(where) or "/", packed.getvalue())

    def _data(self, host: Reader) -> bytes:
        if self.content is not None:
            return base64.b64decode(self.content) if self.content_is_b64 else self.content.encode("utf-8", "surrogateescape")
        assert self.path is not None
        return host.read(self.path)

    def result(self, before: Optional[InsideState], after: Optional[InsideState]) -> dict[str, Any]:
        return {"container_path": (after.path if after else "") or posixpath.normpath(self.container_path)}


def _entries(api: Any, container: str, path: str) -> list[list[str]]:
    """The lines of a file such as /etc/passwd in a container, split."""
    import docker.errors

    try:
        chunks, _ = api.get_archive(container, path)
    except docker.errors.NotFound:
        return []
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.next()
        stream = archive.extractfile(member) if member and member.isfile() else None
        text = stream.read().decode("utf-8", "replace") if stream else ""
    return [line.split(":") for line in text.splitlines() if line.count(":") >= 3]


def _fetch(api: Any, container: str, path: str) -> Optional[InsideState]:
    """What is there, links not followed; None for nothing."""
    import docker.errors

    try:
        chunks, _ = api.get_archive(container, path)
    except docker.errors.NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        member = archive.next()
        if member is None:
            return None
        if member.issym():
            return InsideState("link", 0o777, member.uid, member.gid, None, member.linkname)
        if not member.isfile():
            return InsideState("directory" if member.isdir() else "other", stat_.S_IMODE(member.mode), member.uid, member.gid)
        stream = archive.extractfile(member)
        data = stream.read() if stream else b""
        return InsideState("file", stat_.S_IMODE(member.mode), member.uid, member.gid, Content.of(data))
