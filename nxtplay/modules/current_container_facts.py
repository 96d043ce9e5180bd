"""current_container_facts: whether the host is a container, and which."""

from __future__ import annotations

import re
from typing import Any

from nxtplay.core.host import Reader
from nxtplay.core.resource import Query

_BY_GROUP = {"docker": "docker", "azpl_job": "azure_pipelines", "actions_job": "github_actions"}
_BY_MOUNT = ((re.compile(r"/([0-9a-f]{64})/hostname$"), "docker"), (re.compile(r"/([0-9a-f]{64})/userdata/hostname$"), "podman"))


class CurrentContainerFacts(Query):
    """Tell whether the host is a container, its id, and what runs it (docker, podman, azure_pipelines, github_actions)."""

    def look(self, host: Reader) -> dict[str, Any]:
        kind, identity = found_in(_text(host, "/proc/self/cpuset"), _text(host, "/proc/self/mountinfo"))
        facts = {"running_in_container": bool(identity), "container_id": identity, "container_type": kind}
        return {"ansible_facts": {f"ansible_module_{name}": value for name, value in facts.items()}}


def _text(host: Reader, path: str) -> str:
    return host.read(path).decode("utf-8", "replace") if host.exists(path) else ""


def found_in(cpuset: str, mounts: str) -> tuple[str, str]:
    """(kind, id) of the container that a process is in, told by its control group or by where its /etc/hostname comes from."""
    group = re.match(r"^/([^/]+)/([^/]+)$", cpuset.strip())
    if group and group.group(1) in _BY_GROUP:
        return _BY_GROUP[group.group(1)], group.group(2)
    for line in mounts.splitlines():
        fields = line.split()
        for pattern, kind in _BY_MOUNT if fields[4:5] == ["/etc/hostname"] else ():
            found = pattern.search(fields[3])
            if found:
                return kind, found.group(1)
    return "", ""
