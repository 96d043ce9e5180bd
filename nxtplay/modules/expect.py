"""expect: a command that asks, with answers to what it asks."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from dataclasses import dataclass
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files


class Expect(Action):
    """Run a command on a terminal of its own and answer its questions. No shell is involved."""

    command: str = arg(help="The command with its arguments.")
    responses: dict[str, Any] = arg(help="Expressions and what to type when one matches; of a list, one answer each time.", secret=True)
    chdir: Path | None = arg(None, help="Directory to run it in.")
    creates: Path | None = arg(None, help="A path that means it has run already.")
    removes: Path | None = arg(None, help="A path without which there is nothing to run for.")
    timeout: float | None = arg(30, help="Seconds without a match that end it; none waits for ever.")
    echo: bool = arg(False, help="Whether what is typed shows up in the output.")

    def due(self, host: Reader) -> Optional[str]:
        if not self.command.strip():
            raise Failed("command is empty", rc=256)
        if self.chdir is not None and not host.is_dir(_files.host_path(self.chdir)):
            raise Failed(f"chdir: {self.chdir} is no directory on this host")
        self._questions()
        if self.creates is not None and _files.glob(host, self.creates):
            return None
        if self.removes is not None and not _files.glob(host, self.removes):
            return None
        return "always" if self.creates is None else f"{self.creates} is not there"

    def idle(self, host: Reader) -> dict[str, Any]:
        why = f"{self.creates} exists" if self.creates is not None else f"{self.removes} does not exist"
        return {"cmd": self.command, "stdout": f"skipped, since {why}", "rc": 0}

    def perform(self, host: Host) -> dict[str, Any]:
        import shlex

        words = shlex.split(self.command)
        began = time.time()
        rc, output = self._converse(words, host.environ)
        text = output.decode("utf-8", "surrogateescape").replace("\r\n", "\n").rstrip("\r\n")
        result = {"cmd": self.command, "stdout": text, "rc": rc, "delta": str(round(time.time() - began, 3))}
        if rc is None:
            raise Failed(f"command exceeded timeout: it did not finish, and nothing it said in {self.timeout:g} s matched", **result)
        if rc != 0:
            raise Failed("non-zero return code", **result)
        return result

    def _questions(self) -> list[_Question]:
        out = []
        for text, answer in self.responses.items():
            try:
                pattern = re.compile(text.encode())
            except re.error as error:
                raise Failed(f"responses: '{text}' is no regular expression: {error}") from None
            answers = [str(one) for one in answer] if isinstance(answer, list) else [str(answer)]
            out.append(_Question(pattern, answers, once=isinstance(answer, list)))
        return out

    def _converse(self, words: list[str], environ: dict[str, str]) -> tuple[Optional[int], bytes]:
        """The exit code (None: it fell silent and was ended) and everything it printed."""
        import pty

        questions = self._questions()
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                os.chdir(_files.host_path(self.chdir or "."))
                os.execvpe(words[0], words, environ)
            finally:
                os._exit(127)
        output, seen, silent = b"", 0, False
        try:
            if not self.echo:
                _hush(terminal)
            while True:
                silent = not select.select([terminal], [], [], self.timeout)[0]
                piece = b"" if silent else _read(terminal)
                if not piece:
                    break
                output += piece
                asked = _first(questions, output, seen)
                if asked is not None:
                    question, seen = asked
                    os.write(terminal, question.answer(output).encode() + b"\n")
        except BaseException:
            silent = True
            raise
        finally:
            if silent:
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            os.close(terminal)
        return None if silent else os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), output


@dataclass
class _Question:
    """What may be asked, and what is answered: always the same, or `once` each."""

    pattern: re.Pattern[bytes]
    answers: list[str]
    once: bool

    def answer(self, output: bytes) -> str:
        if not self.answers:
            raise Failed(f"No remaining responses for '{self.pattern.pattern.decode()}'", stdout=output.decode("utf-8", "replace"), rc=1)
        return self.answers.pop(0) if self.once else self.answers[0]


def _first(questions: list[_Question], output: bytes, seen: int) -> Optional[tuple[_Question, int]]:
    """The question that was asked first in what is new, and where to go on looking."""
    found = [(match, question) for question in questions if (match := question.pattern.search(output, seen))]
    if not found:
        return None
    match, question = min(found, key=lambda one: one[0].start())
    return question, match.end()


def _hush(terminal: int) -> None:
    """What is typed does not show up in what is read."""
    import termios

    modes = termios.tcgetattr(terminal)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
