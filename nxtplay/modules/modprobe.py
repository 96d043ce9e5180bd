"""modprobe: modules of the kernel."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan

LOAD, OPTIONS = "/etc/modules-load.d", "/etc/modprobe.d"


@dataclass(frozen=True)
class _Loaded:
    """Now, and from the next start on (None where nobody asks)."""

    now: bool
    kept: Optional[bool] = None
    params: Optional[str] = None


class Modprobe(Resource[_Loaded]):
    """A module of the kernel loaded, or not."""

    name: str = arg(help="The module.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether it is loaded.")
    params: str = arg("", help="Its parameters, when it is loaded.")
    persistent: Literal["disabled", "present", "absent"] = arg("disabled", help="Whether the next start loads it; disabled: as it is.")

    def observe(self, host: Reader) -> Optional[_Loaded]:
        foreseen = host.foreseen(self.key())
        now = foreseen.now if isinstance(foreseen, _Loaded) else self._now()
        if self.persistent == "disabled":
            return _Loaded(now)
        return _Loaded(now, bool(self._lines(host, LOAD, self._loads)), self._said(host))

    def desired(self, host: Reader, before: Optional[_Loaded]) -> Optional[_Loaded]:
        assert before is not None
        now = self.state == "present"
        kept, params = before.kept, before.params
        if self.persistent != "disabled":
            kept = self.persistent == "present"
            params = (self.params if kept else "") or ""
        after = _Loaded(now, kept, params)
        if after != before and os.geteuid() != 0:
            raise Failed("only root may load modules of the kernel (try become: true)")
        if now and not before.now and not self._known(host):
            raise Failed(f"this kernel has no module {self.name}")
        return after

    def apply(self, host: Host, plan: Plan[_Loaded]) -> None:
        assert plan.after is not None
        if plan.changed("now"):
            words = [self.name, *self.params.split()] if plan.after.now else ["-r", self.name]
            host.run([host.which("modprobe") or "modprobe", *words], check=True)
        if plan.changed("kept"):
            self._keep(host, LOAD, self._loads, f"{self.name}\n" if plan.after.kept else "")
        if plan.changed("params"):
            self._keep(host, OPTIONS, self._sets, f"options {self.name} {plan.after.params}\n" if plan.after.params else "")

    def result(self, before: Optional[_Loaded], after: Optional[_Loaded]) -> dict[str, Any]:
        return {"name": self.name, "params": self.params, "state": self.state}

    def _now(self) -> bool:
        name = self.name.replace("-", "_")
        try:
            with open("/proc/modules") as stream:
                if any(line.split(" ", 1)[0] == name for line in stream):
                    return True
        except OSError:
            pass
        return self._builtin()

    def _builtin(self) -> bool:
        name = self.name.replace("-", "_")
        try:
            with open(f"/lib/modules/{os.uname().release}/modules.builtin") as stream:
                return any(os.path.basename(line.strip()).split(".ko")[0].replace("-", "_") == name for line in stream)
        except OSError:
            return False

    def _known(self, host: Reader) -> bool:
        program = host.which("modprobe")
        if program is None:
            raise Failed("no modprobe on this host: install kmod")
        return host.look([program, "-n", self.name]).rc == 0

    # -- the files for the next start

    def _loads(self, line: str) -> bool:
        return line.strip() == self.name

    def _sets(self, line: str) -> bool:
        return re.match(rf"\s*options\s+{re.escape(self.name)}\s", line) is not None

    def _lines(self, host: Reader, folder: str, matches: Any) -> list[tuple[str, str]]:
        """The lines that speak of the module, each with its file."""
        out = []
        for name in host.listdir(folder) if host.is_dir(folder) else ():
            path = os.path.join(folder, name)
            if name.endswith(".conf") and host.exists(path):
                out += [(path, line) for line in host.read(path).decode("utf-8", "replace").splitlines() if matches(line)]
        return out

    def _said(self, host: Reader) -> str:
        found = self._lines(host, OPTIONS, self._sets)
        return found[-1][1].split(None, 2)[2].strip() if found else ""

    def _keep(self, host: Host, folder: str, matches: Any, text: str) -> None:
        for path in dict.fromkeys(path for path, _ in self._lines(host, folder, matches)):
            lines = host.read(path).decode("utf-8", "replace").splitlines(keepends=True)
            left = "".join(line for line in lines if not matches(line))
            host.write(path, left.encode()) if left.strip() else host.remove(path)
        if text:
            if not host.is_dir(folder):
                host.mkdir(folder, mode=0o755)
            host.write(os.path.join(folder, f"{self.name}.conf"), text.encode(), mode=0o644)
