"""fetch: a file of the host, kept on the controller."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Mapping

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import TRUE, Path
from nxtplay.modules import _files

LIMIT = 256 * 1024 * 1024  # bytes that may travel in one reply


class Fetch(Query):
    """Read a file of the host for a copy on the controller (dest/HOST/path, or dest itself with flat)."""

    src: Path = arg(help="The file on the host.")
    dest: str = arg(help="Directory on the controller, or the file itself with flat.")
    flat: bool = arg(False, help="dest is the file (or, with a slash at its end, the directory) itself.")
    fail_on_missing: bool = arg(True, help="A file that is not there fails the task.")
    validate_checksum: bool = arg(True, help="Compare checksums after the transfer; it always is.")

    @classmethod
    def receive(cls, args: Mapping[str, Any], result: dict[str, Any], controller: Any) -> dict[str, Any]:
        data = result.pop("content", None)
        if not result.pop("found", False) or data is None:
            return result
        name, dest = result.pop("name"), str(args["dest"])
        flat = str(args.get("flat", False)).lower() in TRUE
        if not flat:
            dest = os.path.join(dest, controller.host, result["file"].lstrip("/"))
        elif dest.endswith("/"):
            dest = os.path.join(dest, name)
        return {**result, "dest": dest, "changed": controller.keep(dest, data)}

    def look(self, host: Reader) -> dict[str, Any]:
        path = _files.host_path(self.src)
        state = host.stat(path, follow=True)
        if state is None or state.kind == "directory":
            why = f"no file {path}" if state is None else f"{path} is a directory; fetch takes files"
            if self.fail_on_missing:
                raise Failed(why, file=path)
            return {"msg": f"{why}, ignored", "file": path, "found": False}
        data = host.read(path)
        if len(data) > LIMIT:
            raise Failed(f"{path} has {len(data)} bytes; fetch takes {LIMIT} at most")
        digest = hashlib.sha1(data).hexdigest()
        return {
            "found": True,
            "content": data,
            "file": path,
            "checksum": digest,
            "remote_checksum": digest,
            "size": len(data),
            "name": os.path.basename(path),
        }
