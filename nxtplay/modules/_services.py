"""Services: by systemd where it runs, else by SysV scripts."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from typing import Any, Optional, Sequence, Union

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.state import Unknown

SYSTEMD = "/run/systemd/system"


@dataclass(frozen=True)
class ServiceState:
    """A service as it is; None: not asked for, or the manager cannot tell."""

    active: Union[bool, Unknown, None] = None
    enabled: Union[bool, Unknown, None] = None
    masked: Union[bool, Unknown, None] = None
    status: dict[str, str] = field(default_factory=dict, metadata={"volatile": True})  # all that systemd shows of it
    fixed: bool = field(default=False, metadata={"volatile": True})  # others start it: there is nothing to enable
    barred: bool = field(default=False, metadata={"volatile": True})  # idle, and its own conditions keep it from being started here
    offline: bool = field(default=False, metadata={"volatile": True})  # a chroot, or SYSTEMD_OFFLINE: systemctl leaves out what acts


class Manager:
    """How a host's services are asked and told. `options` go to systemctl (--user, --no-block)."""

    def __init__(self, host: Reader, name: str, options: Sequence[str] = ()) -> None:
        self.host, self.name, self.options = host, name, list(options)

    def look(self) -> Optional[ServiceState]:
        raise NotImplementedError

    def act(self, host: Host, verb: str) -> None:
        raise NotImplementedError

    def enable(self, host: Host, on: bool, *, force: bool = False) -> None:
        raise NotImplementedError

    def mask(self, host: Host, on: bool) -> None:
        raise Failed("only systemd can mask a service, and it does not run here")


class Systemd(Manager):
    def _words(self, *words: str) -> list[str]:
        return ["systemctl", *self.options, *words]

    @property
    def unit(self) -> str:
        known = r"\.(service|socket|timer|target|mount|path|slice|scope|swap|automount|device)$"
        return self.name if re.search(known, self.name) else f"{self.name}.service"

    def show(self) -> dict[str, str]:
        """What systemd says of the unit; nothing where it does not run, which in a chroot is no failure."""
        done = self.host.look(self._words("show", "--no-pager", "--", self.unit))
        if done.rc != 0 and os.path.isdir(SYSTEMD):
            raise Failed(f"cannot ask systemd about {self.unit}: {done.stderr.strip()}", rc=done.rc)
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def look(self) -> Optional[ServiceState]:
        facts = self.show()
        if facts.get("LoadState") == "not-found" and facts.get("ActiveState") != "active":
            return None
        enabled, *links = self.host.look(self._words("is-enabled", "--full", "--", self.unit)).stdout.splitlines() or [""]
        on = enabled in ("enabled", "alias") or (enabled == "indirect" and bool(links))
        fixed = enabled in ("static", "generated", "transient")
        if not facts:  # what is enabled can be told, and changed, all the same: it is a matter of files
            return ServiceState(None, on, enabled == "masked", fixed=fixed, offline=self._offline()) if enabled else None
        active = facts.get("ActiveState") in ("active", "activating", "reloading")
        masked, barred = facts.get("LoadState") == "masked", not active and self._barred(facts)
        return ServiceState(active, on, masked, facts, fixed=fixed, barred=barred)

    def _offline(self) -> bool:
        """Whether systemctl knows that systemd does not run here, and leaves starts and stops out as a success."""
        return self.host.look(self._words("show", "--no-pager")).rc == 0

    def _barred(self, facts: dict[str, str]) -> bool:
        """Whether a start would be left out, which systemd calls a success: a condition of the unit does not hold."""
        if facts.get("ActiveState") != "inactive" or facts.get("LoadState") != "loaded" or "--user" in self.options:
            return False
        program = self.host.which("systemd-analyze")
        if program is None:
            return False
        done = self.host.look([program, "condition", f"--unit={self.unit}"])
        return "Conditions failed" in done.stdout + done.stderr

    def act(self, host: Host, verb: str) -> None:
        done = host.run(self._words(verb, "--", self.unit), stream=True)
        if done.rc != 0:
            log = host.look(["journalctl", "-u", self.unit, "-n", "20", "--no-pager", "-o", "cat"]) if host.which("journalctl") else None
            tail = f"\nits last lines:\n{log.stdout.strip()}" if log is not None and log.stdout.strip() else ""
            raise Failed(f"systemctl {verb} {self.unit} failed: {done.stderr.strip()}{tail}", rc=done.rc, stderr=done.stderr)

    def enable(self, host: Host, on: bool, *, force: bool = False) -> None:
        host.run(self._words("enable" if on else "disable", *(["--force"] if force else []), "--", self.unit), check=True)

    def mask(self, host: Host, on: bool) -> None:
        host.run(self._words("mask" if on else "unmask", "--", self.unit), check=True)


class SysV(Manager):
    """Scripts in /etc/init.d, started by `service`, enabled by update-rc.d."""

    def look(self) -> Optional[ServiceState]:
        if not self.host.exists(f"/etc/init.d/{self.name}"):
            return None
        done = self.host.look([self._service(), self.name, "status"], timeout=30)
        enabled = any(
            re.fullmatch(rf"S\d\d{re.escape(self.name)}", entry)
            for level in "2345S"
            for entry in (self.host.listdir(f"/etc/rc{level}.d") if self.host.is_dir(f"/etc/rc{level}.d") else ())
        )
        return ServiceState(_running(done), enabled)

    def act(self, host: Host, verb: str) -> None:
        done = host.run([self._service(), self.name, verb], stream=True)
        if done.rc != 0:
            raise Failed(f"service {self.name} {verb} failed: {(done.stderr or done.stdout).strip()}", rc=done.rc, stderr=done.stderr)
        for _ in range(20):  # scripts return before their daemon has settled
            state = self.look()
            if state is None or state.active == (verb != "stop"):
                return
            time.sleep(0.25)

    def enable(self, host: Host, on: bool, *, force: bool = False) -> None:
        tool = host.which("update-rc.d")
        if tool is None:
            raise Failed("no update-rc.d on this host, so services cannot be enabled")
        host.run([tool, self.name, "defaults"], check=True)
        host.run([tool, self.name, "enable" if on else "disable"], check=True)

    def _service(self) -> str:
        found = self.host.which("service")
        if found is None:
            raise Failed("neither systemd nor the command `service` is on this host")
        return found


def _running(done: Completed) -> bool:
    text = (done.stdout + done.stderr).lower()
    if done.rc in (0, 1, 3, 4):
        return done.rc == 0 and not re.search(r"not running|is stopped|\[ - \]", text)
    return "running" in text and "not running" not in text


def manager(host: Reader, name: str, *, options: Sequence[str] = (), use: str = "auto") -> Manager:
    """The manager of this host's services."""
    if use in ("auto", "systemd", "ansible.builtin.systemd", "systemd_service"):
        if host.which("systemctl") and (os.path.isdir(SYSTEMD) or use != "auto"):
            return Systemd(host, name, options)
        if use != "auto":
            raise Failed("no systemctl on this host")
    return SysV(host, name, options)


def reload(host: Host, options: Sequence[str] = (), *, reload: bool, reexec: bool) -> None:
    """Has systemd start itself or read its unit files anew."""
    for wanted, verb in ((reexec, "daemon-reexec"), (reload, "daemon-reload")):
        if wanted:
            host.run(["systemctl", *options, verb], check=True)


def looked(host: Reader, key: str, found: Manager, *, missing_fails: bool) -> Optional[ServiceState]:
    """The service's state as a check foresees it, else as it is. A unit that a foreseen package may bring is unknown."""
    if host.has_foreseen(key):
        state = host.foreseen(key)
        assert state is None or isinstance(state, ServiceState)
        return state
    state = found.look()
    if state is not None:
        return state
    if _unit_to_come(host, found.name):
        return ServiceState(active=False, enabled=False, masked=False)
    coming = _coming(host, found.name)
    if coming:
        later = Unknown(f"{coming}, so the service {found.name} may come with it")
        return ServiceState(later, later, later)
    if missing_fails:
        raise Failed(f"Could not find the requested service {found.name}: it is not on this host")
    return None


def _unit_to_come(host: Reader, name: str) -> bool:
    """Whether an earlier task would have written the unit (or script) of a service that is not there yet."""
    unit = name if re.search(r"\.\w+$", name) else f"{name}.service"
    places = [f"{folder}/systemd/system/{unit}" for folder in ("/etc", "/usr/lib", "/lib")]
    places = places if os.path.isdir(SYSTEMD) else [f"/etc/init.d/{name}"]
    return any(getattr(host.foreseen(f"file:{place}"), "kind", "") in ("file", "link") for place in places)


def _coming(host: Reader, name: str) -> str:
    """Why a service may be there by then: a package, a unit file, what an earlier task would have done; "" for nothing."""
    packages = [key[len("package:") :] for key, state in host.foreseen_under("package:").items() if state is not None]
    bare = name.split(".")[0].split("@")[0]
    near = [p for p in packages if bare in p or p.rstrip("0123456789.-") in bare]
    if near or packages:
        return f"the package {(near or packages)[0]} is not installed yet"
    for key, state in host.foreseen_under("file:").items():
        if state is not None and os.path.basename(key).split(".")[0].split("@")[0] == bare and ("/systemd/" in key or "/init.d/" in key):
            return f"{key[len('file:') :]} is not written yet"
    act = host.pending_act()
    return act.reason if act is not None else ""


def wanted_enabled(enabled: Optional[bool], before: ServiceState) -> Union[bool, Unknown, None]:
    """Whether it shall start with the machine; one that others start, and nobody enables, stays as it is."""
    return before.enabled if enabled is None or before.fixed else enabled


def wanted_active(state: Optional[str], before: ServiceState) -> Union[bool, Unknown, None]:
    """Whether it shall run; one that is barred stays as it is, and so does one of a systemd that is offline."""
    if state is not None and before.active is None and not before.offline:
        raise Failed("systemd does not run on this host")
    active = {"started": True, "restarted": True, "reloaded": True, "stopped": False}.get(state or "", before.active)
    return before.active if before.offline or (active is True and before.barred) else active


def result(name: str, after: Optional[ServiceState], state: Optional[str], enabled: Optional[bool]) -> dict[str, Any]:
    out: dict[str, Any] = {"name": name}
    if state is not None:
        out["state"] = {"restarted": "started", "reloaded": "started"}.get(state, state)
    if after is not None and after.enabled is not None:
        out["enabled"] = enabled if after.fixed and enabled is not None else after.enabled
    if after is not None and after.barred and state in ("started", "restarted", "reloaded"):
        out["warnings"] = [f"systemd does not start {name} here: a condition of its unit does not hold"]
    if after is not None and after.offline and state is not None:
        out["warnings"] = [f"systemd is offline here (a chroot, or SYSTEMD_OFFLINE), so {name} is not {state}"]
    return out
