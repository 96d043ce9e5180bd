"""systemd_service: a unit of systemd."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _services
from nxtplay.modules._services import Manager, ServiceState

SHOWN = ("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "Result", "FragmentPath")  # after a change


class SystemdService(Resource[ServiceState]):
    """Start, stop, enable, mask a unit; have systemd read its files anew."""

    private = False

    name: str | None = arg(None, help="The unit; .service may be left out.", aliases=["service", "unit"], key=True)
    state: Literal["started", "stopped", "restarted", "reloaded"] | None = arg(None, help="What it shall do.")
    enabled: bool | None = arg(None, help="Whether it starts with the machine.")
    masked: bool | None = arg(None, help="Whether it cannot be started at all.")
    force: bool = arg(False, help="Replace links that are in the way of enabling.")
    daemon_reload: bool = arg(False, help="Have systemd read its unit files anew first.", aliases=["daemon-reload"])
    daemon_reexec: bool = arg(False, help="Have systemd start itself anew first.", aliases=["daemon-reexec"])
    scope: Literal["system", "user", "global"] = arg("system", help="Whose systemd.")
    no_block: bool = arg(False, help="Do not wait until it is done.")

    def key(self) -> str:
        scope = "" if self.scope == "system" else f"{self.scope}:"
        name = self.name or ""
        return f"service:{scope}{name[: -len('.service')] if name.endswith('.service') else name}"

    def observe(self, host: Reader) -> Optional[ServiceState]:
        if self.name is None:
            self._manager(host)
            return None
        asked = self.state is not None or bool(self.enabled) or self.masked is False
        return _services.looked(host, self.key(), self._manager(host), missing_fails=asked)

    def desired(self, host: Reader, before: Optional[ServiceState]) -> Optional[ServiceState]:
        if self.name is None:
            if self.state is not None or self.enabled is not None or self.masked is not None:
                raise Failed("name is required: which unit?")
            return None
        if before is None:
            return None if not self.masked else ServiceState(False, False, True)
        active = _services.wanted_active(self.state, before)
        return dataclasses.replace(
            before,
            active=active,
            enabled=_services.wanted_enabled(self.enabled, before),
            masked=before.masked if self.masked is None else self.masked,
        )

    def apply(self, host: Host, plan: Plan[ServiceState]) -> None:
        manager = self._manager(host)
        if plan.changed("masked") and self.masked is not None:
            manager.mask(host, self.masked)
        if plan.changed("enabled") and self.enabled is not None:
            manager.enable(host, self.enabled, force=self.force)
        if plan.changed("active") and self.state is not None:
            manager.act(host, {"stopped": "stop", "restarted": "restart"}.get(self.state, "start"))

    def due(self, host: Reader, plan: Plan[ServiceState]) -> Optional[str]:
        offline = plan.after is not None and plan.after.offline
        if self.state in ("restarted", "reloaded") and not plan.changed("active") and not offline:
            return f"is {self.state}"
        return None

    def refresh(self, host: Host) -> None:
        scope = [] if self.scope == "system" else [f"--{self.scope}"]  # so that what is looked at is what the files say now
        _services.reload(host, scope, reload=self.daemon_reload, reexec=self.daemon_reexec)

    def perform(self, host: Host, plan: Plan[ServiceState]) -> None:
        self._manager(host).act(host, "reload" if self.state == "reloaded" else "restart")

    def result(self, before: Optional[ServiceState], after: Optional[ServiceState]) -> dict[str, Any]:
        out = _services.result(self.name or "", after, self.state, self.enabled)
        if self.name is None:
            return out
        status = after.status if after is not None else {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}
        only_looks = self.state is None and self.enabled is None and self.masked is None
        return {**out, "status": status if only_looks else {name: status[name] for name in SHOWN if name in status}}

    def _manager(self, host: Reader) -> Manager:
        return _services.manager(host, self.name or "", options=self._options(), use="systemd")

    def _options(self) -> list[str]:
        return [*([] if self.scope == "system" else [f"--{self.scope}"]), *(["--no-block"] if self.no_block else [])]
