"""shell: run a command line through a shell."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Path
from nxtplay.modules import _commands


class Shell(_commands.Run, _commands.Input, Action):
    """Run a command line through /bin/sh, with pipes, redirections and variables."""

    free_form = "cmd"
    private = False

    cmd: str = arg(help="The command line.", aliases=["_raw_params"])
    executable: Path | None = arg(None, help="Another shell to run it, by its absolute path.")

    def due(self, host: Reader) -> Optional[str]:
        if not self.cmd.strip():
            raise Failed("no command given", rc=256, cmd=self.cmd)
        return None if _commands.reason_to_skip(host, self) else "runs a shell"

    def idle(self, host: Reader) -> dict[str, Any]:
        return _commands.skipped(_commands.reason_to_skip(host, self), self.cmd)

    def perform(self, host: Host) -> dict[str, Any]:
        words = [self.executable or "/bin/sh", "-c", self.cmd]
        cwd = _commands.working_directory(host, self)
        return _commands.carry_out(host, words, cmd=self.cmd, cwd=cwd, stdin=_commands.stdin_of(self), strip=self.strip_empty_ends)

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return _commands.promised(host, self)
