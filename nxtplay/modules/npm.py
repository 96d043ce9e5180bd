"""npm: packages of Node.js."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files


@dataclass(frozen=True)
class _Node:
    """Versions by package; None for one that is not there. `unmet`: what package.json asks for and is not there."""

    versions: dict[str, Any]
    unmet: tuple[str, ...] = ()


class Npm(Resource[_Node]):
    """Packages of Node.js in a directory or for the whole machine."""

    name: str | None = arg(None, help="The package; without one, those that package.json names.", key=True)
    path: Path | None = arg(None, help="The directory with package.json.", key=True)
    version: str | None = arg(None, help="The version.")
    state: Literal["present", "absent", "latest"] = arg("present", help="Whether it is there.")
    global_: bool = arg(False, help="For the whole machine.", aliases=["global"])
    executable: Path | None = arg(None, help="npm itself.")
    ci: bool = arg(False, help="Install exactly what the lock file says.")
    production: bool = arg(False, help="Leave out packages for development.")
    force: bool = arg(False, help="Go on where npm has doubts.")
    ignore_scripts: bool = arg(False, help="Run none of the packages' own scripts.")
    no_bin_links: bool = arg(False, help="Make no links to programs.")
    no_optional: bool = arg(False, help="Leave out optional packages.")
    unsafe_perm: bool = arg(False, help="Run scripts with our rights.")
    registry: str | None = arg(None, help="Where packages come from.")

    def observe(self, host: Reader) -> Optional[_Node]:
        if not self.global_ and self.path is None:
            raise Failed("path is required, or global: true")
        if self.name is None and self.global_:
            raise Failed("name is required with global: true")
        foreseen = host.foreseen(self.key())
        if isinstance(foreseen, _Node):
            return foreseen
        done = host.look([*self._npm(host), "list", "--json", "--long", "--depth=0", *self._where()], timeout=300)
        try:
            listed = json.loads(done.stdout or "{}").get("dependencies") or {}
        except ValueError:
            raise Failed(f"npm list answered {done.stdout[:200]!r} {done.stderr.strip()}") from None
        there = {name: one["version"] for name, one in listed.items() if "version" in one and not one.get("invalid")}
        if self.name is not None:
            return _Node({self.name: there.get(self.name)})
        return _Node({}, tuple(sorted(name for name, one in self._asked(host, listed).items() if name not in there and one)))

    def desired(self, host: Reader, before: Optional[_Node]) -> Optional[_Node]:
        assert before is not None
        if self.name is None:
            return _Node({}) if self.state != "absent" else before
        now = before.versions[self.name]
        if self.state == "absent":
            return _Node({self.name: None})
        if self.state == "latest":
            return _Node({self.name: self._offered(host, "latest")})
        exact = self.version is not None and self.version[:1].isdigit() and self.version.count(".") >= 2
        if (exact and now != self.version) or now is None:
            return _Node({self.name: self._offered(host, self.version or "latest")})
        return before

    def apply(self, host: Host, plan: Plan[_Node]) -> None:
        if self.state == "absent":
            words = ["uninstall", str(self.name)]
        elif self.name is None:
            words = ["ci" if self.ci else "install"]
        else:
            version = self.version or ("latest" if self.state == "latest" else "")
            words = ["install", f"{self.name}@{version}" if version else self.name]
        flags = {
            "--production": self.production, "--force": self.force, "--ignore-scripts": self.ignore_scripts,
            "--no-bin-links": self.no_bin_links, "--no-optional": self.no_optional, "--unsafe-perm": self.unsafe_perm,
        }  # fmt: skip
        words += [flag for flag, wanted in flags.items() if wanted]
        words += ["--registry", self.registry] if self.registry else []
        host.run([*self._npm(host), *words, *self._where()], check=True)

    def result(self, before: Optional[_Node], after: Optional[_Node]) -> dict[str, Any]:
        return {"name": self.name, "versions": after.versions if after is not None else {}}

    def _npm(self, host: Reader) -> list[str]:
        program = self.executable or host.which("npm")
        if program is None:
            raise Failed("no npm on this host")
        return [program]

    def _where(self) -> list[str]:
        return ["--global"] if self.global_ else ["--prefix", _files.host_path(str(self.path))]

    def _asked(self, host: Reader, listed: dict[str, Any]) -> dict[str, bool]:
        """What package.json asks for; with `production`, not what it asks for in development."""
        file = os.path.join(_files.host_path(str(self.path)), "package.json")
        if not host.exists(file):
            raise Failed(f"no {file}")
        try:
            package = json.loads(host.read(file))
        except ValueError as error:
            raise Failed(f"{file} is no JSON: {error}") from None
        names = {**package.get("dependencies", {}), **({} if self.production else package.get("devDependencies", {}))}
        return dict.fromkeys(names, True)

    def _offered(self, host: Reader, version: str) -> str:
        """The version that the registry would send. Failed where it knows none."""
        registry = ["--registry", self.registry] if self.registry else []
        done = host.look([*self._npm(host), "view", f"{self.name}@{version}", "version", "--json", *registry], timeout=300)
        try:
            found = json.loads(done.stdout) if done.rc == 0 and done.stdout.strip() else None
        except ValueError:
            found = None
        found = found[-1] if isinstance(found, list) and found else found
        if not isinstance(found, str):
            raise Failed(f"the registry of npm has no {self.name} {version}: {done.stderr.strip()[-300:]}")
        return found
