"""docker_compose_v2_run: a command in a container of its own, made as a service of a Compose stack is."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import shlex
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.modules import _docker, _docker_exec
from nxtplay.modules._compose import act, create, foresight, options, plan, project, services, state, work
from nxtplay.modules._compose.load import Over
from nxtplay.modules._compose.plan import Wish
from nxtplay.modules._compose.project import Project
from nxtplay.modules._compose.state import StackState


class DockerComposeV2Run(_docker_exec.CommandOptions, options.ProjectOptions, _docker.DockerOptions, Action):
    """Run a command in a new container of a service, what the service depends on being up. A command that ends with anything but 0
    fails the task."""

    libraries = ("docker", "pyyaml")
    private = False
    rules = (*options.RULES, exclusive("argv", "command"))

    service: str = arg(help="The service.", key=True)
    name: Optional[str] = arg(None, help="Name of the container.")
    build: bool = arg(False, help="Build the image before, where its inputs changed.")
    cap_add: list[str] = arg(default_factory=list, help="Further capabilities.")
    cap_drop: list[str] = arg(default_factory=list, help="Capabilities to take away.")
    entrypoint: Optional[str] = arg(None, help="Instead of the image's entry point; split into words.")
    interactive: bool = arg(True, help="Pass `stdin` on.")
    labels: list[str] = arg(default_factory=list, help="Further labels, NAME=VALUE.")
    no_deps: bool = arg(False, help="Leave alone what the service depends on.")
    publish: list[str] = arg(default_factory=list, help="Ports to publish, as in a Compose file.")
    quiet_pull: bool = arg(False, help="Accepted for Ansible's sake.")
    remove_orphans: bool = arg(False, help="Remove containers of services that are no longer in the files.")
    cleanup: bool = arg(False, help="Remove the container when the command has ended.")
    service_ports: bool = arg(False, help="Publish the service's ports.")
    use_aliases: bool = arg(False, help="Answer to the service's names in its networks.")
    volumes: list[str] = arg(default_factory=list, help="Further volumes, as in a Compose file.")
    tty: bool = arg(True, help="Accepted for Ansible's sake; nobody sits at a terminal, so there is none, as with Compose.")

    @functools.cached_property
    def _slug(self) -> str:
        return secrets.token_hex(32)

    def _project(self, host: Reader) -> Project:
        """The project, with the service as it is to be run."""
        given: dict[str, Any] = {
            "environment": self.env, "cap_add": self.cap_add, "cap_drop": self.cap_drop, "volumes": self.volumes, "ports": self.publish,
            "labels": self.labels, "user": self.user, "working_dir": self.chdir, "command": self.words(),
            "entrypoint": shlex.split(self.entrypoint) if self.entrypoint is not None else None,
        }  # fmt: skip
        without = ("restart", *(() if self.service_ports else ("ports",)), *(("command",) if self.entrypoint is not None else ()))
        over = Over(self.service, {key: value for key, value in given.items() if value}, without)
        found = project.read(host, self.request([self.service], over=over))
        spec = dict(found.services[self.service])
        deploy = {key: value for key, value in (spec.get("deploy") or {}).items() if key not in ("restart_policy", "replicas")}
        spec.update(deploy=deploy, scale=None, tty=False, stdin_open=self._input() is not None)
        spec["container_name"] = self.name or f"{found.name}-{self.service}-run-{self._slug[:12]}"
        spec["cap_drop"] = [cap for cap in spec.get("cap_drop") or () if cap not in self.cap_add]
        return dataclasses.replace(found, services={**found.services, self.service: spec})

    def _input(self) -> Optional[bytes]:
        given = self.input()
        return given if self.interactive else None

    def _plan(self, host: Reader, api: Any, found: Project) -> tuple[Wish, Plan[StackState]]:
        """What has to be there first: images, networks, volumes, and the services that this one depends on."""
        wish = Wish(services=(self.service,), dependencies=not self.no_deps, remove_orphans=self.remove_orphans)
        before = state.observe(host, api, found, stopped=False)
        after = plan.desired(host, api, found, wish, before)
        if self.build and found.services[self.service].get("build"):
            image, asked = found.image(self.service), dataclasses.replace(wish, build="always")
            built = plan.desired_image(host, api, found, asked, self.service, before.images.get(image))
            after.images[image] = built
        after.services.pop(self.service, None)
        if self.service in before.services:
            after.services[self.service] = before.services[self.service]
        return wish, Plan(before, after, diff(before, after))

    def due(self, host: Reader) -> Optional[str]:
        found = self._project(host)
        with _docker.engine(host, self) as api:
            if self.name and self._is_taken(host, api, self.name):
                raise Failed(f"there is a container {self.name} already; remove it, or say `cleanup: true` where it is made")
            self._plan(host, api, found)
        return "always"

    def _is_taken(self, host: Reader, api: Any, name: str) -> bool:
        key = f"container:{name}"
        return host.promised(key) is not None if host.has_foreseen(key) else _docker.inspect_container(api, name) is not None

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        found = self._project(host)
        with _docker.engine(host, self) as api:
            _, planned = self._plan(host, api, found)
        out = foresight.of(found, planned)
        if self.name and not (self.cleanup and not self.detach):
            out.append((f"container:{self.name}", Unknown("what comes of the command is known after the run")))
        return out

    def perform(self, host: Host) -> dict[str, Any]:
        found = self._project(host)
        with _docker.engine(host, self, timeout=10**6) as api:
            wish, planned = self._plan(host, api, found)
            url = _docker.address(host, self)
            job = work.Work(host=host, api=api, project=found, wish=wish, socket=url[7:] if url.startswith("unix://") else "")
            if planned:
                act.bring_about(job, planned)
            container = self._made(job)
            if self.detach:
                api.start(container)
                return {"container_id": container}
            ended = self._ended(host, api, container)
        return self.told(self.service, ended)

    def _made(self, job: work.Work) -> str:
        marks = {create.PREFIX + "oneoff": "True", create.PREFIX + "slug": self._slug}
        aliases = None if self.use_aliases else [job.project.services[self.service]["container_name"]]
        more: dict[str, Any] = {"HostConfig": {"AutoRemove": True}} if self.cleanup and self.detach else {}
        if self._input() is not None:
            more = {**more, "AttachStdin": True, "StdinOnce": True}
        live = state.look(job.api, job.project.name)
        return services.make(job, live, self.service, 1, extra_labels=marks, aliases=aliases, more=more)

    def _ended(self, host: Host, api: Any, container: str) -> tuple[int, bytes, bytes]:
        """Start it, listen until it ends: (exit code, stdout, stderr). One that is interrupted does not go on."""
        given = self._input()
        done = False
        try:
            streams = {"stream": 1, "stdout": 1, "stderr": 1, "stdin": int(given is not None)}
            connection = api.attach_socket(container, params=streams)
            api.start(container)
            out, err = _docker_exec.capture(connection, given, host, tty=False, name=self.service)
            code = int(api.wait(container)["StatusCode"])
            done = True
        finally:
            if self.cleanup:
                api.remove_container(container, v=True, force=True)
            elif not done:
                api.stop(container)
        return code, out, err
