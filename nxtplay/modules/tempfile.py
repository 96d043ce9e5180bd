"""tempfile: a new file or directory with a name of its own."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files


class Tempfile(Action):
    """Make a temporary file or directory; its path is known after the run."""

    state: Literal["file", "directory"] = arg("file", help="What to make.")
    path: Path | None = arg(None, help="Directory to make it in; else the system's.")
    prefix: str = arg("ansible.", help="How its name begins.")
    suffix: str = arg("", help="How its name ends.")

    def due(self, host: Reader) -> Optional[str]:
        for name, part in (("prefix", self.prefix), ("suffix", self.suffix)):
            if os.path.basename(part) != part:
                raise Failed(f"{name} must be a valid file name component, not '{part}'")
        if self.path is not None and not host.is_dir(_files.host_path(self.path)):
            raise Failed(f"path: {self.path} is no directory on this host")
        return f"makes a temporary {self.state}"

    def perform(self, host: Host) -> dict[str, Any]:
        place = _files.host_path(self.path) if self.path is not None else None
        try:
            if self.state == "directory":
                path = tempfile.mkdtemp(prefix=self.prefix, suffix=self.suffix, dir=place)
            else:
                handle, path = tempfile.mkstemp(prefix=self.prefix, suffix=self.suffix, dir=place)
                os.close(handle)
        except OSError as error:
            raise Failed(f"cannot make a temporary {self.state}: {error.strerror}") from error
        return {"path": path, **_files.facts_of(host.stat(path))}
