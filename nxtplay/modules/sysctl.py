"""sysctl: settings of the kernel."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, decode
from nxtplay.core.state import Plan
from nxtplay.core.types import FALSE, TRUE, Path
from nxtplay.modules import _files, _lines


class _File(_files.Ownership, _files.Content_):
    """The attributes of the file: as they are."""


@dataclass(frozen=True)
class _Setting:
    """What the file says, and what is in force (None where nobody asks)."""

    kept: Optional[str]
    live: Optional[str] = None


class Sysctl(Resource[_Setting]):
    """A kernel setting in a file that is read at the start, and in force where sysctl_set says so."""

    name: str = arg(help="The setting, such as net.ipv4.ip_forward.", aliases=["key"], key=True)
    value: str | None = arg(None, help="Its value.", aliases=["val"])
    state: Literal["present", "absent"] = arg("present", help="Whether the file holds it.")
    sysctl_file: Path = arg(Path("/etc/sysctl.conf"), help="The file.", key=True)
    sysctl_set: bool = arg(False, help="Whether the value is put in force where it is not.")
    reload: bool = arg(True, help="Whether the file is read again after it changed.")
    ignoreerrors: bool = arg(False, help="Whether settings that the kernel does not take are passed over.")

    def observe(self, host: Reader) -> Optional[_Setting]:
        return _Setting(_said(self._text(host), self.name), self._live(host))

    def desired(self, host: Reader, before: Optional[_Setting]) -> Optional[_Setting]:
        assert before is not None
        if self.state == "absent":
            return _Setting(None, before.live)
        if self.value is None:
            raise Failed("value is required with state: present")
        value = " ".join(self._value().split())
        after = _Setting(value, value if before.live is not None else None)
        if after != before and os.geteuid() != 0 and self.sysctl_file.startswith("/etc/"):
            raise Failed("only root may change settings of the kernel (try become: true)")
        if after.live != before.live and not os.access(self._proc(), os.W_OK):
            raise Failed(f"the kernel does not let {self.name} be set here")
        if after.kept != before.kept:
            _files.parent_state(host, self._place(host))
        return after

    def apply(self, host: Host, plan: Plan[_Setting]) -> None:
        if plan.changed("live"):
            path = self._proc()
            try:
                with open(path, "w") as stream:
                    stream.write(f"{self._value()}\n")
            except OSError as error:
                raise Failed(f"cannot set {self.name} to {self.value}: {error.strerror}") from error
        if not plan.changed("kept"):
            return
        _files.put_bytes(host, decode(_File, {}), self._place(host), self._edited(self._text(host)).encode())
        if self.reload:
            self._read_again(host)

    def due(self, host: Reader, plan: Plan[_Setting]) -> Optional[str]:
        """The file is read again where it holds the value and the kernel has another: it was changed behind the file's back."""
        if not self.reload or self.state == "absent" or self.sysctl_set or plan or host.has_foreseen(self.key()):
            return None
        found = self._in_force()
        same = found is None or found == " ".join(self._value().split())
        return None if same or (self.ignoreerrors and not os.access(self._proc(), os.W_OK)) else f"is {found} in the kernel"

    def perform(self, host: Host, plan: Plan[_Setting]) -> None:
        self._read_again(host)

    def _read_again(self, host: Host) -> None:
        program = host.which("sysctl")
        if program is None:
            raise Failed("no sysctl on this host: install procps, or reload: false")
        done = host.run([program, *(["-e"] if self.ignoreerrors else []), "-p", self._place(host)])
        if done.rc != 0 and not self.ignoreerrors:
            raise Failed(f"the kernel refuses settings of {self._place(host)}: {done.stderr.strip()}", rc=done.rc)

    def also_foresee(self, host: Reader, plan: Plan[_Setting]) -> Sequence[tuple[str, Any]]:
        if not plan.changed("kept"):
            return ()
        path = self._place(host)
        before = host.stat(path, content=True) or _files.fresh(host, path, "file")
        after: FileState = _files.holding(before, Content.of(self._edited(self._text(host)).encode()), path)
        return [(f"file:{path}", after)]

    def result(self, before: Optional[_Setting], after: Optional[_Setting]) -> dict[str, Any]:
        return {"name": self.name, "value": self.value}

    def _place(self, host: Reader) -> str:
        return _lines.place(host, self.sysctl_file)

    def _text(self, host: Reader) -> str:
        path = self._place(host)
        return host.read(path).decode("utf-8", "replace") if host.exists(path) else ""

    def _proc(self) -> str:
        separator = "/" if "/" in self.name else "."
        return "/proc/sys/" + self.name.replace(separator, "/")

    def _value(self) -> str:
        """The value as the kernel has it: what means true or false is 1 or 0."""
        word = (self.value or "").strip()
        return "1" if word.lower() in TRUE else "0" if word.lower() in FALSE else word

    def _in_force(self) -> Optional[str]:
        try:
            with open(self._proc()) as stream:
                return " ".join(stream.read().split())
        except OSError:
            return None

    def _live(self, host: Reader) -> Optional[str]:
        if not self.sysctl_set or self.state == "absent":
            return None
        key = self.key()
        if host.has_foreseen(key) and isinstance(host.foreseen(key), _Setting):
            found: _Setting = host.foreseen(key)
            return found.live
        try:
            with open(self._proc()) as stream:
                return " ".join(stream.read().split())
        except OSError as error:
            if self.ignoreerrors:
                return None
            raise Failed(f"the kernel has no setting {self.name}: {error.strerror}") from error

    def _edited(self, text: str) -> str:
        lines, out, done = text.splitlines(), [], self.state == "absent"
        for line in lines:
            if _name(line) != self.name:
                out.append(line)
            elif not done:
                out.append(f"{self.name}={self._value()}")
                done = True
        if not done:
            out.append(f"{self.name}={self._value()}")
        return "".join(f"{line}\n" for line in out)


def _name(line: str) -> str:
    return "" if re.match(r"\s*[#;]", line) else line.partition("=")[0].strip().lstrip("-")


def _said(text: str, name: str) -> Optional[str]:
    """What counts in the file: the last line of the setting."""
    found = [line.partition("=")[2] for line in text.splitlines() if "=" in line and _name(line) == name]
    return " ".join(found[-1].split()) if found else None
