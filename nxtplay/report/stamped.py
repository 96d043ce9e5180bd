"""A text file whose lines say when and by whom they were written, as the log of Ansible has them."""

from __future__ import annotations

import getpass
import os
import time
from typing import Any, TextIO


class Stamped:
    """Takes the place of a stream: each line that is not empty begins with time, process, user and level."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._begun = stream, ""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # a user without a name
            user = str(os.getuid())
        self._who = f"p={os.getpid()} u={user} n=nxtplay"

    def write(self, text: str) -> int:
        """As of a stream; what has no line end yet waits for it."""
        *lines, self._begun = (self._begun + text).split("\n")
        now = time.time()
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f",{int(now % 1 * 1000):03}"
        for line in filter(str.strip, lines):
            self._stream.write(f"{at} {self._who} {_level(line)}| {line}\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _level(line: str) -> str:
    if line.startswith(("[ERROR]", "fatal:", "failed:")):
        return "ERROR"
    return "WARNING" if line.startswith(("[WARNING]", "[DEPRECATION WARNING]")) else "INFO"
