"""apt: packages of Debian and its kin."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any, Literal, Optional, Sequence, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown
from nxtplay.modules import _debs, _packages
from nxtplay.modules._packages import Installed, Packages, Simulated, Spec, Version

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
    allow_downgrade: bool = arg(
        False, help="A version may be older than what is there.", aliases=["allow-downgrade", "allow_downgrades", "allow-downgrades"]
    )
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
        sure = self.state in ("latest", "build-dep") or self._upgrades()
        if sure or not all(self._satisfied(host, before, spec) for spec in self._entries(host)):
            self._root()
            if self._stale(host):
                self._fetch(host)

    def observe(self, host: Reader) -> Optional[Packages]:
        if not host.which("dpkg-query"):
            raise Failed("no dpkg on this host: apt is for Debian, Ubuntu and their kin")
        left = (*_packages.BEGUN, *(["config-files"] if self.purge else [])) if self._removes() else ()
        versions = _packages.looked(host, self._entries(host), left)
        if self.deb is not None:
            versions.update(self._deb_there(host))
        if not self._upgrades():
            return Packages(versions)
        rest = self._upgradable(host)
        return Packages(versions, held_back=len(rest.coming), told=rest.text)

    def desired(self, host: Reader, before: Optional[Packages]) -> Optional[Packages]:
        assert before is not None
        versions: dict[str, Version] = dict(before.versions)
        if self.deb is not None:
            name, version = self._deb_facts(host)
            versions[name] = None if self._removes() else Installed(version)
        if self._removes():
            going = self._going(host, before)
            return Packages(dict.fromkeys(versions), going.coming, told=going.text)
        if self.state == "build-dep":
            return before
        if self._upgrades() and "*" in self.name and self._names():
            raise Failed(f"name: beside '*', which is everything that is installed, there is {', '.join(self._names())}; take two tasks")
        missing = [s for s in self._entries(host) if not self._satisfied(host, before, s)]
        if self.only_upgrade:
            missing = [s for s in missing if before.versions.get(self._named(s)) is not None]
        latest = self.state == "latest"
        along: dict[str, Version] = {}
        told = before.told
        if missing or (latest and self._entries(host)):
            self._root()
            coming, along, text = self._coming(host, missing if not latest else self._entries(host), before)
            versions.update(coming)
            told = text if coming else told
        wanted = {name: state if state is None else dataclasses.replace(state, auto=False) for name, state in versions.items()}
        return Packages(wanted, along, told=told)

    def apply(self, host: Host, plan: Plan[Packages]) -> None:
        with _Policy(self.policy_rc_d):
            if self._removes():
                words = ["purge" if self.purge else "remove", *(["--auto-remove"] if self.autoremove else [])]
                self._apt_get(host, *words, *self._there(host, plan.before))
                return
            if self._upgrades():
                self._apt_get(host, *self._verb())
            names = self._install_names(host, plan)
            if names:
                extra = ["--only-upgrade"] if self.only_upgrade else []
                self._apt_get(host, "install", *extra, *names)
            asked_for = [name for name, (old, new) in _changed(plan).items() if old and new and old.version == new.version]
            if asked_for:
                host.run(["apt-mark", "manual", *asked_for], check=True)

    # -- acts besides

    def due(self, host: Reader, plan: Plan[Packages]) -> Union[str, Unknown, None]:
        self._root_if(plan)
        besides = self._besides(host)
        if besides is None and self._updates() and not plan and not self.name and _packages.lists_age() >= self.cache_valid_time:
            if _packages.lists() or host.has_foreseen(_packages.FETCHED):
                return Unknown("only fetching the package lists tells whether they are new")
            return "fetches the package lists"
        return besides

    def _besides(self, host: Reader) -> Optional[str]:
        """Why there is more to do than to install and to fetch lists."""
        if self.state == "build-dep" and self.name:
            if not _packages.has_lists():
                return "installs build dependencies"
            coming = _packages.simulated(host, [*self._options(), "build-dep", *self._names()]).coming
            return "installs build dependencies" if coming else None
        if self.autoremove and not self._removes():
            going = [name for name, version in _packages.simulated(host, ["autoremove"]).coming.items() if version is None]
            if going:
                return f"removes {', '.join(going)}"
        if self.clean and any(n.endswith(".deb") for n in _listing("/var/cache/apt/archives")):
            return "drops downloaded package files"
        if self.autoclean and "\nDel " in "\n" + host.look(["apt-get", "-s", "autoclean"]).stdout:
            return "drops package files that can no longer be had"
        return None

    def perform(self, host: Host, plan: Plan[Packages]) -> Optional[bool]:
        fetched = self._updates() and not self.name and _packages.lists_age() >= self.cache_valid_time and self._fetch(host)
        if self.state == "build-dep" and self.name:
            self._apt_get(host, "build-dep", *self._names())
        if self.autoremove:
            self._apt_get(host, "autoremove", *(["--purge"] if self.purge else []))
        if self.clean or self.autoclean:
            _packages.apt_get(host, ["clean" if self.clean else "autoclean"], lock_timeout=self.lock_timeout)
        return fetched

    def also_foresee(self, host: Reader, plan: Plan[Packages]) -> Sequence[tuple[str, Any]]:
        """Every package that comes or goes, those along with it too."""
        assert plan.after is not None and plan.before is not None
        named = {name.split(":")[0]: new for name, (_, new) in _changed(plan).items()}
        later = next((s.version for s in named.values() if s is not None and isinstance(s.version, Unknown)), None)
        unsaid: list[tuple[str, Any]] = [(_packages.MORE, later)] if later is not None else []
        new = [name for name, (old, to) in _changed(plan).items() if to is not None and (old is None or old.version != to.version)]
        if new:  # users, directories, programs: of what it brings, nobody can tell here
            unsaid.append(("act:package", Unknown(f"the package {new[0]} is not installed yet")))
        if self._updates():
            unsaid.append((_packages.FETCHED, Unknown("the package lists are fetched anew")))
        return [*((f"package:{name}", state) for name, state in {**plan.after.along, **named}.items()), *unsaid]

    def result(self, before: Optional[Packages], after: Optional[Packages]) -> dict[str, Any]:
        packages = {name: state.version if state else None for name, state in (after.versions if after else {}).items()}
        age = _packages.lists_age()
        told = {"stdout": after.told, "stderr": ""} if after is not None and after.told else {}
        cache = {"cache_updated": False, "cache_update_time": 0 if age == float("inf") else int(time.time() - age)}
        return {"packages": packages, **cache, **told}

    # -- what is meant

    def _entries(self, host: Reader) -> list[Spec]:
        specs = [_packages.spec_of(n) for n in self._names()] if self.state != "build-dep" else []
        return specs if self._removes() else _packages.expanded(host, specs)

    def _names(self) -> list[str]:
        return [n.strip() for n in self.name if n.strip() not in ("", "*")]

    def _named(self, spec: Spec) -> str:
        return f"{spec.name}:{spec.arch}" if spec.arch else spec.name

    def _removes(self) -> bool:
        return self.state in ("absent", "removed")

    def _upgrades(self) -> bool:
        return not self._removes() and (self.upgrade != "no" or ("*" in self.name and self.state == "latest"))

    def _verb(self) -> list[str]:
        return ["dist-upgrade"] if self.upgrade in ("full", "dist") else ["upgrade", "--with-new-pkgs"]

    def _updates(self) -> bool:
        return self.update_cache or self.cache_valid_time > 0

    def _stale(self, host: Reader) -> bool:
        return not _packages.has_lists() or (self._updates() and not _packages.fresh_lists(host, self.cache_valid_time))

    def _satisfied(self, host: Reader, before: Packages, spec: Spec) -> bool:
        if _packages.is_pattern(spec):
            return any(v is not None for v in before.versions.values())
        return _packages.fits(host, before.versions.get(self._named(spec)), spec)

    def _there(self, host: Reader, before: Optional[Packages]) -> list[str]:
        """What is spoken of and there, on the machine as it is."""
        have = _packages.installed(host, (*_packages.BEGUN, "config-files"))
        return [name for name, state in (before.versions if before is not None else {}).items() if state is not None and name in have]

    def _going(self, host: Reader, before: Packages) -> Simulated:
        """What would go with the packages spoken of."""
        names = self._there(host, before)
        if not names:
            return Simulated({}, "")
        self._root()
        words = ["purge" if self.purge else "remove", *(["--auto-remove"] if self.autoremove else [])]
        return _packages.simulated(host, [*self._options(), *words, *names])

    def _coming(self, host: Reader, specs: Sequence[Spec], before: Packages) -> tuple[dict[str, Version], dict[str, Version], str]:
        """What would be installed of the packages spoken of, what comes along, and apt's words; versions unknown where lists are to be
        fetched."""
        held = {self._named(s): before.versions.get(self._named(s)) for s in specs}
        extra = ["--only-upgrade"] if self.only_upgrade else []
        words = [*self._options(), "install", *extra, *(s.text for s in specs)]
        if self._stale(host):
            later = Installed(Unknown("the version is known once the package lists are fetched"))
            return {name: later if now is None or self.state == "latest" else now for name, now in held.items()}, {}, ""
        would = _packages.simulated(host, words)
        found = {self._named(s): would.coming.get(s.name, held[self._named(s)]) for s in specs}
        for spec in specs:
            state = found[self._named(spec)]
            if spec.least and state is not None and not _packages.fits(host, state, spec):
                raise Failed(f"{spec.name}: {state.version} is the newest that can be had, and {spec.version} at least was asked for")
        return found, self._along(host, would.coming), would.text if would.coming else ""

    def _along(self, host: Reader, coming: dict[str, Version]) -> dict[str, Version]:
        """What comes and goes, the new of it as installed for others only; of what a check has foreseen already, nothing."""
        have, auto = _packages.installed(host), _packages.marked(host)
        return {
            name: state if state is None else dataclasses.replace(state, auto=name in auto or name not in have)
            for name, state in coming.items()
            if not host.has_foreseen(f"package:{name}")
        }

    def _install_names(self, host: Host, plan: Plan[Packages]) -> list[str]:
        out = [_debs.path(host, self.deb)] if self.deb is not None else []
        new = {name for name, (old, to) in _changed(plan).items() if to is not None and (old is None or old.version != to.version)}
        return [*out, *(spec.text for spec in self._entries(host) if self._named(spec) in new)]

    def _apt_get(self, host: Host, *words: str) -> None:
        done = _packages.apt_get(host, [*self._options(), *words], lock_timeout=self.lock_timeout)
        host.note(stdout=done.stdout, stderr=done.stderr)

    def _fetch(self, host: Host) -> bool:
        """Whether the lists are others now."""
        before = _packages.lists()
        _packages.update(host, lock_timeout=self.lock_timeout, retries=self.update_cache_retries, delay=self.update_cache_retry_max_delay)
        new = _packages.lists() != before
        host.note(cache_updated=new)
        return new

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
            (self.fail_on_autoremove and not self._removes(), "--no-remove"),
        ):
            options += [option] if flag else []
        return options

    def _upgradable(self, host: Reader) -> Simulated:
        return _packages.simulated(host, [*self._options(), *self._verb()]) if _packages.has_lists() else Simulated({}, "")

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


def _changed(plan: Plan[Packages]) -> dict[str, tuple[Version, Version]]:
    """What is and what shall be, of each package that is not as it shall be."""
    assert plan.before is not None and plan.after is not None
    both = {name: (plan.before.versions.get(name), new) for name, new in plan.after.versions.items()}
    return {name: (old, new) for name, (old, new) in both.items() if old != new}


def _listing(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
