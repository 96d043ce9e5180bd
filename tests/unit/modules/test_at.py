"""Jobs of at, told from one another by their commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Completed, Failed, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules.at import At

HEAD = "#!/bin/sh\n# atrun uid=0 gid=0\numask 22\ncd /root || {\n\t echo 'Execution directory inaccessible' >&2\n\t exit 1\n}\n"
JOBS = {
    "3": HEAD + "${SHELL:-/bin/sh} << 'marcinDELIMITER1'\ntouch /x\ntouch /y\n\nmarcinDELIMITER1\n",
    "5": HEAD + "ls -d / >/dev/null\n\n",
    "12": HEAD + "ls -d / >/dev/null\n",
}


class Waiting(Reader):
    """A machine with these jobs."""

    def which(self, program: str) -> str:
        return f"/usr/bin/{program}"

    def look(self, argv: Union[str, Sequence[str]], **_: Any) -> Completed:
        queue = "".join(f"{number}\tFri Nov 27 02:00:00 2026 a root\n" for number in JOBS)
        return Completed(tuple(argv), 0, (queue if argv[0] == "atq" else JOBS[argv[-1]]).encode(), b"")


SOON = {"count": 5, "units": "minutes"}


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ({"command": "ls -d / >/dev/null", **SOON}, "changed"),
        ({"command": "ls -d / >/dev/null", "unique": True, **SOON}, "ok"),
        ({"command": "touch /x\ntouch /y", "unique": True, **SOON}, "ok"),
        ({"command": "touch /x", "unique": True, **SOON}, "changed"),
        ({"command": "ls -d / >/dev/null", "state": "absent"}, "changed"),
        ({"command": "touch /z", "state": "absent"}, "ok"),
        ({"command": "touch /z"}, "failed"),
        ({**SOON}, "failed"),
    ],
)
def test_what_a_check_says(args: dict[str, Any], status: str) -> None:
    world = World()
    assert converge(decode(At, args), Waiting(world), world, None).status == status


def test_every_job_with_the_commands_is_meant() -> None:
    found = decode(At, {"command": "ls -d / >/dev/null", "state": "absent"}).observe(Waiting())
    assert found is not None and found.numbers == ("12", "5")


def test_a_check_knows_of_the_job_it_foresees() -> None:
    world = World()
    job = decode(At, {"command": "touch /new", "unique": True, **SOON})
    assert [converge(job, Waiting(world), world, None).status for _ in range(2)] == ["changed", "ok"]


def test_without_at_nothing_can_wait() -> None:
    class Bare(Waiting):
        def which(self, program: str) -> None:  # type: ignore[override]
            return None

    with pytest.raises(Failed, match="install the package at"):
        decode(At, {"command": "x", **SOON}).observe(Bare())
