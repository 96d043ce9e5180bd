"""script: run a script of the controller on the host."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.state import Unknown
from nxtplay.core.types import Raw as Anything
from nxtplay.modules import _commands, _sources


@dataclass(frozen=True)
class _Script:
    """What `prepare` makes of the command line: the script and the words behind it."""

    source: Any
    words: tuple[str, ...]


class Script(_commands.Run, Action):
    """Carry a script to the host and run it there; it is removed afterwards."""

    free_form = "cmd"
    private = False

    cmd: Anything = arg(help="The script's path on the controller and its arguments.", aliases=["_raw_params"])
    executable: str | None = arg(None, help="The program that shall run it (bash, python3).")
    decrypt: bool = arg(True, help="Scripts encrypted by vault are decrypted on the controller.")

    @classmethod
    def prepare(cls, args: dict[str, Any], controller: Any) -> dict[str, Any]:
        name = "cmd" if "cmd" in args else "_raw_params"
        text = args.get(name)
        if isinstance(text, Unknown) or not isinstance(text, str) or not text.strip():
            return args
        words = _commands.words_of(text)
        source = _sources.take(controller, words[0], decrypt=_sources.stated(args, "decrypt", True))
        if not isinstance(source, _sources.Source):
            raise Failed(f"{words[0]} is a directory; script takes a file")
        return {**args, name: _Script(source, tuple(words[1:]))}

    def due(self, host: Reader) -> Optional[str]:
        if not isinstance(self.cmd, _Script):
            raise Failed("script takes the path of a script on the controller")
        return None if _commands.reason_to_skip(host, self) else f"runs {self.cmd.source.name}"

    def idle(self, host: Reader) -> dict[str, Any]:
        reason = _commands.reason_to_skip(host, self)
        there = reason.endswith("' exists")
        why = f"{self.creates} exists, matching creates option" if there else f"{self.removes} does not exist, matching removes option"
        return {**_commands.skipped(reason, None), "skipped": True, "msg": why}

    def perform(self, host: Host) -> dict[str, Any]:
        script: Any = self.cmd
        with tempfile.TemporaryDirectory(prefix="nxtplay-") as directory:
            path = os.path.join(directory, script.source.name)
            content = script.source.content
            with open(path, "wb") as stream:
                for chunk in [content] if isinstance(content, bytes) else content.chunks():
                    stream.write(chunk)
            os.chmod(path, 0o700)
            words = [*(_commands.words_of(self.executable) if self.executable else []), path, *script.words]
            with open(path, "rb") as stream:
                if not self.executable and stream.read(2) != b"#!":
                    words.insert(0, "/bin/sh")
            cwd = _commands.working_directory(host, self)
            return _commands.carry_out(host, words, cmd=[script.source.name, *script.words], cwd=cwd, strip=False)

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        return _commands.promised(host, self)
