"""dpkg_selections: what shall become of an installed package (hold keeps its version)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan


@dataclass(frozen=True)
class _Selection:
    selection: str


class DpkgSelections(Resource[_Selection]):
    """Hold a package at its version, or let it go."""

    name: str = arg(help="The package.", key=True)
    selection: Literal["install", "hold", "deinstall", "purge"] = arg(help="What shall become of it.")

    def observe(self, host: Reader) -> Optional[_Selection]:
        if host.which("dpkg") is None:
            raise Failed("no dpkg on this host")
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        fields = host.look(["dpkg", "--get-selections", self.name]).stdout.split()
        return _Selection(fields[1]) if len(fields) == 2 else None

    def desired(self, host: Reader, before: Optional[_Selection]) -> Optional[_Selection]:
        if before is None and not host.has_foreseen(f"package:{self.name}"):
            raise Failed(f"Failed to find package '{self.name}': dpkg does not know it")
        return _Selection(self.selection)

    def apply(self, host: Host, plan: Plan[_Selection]) -> None:
        host.run(["dpkg", "--set-selections"], stdin=f"{self.name} {self.selection}\n".encode(), check=True)

    def result(self, before: Optional[_Selection], after: Optional[_Selection]) -> dict[str, Any]:
        return {"before": before.selection if before else "not present", "after": after.selection if after else "not present"}
