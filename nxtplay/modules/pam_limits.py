"""pam_limits: what a user or group may use, as pam_limits reads it."""

from __future__ import annotations

from typing import Any, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed
from nxtplay.core.resource import Resource, arg
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines

ENDLESS = ("unlimited", "infinity", "-1")


class PamLimits(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """A limit in /etc/security/limits.conf."""

    domain: str = arg(help="A user, @group or wildcard.", key=True)
    limit_type: Literal["hard", "soft", "-"] = arg(help="Which limit; - is both.", key=True)
    limit_item: Literal[
        "core", "data", "fsize", "memlock", "nofile", "rss", "stack", "cpu", "nproc", "as", "maxlogins", "maxsyslogins", "priority",
        "locks", "sigpending", "msgqueue", "nice", "rtprio", "chroot",
    ] = arg(help="What is limited.", key=True)  # fmt: skip
    value: str = arg(help="The limit: a number, unlimited, infinity or -1.")
    comment: str = arg("", help="Said behind it.")
    use_max: bool = arg(False, help="Keep the limit that is there when it is higher.")
    use_min: bool = arg(False, help="Keep the limit that is there when it is lower.")
    dest: Path = arg(Path("/etc/security/limits.conf"), help="The file.")

    def file(self) -> str:
        return str(self.dest)

    def edited(self, text: str) -> str:
        if self.value not in ENDLESS and not self.value.lstrip("-").isdigit():
            raise Failed(f"value: '{self.value}' is no number, nor one of {', '.join(ENDLESS)}")
        lines = text.splitlines(keepends=True)
        out: list[str] = []
        found = False
        for line in lines:
            words = line.partition("#")[0].split()
            if len(words) != 4 or tuple(words[:3]) != (self.domain, self.limit_type, self.limit_item):
                out.append(line)
            elif not found:
                found = True
                out.append(self._line(line, words[3]))
        if not found:
            if out and not out[-1].endswith("\n"):
                out[-1] += "\n"
            out.append(self._line("", ""))
        return "".join(out)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        return {"msg": _lines.said(before, after, "limit added", "limit changed")}

    def _line(self, line: str, now: str) -> str:
        value = self.value
        if now and (self.use_max or self.use_min):
            value = (max if self.use_max else min)(value, now, key=_amount)
        if now == value:
            return line
        said = f"\t#{self.comment}" if self.comment else ""
        return f"{self.domain}\t{self.limit_type}\t{self.limit_item}\t{value}{said}\n"


def _amount(value: str) -> float:
    return float("inf") if value in ENDLESS else float(value)
