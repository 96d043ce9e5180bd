"""service: a service of the host, whatever manages it."""

from __future__ import annotations

import time
from typing import Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import arg
from nxtplay.core.state import Plan
from nxtplay.modules import _services
from nxtplay.modules._services import Manager, ServiceState
from nxtplay.modules.systemd_service import SystemdService


class Service(SystemdService):
    """Start, stop, restart a service; have it start with the machine. Under systemd it takes what systemd_service takes."""

    sleep: int | None = arg(None, help="Seconds between stop and start of a restart.")
    pattern: str | None = arg(None, help="Of no effect: the service itself is asked.")
    runlevel: str = arg("default", help="Of no effect.")
    arguments: str = arg("", help="Of no effect under systemd.", aliases=["args"])
    use: str = arg("auto", help="Which manager; auto finds it.")

    def refresh(self, host: Host) -> None:
        if (self.daemon_reload or self.daemon_reexec) and not isinstance(self._manager(host), _services.Systemd):
            raise Failed("daemon_reload and daemon_reexec are systemd's, which does not manage the services of this host")
        super().refresh(host)

    def observe(self, host: Reader) -> Optional[ServiceState]:
        if self.name is not None and not self.name.strip():
            raise Failed("name is empty")
        return super().observe(host)

    def perform(self, host: Host, plan: Plan[ServiceState]) -> None:
        if self.state == "restarted" and self.sleep:
            manager = self._manager(host)
            manager.act(host, "stop")
            time.sleep(self.sleep)
            manager.act(host, "start")
        else:
            super().perform(host, plan)

    def _manager(self, host: Reader) -> Manager:
        return _services.manager(host, self.name or "", options=self._options(), use=self.use)
