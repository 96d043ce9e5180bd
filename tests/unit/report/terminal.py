"""A terminal small enough to read: what stands on it after what was written to it."""

import io
import re

from nxtplay.report.text import width

_TOKEN = re.compile(r"\x1b\[(\d*)([A-Zm])|\x1b\[J|\r|\n|[^\x1b\r\n]")


class Terminal(io.StringIO):
    """Knows carriage return, line feed, cursor up, erase to the end; anything else is an error of the writer."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self.row = 0
        self.column = 0
        self.at_most = 0  # the widest line that ever stood

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            assert token, f"unknown sequence {text[at : at + 8]!r}"
            at = token.end()
            self._take(token)
        return len(text)

    def _take(self, token: "re.Match[str]") -> None:
        if token[0] == "\x1b[J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        elif token[2] == "A":
            self.row -= int(token[1] or 1)
            assert self.row >= 0, "the cursor left the screen"
        elif token[2]:
            assert token[2] == "m", token[0]
        elif token[0] == "\r":
            self.column = 0
        elif token[0] == "\n":
            self.row += 1
            self.column = 0
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self.row]
            self.lines[self.row] = line[: self.column] + token[0] + line[self.column + 1 :]
            self.column += 1
            self.at_most = max(self.at_most, width(self.lines[self.row]))
