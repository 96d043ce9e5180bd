"""service: a service of the host, whatever manages it."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, one_of
from nxtplay.core.state import Plan
from nxtplay.modules import _services
from nxtplay.modules._services import Manager, ServiceState


class Service(Resource[ServiceState]):
    """Start, stop, restart a service; have it start with the machine."""

    private = False
    rules = (one_of("state", "enabled", "daemon_reload", "daemon_reexec"),)

    name: str = arg(help="The service.", key=True)
    state: Literal["started", "stopped", "restarted", "reloaded"] | None = arg(None, help="What it shall do.")
    enabled: bool | None = arg(None, help="Whether it starts with the machine.")
    sleep: int | None = arg(None, help="Seconds between stop and start of a restart.")
    pattern: str | None = arg(None, help="Of no effect: the service itself is asked.")
    runlevel: str = arg("default", help="Of no effect.")
    arguments: str = arg("", help="Of no effect under systemd.", aliases=["args"])
    daemon_reload: bool = arg(False, help="Have systemd read its unit files anew first.", aliases=["daemon-reload"])
    daemon_reexec: bool = arg(False, help="Have systemd start itself anew first.", aliases=["daemon-reexec"])
    use: str = arg("auto", help="Which manager; auto finds it.")

    def key(self) -> str:
        return "service:" + (self.name[: -len(".service")] if self.name.endswith(".service") else self.name)

    def refresh(self, host: Host) -> None:
        if (self.daemon_reload or self.daemon_reexec) and not isinstance(self._manager(host), _services.Systemd):
            raise Failed("daemon_reload and daemon_reexec are systemd's, which does not manage the services of this host")
        _services.reload(host, reload=self.daemon_reload, reexec=self.daemon_reexec)

    def observe(self, host: Reader) -> Optional[ServiceState]:
        return _services.looked(host, self.key(), self._manager(host), missing_fails=True)

    def desired(self, host: Reader, before: Optional[ServiceState]) -> Optional[ServiceState]:
        assert before is not None
        active = _services.wanted_active(self.state, before)
        return dataclasses.replace(before, active=active, enabled=_services.wanted_enabled(self.enabled, before))

    def apply(self, host: Host, plan: Plan[ServiceState]) -> None:
        manager = self._manager(host)
        if plan.changed("enabled"):
            manager.enable(host, bool(self.enabled))
        if plan.changed("active") and self.state != "restarted":
            manager.act(host, "stop" if self.state == "stopped" else "start")
        elif plan.changed("active"):
            self._restart(host, manager)

    def due(self, host: Reader, plan: Plan[ServiceState]) -> Optional[str]:
        if self.state in ("restarted", "reloaded") and not plan.changed("active"):
            return f"is {self.state}"
        return None

    def perform(self, host: Host, plan: Plan[ServiceState]) -> None:
        manager = self._manager(host)
        if self.state == "reloaded":
            manager.act(host, "reload")
        else:
            self._restart(host, manager)

    def _restart(self, host: Host, manager: Manager) -> None:
        if self.sleep:
            import time

            manager.act(host, "stop")
            time.sleep(self.sleep)
            manager.act(host, "start")
        else:
            manager.act(host, "restart")

    def result(self, before: Optional[ServiceState], after: Optional[ServiceState]) -> dict[str, Any]:
        return _services.result(self.name, after, self.state, self.enabled)

    def _manager(self, host: Reader) -> Manager:
        if not self.name.strip():
            raise Failed("name is empty")
        return _services.manager(host, self.name, use=self.use)
