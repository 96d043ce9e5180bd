"""raw: run a command line as it stands, also where there is no Python."""

from __future__ import annotations

from typing import Any, Optional

from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Path
from nxtplay.modules import _commands


class Raw(Action):
    """Run a command line by the login shell; nothing is needed on the host. (This class serves where Python is there.)"""

    free_form = "cmd"
    private = False
    needs_python = False

    cmd: str = arg(help="The command line.", aliases=["_raw_params"])
    executable: Path | None = arg(None, help="Another shell to run it.")

    def due(self, host: Reader) -> Optional[str]:
        return "runs a shell"

    def perform(self, host: Host) -> dict[str, Any]:
        result = _commands.carry_out(host, [self.executable or "/bin/sh", "-c", self.cmd], cmd=self.cmd, strip=False)
        return {name: result[name] for name in ("rc", "stdout", "stderr")}
