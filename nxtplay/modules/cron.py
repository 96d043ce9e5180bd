"""cron: a job of a user's crontab, or of a file in /etc/cron.d."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _files

MARK = "#Ansible: "


@dataclass(frozen=True)
class _Table:
    """A crontab's text."""

    text: str


class Cron(Resource[_Table]):
    """Keep a job (or a variable) in a crontab, known by a comment with its name above it."""

    edits = True

    name: str = arg(help="The job's name; for env the variable's.")
    job: str | None = arg(None, help="The command; for env the variable's value. A % ends the line for cron: write \\%.", aliases=["value"])
    state: Literal["present", "absent"] = arg("present", help="Whether it is there.")
    user: str | None = arg(None, help="Whose crontab; in a cron_file, who runs it.")
    cron_file: str | None = arg(None, help="A file in /etc/cron.d (or an absolute path) instead.")
    minute: str = arg("*", help="0-59, *, */5.")
    hour: str = arg("*", help="0-23, *.")
    day: str = arg("*", help="Day of the month, 1-31.", aliases=["dom"])
    month: str = arg("*", help="1-12, JAN-DEC.")
    weekday: str = arg("*", help="0-6, SUN-SAT.", aliases=["dow"])
    special_time: Literal["reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"] | None = arg(
        None, help="Instead of the five."
    )
    disabled: bool = arg(False, help="Keep the job, as a comment.")
    env: bool = arg(False, help="It is a variable, not a job.")
    insertafter: str | None = arg(None, help="Put the variable behind that one.")
    insertbefore: str | None = arg(None, help="Put the variable before that one.")
    backup: bool = arg(False, help="Keep a copy of the old crontab.")

    def key(self) -> str:
        path = self._path()
        return f"cron:{_files.host_path(path)}" if path else f"crontab:{self.user or ''}"

    def observe(self, host: Reader) -> Optional[_Table]:
        path = self._path()
        if path:
            return _Table(host.read(path).decode("utf-8", "surrogateescape")) if host.exists(path) else None
        if host.has_foreseen(self.key()):
            state = host.foreseen(self.key())
            assert state is None or isinstance(state, _Table)
            return state
        done = host.look([*self._crontab(host), "-l"])
        if done.rc != 0 and "no crontab" not in done.stderr.lower():
            raise Failed(f"crontab -l failed: {done.stderr.strip()}")
        return _Table(done.stdout) if done.rc == 0 else None

    def desired(self, host: Reader, before: Optional[_Table]) -> Optional[_Table]:
        if self.state == "present" and not self.env and not self.job:
            raise Failed("job is required with state: present: what shall run?")
        if self.special_time and any(t != "*" for t in (self.minute, self.hour, self.day, self.month, self.weekday)):
            raise Failed("special_time takes the place of minute, hour, day, month and weekday; give one or the other")
        if self.cron_file and not self.user and self.state == "present" and not self.env:
            raise Failed("user is required with cron_file: who shall run the job?")
        path = self._path()
        if path and _files.host_path(path) == "/etc/crontab":
            raise Failed("Will not manage /etc/crontab via cron_file: it belongs to the system; write to a file of its own in /etc/cron.d")
        if path and self.state == "present" and before is None:
            _files.parent_state(host, path)
        old = before.text if before is not None else ""
        new = self._edited(old)
        if new == old:
            return before
        return _Table(new) if new.strip() or not path else None

    def apply(self, host: Host, plan: Plan[_Table]) -> None:
        path = self._path()
        if self.backup and plan.before is not None:
            host.note(backup_file=_backup(plan.before.text))
        if path:
            if plan.after is None:
                host.remove(path)
            else:
                host.write(path, plan.after.text.encode("utf-8", "surrogateescape"), mode=None if plan.before is not None else 0o644)
            return
        text = plan.after.text if plan.after is not None else ""
        done = host.run([*self._crontab(host), "-"], stdin=text.encode("utf-8", "surrogateescape"))
        if done.rc != 0:
            raise Failed(f"crontab refused the table: {done.stderr.strip()}", rc=done.rc)

    def also_foresee(self, host: Reader, plan: Plan[_Table]) -> list[tuple[str, Any]]:
        path = self._path()
        if not path:
            return []
        if plan.after is None:
            return [(f"file:{path}", None)]
        state = host.stat(path) if plan.before is not None else None
        base = state if isinstance(state, FileState) else _files.fresh(host, path, "file")
        mode = base.mode if plan.before is not None else 0o644
        return [
            (f"file:{path}", FileState("file", mode, base.uid, base.gid, Content.of(plan.after.text.encode("utf-8", "surrogateescape"))))
        ]

    def result(self, before: Optional[_Table], after: Optional[_Table]) -> dict[str, Any]:
        text = after.text if after is not None else ""
        jobs = [line[len(MARK) :] for line in text.splitlines() if line.startswith(MARK)]
        envs = re.findall(r"^([A-Za-z_]\w*)\s*=", text, re.MULTILINE)
        return {"jobs": jobs, "envs": envs, **({"cron_file": self.cron_file} if self.cron_file else {})}

    # -- the text

    def _path(self) -> str:
        if not self.cron_file:
            return ""
        return self.cron_file if os.path.isabs(self.cron_file) else os.path.join("/etc/cron.d", self.cron_file)

    def _crontab(self, host: Reader) -> list[str]:
        program = host.which("crontab")
        if program is None:
            coming = [k for k in host.foreseen_under("package:") if "cron" in k]
            if coming:
                raise_unknown(f"{coming[0]} is not installed yet")
            raise Failed("no crontab on this host; install the package cron first")
        import getpass

        return [program, *(["-u", self.user] if self.user and self.user != getpass.getuser() else [])]

    def _edited(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join(self._with_variable(lines) if self.env else self._with_job(lines))

    def _with_job(self, lines: list[str]) -> list[str]:
        mark = MARK + self.name
        at = next((i for i, line in enumerate(lines) if line.rstrip("\n") == mark), None)
        new = [mark + "\n", self._line() + "\n"] if self.state == "present" else []
        if at is None:
            return [*lines, *new]
        return [*lines[:at], *new, *lines[at + 2 :]]

    def _line(self) -> str:
        time = f"@{self.special_time}" if self.special_time else " ".join((self.minute, self.hour, self.day, self.month, self.weekday))
        who = f" {self.user}" if self.cron_file else ""
        return f"{'#' if self.disabled else ''}{time}{who} {(self.job or '').strip()}"

    def _with_variable(self, lines: list[str]) -> list[str]:
        def place(name: str) -> Optional[int]:
            return next((i for i, line in enumerate(lines) if re.match(rf"^{re.escape(name)}\s*=", line)), None)

        at = place(self.name)
        new = [f'{self.name}="{self.job or ""}"\n'] if self.state == "present" else []
        if at is not None:
            return [*lines[:at], *new, *lines[at + 1 :]]
        anchor = self.insertafter or self.insertbefore
        where = place(anchor) if anchor else 0
        if where is None:
            raise Failed(f"no variable '{anchor}' in the crontab to put {self.name} beside")
        where += 1 if self.insertafter else 0
        return [*lines[:where], *new, *lines[where:]]


def raise_unknown(reason: str) -> None:
    from nxtplay.core.state import UnknownReached

    raise UnknownReached(Unknown(reason))


def _backup(text: str) -> str:
    import tempfile

    handle, path = tempfile.mkstemp(prefix="crontab")
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    return path
