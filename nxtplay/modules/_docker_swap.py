"""Replacing a container without losing the old one before the new one runs.

rename the old one -> create the new one -> (stop the old one first where both cannot run) -> start the new one -> it is up:
remove the old one; it is not: remove the new one, start and rename the old one back.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

from nxtplay.modules import _docker

REPLACES = "nxtplay.replaces"  # label of a new container: the id of the one whose place it takes

# Run beside us while neither container runs. When we are killed then, it starts the old one again.
_GUARD = """
import http.client, json, socket, sys, time
path, old, new = sys.argv[1:4]
if sys.stdin.buffer.read() == b"done": sys.exit()
class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(path)
def ask(verb, what):
    engine = Engine("localhost", timeout=30); engine.request(verb, what); return engine.getresponse().read()
def runs(name):
    try: return json.loads(ask("GET", "/containers/%s/json" % name))["State"]["Running"]
    except (KeyError, ValueError): return False
for _ in range(600):
    if runs(new): break
    if not runs(old): ask("POST", "/containers/%s/start" % old); break
    time.sleep(0.1)
"""


@dataclass
class Swap:
    """A replacement under way. `name` is what the new container is called and the old one was."""

    api: Any
    name: str
    old: dict[str, Any]
    new: str
    stop_timeout: Optional[int]
    keep_volumes: bool = True

    def commit(self) -> None:
        """The new one is up: let the old one go."""
        stop(self.api, self.old["Id"], self.stop_timeout)
        self.api.remove_container(self.old["Id"], v=not self.keep_volumes, force=True)

    def rollback(self) -> None:
        """The new one did not come up: put the old one back in service."""
        import docker.errors

        try:
            self.api.remove_container(self.new, v=False, force=True)
        except docker.errors.NotFound:
            pass
        restore(self.api, self.old, self.name)


def begin(
    api: Any, old: dict[str, Any], name: str, create: Callable[[], str], *, stop_first: bool, stop_timeout: Optional[int], socket: str
) -> Swap:
    """Do everything up to the start of the new container. Whatever fails on the way leaves the old one in service."""
    api.rename(old["Id"], parked(old, name))
    try:
        new = create()
    except BaseException:
        restore(api, old, name)
        raise
    swap = Swap(api, name, old, new, stop_timeout)
    try:
        if stop_first and old["State"].get("Running"):
            with _Guard(socket, old["Id"], new):
                stop(api, old["Id"], stop_timeout)
                api.start(new)
        else:
            api.start(new)
    except BaseException:
        swap.rollback()
        raise
    return swap


def parked(old: Mapping[str, Any], name: str) -> str:
    """What an old container is called while it may still be needed (the way Compose calls it)."""
    return f"{old['Id'][:12]}_{name}"


def restore(api: Any, old: Mapping[str, Any], name: str) -> None:
    """Give a container its name back, and start it if it ran."""
    found = _docker.inspect_container(api, old["Id"])
    if found is None:
        return
    if found["Name"].lstrip("/") != name:
        api.rename(old["Id"], name)
    if old["State"].get("Running") and not found["State"].get("Running"):
        api.start(old["Id"])


def find_parked(api: Any, name: str) -> Optional[dict[str, Any]]:
    """The container whose place a new one called `name` was taking when somebody interrupted us."""
    for found in api.containers(all=True, filters={"name": f"^/?[0-9a-f]{{12}}_{re.escape(name)}$"}):
        if any(n == f"/{found['Id'][:12]}_{name}" for n in found["Names"]):
            return _docker.inspect_container(api, found["Id"])
    return None


def mend(api: Any, name: str, stop_timeout: Optional[int]) -> None:
    """Finish or undo an interrupted replacement: the new one stays if it runs, else the old one goes back in service."""
    old = find_parked(api, name)
    if old is None:
        return
    new = _docker.inspect_container(api, name)
    running = {**old, "State": {**old["State"], "Running": True}}
    if new is None:
        restore(api, running, name)
        return
    swap = Swap(api, name, running, new["Id"], stop_timeout)
    if new["State"].get("Running"):
        swap.commit()
    else:
        swap.rollback()


def stop(api: Any, container: str, timeout: Optional[int]) -> None:
    """Stop gracefully; one that is gone or does not run is fine. `timeout` None: as the container says, else 10 seconds."""
    import docker.errors

    found = _docker.inspect_container(api, container)
    if found is None or not (found["State"].get("Running") or found["State"].get("Restarting")):
        return
    if timeout is None:
        timeout = found["Config"].get("StopTimeout")
    try:
        api.stop(container, timeout=timeout if timeout is not None else 10)
    except docker.errors.NotFound:
        pass


class _Guard:
    """A process that outlives us for as long as neither container runs."""

    def __init__(self, socket: str, old: str, new: str) -> None:
        self._words = [sys.executable, "-c", _GUARD, socket, old, new]
        self._child: Optional[subprocess.Popen[bytes]] = None
        self._possible = bool(socket)

    def __enter__(self) -> None:
        if not self._possible:
            return
        try:
            null = subprocess.DEVNULL
            self._child = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True)
        except OSError:
            self._child = None  # without it a kill at the worst moment leaves the start to the next run

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.communicate(b"done")
