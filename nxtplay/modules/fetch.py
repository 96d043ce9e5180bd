"""fetch: a file of the host, kept on the controller."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Mapping

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import TRUE, Path, Raw
from nxtplay.modules import _files

LARGE = 1 << 24  # bytes of a file whose way is worth telling


class Fetch(Query):
    """Read a file of the host for a copy on the controller (dest/HOST/path, or dest itself with flat). One that is there is not sent."""

    src: Path = arg(help="The file on the host.")
    dest: str = arg(help="Directory on the controller, or the file itself with flat.")
    flat: bool = arg(False, help="dest is the file (or, with a slash at its end, the directory) itself.")
    fail_on_missing: bool = arg(True, help="A file that is not there fails the task.")
    validate_checksum: bool = arg(True, help="Compare checksums after the transfer; it always is.")
    held: Raw | None = arg(None, help="The hash of the copy that the controller has; it is found out there.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        src, dest = args.get("src"), args.get("dest")
        if not controller.permit:
            return {**args, "held": ""}  # in a check a hash is told, and nothing sent
        if not isinstance(src, str) or not isinstance(dest, str) or not src.startswith("/"):
            return args
        return {**args, "held": controller.held(_place(args, os.path.normpath(src), controller.host))}

    @classmethod
    def receive(cls, args: Mapping[str, Any], result: dict[str, Any], controller: Any) -> dict[str, Any]:
        data, digest = result.pop("handed_over", None), result.pop("sha256", None)
        if digest is None:
            return result
        dest = _place(args, result["file"], controller.host)
        changed = controller.held(dest) != digest
        if changed and controller.permit:
            if data is None:
                raise Failed(f"the copy {dest} changed while the task ran; run it again")
            controller.keep(dest, data, digest)
        return {**result, "dest": dest, "changed": changed}

    def look(self, host: Reader) -> dict[str, Any]:
        path = _files.host_path(self.src)
        state = host.stat(path, follow=True)
        if state is None or state.kind == "directory":
            why = f"no file {path}" if state is None else f"{path} is a directory; fetch takes files"
            if self.fail_on_missing:
                raise Failed(why, file=path)
            return {"msg": f"{why}, ignored", "file": path}
        size, md5, sha1, sha256 = 0, hashlib.md5(), hashlib.sha1(), hashlib.sha256()
        for piece in host.pieces(path):
            size += len(piece)
            md5.update(piece)
            sha1.update(piece)
            sha256.update(piece)
        held = self.held if isinstance(self.held, str) else None
        if held is None or held not in ("", sha256.hexdigest()):
            self._send(host, path, size)
        checksum = sha1.hexdigest()
        told = {"file": path, "size": size, "md5sum": md5.hexdigest(), "checksum": checksum, "remote_checksum": checksum}
        return {**told, "sha256": sha256.hexdigest()}

    def _send(self, host: Reader, path: str, size: int) -> None:
        """As much as was hashed: a log may have grown meanwhile."""
        sent = told = 0
        for piece in host.pieces(path):
            piece = piece[: size - sent]
            host.hand_over(piece)
            sent += len(piece)
            if sent - told >= LARGE:
                told = sent
                host.progress(f"{os.path.basename(path)}: {sent / 1e6:.0f} of {size / 1e6:.0f} MB fetched")
            if sent >= size:
                break
        if not size:
            host.hand_over(b"")


def _place(args: Mapping[str, Any], path: str, host: str) -> str:
    """Where the copy of the host's file goes."""
    dest = str(args["dest"])
    if str(args.get("flat", False)).lower() not in TRUE:
        return os.path.join(dest, host, path.lstrip("/"))
    return os.path.join(dest, os.path.basename(path)) if dest.endswith("/") else dest
