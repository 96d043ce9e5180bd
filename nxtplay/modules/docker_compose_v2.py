"""docker_compose_v2: a stack of containers as its Compose file describes it."""

from __future__ import annotations

import functools
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, diff, public
from nxtplay.modules import _docker
from nxtplay.modules._compose import act, foresight, listing, options, plan, project, services, state, work
from nxtplay.modules._compose.plan import Wish
from nxtplay.modules._compose.project import Project
from nxtplay.modules._compose.state import StackState


class DockerComposeV2(options.ProjectOptions, _docker.DockerOptions, Resource[StackState]):
    """Bring a Compose stack about: only what differs is created, replaced or started, and each service is waited for.

    The files are read by nxtplay itself, as Compose reads them, and the containers carry Compose's own names and labels, so that
    `docker compose ps`, `logs` and `up` work on them. The docker command is not needed. A service that is replaced keeps its old
    container until the new one is up; when it does not come up, the old one goes back in service and the task fails with the logs.
    """

    libraries = ("docker", "pyyaml")
    private = False
    rules = options.RULES

    state: Literal["present", "stopped", "restarted", "absent"] = arg("present", help="What the stack should be.")
    services: list[str] = arg(default_factory=list, help="Only these services.")
    dependencies: bool = arg(True, help="With `services`: also what they depend on.")
    pull: Literal["always", "missing", "never", "policy"] = arg("policy", help="When to pull; `policy` asks each service's pull_policy.")
    build: Literal["always", "never", "policy"] = arg(
        "policy", help="`policy`: build images that are not there. `always`: build those whose inputs changed, too."
    )
    recreate: Literal["always", "never", "auto"] = arg("auto", help="`auto`: replace containers that differ from the files.")
    renew_anon_volumes: bool = arg(False, help="Give new containers new anonymous volumes instead of those of the old ones.")
    remove_orphans: bool = arg(False, help="Remove containers of services that are no longer in the files.")
    remove_volumes: bool = arg(False, help="With `absent`: remove the volumes and the data in them.")
    remove_images: Optional[Literal["all", "local"]] = arg(None, help="With `absent`: remove all images, or those not named in the file.")
    scale: dict[str, int] = arg(default_factory=dict, help="Number of containers by service.")
    wait: bool = arg(True, help="Wait until every service is healthy (running, where it has no health check).")
    wait_timeout: Optional[int] = arg(None, help="Seconds to wait for a service; default: what its health check may take, at least 300.")
    timeout: Optional[int] = arg(None, help="Seconds a container gets to stop; default: its own stop_grace_period, else 10.")  # type: ignore[assignment]
    assume_yes: bool = arg(False, help="Make a volume anew when the file describes it differently; its data is lost.")
    ignore_build_events: bool = arg(True, help="Accepted for Ansible's sake.")

    def key(self) -> str:
        return f"compose:{self.project_src or ''}:{self.project_name or ''}"

    @functools.cached_property
    def _kept(self) -> dict[str, Any]:
        """What one run of the task remembers: the project read, what was done."""
        return {}

    def _project(self, host: Reader) -> Project:
        if "project" not in self._kept:
            everything = ["*"] if self.state == "absent" and not self.services else ()
            self._kept["project"] = project.read(host, self.request(self.services, profiles=everything))
        found: Project = self._kept["project"]
        return found

    def _wish(self) -> Wish:
        return Wish(
            state="present" if self.state == "restarted" else self.state,
            services=tuple(self.services),
            dependencies=self.dependencies,
            pull=self.pull,
            build=self.build,
            recreate=self.recreate,
            wait=self.wait,
            scale=self.scale,
            remove_orphans=self.remove_orphans,
            remove_volumes=self.remove_volumes,
            remove_images=self.remove_images or "",
            assume_yes=self.assume_yes,
        )

    def observe(self, host: Reader) -> Optional[StackState]:
        found = self._project(host)
        with _docker.engine(host, self) as api:
            return state.observe(host, api, found, stopped=self.state == "stopped")

    def desired(self, host: Reader, before: Optional[StackState]) -> Optional[StackState]:
        assert before is not None
        with _docker.engine(host, self) as api:
            return plan.desired(host, api, self._project(host), self._wish(), before)

    def _work(self, host: Host, api: Any) -> work.Work:
        url = _docker.address(host, self)
        return work.Work(
            host=host,
            api=api,
            project=self._project(host),
            wish=self._wish(),
            socket=url[7:] if url.startswith("unix://") else "",
            stop_timeout=self.timeout,
            wait_timeout=self.wait_timeout,
            renew_volumes=self.renew_anon_volumes,
        )

    def apply(self, host: Host, plan: Plan[StackState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            job = self._work(host, api)
            act.bring_about(job, plan)
            host.note(timeline=job.timeline, actions=job.actions)

    def due(self, host: Reader, plan: Plan[StackState]) -> Optional[str]:
        running = self._untouched(host, plan)
        if self.state == "restarted" and running:
            return f"state: restarted ({', '.join(running)})"
        if self.recreate == "always" and self.state == "present" and running:
            return f"recreate: always ({', '.join(running)})"
        return None

    def perform(self, host: Host, plan: Plan[StackState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            job = self._work(host, api)
            names = self._untouched(host, plan)
            if self.state == "restarted":
                services.restart(job, names)
            else:
                services.bring_up(job, plan, names, force=True)
            host.note(timeline=job.timeline, actions=job.actions)

    def _untouched(self, host: Reader, planned: Plan[StackState]) -> list[str]:
        """The services asked for that the plan leaves as they are; tasks that ended are left alone."""
        found, before = self._project(host), planned.before.services if planned.before else {}
        names = plan.chosen(found, self._wish())
        return [n for n in names if n in before and not planned.changed("services", n) and not state.is_task(found, n)]

    def also_foresee(self, host: Reader, plan: Plan[StackState]) -> Sequence[tuple[str, Any]]:
        return foresight.of(self._project(host), plan)

    def result(self, before: Optional[StackState], after: Optional[StackState]) -> dict[str, Any]:
        if after is None:
            return {}
        seen = after.found if after.found is not None or before is None or diff(before, after) else before.found
        later = Unknown("what comes of the stack is known after the run")
        services = {name: {"status": s.status, "health": s.health, "containers": s.containers} for name, s in after.services.items()}
        return {
            "services": public(services),
            "containers": later if seen is None else [listing.container(_docker.shown(c)) for c in seen],
            "images": later if seen is None else listing.images(seen, after.images),
            "orphans": list(after.orphans),
            "timeline": later if seen is None else [],
            "actions": later if seen is None else [],
        }
