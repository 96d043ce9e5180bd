"""slurp: a file's content, in base64."""

from __future__ import annotations

import base64
from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files


class Slurp(Query):
    """Read a file of the host."""

    src: Path = arg(help="The file.", aliases=["path"])

    def look(self, host: Reader) -> dict[str, Any]:
        path = _files.host_path(self.src)
        state = host.stat(path, follow=True)
        if state is None:
            raise Failed(f"File not found: {path}")
        if state.kind == "directory":
            raise Failed(f"Source is a directory and must be a file: {path}")
        return {"content": base64.b64encode(host.read(path)).decode("ascii"), "encoding": "base64", "source": _files.expanded(self.src)}
