"""command: run a program, without a shell."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of
from nxtplay.modules import _commands


class Command(_commands.Run, _commands.Input, Action):
    """Run a program with arguments; no shell looks at them."""

    free_form = "cmd"
    private = False
    rules = (one_of("cmd", "argv"), exclusive("cmd", "argv"))

    cmd: str | None = arg(None, help="The command line; split into words as a shell would.", aliases=["_raw_params"])
    argv: list[str] | None = arg(None, help="The command as a list of words.")
    executable: str | None = arg(None, help="Taken and not used: no shell is there for it to be.")
    expand_argument_vars: bool = arg(True, help="Fill in $NAME and ~ in the words.")

    def given(self) -> list[str]:
        """The words as they were written; results name them so."""
        return list(self.argv) if self.argv is not None else _commands.words_of(self.cmd or "")

    def words(self, host: Reader) -> list[str]:
        words = self.given()
        if not words or not words[0]:
            raise Failed("no command given", rc=256, cmd=words)
        return [_commands.expanded(word, host.environ) for word in words] if self.expand_argument_vars else words

    def due(self, host: Reader) -> Optional[str]:
        words = self.words(host)
        return None if _commands.reason_to_skip(host, self) else "runs " + words[0]

    def idle(self, host: Reader) -> dict[str, Any]:
        return _commands.skipped(_commands.reason_to_skip(host, self), self.given())

    def perform(self, host: Host) -> dict[str, Any]:
        words = self.words(host)
        cwd = _commands.working_directory(host, self)
        done = _commands.carry_out(host, words, cmd=self.given(), cwd=cwd, stdin=_commands.stdin_of(self), strip=self.strip_empty_ends)
        if self.executable:
            done["warnings"] = ["executable is no longer supported by command, and not used; shell takes it"]
        return done

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return _commands.promised(host, self)
