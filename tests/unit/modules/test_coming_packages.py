"""A check does not call absent, nor made by the task, what a package that would be installed may bring."""

from __future__ import annotations

from typing import Any

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import registry
from nxtplay.modules._packages import Installed


def world(*packages: str) -> World:
    made = World()
    for name in packages:
        made.foresee(f"package:{name}", Installed("1"))
    return made


def check(made: World, module: str, **args: Any) -> Outcome:
    return converge(decode(registry.load(module), args), Reader(made), made, None)


def test_a_directory_that_a_package_may_bring() -> None:
    made = world("nxtweb-common")
    said = check(made, "file", path="/etc/nxtweb/sites.d", state="directory", owner="root")
    assert said.status == "unknown" and said.unknown is not None and "nxtweb-common" in said.unknown.reason
    found = Reader(made).stat("/etc/nxtweb/sites.d")
    assert found is not None and found.kind == "directory" and found.uid == 0 and isinstance(found.mode, Unknown)
    assert check(made, "copy", dest="/etc/nxtweb/sites.d/own", content="x").status == "changed", "it is there by then, either way"
    assert check(made, "copy", dest="/etc/nxtweb/main", content="x").status == "changed"


def test_what_a_package_may_bring_is_not_surely_absent() -> None:
    made = world("nxtweb")
    default = "/etc/nxtweb/sites.d/default"
    looked = check(made, "stat", path=default)
    assert isinstance(looked.result["stat"], Unknown)
    assert check(made, "command", cmd="setup", creates=default).status == "unknown"
    assert check(made, "file", path=default, state="absent").status == "unknown"
    assert check(made, "file", path=default, state="absent").status == "ok", "the task before would have seen to it"
    assert check(made, "stat", path=default).result == {"stat": {"exists": False}}


def test_elsewhere_nothing_comes_with_it() -> None:
    made = world("nxtweb", "dpkg")
    for path in ("/etc/other.d/x", "/home/nxtweb/x", "/usr/local/nxtweb", "/etc/dpkg/nothing-of-that-name"):
        assert check(made, "file", path=path, state="absent").status == "ok", path
    assert check(world(), "file", path="/etc/nxtweb", state="absent").status == "ok"
