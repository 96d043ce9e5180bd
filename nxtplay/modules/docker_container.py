"""docker_container: one container."""

from __future__ import annotations

import dataclasses
import functools
import json
import shlex
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource
from nxtplay.core.state import Plan, Secret, Unknown, diff
from nxtplay.modules import _docker, _docker_build, _docker_registry, _docker_swap, _docker_wait
from nxtplay.modules import _docker_container as options_
from nxtplay.modules import _docker_container_args as args_
from nxtplay.modules import _docker_container_mounts as mounts_
from nxtplay.modules import _docker_container_networks as networks_
from nxtplay.modules._docker_container_args import ContainerOptions, too_new


@dataclass(frozen=True)
class ContainerState:
    """`config` holds the options of which the arguments speak, `other` further ones that somebody set: a new container goes without
    them. `status`: running, paused, stopped. `health` as the engine says."""

    image: Any
    config: dict[str, Any]
    status: str
    health: Any
    networks: dict[str, Any] = field(default_factory=dict)
    other: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()  # an interrupted replacement
    image_name: str = ""  # where `image_name_mismatch: recreate` asks for it
    id: Any = field(default="", metadata={"volatile": True})
    found: Any = field(default=None, compare=False, metadata={"volatile": True})  # all that the engine tells; None for what is only planned
    inherited: Any = field(default_factory=dict, metadata={"volatile": True})  # by option, what its image brings and it overrides


class DockerContainer(ContainerOptions, Resource[ContainerState]):
    """A container. Options that are not given are left as they are; a container that differs is replaced.

    The old container is kept until the new one runs (with `state: healthy`: is healthy); when it does not, the old one goes back in
    service and the task fails with the new one's logs.
    """

    libraries = ("docker",)
    private = False

    def key(self) -> str:
        return f"container:{self.name}"

    @functools.cached_property
    def _started(self) -> list[str]:
        """Ids of the containers that this task started."""
        return []

    # -- what is wanted

    def _given(self, host: Reader) -> dict[str, Any]:
        """Options as given, in the form in which they are compared."""
        o = options_
        env = None if self.env is None and not self.env_file else {name: _text(value) for name, value in (self.env or {}).items()}
        if self.env_file:
            from nxtplay.modules._compose.interpolate import env_file

            read = env_file(host.read(self.env_file).decode("utf-8", "replace"), self.env_file, host.environ)
            env = {**{k: v for k, v in read.items() if v is not None}, **(env or {})}
        out: dict[str, Any] = {
            "command": self._words(self.command),
            "entrypoint": self._words(self.entrypoint),
            "env": env if env is None else {k: Secret(v) if isinstance(v, Secret) else v for k, v in env.items()},
            "healthcheck": args_.health_form(self.healthcheck) if self.healthcheck else None,
            "cpus": round(self.cpus * 1e9) if self.cpus is not None else None,
            "memory_swap": -1 if self.memory_swap in ("unlimited", "-1") else _size(self.memory_swap),
            "mac_address": (self.mac_address or "").replace("-", ":").lower() or None,
            "network_mode": "bridge" if self.network_mode == "default" else self._joined(host, self.network_mode),
            "pid_mode": self._joined(host, self.pid_mode),
            "ipc_mode": self._joined(host, self.ipc_mode),
        }
        forms: dict[str, Any] = {
            "published_ports": lambda given: o.ports(given, self.default_host_ip or ""),
            "exposed_ports": lambda given: sorted(p if "/" in p else f"{p}/tcp" for p in given),
            "volumes": mounts_.volumes,
            "mounts": lambda given: sorted(args_.mount_form(m) for m in given),
            "devices": o.devices,
            "ulimits": o.ulimits,
            "capabilities": o.capabilities,
            "cap_drop": o.capabilities,
            "tmpfs": sorted,
            "links": o.links,
            "device_requests": lambda given: sorted(o.device_request({f: getattr(r, n) for n, f, _ in o.REQUEST}) for r in given),
            **dict.fromkeys(o.RATES, lambda given: sorted(f"{r.path} {int(r.rate)}" for r in given)),
        }
        for option in o.OPTIONS:
            if option.name not in out:
                value = getattr(self, option.name)
                out[option.name] = forms[option.name](value) if value is not None and option.name in forms else value
        given = {name: value for name, value in out.items() if value is not None}
        points = mounts_.mount_points(given.get("volumes", []), given.get("mounts", []))
        twice = sorted({point for point in points if points.count(point) > 1})
        if twice:
            raise Failed(f"container {self.name}: `volumes` and `mounts` mount more than one thing at {', '.join(twice)}")
        return given

    def _words(self, given: Union[list[str], str, None]) -> Optional[list[str]]:
        if isinstance(given, list) and self.command_handling == "compatibility":
            given = " ".join(given) or None
        return shlex.split(given) if isinstance(given, str) else given

    def _joined(self, host: Reader, mode: Optional[str]) -> Any:
        """`container:NAME` by id, as the engine keeps it; Unknown for a container that is only foreseen."""
        if mode is None or not mode.startswith("container:"):
            return mode
        name = mode[len("container:") :]
        if host.has_foreseen(f"container:{name}"):
            held = getattr(host.promised(f"container:{name}"), "id", None)
            return f"container:{held}" if isinstance(held, str) and held else Unknown(f"the id of container {name} is known in the run")
        with _docker.engine(host, self) as api:
            found = _docker.inspect_container(api, name)
        return f"container:{found['Id']}" if found else mode

    def observe(self, host: Reader) -> Optional[ContainerState]:
        if host.has_foreseen(self.key()):
            found = host.promised(self.key())
            if found is None or isinstance(found, ContainerState):
                return found
            return ContainerState(Unknown("made earlier in this run"), {}, "running", Unknown("made earlier in this run"))
        with _docker.engine(host, self) as api:
            parked = _docker_swap.find_parked(api, self.name)
            live = _docker.inspect_container(api, self.name) or parked
            if live is None:
                return None
            given = self._given(host)
            faults = ("its replacement was interrupted",) if parked else ()
            image = _docker.inspect_image(host, api, live["Image"])
        config, overridden = {}, {}
        for name, value in given.items():
            option = options_.BY_NAME[name]
            held = option.read(live)
            inherited = options_.inherited_from(image, option)
            if option.kind == "dict":
                overridden[name] = {k: v for k, v in (inherited or {}).items() if held.get(k) != v}
                held = {k: v for k, v in held.items() if k in value or (inherited or {}).get(k) != v}
                held = {k: Secret(v) if isinstance(value.get(k), Secret) else v for k, v in held.items()}
            elif option.kind == "set":
                held = sorted(v for v in held if v in value or v not in (inherited or ()))
            config[name] = held
        state = live["State"]
        status = "paused" if state.get("Paused") else "running" if state.get("Running") else "stopped"
        health = str((state.get("Health") or {}).get("Status") or "none") if status == "running" else "none"
        other = {n: v for n, v in options_.set_by_hand(live, image).items() if n not in given}
        named = _docker.full_image(live["Config"]["Image"]) if self._by_name() else ""
        return ContainerState(
            live["Image"], config, status, health, networks_.held(live), other, faults, named, live["Id"], _docker.shown(live), overridden
        )

    def _by_name(self) -> bool:
        """Whether the name of the image counts, not what it names alone."""
        compared = options_.comparisons(self.comparisons)["image"] != "ignore" and not self.ignore_image
        return self.image_name_mismatch == "recreate" and compared and self.image is not None and not self.image.startswith("sha256:")

    def desired(self, host: Reader, before: Optional[ContainerState]) -> Optional[ContainerState]:
        if self.state == "absent" or (before is None and self._started and self.auto_remove):
            return None
        self._check_version(host)
        given = self._given(host)
        how = options_.comparisons(self.comparisons)
        held, inherited = (before.config, before.inherited) if before else ({}, {})
        if self.image_label_mismatch == "fail" and how["labels"] == "strict":
            self._check_labels(host, given)
        config = {
            n: options_.settled(options_.BY_NAME[n], how[n], v, held[n] if held.get(n) is not None else _nothing(n), inherited.get(n))
            for n, v in given.items()
        }
        image = self._image(host, before, "ignore" if self.ignore_image else how["image"])
        same = before.status if before else "stopped"
        status = {"started": "running", "healthy": "running", "stopped": "stopped"}.get(self.state, same)
        if before is not None and before.status == "stopped" and _ended_well(before) and before.id in self._started:
            status = same  # it did what it was started for
        if self.paused is not None and status != "stopped":
            status = "paused" if self.paused else "running"
        health: Any = before.health if before and before.status == status else Unknown("seen once it runs")
        if status == "stopped":
            health = "none"
        if self.state == "healthy":
            self._check_probe(host, given)
            health = "healthy"
        mode = config.get("network_mode")
        moved = before is None or bool(diff(before.config.get("network_mode"), mode))
        networks = networks_.wanted(self, None if before is None or moved else before.networks, how["networks"])
        named = _docker.full_image(self.image or "") if self._by_name() else ""
        after = ContainerState(image, config, status, health, networks, {}, (), named, Unknown("known once it is made"))
        if before is None or _needs_new(before, after):
            return after if self.detach else dataclasses.replace(after, status="stopped", health="none")  # run once it is there
        kept = dataclasses.replace(after, other=before.other, id=before.id)
        return kept if self.detach else dataclasses.replace(kept, status=before.status, health=before.health)

    def _check_version(self, host: Reader) -> None:
        if self.networks or self.mounts:
            with _docker.engine(host, self) as api:
                problem = "" if isinstance(api, _docker.EmptyEngine) else too_new(self, api.api_version)
            if problem:
                raise Failed(problem)

    def _check_labels(self, host: Reader, given: Mapping[str, Any]) -> None:
        """Labels that strict `labels` leave out cannot be kept off a container whose image has them."""
        with _docker.engine(host, self) as api:
            image = _docker.inspect_image(host, api, self.image or "")
        held = ((image or {}).get("Config") or {}).get("Labels") or {}
        more = sorted(set(held) - set(given.get("labels", held)))
        if more:
            raise Failed(f"image {self.image} brings labels that `labels` leaves out: {', '.join(more)}")

    def _check_probe(self, host: Reader, given: Mapping[str, Any]) -> None:
        """`healthy` without a health check would never come true."""
        if given.get("healthcheck", {}).get("test") or not self.image:
            return
        with _docker.engine(host, self) as api:
            live = _docker.inspect_image(host, api, self.image) if not host.has_foreseen(_docker.image_key(self.image)) else None
        if live is not None and not ((live.get("Config") or {}).get("Healthcheck") or {}).get("Test"):
            remedy = "give `healthcheck`, or say `state: started`"
            raise Failed(f"container {self.name} has no health check, so it cannot become healthy; {remedy}")

    def _image(self, host: Reader, before: Optional[ContainerState], how: str) -> Any:
        if self.image is None:
            if before is None:
                raise Failed(f"container {self.name} does not exist, and without `image` it cannot be created")
            return before.image
        if before is not None and how == "ignore":
            return before.image
        with _docker.engine(host, self) as api:
            identity = _docker.image_id(host, api, self.image)
            if self.pull not in ("always", "true") and identity is not None:
                return identity
            if identity is None and self.pull in ("never", "false"):
                raise Failed(f"image {self.image} is not on the host, and `pull: {self.pull}` forbids to fetch it")
            answer = _docker_registry.ask(host, api, self.image, hope=True)
            if answer.status != "found":
                found = f"image {self.image} is not on the host, and" if identity is None else "`pull: always`, but"
                raise Failed(f"{found} {_docker_registry.why_not(self.image, answer)}")
            live = _docker.inspect_image(host, api, self.image) or {}
        if identity is not None and any(d.endswith("@" + str(answer.digest)) for d in live.get("RepoDigests") or ()):
            return identity
        return Unknown(f"image {self.image} has to be pulled")

    # -- making it so

    def apply(self, host: Host, plan: Plan[ContainerState]) -> None:
        with _docker.engine(host, self, timeout=3600) as api:
            if _docker_swap.find_parked(api, self.name) is not None:
                _docker_swap.mend(api, self.name, self.stop_timeout)
            live = _docker.inspect_container(api, self.name)
            if plan.after is None:
                if live is not None:
                    self._stop(api, live["Id"])
                    api.remove_container(live["Id"], v=not self.keep_volumes, force=True)
                return
            if isinstance(plan.after.image, Unknown):
                assert self.image is not None
                _docker_build.pull(host, api, self.image, self.platform or "")
                after = dataclasses.replace(plan.after, image=_docker.image_id(host, api, self.image))
                plan = Plan(plan.before, after, diff(plan.before, after))
            assert plan.after is not None
            if live is None:
                identity = self._create(host, api, plan.after, {})
                self._settle(host, api, identity, plan.after)
            elif plan.before is None or _needs_new(plan.before, plan.after):
                self._replace(host, api, live, plan)
            else:
                self._update(api, live, plan)
                self._settle(host, api, live["Id"], plan.after)

    def _update(self, api: Any, live: Mapping[str, Any], plan: Plan[ContainerState]) -> None:
        """Changes that a living container takes."""
        assert plan.after is not None
        body: dict[str, Any] = {}
        for change in plan.changes:
            if change.path[0] == "config":
                options_.BY_NAME[change.path[1]].write(body, plan.after.config[change.path[1]])
        if body:
            restart = body["HostConfig"].get("RestartPolicy")
            if restart is not None:  # the engine takes the two parts together
                body["HostConfig"]["RestartPolicy"] = {**(live["HostConfig"].get("RestartPolicy") or {}), **restart}
            url = api._url("/containers/{0}/update", live["Id"])
            api._raise_for_status(api._post_json(url, data=body["HostConfig"]))
        networks_.move(api, self, live["Id"], plan.after.networks, networks_.held(live))

    def _create(self, host: Host, api: Any, after: ContainerState, labels: Mapping[str, str]) -> str:
        body: dict[str, Any] = {"Image": self.image or after.image, "AttachStdout": True, "AttachStderr": True, "HostConfig": {}}
        for name, value in after.config.items():
            if value is not None:
                options_.BY_NAME[name].write(body, value)
        body["Labels"] = {**(body.get("Labels") or {}), **labels}
        if self.stop_timeout is not None:
            body["StopTimeout"] = self.stop_timeout
        if self.storage_opts:
            body["HostConfig"]["StorageOpt"] = self.storage_opts
        first = networks_.first(self)
        if first is not None:
            body["HostConfig"]["NetworkMode"] = first.name
            body["NetworkingConfig"] = {"EndpointsConfig": {first.name: networks_.endpoint(api, first)}}
        identity: str = api.create_container_from_config(body, self.name, self.platform)["Id"]
        found = _docker.inspect_container(api, identity) or {}
        try:
            joined = {first.name: after.networks.get(first.name)} if first else {}
            networks_.move(api, self, identity, after.networks, {**networks_.held(found), **joined})
        except BaseException:
            api.remove_container(identity, v=True, force=True)
            raise
        return identity

    def _replace(self, host: Host, api: Any, live: dict[str, Any], plan: Plan[ContainerState]) -> None:
        assert plan.after is not None
        after = plan.after
        if after.status == "stopped":
            self._stop(api, live["Id"])
            live = _docker.inspect_container(api, live["Id"]) or live
        fixed = any(b.get("HostPort") for bs in (live["HostConfig"].get("PortBindings") or {}).values() for b in bs or ())
        shared = self.volumes or self.mounts or self.published_ports or any(m.get("RW", True) for m in live.get("Mounts") or ())
        url = _docker.address(host, self)
        labels = {_docker_swap.REPLACES: live["Id"]}
        if after.status == "stopped":
            api.rename(live["Id"], _docker_swap.parked(live, self.name))
            try:
                self._create(host, api, after, labels)
            except BaseException:
                _docker_swap.restore(api, live, self.name)
                raise
            api.remove_container(live["Id"], v=not self.keep_volumes, force=True)
            return
        swap = _docker_swap.begin(
            api,
            live,
            self.name,
            lambda: self._create(host, api, after, labels),
            stop_first=bool(fixed or shared or self.network_mode == "host"),
            stop_timeout=self.stop_timeout,
            socket=url[7:] if url.startswith("unix://") else "",
        )
        try:
            self._started.append(swap.new)
            self._settle(host, api, swap.new, after)
        except BaseException as error:
            swap.rollback()
            if isinstance(error, Failed):
                raise Failed(f"{error.message}\nThe container it was to replace is back in service", **error.result) from None
            raise
        swap.keep_volumes = self.keep_volumes
        swap.commit()

    def _settle(self, host: Host, api: Any, identity: str, after: ContainerState) -> None:
        """Bring a container to its status, and see that it stays."""
        found = _docker.inspect_container(api, identity) or {}
        state = found.get("State") or {}
        if after.status == "stopped":
            self._stop(api, identity)
            return
        if after.status == "running" and state.get("Paused"):
            api.unpause(identity)
        elif not state.get("Running"):
            self._started.append(identity)
            api.start(identity)
        if after.status == "paused":
            api.pause(identity)
            return
        if self.state == "healthy":
            self._wait(host, api, identity)
            return
        now = _docker.inspect_container(api, identity)
        if now is None and self.auto_remove:
            return
        verdict = _docker_wait.judge(now, "running")
        if verdict.status == "failed" and _docker_wait.judge(now, "completed").status != "up":
            story = _docker_wait.story(api, now)
            raise Failed(f"container {self.name} did not stay up: {verdict.why}\n{story}", container=_docker.shown(now or {}))

    def _wait(self, host: Host, api: Any, identity: str) -> None:
        end = time.monotonic() + float(self.healthy_wait_timeout or 10**9)
        while True:
            found = _docker.inspect_container(api, identity)
            verdict = _docker_wait.judge(found, "healthy")
            if verdict.status == "up":
                return
            late = time.monotonic() > end
            if verdict.status == "failed" or late:
                why = f"still {verdict.why} after {self.healthy_wait_timeout:.0f} s" if late else verdict.why
                story = _docker_wait.story(api, found)
                raise Failed(f"container {self.name} did not get healthy: {why}\n{story}", container=_docker.shown(found or {}))
            host.progress(f"{self.name}: {verdict.why}")
            time.sleep(0.25)

    def _stop(self, api: Any, identity: str) -> None:
        found = _docker.inspect_container(api, identity)
        if found and found["State"].get("Running") and self.force_kill:
            api.kill(identity, signal=self.kill_signal or "SIGKILL")
        else:
            _docker_swap.stop(api, identity, self.stop_timeout)

    # -- acts besides

    def due(self, host: Reader, plan: Plan[ContainerState]) -> Optional[str]:
        if self.state == "absent":
            return None
        if not self.detach:
            return "detach: false runs the command"
        if plan.after is not None and isinstance(plan.after.image, Unknown):
            return f"image {self.image} has to be pulled"
        if plan.before is None or any(plan.changed(part) for part in ("image", "image_name", "config", "status")):
            return None
        if self.recreate:
            return "recreate: true"
        return "restart: true" if self.restart and plan.before.status == "running" else None

    def perform(self, host: Host, plan: Plan[ContainerState]) -> None:
        if self.detach and plan.after is not None and isinstance(plan.after.image, Unknown):
            return  # pulling it was all
        with _docker.engine(host, self, timeout=10**6 if not self.detach else 3600) as api:
            live = _docker.inspect_container(api, self.name)
            assert live is not None and plan.after is not None
            if not self.detach:
                self._run_to_end(host, api, live)
            elif self.recreate:
                self._replace(host, api, live, plan)
            else:
                api.restart(live["Id"], timeout=self.stop_timeout if self.stop_timeout is not None else 10)
                self._settle(host, api, live["Id"], plan.after)

    def _run_to_end(self, host: Host, api: Any, live: Mapping[str, Any]) -> None:
        import docker.errors

        api.start(live["Id"])
        try:
            code = api.wait(live["Id"])["StatusCode"]
            output = "cannot be told, as auto_remove is on" if self.auto_remove else _docker.tail_of(api, live["Id"], 10**6)
        except docker.errors.NotFound:  # it removed itself first
            code, output = 0, "cannot be told, as auto_remove is on"
        found = _docker.shown(_docker.inspect_container(api, live["Id"]) or live)
        if self.cleanup and not self.auto_remove:
            api.remove_container(live["Id"], v=not self.keep_volumes, force=True)
        said = {"status": code, "output": output, "container": {**found, "Output": output}}
        host.note(**said)
        if code != 0:
            raise Failed(f"the command of {self.name} ended with {code}: {output[-2000:]}", **said)

    def result(self, before: Optional[ContainerState], after: Optional[ContainerState]) -> dict[str, Any]:
        if after is None:
            return {"container": None}
        if after.found is not None:
            return {"container": after.found}
        if before is not None and not diff(before, after):
            return {"container": before.found}
        running = {"Status": after.status, "Running": after.status == "running", "Health": {"Status": after.health}}
        open_ = dict.fromkeys(_docker.CONTAINER_FIELDS, Unknown(f"container {self.name} is known after the run"))
        return {"container": {**open_, "Id": after.id, "Name": f"/{self.name}", "Image": after.image, "State": running}}


def _text(value: Any) -> str:
    if isinstance(value, Secret):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _needs_new(before: ContainerState, after: ContainerState) -> bool:
    """Whether a living container cannot be brought there."""
    changes = diff(before.config, after.config)
    other_image = bool(diff(before.image, after.image)) or before.image_name != after.image_name
    return other_image or any(not options_.BY_NAME[c.path[0]].live for c in changes)


def _ended_well(state: ContainerState) -> bool:
    return bool(state.found) and state.found["State"].get("ExitCode") == 0 and not state.found["State"].get("Error")


def _nothing(name: str) -> Any:
    return {"dict": {}, "set": [], "list": [], "value": None}[options_.BY_NAME[name].kind]


def _size(text: Optional[str]) -> Optional[int]:
    from nxtplay.modules._compose.kinds import size

    if text is None:
        return None
    try:
        return size(str(text))
    except ValueError:
        raise Failed(f"memory_swap: '{text}' is no size; such as 1g, or unlimited") from None
