"""docker_compose_v2_exec: a command inside a running service of a Compose stack."""

from __future__ import annotations

from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of
from nxtplay.modules import _docker, _docker_exec
from nxtplay.modules._compose import create, options, project, state


class DockerComposeV2Exec(_docker_exec.CommandOptions, options.ProjectOptions, _docker.DockerOptions, Action):
    """Run a command in a running container of a service. A command that ends with anything but 0 fails the task."""

    libraries = ("docker", "pyyaml")
    private = False
    rules = (*options.RULES, one_of("argv", "command"), exclusive("argv", "command"))

    service: str = arg(help="The service.", key=True)
    index: Optional[int] = arg(None, help="Which of its containers, where it has several; the first one otherwise.")
    privileged: bool = arg(False, help="Give the command extended privileges.")
    tty: bool = arg(True, help="Accepted for Ansible's sake; nobody sits at a terminal, so there is none, as with Compose.")

    def due(self, host: Reader) -> Optional[str]:
        self.input()
        found = project.read(host, self.request([self.service]))
        key = state.service_key(found, self.service)
        if host.has_foreseen(key):
            if host.promised(key) is None:
                raise Failed(f"service {self.service} would be gone by then")
            return "always"
        with _docker.engine(host, self) as api:
            self._container(host, api)
        return "always"

    def _container(self, host: Reader, api: Any) -> str:
        """The name of the container that is meant. Failed where it does not run."""
        found = project.read(host, self.request([self.service]))
        of_service = state.look(api, found.name).containers.get(self.service) or []
        matching = [c for c in of_service if self.index is None or state.number_of(c) == self.index]
        running = [c for c in matching if c["State"].get("Running")]
        if running:
            return str(running[0]["Name"].lstrip("/"))
        name = create.container_name(found, self.service, self.index or 1)
        how = f"container {name} is {matching[0]['State'].get('Status')}" if matching else f"there is no container {name}"
        raise Failed(f"service {self.service} of {found.name} does not run ({how}); bring it up with docker_compose_v2 first")

    def perform(self, host: Host) -> dict[str, Any]:
        with _docker.engine(host, self, timeout=10**6) as api:
            name = self._container(host, api)
            if self.detach:
                return {"exec_id": _docker_exec.detach(api, self, name, privileged=self.privileged)}
            ended = _docker_exec.execute(api, self, name, self.words(), self.input(), host, privileged=self.privileged)
        return self.told(name, ended)
