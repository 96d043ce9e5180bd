"""blockinfile: a block of lines between two markers."""

from __future__ import annotations

import re
from typing import Any, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines


class Blockinfile(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """Keep a block of text, marked by a line above and one below it, in a file."""

    edits = True
    rules = (exclusive("insertbefore", "insertafter"),)

    path: Path = arg(help="The file.", aliases=["dest", "destfile", "name"], key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the block is there.")
    block: str = arg("", help="The lines; none removes the block.", aliases=["content"])
    marker: str = arg("# {mark} ANSIBLE MANAGED BLOCK", help="The marker lines; {mark} becomes marker_begin and marker_end.")
    marker_begin: str = arg("BEGIN", help="What {mark} is above the block.")
    marker_end: str = arg("END", help="What {mark} is below it.")
    insertafter: str | None = arg(
        None, help="EOF, or the expression whose last match (with (?m) the first in the whole text) a new block follows."
    )
    insertbefore: str | None = arg(
        None, help="BOF, or the expression whose last match (with (?m) the first in the whole text) a new block precedes."
    )
    create: bool = arg(False, help="Make a file that is not there.")
    append_newline: bool = arg(False, help="Keep an empty line below the block.")
    prepend_newline: bool = arg(False, help="Keep an empty line above the block.")
    encoding: str = arg("utf-8", help="Encoding of the file.")

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        return _lines.desired(host, self, _lines.place(host, self.path), before, self.edit, create=self.create)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        if before is None:
            return {"msg": "File created"}
        return {"msg": _lines.said(before, after, "Block inserted", "Block removed" if not self._lines() else "Block inserted")}

    # -- the text

    def _lines(self) -> list[bytes]:
        if self.state == "absent" or not self.block:
            return []
        lines = _lines.split(self._bytes(self.block))
        return [line if line.endswith(b"\n") else line + b"\n" for line in lines]  # a \r before it is the block's own

    def _bytes(self, text: str) -> bytes:
        return text.encode(self.encoding, "surrogateescape")

    def _marker(self, mark: str) -> bytes:
        return self._bytes(self.marker.replace("{mark}", mark))

    def edit(self, text: bytes) -> bytes:
        begin, end = self._marker(self.marker_begin), self._marker(self.marker_end)
        inner = self._lines()
        block = [begin + b"\n", *inner, end + b"\n"] if inner else []
        lines = _lines.split(text)
        first = _last(lines, begin)
        last = _last(lines, end)
        if first is None or last is None:
            return b"".join(self._placed(lines, block)) if block else text
        if first < last:
            rest, at = [*lines[:first], *lines[last + 1 :]], first
        else:  # the end marker of an older block stands above: each marker is dropped for itself
            rest, at = [line for i, line in enumerate(lines) if i not in (first, last)], last
        return b"".join(self._put(rest, block, at)) if block else b"".join(rest)

    def _placed(self, lines: list[bytes], block: list[bytes]) -> list[bytes]:
        anchor, before = (self.insertbefore, True) if self.insertbefore is not None else (self.insertafter, False)
        at = len(lines)
        if before and anchor == "BOF":
            at = 0
        elif anchor is not None and (before or anchor != "EOF"):
            try:
                expression = re.compile(self._bytes(anchor))
            except re.error as error:
                raise Failed(f"insert{'before' if before else 'after'}: '{anchor}' is no regular expression: {error}") from None
            found = _spanning(lines, expression, before) if expression.flags & re.MULTILINE else _line(lines, expression)
            if found is not None:
                at = found + (0 if before else 1)
        return self._put(lines, block, at)

    def _put(self, lines: list[bytes], block: list[bytes], at: int) -> list[bytes]:
        head, tail = list(lines[:at]), list(lines[at:])
        if head and not head[-1].endswith((b"\n", b"\r")):
            head[-1] += b"\n"
        above = [b"\n"] if self.prepend_newline and head and head[-1].strip() else []
        below = [b"\n"] if self.append_newline and tail and tail[0].strip() else []
        return [*head, *above, *block, *below, *tail]


def _line(lines: list[bytes], expression: re.Pattern[bytes]) -> Optional[int]:
    """The number of the last line that the expression matches."""
    return next((i for i in range(len(lines) - 1, -1, -1) if expression.search(lines[i])), None)


def _spanning(lines: list[bytes], expression: re.Pattern[bytes], before: bool) -> Optional[int]:
    """The number of the line where the first match in the whole text begins, or (not before) ends."""
    text = b"".join(lines)
    found = expression.search(text)
    return text.count(b"\n", 0, found.start() if before else found.end()) if found else None


def _last(lines: list[bytes], marker: bytes) -> Optional[int]:
    return next((i for i in range(len(lines) - 1, -1, -1) if lines[i].rstrip(b"\r\n") == marker), None)
