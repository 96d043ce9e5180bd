"""apt: packages of Debian and its kin."""

from __future__ import annotations

import os
import time
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _debs, _packages
from nxtplay.modules._packages import Installed, Packages, Spec, Version

PRESENT = ("present", "installed", "fixed")


class Apt(Resource[Packages]):
    """Install, upgrade and remove packages. A check asks apt what it would do."""

    name: list[str] = arg(
        default_factory=list, help="Packages: name, name=version (1.2*), name:arch.", aliases=["package", "pkg"], key=True
    )
    state: Literal["present", "absent", "latest", "build-dep", "fixed", "installed", "removed"] = arg("present", help="What they shall be.")
    update_cache: bool = arg(False, help="Fetch the package lists first, where they are needed.", aliases=["update-cache"])
    cache_valid_time: int = arg(0, help="Seconds for which fetched lists are new enough; implies update_cache.")
    update_cache_retries: int = arg(5, help="How often fetching is tried again.")
    update_cache_retry_max_delay: int = arg(12, help="Seconds between two tries at most.")
    upgrade: Literal["no", "yes", "safe", "full", "dist"] = arg("no", help="Upgrade everything: safe removes nothing, full and dist may.")
    deb: str | None = arg(None, help="A .deb file on the host, or its address.")
    purge: bool = arg(False, help="Remove configuration files too.")
    autoremove: bool = arg(False, help="Remove what was installed for others and is no longer needed.")
    autoclean: bool = arg(False, help="Drop package files that can no longer be had.")
    clean: bool = arg(False, help="Drop all downloaded package files.")
    install_recommends: bool | None = arg(None, help="Whether recommended packages come along.", aliases=["install-recommends"])
    default_release: str | None = arg(None, help="The release to prefer.", aliases=["default-release"])
    dpkg_options: str = arg("force-confdef,force-confold", help="Options for dpkg.")
    force: bool = arg(False, help="Go on where apt has doubts; dangerous.")
    force_apt_get: bool = arg(False, help="Of no effect: apt-get is always used.")
    allow_unauthenticated: bool = arg(False, help="Take packages nobody signed.", aliases=["allow-unauthenticated"])
    allow_downgrade: bool = arg(False, help="A version may be older than what is there.", aliases=["allow-downgrade"])
    allow_change_held_packages: bool = arg(False, help="Change packages that are held.")
    only_upgrade: bool = arg(False, help="Upgrade what is installed, install nothing.")
    fail_on_autoremove: bool = arg(False, help="Fail when something would be removed on the way.")
    lock_timeout: int = arg(60, help="Seconds to wait for another package manager.")
    policy_rc_d: int | None = arg(None, help="Exit code of a policy that keeps services from starting (101).")
    auto_install_module_deps: bool = arg(True, help="Of no effect: nothing is needed.")

    def key(self) -> str:
        return "apt:" + ",".join(self.name)

    def refresh(self, host: Host) -> None:
        """The lists are fetched where they are wanted fresh and something depends on them; a package with an address is, always."""
        if self.deb is not None and "://" in self.deb:
            self._root()
            _debs.fetch(host, self.deb)
        if not self._updates() or not (self.name or self.deb or self._upgrades()) or self._removes():
            return
        before = Packages(_packages.looked(host, self._entries(host)))
        if self.state in ("latest", "build-dep") or self._upgrades() or not all(self._satisfied(before, s) for s in self._entries(host)):
            self._root()
            self._refresh(host)

    def observe(self, host: Reader) -> Optional[Packages]:
        if not host.which("dpkg-query"):
            raise Failed("no dpkg on this host: apt is for Debian, Ubuntu and their kin")
        left = (*_packages.BEGUN, *(["config-files"] if self.purge else [])) if self._removes() else ()
        versions = _packages.looked(host, self._entries(host), left)
        if self.deb is not None:
            versions.update(self._deb_there(host))
        return Packages(versions, held_back=len(self._upgradable(host)) if self._upgrades() else 0)

    def desired(self, host: Reader, before: Optional[Packages]) -> Optional[Packages]:
        assert before is not None
        versions: dict[str, Version] = dict(before.versions)
        if self.deb is not None:
            name, version = self._deb_facts(host)
            versions[name] = None if self._removes() else Installed(version)
        if self._removes():
            return Packages(dict.fromkeys(versions), held_back=before.held_back)
        if self.state == "build-dep":
            return before
        missing = [s for s in self._entries(host) if not self._satisfied(before, s)]
        if self.only_upgrade:
            missing = [s for s in missing if before.versions.get(self._named(s)) is not None]
        latest = self.state == "latest"
        along: dict[str, Version] = {}
        if missing or latest:
            self._root()
            coming, along = self._coming(host, missing if not latest else self._entries(host), before)
            versions.update(coming)
        return Packages(versions, along)

    def apply(self, host: Host, plan: Plan[Packages]) -> None:
        with _Policy(self.policy_rc_d):
            if self._removes():
                words = ["purge" if self.purge else "remove", *(["--auto-remove"] if self.autoremove else [])]
                self._apt_get(host, *words, *self._names())
                return
            if self._upgrades():
                verb = ["upgrade", "--with-new-pkgs"] if self.upgrade in ("yes", "safe") else ["dist-upgrade"]
                self._apt_get(host, *verb)
            names = self._install_names(host, plan)
            if names:
                extra = ["--only-upgrade"] if self.only_upgrade else []
                self._apt_get(host, "install", *extra, *names)

    # -- acts besides

    def due(self, host: Reader, plan: Plan[Packages]) -> Optional[str]:
        self._root_if(plan)
        if self.state == "build-dep" and self.name:
            coming = _packages.simulated(host, [*self._options(), "build-dep", *self._names()])
            return None if coming == {} else "installs build dependencies"
        if (
            self._updates()
            and not plan
            and not self.name
            and _packages.lists_age() >= max(self.cache_valid_time, 1 if self.cache_valid_time else 0)
        ):
            return "fetches the package lists"
        if self.autoremove and not self._removes():
            going = [name for name, version in (_packages.simulated(host, ["autoremove"]) or {}).items() if version is None]
            return f"removes {', '.join(going)}" if going else None
        if self.clean and any(n.endswith(".deb") for n in _listing("/var/cache/apt/archives")):
            return "drops downloaded package files"
        return None

    def perform(self, host: Host, plan: Plan[Packages]) -> None:
        if self._updates() and not self.name:
            self._refresh(host)
        if self.state == "build-dep" and self.name:
            self._apt_get(host, "build-dep", *self._names())
        if self.autoremove:
            self._apt_get(host, "autoremove", *(["--purge"] if self.purge else []))
        if self.clean or self.autoclean:
            _packages.apt_get(host, ["clean" if self.clean else "autoclean"], lock_timeout=self.lock_timeout)

    def also_foresee(self, host: Reader, plan: Plan[Packages]) -> Sequence[tuple[str, Any]]:
        """Every package that comes or goes, those along with it too."""
        assert plan.after is not None and plan.before is not None
        named = {c.path[1].split(":")[0]: plan.after.versions.get(c.path[1]) for c in plan.changes if len(c.path) > 1}
        later = next((s.version for s in named.values() if s is not None and isinstance(s.version, Unknown)), None)
        unsaid: list[tuple[str, Any]] = [(_packages.MORE, later)] if later is not None else []
        new = [name for name, state in named.items() if state is not None]
        if new:  # users, directories, programs: of what it brings, nobody can tell here
            unsaid.append(("act:package", Unknown(f"the package {new[0]} is not installed yet")))
        return [*((f"package:{name}", state) for name, state in {**plan.after.along, **named}.items()), *unsaid]

    def result(self, before: Optional[Packages], after: Optional[Packages]) -> dict[str, Any]:
        packages = {name: state.version if state else None for name, state in (after.versions if after else {}).items()}
        age = _packages.lists_age()
        return {"packages": packages, "cache_updated": False, "cache_update_time": 0 if age == float("inf") else int(time.time() - age)}

    # -- what is meant

    def _entries(self, host: Reader) -> list[Spec]:
        specs = [_packages.spec_of(n) for n in self.name if n.strip()] if self.state != "build-dep" else []
        return specs if self._removes() else _packages.expanded(host, specs)

    def _names(self) -> list[str]:
        return [n.strip() for n in self.name if n.strip()]

    def _named(self, spec: Spec) -> str:
        return f"{spec.name}:{spec.arch}" if spec.arch else spec.name

    def _removes(self) -> bool:
        return self.state in ("absent", "removed")

    def _upgrades(self) -> bool:
        return self.upgrade != "no" and not self._removes()

    def _updates(self) -> bool:
        return self.update_cache or self.cache_valid_time > 0

    def _stale(self, host: Reader) -> bool:
        return not _packages.has_lists() or (self._updates() and not _packages.fresh_lists(host, self.cache_valid_time))

    def _satisfied(self, before: Packages, spec: Spec) -> bool:
        if _packages.is_pattern(spec):
            return any(v is not None for v in before.versions.values())
        return _packages.fits(before.versions.get(self._named(spec)), spec.version)

    def _coming(self, host: Reader, specs: Sequence[Spec], before: Packages) -> tuple[dict[str, Version], dict[str, Version]]:
        """What would be installed of the packages spoken of, and what comes along; versions unknown where lists are to be fetched."""
        if not specs:
            return {}, {}
        held = {self._named(s): before.versions.get(self._named(s)) for s in specs}
        extra = ["--only-upgrade"] if self.only_upgrade else []
        words = [*self._options(), "install", *extra, *(s.text for s in specs)]
        coming = None if self._stale(host) else _packages.simulated(host, words)
        if coming is None:
            later = Installed(Unknown("the version is known once the package lists are fetched"))
            return {name: later if now is None or self.state == "latest" else now for name, now in held.items()}, {}
        if self.fail_on_autoremove and any(v is None for v in coming.values()):
            raise Failed(f"packages would be removed: {', '.join(n for n, v in coming.items() if v is None)}")
        return {self._named(s): coming.get(s.name, held[self._named(s)]) for s in specs}, coming

    def _install_names(self, host: Host, plan: Plan[Packages]) -> list[str]:
        assert plan.before is not None and plan.after is not None
        out = [_debs.path(host, self.deb)] if self.deb is not None else []
        return [*out, *(spec.text for spec in self._entries(host) if plan.changed("versions", self._named(spec)))]

    def _apt_get(self, host: Host, *words: str) -> None:
        done = _packages.apt_get(host, [*self._options(), *words], lock_timeout=self.lock_timeout)
        host.note(stdout=done.stdout, stderr=done.stderr)

    def _refresh(self, host: Host) -> None:
        if self._updates() and self._stale(host):
            _packages.update(
                host, lock_timeout=self.lock_timeout, retries=self.update_cache_retries, delay=self.update_cache_retry_max_delay
            )
            host.note(cache_updated=True)

    def _options(self) -> list[str]:
        options = ["-y"]
        for word in self.dpkg_options.split(","):
            options += ["-o", f"Dpkg::Options::=--{word.strip()}"] if word.strip() else []
        if self.install_recommends is not None:
            options += ["-o", f"APT::Install-Recommends={'yes' if self.install_recommends else 'no'}"]
        if self.default_release:
            options += ["-t", self.default_release]
        for flag, option in (
            (self.allow_unauthenticated, "--allow-unauthenticated"),
            (self.allow_downgrade or self.force, "--allow-downgrades"),
            (self.allow_change_held_packages, "--allow-change-held-packages"),
        ):
            options += [option] if flag else []
        return options

    def _upgradable(self, host: Reader) -> dict[str, Version]:
        verb = ["upgrade", "--with-new-pkgs"] if self.upgrade in ("yes", "safe") else ["dist-upgrade"]
        return _packages.simulated(host, [*self._options(), *verb]) or {}

    def _deb_facts(self, host: Reader) -> tuple[str, str]:
        return _debs.facts(host, str(self.deb))

    def _deb_there(self, host: Reader) -> dict[str, Version]:
        name, _ = self._deb_facts(host)
        return _packages.looked(host, [Spec(name, name)])

    def _root(self) -> None:
        if os.geteuid() != 0:
            raise Failed("only root may install packages (try become: true)")

    def _root_if(self, plan: Plan[Packages]) -> None:
        if plan:
            self._root()


class _Policy:
    """While it holds, /usr/sbin/policy-rc.d answers with that code, so that no service starts on its own."""

    PATH = "/usr/sbin/policy-rc.d"

    def __init__(self, code: Optional[int]) -> None:
        self.code = code
        self.kept: Optional[str] = None

    def __enter__(self) -> None:
        if self.code is None:
            return
        if os.path.exists(self.PATH):
            self.kept = self.PATH + ".nxtplay"
            os.rename(self.PATH, self.kept)
        with open(self.PATH, "w") as stream:
            stream.write(f"#!/bin/sh\nexit {self.code}\n")
        os.chmod(self.PATH, 0o755)

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            return
        os.unlink(self.PATH)
        if self.kept:
            os.rename(self.kept, self.PATH)


def _listing(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
