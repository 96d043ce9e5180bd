"""Users and groups of the host: what useradd, usermod, groupadd know, from /etc/passwd, shadow and group."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional, Union

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.state import Unknown


@dataclass(frozen=True)
class GroupState:
    """A group; its number is unknown while the system has still to choose it."""

    gid: Union[int, Unknown]


LOCAL_FAILURE = "only root may change users and groups (try become: true)"


def field(path: str, name: str, number: int) -> Optional[str]:
    """One field of a line of a colon-separated file, by the line's first field; None where there is no such line (or no right to look)."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                fields = line.rstrip("\n").split(":")
                if fields[0] == name and len(fields) > number:
                    return fields[number]
    except OSError:
        return None
    return None


def own_groups() -> bool:
    """Whether an account has a group of its own name that goes with it (USERGROUPS_ENAB)."""
    try:
        with open("/etc/login.defs", encoding="utf-8", errors="replace") as stream:
            return any(line.split()[:2] == ["USERGROUPS_ENAB", "yes"] for line in stream)
    except OSError:
        return False


def change(host: Host, words: list[str], *, stdin: bytes = b"") -> Completed:
    """Run one of the tools; Failed with its own words."""
    program = host.which(words[0])
    if program is None:
        raise Failed(f"no {words[0]} on this host")
    done = host.run([program, *words[1:]], stdin=stdin)
    if done.rc != 0:
        raise Failed(f"{words[0]} failed: {(done.stderr or done.stdout).strip()}", rc=done.rc, stderr=done.stderr)
    return done


def need_root(host: Reader) -> None:
    if os.geteuid() != 0:
        raise Failed(LOCAL_FAILURE)
