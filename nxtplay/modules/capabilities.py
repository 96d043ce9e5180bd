"""capabilities: what a program may do beyond the user who runs it, as setcap says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Mapping, Optional

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.core.types import Path
from nxtplay.modules import _files

CAPABILITY = re.compile(r"(cap_[a-z0-9_]+)([=+-])([eip]*)$")


@dataclass(frozen=True)
class _Capabilities:
    """Capability -> its flags, in the order of the alphabet."""

    held: dict[str, str]


class Capabilities(Resource[_Capabilities]):
    """A capability of a program file (cap_net_bind_service+ep)."""

    path: Path = arg(help="The file.", aliases=["key"], key=True)
    capability: str = arg(help="The capability, how it is set (= + -), and its flags (e i p).", aliases=["cap"])
    state: Literal["present", "absent"] = arg("present", help="Whether the file has it.")

    def key(self) -> str:
        return f"capabilities:{_files.host_path(self.path)}"

    def observe(self, host: Reader) -> Optional[_Capabilities]:
        if host.has_foreseen(self.key()):
            found: Optional[_Capabilities] = host.foreseen(self.key())
            return found
        path = _files.host_path(self.path)
        state = host.stat(path)
        if state is None or state.kind != "file":
            raise Failed(f"no file {path}" if state is None else f"{path} is a {state.kind}; only a file has capabilities")
        said = _checked(host.look([_program(host, "getcap"), path])).stdout.strip()
        return _Capabilities(_parsed(said[len(path) :]) if said.startswith(path) else {})

    def desired(self, host: Reader, before: Optional[_Capabilities]) -> Optional[_Capabilities]:
        assert before is not None
        _program(host, "setcap")
        match = CAPABILITY.match(self.capability.strip().lower())
        if not match:
            raise Failed(f"capability: '{self.capability}' is none, such as cap_net_bind_service+ep")
        name, operator, flags = match.groups()
        held, now = dict(before.held), set(before.held.get(name, ""))
        if self.state == "absent":
            held.pop(name, None)
        else:
            now = {"=": set(flags), "+": now | set(flags), "-": now - set(flags)}[operator]
            held[name] = "".join(sorted(now))
        held = {one: flags for one, flags in held.items() if flags}
        if len({"e" in flags for flags in held.values()}) > 1:  # Linux keeps one bit for the whole file
            raise Failed(f"capability: e is set for all capabilities of a file or for none, and this would leave {_words(held)}")
        return _Capabilities(held)

    def apply(self, host: Host, plan: Plan[_Capabilities]) -> None:
        assert plan.after is not None
        _checked(host.run([_program(host, "setcap"), _words(plan.after.held) or "-r", _files.host_path(self.path)]))


def _words(held: Mapping[str, str]) -> str:
    return " ".join(f"{name}={flags}" for name, flags in sorted(held.items()))


def _parsed(text: str) -> dict[str, str]:
    """`cap_a,cap_b=ep cap_c+i`, in the manner of older versions with a `=` before it."""
    out: dict[str, str] = {}
    for names, flags in re.findall(r"([a-z0-9_,]+)[=+]([eip]+)", text):
        out.update({name: "".join(sorted(set(out.get(name, "")) | set(flags))) for name in names.split(",")})
    return out


def _program(host: Reader, name: str) -> str:
    found = host.which(name)
    if found is None:
        raise Failed(f"no {name} on this host; install the package libcap2-bin")
    return found


def _checked(done: Completed) -> Completed:
    if done.rc != 0:
        raise Failed(f"{done.argv[0]}: {(done.stderr or done.stdout).strip()}", rc=done.rc)
    return done
