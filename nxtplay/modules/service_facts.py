"""service_facts: which services the host has and whether they run."""

from __future__ import annotations

import os
from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query
from nxtplay.modules._services import SYSTEMD

ACTIVE = {"active": "running", "inactive": "stopped", "failed": "failed"}


class ServiceFacts(Query):
    """Look at all services; they become the fact `services`, by name."""

    def look(self, host: Reader) -> dict[str, Any]:
        services = _scripts(host)
        if os.path.isdir(SYSTEMD):
            services.update(_units(host))
        return {"ansible_facts": {"services": services}}


def _units(host: Reader) -> dict[str, dict[str, str]]:
    """Those of systemd: loaded ones by how they are, the others by their unit files."""
    found: dict[str, dict[str, str]] = {}
    plain = ["systemctl", "--no-pager", "--no-legend", "--plain", "--type=service"]
    for line in host.look([*plain, "list-unit-files"]).stdout.splitlines():
        name, status = [*line.split(), "", ""][:2]
        if name:
            found[name] = {"name": name, "state": "unknown", "status": status, "source": "systemd"}
    for line in host.look([*plain, "--all", "list-units"]).stdout.splitlines():
        words = line.split()
        if len(words) < 4:
            continue
        name, load, active, sub = words[:4]
        state = "running" if sub == "running" else ACTIVE.get(active, "stopped") if sub != "exited" else "stopped"
        status = found.get(name, {}).get("status") or ("not-found" if load == "not-found" else "unknown")
        found[name] = {"name": name, "state": state, "status": status, "source": "systemd"}
    resting = [name for name, one in found.items() if one["state"] == "unknown" and not name.endswith("@.service")]  # those are templates
    shown = host.look(["systemctl", "show", "--property=ActiveState", "--", *resting]).stdout if resting else ""
    for name, line in zip(resting, shown.split()):
        found[name]["state"] = line.partition("=")[2] or "unknown"
    return found


def _scripts(host: Reader) -> dict[str, dict[str, str]]:
    """Those of /etc/init.d; `service --status-all` marks them with + where they run."""
    program = host.which("service")
    if program is None or not host.is_dir("/etc/init.d"):
        return {}
    found = {}
    for line in host.look([program, "--status-all"]).stdout.splitlines():
        mark, _, name = line.strip().partition("]")
        if mark.startswith("[") and name.strip():
            state = {"+": "running", "-": "stopped"}.get(mark[1:].strip(), "unknown")
            found[name.strip()] = {"name": name.strip(), "state": state, "source": "sysv"}
    return found
