"""replace: every match of an expression in a file."""

from __future__ import annotations

import re
from typing import Any, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines


class _Unbordered(Exception):
    """The text holds no section between `after` and `before`."""

    def __init__(self, *, after: Optional[str], before: Optional[str]) -> None:
        super().__init__(f"Pattern for before/after params did not match the given file: after={after!r}, before={before!r}")


class Replace(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """Replace what a regular expression matches, everywhere in a file."""

    edits = True

    path: Path = arg(help="The file.", aliases=["dest", "destfile", "name"], key=True)
    regexp: str = arg(help="The expression; ^ and $ match at every line.")
    replace: str = arg("", help="What takes its place; \\1 stands for a group.")
    after: str | None = arg(None, help="Only what follows the first match of this expression is looked at.")
    before: str | None = arg(None, help="Only what precedes the first match of this expression is looked at.")
    encoding: str = arg("utf-8", help="Encoding of the file.")

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        if before is None:
            raise Failed(f"no file {_lines.place(host, self.path)}", rc=257)
        return super().desired(host, before)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        old = before.content.data if before is not None and before.content is not None else b""
        try:
            count = self._substituted(old or b"")[1]
        except _Unbordered as missing:
            return {"msg": str(missing), "rc": 0}
        return {"msg": f"{count} replacements made" if count and before != after else "", "rc": 0}

    def edit(self, text: bytes) -> bytes:
        try:
            return self._substituted(text)[0]
        except _Unbordered:
            return text

    def _substituted(self, data: bytes) -> tuple[bytes, int]:
        try:
            text = data.decode(self.encoding, "surrogateescape")
            start, end = self._section(text)
            new, count = re.subn(self.regexp, self.replace, text[start:end], flags=re.MULTILINE)
        except re.error as error:
            raise Failed(f"regexp '{self.regexp}' with replace '{self.replace}': {error}") from None
        except LookupError:
            raise Failed(f"encoding: '{self.encoding}' is not known") from None
        return (text[:start] + new + text[end:]).encode(self.encoding, "surrogateescape"), count

    def _section(self, text: str) -> tuple[int, int]:
        """The part of the text to look at; _Unbordered where its borders are not there."""
        start, end = 0, len(text)
        if self.after is not None:
            found = re.search(self.after, text, re.DOTALL)
            if not found:
                raise _Unbordered(after=self.after, before=self.before)
            start = found.end()
        if self.before is not None:
            found = re.compile(self.before, re.DOTALL).search(text, start)
            if not found:
                raise _Unbordered(after=self.after, before=self.before)
            end = found.start()
        return start, end
