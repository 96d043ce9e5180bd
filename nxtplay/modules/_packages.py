"""Debian packages: what is installed, what would come, apt-get with patience for its locks."""

from __future__ import annotations

import dataclasses
import fnmatch
import glob
import os
import re
import time
from dataclasses import dataclass, field
from typing import Collection, Iterable, Mapping, Optional, Sequence, Union

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.state import Unknown

LISTS = "/var/lib/apt/lists"
INFO = "/var/lib/dpkg/info"  # a list of files for each package that is there
OWNED = ("/etc/", "/usr/", "/var/", "/lib/", "/run/")  # where packages put things
MARKS = "/var/lib/apt/extended_states"  # which packages were installed for others only
STAMPS = ("/var/lib/apt/periodic/update-success-stamp", LISTS)
FETCHED = "packages:lists"  # foreseen where the package lists are fetched
MORE = "packages:along"  # foreseen where packages come along of which nobody can tell the names yet
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LC_ALL": "C.UTF-8", "APT_LISTCHANGES_FRONTEND": "none"}
BEGUN = ("half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending")  # states of dpkg between there and not
SPEC = re.compile(r"(?P<name>[a-z0-9*?\[][a-z0-9.+*?\[\]-]*)(?::(?P<arch>[a-z0-9-]+))?(?:(?P<op>=|>=)(?P<version>\S+))?$")


@dataclass(frozen=True)
class Installed:
    """A package that is there; its version is unknown while the lists have to be fetched first."""

    version: Union[str, Unknown]
    auto: bool = False  # it came for others only, and goes with them in an autoremove


Version = Optional[Installed]


@dataclass(frozen=True)
class Packages:
    """The packages a task speaks of; None: not installed. `along` is what comes and goes with them."""

    versions: dict[str, Version] = field(default_factory=dict)
    along: dict[str, Version] = field(default_factory=dict, metadata={"volatile": True})
    held_back: int = 0  # packages an upgrade would change, for `upgrade`
    told: str = field(default="", metadata={"volatile": True})  # what apt says that it would do


@dataclass(frozen=True)
class Spec:
    """One entry of `name`: `version` may be a pattern; with `least` it is the lowest that will do."""

    text: str  # as apt-get takes it
    name: str
    arch: str = ""
    version: str = ""
    least: bool = False


def spec_of(text: str) -> Spec:
    found = SPEC.match(text.strip())
    if not found:
        raise Failed(f"'{text}' is no package name")
    least = found.group("op") == ">="
    plain = text.strip().partition(">=")[0] if least else text.strip()
    return Spec(plain, found.group("name"), found.group("arch") or "", found.group("version") or "", least)


def installed(host: Reader, besides: Collection[str] = ()) -> dict[str, str]:
    """Every installed package with its version, and those in a state of dpkg's `besides`. `name` and `name:arch` are both there."""
    out: dict[str, str] = {}
    done = host.look(["dpkg-query", "-W", "-f", "${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\t${Provides}\n"])
    if done.rc != 0:
        raise Failed(f"cannot ask dpkg what is installed: {done.stderr.strip()}")
    virtual: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, arch, status, version, provides = (line.split("\t") + [""] * 5)[:5]
        if status == "installed" or status in besides:
            out[name] = out[f"{name}:{arch}"] = version
        if status == "installed":
            for word in provides.split(","):
                virtual.setdefault(word.split("(")[0].strip(), version)
    return {**{n: v for n, v in virtual.items() if n}, **out}


def is_pattern(spec: Spec) -> bool:
    return any(c in spec.name for c in "*?[")


def expanded(host: Reader, specs: Sequence[Spec]) -> list[Spec]:
    """Patterns as the packages in the lists that they stand for; as they are while there are no lists."""
    if not any(map(is_pattern, specs)) or not has_lists():
        return list(specs)
    names = sorted(host.look(["apt-cache", "pkgnames"]).stdout.split())
    out: list[Spec] = []
    for spec in specs:
        found = fnmatch.filter(names, spec.name) if is_pattern(spec) else [spec.name]
        if not found:
            raise Failed(f"No package(s) matching '{spec.name}' available")
        out += [dataclasses.replace(spec, text=name + spec.text[len(spec.name) :], name=name) for name in found]
    return out


def looked(host: Reader, specs: Sequence[Spec], besides: Collection[str] = ()) -> dict[str, Version]:
    """The version of each package spoken of, foreseen or real; patterns stand for the installed packages that match."""
    have, auto = installed(host, besides), marked(host)
    out: dict[str, Version] = {}
    for spec in specs:
        if is_pattern(spec):
            fitting = {name: v for name, v in have.items() if ":" not in name and fnmatch.fnmatchcase(name, spec.name)}
            out.update({name: Installed(v, name in auto) for name, v in fitting.items()})
            continue
        name = f"{spec.name}:{spec.arch}" if spec.arch else spec.name
        key = f"package:{spec.name}"
        if host.has_foreseen(key):
            out[name] = host.foreseen_under(key)[key]
        elif name in have:
            out[name] = Installed(have[name], name in auto)
        else:
            out[name] = host.foreseen(MORE)
    return out


def marked(host: Reader) -> set[str]:
    """The packages that were installed for others only, as `name` and `name:arch`."""
    if not host.exists(MARKS):
        return set()
    out: set[str] = set()
    for entry in host.read(MARKS).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
        if fields.get("Auto-Installed") == "1":
            out |= {fields.get("Package", ""), f"{fields.get('Package')}:{fields.get('Architecture')}"}
    return out


def may_bring(host: Reader, path: str) -> Optional[Unknown]:
    """Why a path that is not there may be there by then: a package would be installed whose name it bears (`/etc/nginx/conf.d`).

    What a package holds is known once it is fetched. Names are what there is to go by; below /home, /opt, /srv, /usr/local and the
    like Debian's packages bring nothing.
    """
    if not path.startswith(OWNED) or path.startswith("/usr/local/"):
        return None
    parts = set(path.split("/"))
    for key, state in host.foreseen_under("package:").items():
        name = key[len("package:") :].split(":")[0]
        if state is None or parts.isdisjoint((name, name.split("-")[0], name.rstrip("0123456789.-"))):
            continue
        if not glob.glob(f"{INFO}/{name}.list") + glob.glob(f"{INFO}/{name}:*.list"):  # one that is there is only renewed
            return Unknown(f"the package {name} is not installed yet and may bring {path}")
    return None


def not_there(host: Reader, path: str) -> Optional[Unknown]:
    """`may_bring` of a path at which nothing was found; None where an earlier task would have seen to it."""
    path = host.canonical(path)
    return None if host.has_foreseen(f"file:{path}") else may_bring(host, path)


def apt_get(host: Host, words: Iterable[str], *, lock_timeout: int, env: Optional[Mapping[str, str]] = None) -> Completed:
    """Run apt-get, waiting for whoever holds its locks. Failed with its own words."""
    until = time.monotonic() + lock_timeout
    command = ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={lock_timeout}", *words]
    while True:
        done = host.run(command, env={**QUIET, **(env or {})}, stream=True)
        if done.rc == 0:
            return done
        if _locked(done.stderr) and time.monotonic() < until:
            host.progress("waiting for another package manager to finish")
            time.sleep(1)
            continue
        raise Failed(f"apt-get {_verb(words)} failed: {_errors(done)}", rc=done.rc, stdout=done.stdout, stderr=done.stderr)


@dataclass(frozen=True)
class Simulated:
    """What apt-get would install or finish installing (version) and remove (None), and its own words for that."""

    coming: dict[str, Version]
    text: str


def simulated(host: Reader, words: Sequence[str]) -> Simulated:
    """What apt-get would do, without doing it. Failed where it would fail."""
    done = host.look(["apt-get", "-s", "-q", "-o", "Debug::NoLocking=1", *words], env=QUIET, timeout=600)
    if done.rc != 0:
        raise Failed(f"apt-get {_verb(words)} would fail: {_errors(done)}", rc=done.rc, stdout=done.stdout, stderr=done.stderr)
    out: dict[str, Version] = {}
    for line in done.stdout.splitlines():
        found = re.match(r"(Inst|Conf|Remv|Purg) (\S+)(?: \[[^\]]*\])?(?: \((\S+))?", line)
        if found:
            out[found.group(2).split(":")[0]] = Installed(found.group(3)) if found.group(1) in ("Inst", "Conf") else None
    return Simulated(out, done.stdout)


def has_lists() -> bool:
    return any("_Packages" in name for name in _names(LISTS))


def lists() -> dict[str, tuple[int, float]]:
    """The package lists by their files' names, with their sizes and times, which are their servers'; empty where none was fetched."""
    found = {}
    for name in _names(LISTS):
        if "_Packages" in name:
            stat = os.stat(os.path.join(LISTS, name))
            found[name] = (stat.st_size, stat.st_mtime)
    return found


def lists_age() -> float:
    """Seconds since the package lists were fetched; infinite where there are none."""
    if not has_lists():
        return float("inf")
    times = []
    for path in STAMPS:
        try:
            times.append(os.stat(path).st_mtime)
        except OSError:
            continue
    return time.time() - max(times) if times else float("inf")


def fresh_lists(host: Reader, valid: float) -> bool:
    """Whether the lists are at most so many seconds old (a minute always passes) and newer than what says where they come from."""
    age = lists_age()
    if age >= max(valid, 60) or host.foreseen_under("file:/etc/apt/"):
        return False
    fetched = time.time() - age
    for path in [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d",
        *(f"/etc/apt/sources.list.d/{n}" for n in _names("/etc/apt/sources.list.d")),
    ]:
        try:
            if os.stat(path).st_mtime > fetched:
                return False
        except OSError:
            continue
    return True


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def update(host: Host, *, lock_timeout: int, retries: int = 5, delay: float = 12) -> None:
    """Fetch the package lists, again a few times when the network lets us down."""
    for attempt in range(retries + 1):
        try:
            apt_get(host, ["update", "-o", "APT::Update::Error-Mode=any"], lock_timeout=lock_timeout)
            os.utime(LISTS)  # apt leaves the time alone where nothing is new
            return
        except Failed as failed:
            if attempt == retries or "NO_PUBKEY" in failed.message or "Permission denied" in failed.message:
                raise Failed(f"Failed to update apt cache: {failed.message}", **failed.result) from None
            host.progress(f"fetching the package lists again ({attempt + 2} of {retries + 1})")
            time.sleep(min(delay, 2**attempt))


def _verb(words: Iterable[str]) -> str:
    return next((w for w in words if not w.startswith("-") and "=" not in w and "::" not in w), "")


def _locked(text: str) -> bool:
    return "Could not get lock" in text or "Unable to lock" in text or "Unable to acquire the dpkg frontend lock" in text


def _errors(done: Completed) -> str:
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(("E:", "W:"))]
    return " ".join(line[3:] for line in lines if line.startswith("E:")) or " ".join(lines) or (done.stderr or done.stdout).strip()[-800:]


def fits(host: Reader, package: Version, spec: Spec) -> bool:
    """Whether it is there, in a version that will do."""
    if package is None or not spec.version:
        return package is not None
    if spec.least:
        return host.look(["dpkg", "--compare-versions", str(package.version), "ge", spec.version]).rc == 0
    return fnmatch.fnmatchcase(str(package.version), spec.version)
