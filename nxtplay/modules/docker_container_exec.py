"""docker_container_exec: a command inside a running container."""

from __future__ import annotations

import shlex
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of
from nxtplay.modules import _docker, _docker_exec


class DockerContainerExec(_docker_exec.CommandOptions, _docker.DockerOptions, Action):
    """Run a command in a running container. A command that ends with anything but 0 fails the task."""

    libraries = ("docker",)
    private = False
    rules = (one_of("argv", "command"), exclusive("argv", "command"))

    container: str = arg(help="Name or id of the container.", key=True)
    tty: bool = arg(False, help="Give it a terminal.")
    unless: Optional[str] = arg(None, help="A command that only looks; when it ends with 0 in the container, nothing is done.")

    def _check(self, host: Reader, api: Any) -> None:
        found = _docker.inspect_container(api, self.container)
        if found is None:
            raise Failed(f"no container {self.container}; `docker ps -a` lists what is there")
        if not found["State"].get("Running"):
            raise Failed(f"container {self.container} does not run ({found['State'].get('Status')}); start it first")

    def due(self, host: Reader) -> Optional[str]:
        self.input()
        key = f"container:{self.container}"
        if host.has_foreseen(key):
            if host.promised(key) is None:
                raise Failed(f"container {self.container} would be gone by then")
            return "always"
        with _docker.engine(host, self) as api:
            self._check(host, api)
            if self.unless:
                done = _docker_exec.execute(api, self, self.container, shlex.split(self.unless), None, None, tty=self.tty)
                return None if done[0] == 0 else f"`{self.unless}` ended with {done[0]}"
        return "always"

    def certain(self) -> bool:
        return self.unless is None

    def foresee(self, host: Reader) -> list[tuple[str, Any]]:
        return []

    def perform(self, host: Host) -> dict[str, Any]:
        with _docker.engine(host, self, timeout=10**6) as api:
            self._check(host, api)
            if self.detach:
                return {"exec_id": _docker_exec.detach(api, self, self.container, tty=self.tty)}
            ended = _docker_exec.execute(api, self, self.container, self.words(), self.input(), host, tty=self.tty)
        return self.told(self.container, ended)
