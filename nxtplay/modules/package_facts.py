"""package_facts: which packages the host has."""

from __future__ import annotations

from typing import Any, Literal

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg

FORMAT = r"${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${Section}\t${Origin}\n"


class PackageFacts(Query):
    """Look at all packages; they become the fact `packages`, by name, each a list with one entry per version."""

    manager: list[str] = arg(default_factory=lambda: ["auto"], help="Which managers to ask: auto, apt.")
    strategy: Literal["first", "all"] = arg("first", help="Whether the first manager that answers is enough.")

    def look(self, host: Reader) -> dict[str, Any]:
        wanted = {name.lower() for name in self.manager}
        if not wanted & {"auto", "apt"}:
            raise Failed(f"manager: {', '.join(self.manager)} is not supported; apt is")
        if host.which("dpkg-query") is None:
            raise Failed("no package manager that this version knows (apt) on this host")
        done = host.look(["dpkg-query", "-W", f"-f={FORMAT}"])
        if done.rc != 0:
            raise Failed(f"dpkg-query failed: {done.stderr.strip()}", rc=done.rc)
        packages: dict[str, list[dict[str, str]]] = {}
        for line in done.stdout.splitlines():
            status, name, version, arch, category, origin = (line.split("\t") + [""] * 6)[:6]
            if status.startswith(("ii", "hi")):
                one = {"name": name, "version": version, "arch": arch, "category": category, "origin": origin, "source": "apt"}
                packages.setdefault(name, []).append(one)
        return {"ansible_facts": {"packages": packages}}
