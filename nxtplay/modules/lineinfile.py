"""lineinfile: one line of a text file."""

from __future__ import annotations

import re
from typing import Any, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines


class Lineinfile(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """Keep one line in a text file, or keep lines out of it."""

    edits = True
    rules = (exclusive("insertbefore", "insertafter"), exclusive("regexp", "search_string"), exclusive("backrefs", "search_string"))

    path: Path = arg(help="The file.", aliases=["dest", "destfile", "name"], key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the line is there.")
    line: str | None = arg(None, help="The line.", aliases=["value"])
    regexp: str | None = arg(None, help="The last line it matches is replaced; with absent, every line it matches goes.", aliases=["regex"])
    search_string: str | None = arg(None, help="As regexp, for plain text anywhere in the line.")
    backrefs: bool = arg(False, help="line may use the groups of regexp; without a match nothing changes.")
    insertafter: str | None = arg(None, help="EOF, or the expression whose last match the line follows when it has to be added.")
    insertbefore: str | None = arg(None, help="BOF, or the expression whose last match the line precedes when it has to be added.")
    firstmatch: bool = arg(False, help="insertafter and insertbefore take the first match.")
    create: bool = arg(False, help="Make a file that is not there.")
    others: str | None = arg(None, help="Of no effect; kept for old playbooks.")

    @property
    def creates(self) -> bool:  # type: ignore[override]
        return self.create

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        if self.state == "absent":
            if self.regexp is None and self.search_string is None and self.line is None:
                raise Failed("state: absent needs one of line, search_string, regexp: which lines shall go?")
            return None if before is None else super().desired(host, before)
        if self.line is None:
            raise Failed("line is required with state: present")
        if self.backrefs and self.regexp is None:
            raise Failed("backrefs needs regexp")
        return super().desired(host, before)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        if plan.after is not None:
            super().apply(host, plan)
        if "backup_file" in host.noted:
            host.note(backup=host.noted["backup_file"])

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        old = before.content.data if before is not None and before.content is not None else b""
        new = after.content.data if after is not None and after.content is not None else b""
        if self.state == "absent" and before is None:
            return {"msg": "file not present"}
        if self.state == "absent":
            gone = len((old or b"").splitlines()) - len((new or b"").splitlines())
            return {"found": gone, "msg": f"{gone} line(s) removed" if gone else "", "backup": ""}
        empty = next((name for name in ("regexp", "search_string") if getattr(self, name) == ""), None)
        told = {"warnings": [f"an empty {empty} matches every line, so it is the last one that counts"]} if empty else {}
        said = "" if old == new else "line replaced" if len((old or b"").splitlines()) == len((new or b"").splitlines()) else "line added"
        return {"msg": said, "backup": "", **told}

    # -- the text

    def edit(self, text: bytes) -> bytes:
        return self._with(text) if self.state == "present" else self._without(text)

    def _expression(self, text: str, name: str) -> "re.Pattern[bytes]":
        try:
            return re.compile(text.encode("utf-8", "surrogateescape"))
        except re.error as error:
            raise Failed(f"{name}: '{text}' is no regular expression: {error}") from None

    def _matcher(self) -> Any:
        """From a line to a match or None, as regexp, search_string or the line itself say."""
        if self.regexp is not None:
            return self._expression(self.regexp, "regexp").search
        if self.search_string is not None:
            wanted = self.search_string.encode("utf-8", "surrogateescape")
            return lambda line: wanted in line or None
        exact = (self.line or "").encode("utf-8", "surrogateescape")
        return lambda line: line.rstrip(b"\r\n") == exact or None

    def _without(self, text: bytes) -> bytes:
        matches = self._matcher()
        return b"".join(line for line in _lines.split(text) if not matches(line))

    def _with(self, text: bytes) -> bytes:
        lines = _lines.split(text)
        new = (self.line or "").encode("utf-8", "surrogateescape")
        matches = self._matcher()
        found = [(i, m) for i, m in ((i, matches(line)) for i, line in enumerate(lines)) if m]
        if found:
            index, match = found[0] if self.firstmatch else found[-1]
            if self.backrefs:
                try:
                    new = match.expand(new)
                except re.error as error:
                    raise Failed(f"line uses a group that regexp does not have: {error}") from None
            return b"".join([*lines[:index], new if new.endswith(b"\n") else new + b"\n", *lines[index + 1 :]])
        if self.backrefs or any(line.rstrip(b"\r\n") == new for line in lines):
            return text
        return self._inserted(lines, new, text)

    def _inserted(self, lines: list[bytes], new: bytes, text: bytes) -> bytes:
        ended = new if new.endswith(b"\n") else new + b"\n"
        anchor, before = (self.insertbefore, True) if self.insertbefore is not None else (self.insertafter, False)
        if anchor in ("BOF", "EOF") and (anchor == "BOF") != before and before is False:
            before = True  # insertafter: BOF
        if anchor == "BOF":
            return ended + text
        if anchor is not None and anchor != "EOF":
            expression = self._expression(anchor, "insertbefore" if before else "insertafter")
            places = [i for i, line in enumerate(lines) if expression.search(line)]
            if places:
                index = (places[0] if self.firstmatch else places[-1]) + (0 if before else 1)
                head = lines[:index]
                if head and not head[-1].endswith((b"\n", b"\r")):
                    head[-1] += b"\n"
                return b"".join([*head, ended, *lines[index:]])
        return text + (b"\n" if text and not text.endswith((b"\n", b"\r")) else b"") + ended
