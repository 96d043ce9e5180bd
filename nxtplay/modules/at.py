"""at: a command that is to run once, later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files

_START = re.compile(r"^cd .* \|\| \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)  # what at puts before the commands ends so
_INLINE = re.compile(r"\$\{SHELL:-/bin/sh\} << '(\w+)'\n(.*)\n\1\n?", re.DOTALL)


@dataclass(frozen=True)
class _Jobs:
    """The numbers of the jobs that run these commands, as at counts them."""

    numbers: tuple[str, ...]


class At(Resource[_Jobs]):
    """Have a command or a script run once, so much later; or take every job away that would run it."""

    rules = (exclusive("command", "script_file"),)

    command: str | None = arg(None, help="The commands.", key=True)
    script_file: Path | None = arg(None, help="A file of the host that holds them.", key=True)
    count: int | None = arg(None, help="How many units from now.")
    units: Literal["minutes", "hours", "days", "weeks"] | None = arg(None, help="What count counts.")
    state: Literal["absent", "present"] = arg("present", help="Whether a job is added, or all jobs with these commands go.")
    unique: bool = arg(False, help="Add none where there is one already.")

    def observe(self, host: Reader) -> Optional[_Jobs]:
        if self.command is None and self.script_file is None:
            raise Failed("command or script_file is required: what shall run?")
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        if host.which("at") is None:
            coming = [key for key, state in host.foreseen_under("package:").items() if key == "package:at" and state is not None]
            if coming:
                return _Jobs(())
            raise Failed("no at on this host; install the package at first")
        wanted = self._text(host).strip()
        numbers = [line.split()[0] for line in host.look(["atq"]).stdout.splitlines() if line.strip()]
        return _Jobs(tuple(sorted(n for n in numbers if _commands(host.look(["at", "-c", n]).stdout) == wanted)))

    def desired(self, host: Reader, before: Optional[_Jobs]) -> Optional[_Jobs]:
        if self.state == "present" and (self.count is None or self.units is None):
            raise Failed("count and units are required with state: present: when shall it run?")
        return _Jobs(()) if self.state == "absent" else before

    def apply(self, host: Host, plan: Plan[_Jobs]) -> None:
        assert plan.before is not None
        host.run(["atrm", *plan.before.numbers], check=True)

    def due(self, host: Reader, plan: Plan[_Jobs]) -> Optional[str]:
        there = plan.before is not None and plan.before.numbers
        return None if self.state == "absent" or (self.unique and there) else f"runs in {self.count} {self.units}"

    def perform(self, host: Host, plan: Plan[_Jobs]) -> None:
        host.run(["at", "-q", "a", "now", "+", str(self.count), str(self.units)], stdin=self._text(host).encode(), check=True)

    def also_foresee(self, host: Reader, plan: Plan[_Jobs]) -> Sequence[tuple[str, Any]]:
        if self.state == "absent" or plan.before is None:
            return []
        return [(self.key(), _Jobs((*plan.before.numbers, "the new one")))]

    def result(self, before: Optional[_Jobs], after: Optional[_Jobs]) -> dict[str, Any]:
        return {"state": self.state, "script_file": self.script_file, "count": self.count, "units": self.units}

    def _text(self, host: Reader) -> str:
        text = self.command or "" if self.script_file is None else host.read(_files.host_path(self.script_file)).decode()
        return text if text.endswith("\n") else f"{text}\n"


def _commands(job: str) -> str:
    """The commands of a job as they were given, without what at puts around them."""
    found = _START.search(job)
    text = job[found.end() :] if found else job
    inline = _INLINE.fullmatch(text.strip() + "\n")
    return (inline.group(2) if inline else text).strip()
