"""docker_container: one container."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource
from nxtplay.core.state import Plan, Secret, Unknown, diff
from nxtplay.modules import _docker, _docker_build, _docker_registry, _docker_swap, _docker_wait
from nxtplay.modules import _docker_container as options_
from nxtplay.modules._docker_container_args import ContainerOptions, Healthcheck, Mount, Network


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
    id: str = field(default="", metadata={"volatile": True})


class DockerContainer(ContainerOptions, Resource[ContainerState]):
    """A container. Options that are not given are left as they are; a container that differs is replaced.

    The old container is kept until the new one runs (with `state: healthy`: is healthy); when it does not, the old one goes back in
    service and the task fails with the new one's logs.
    """

    libraries = ("docker",)
    private = False

    def key(self) -> str:
        return f"container:{self.name}"

    # -- what is wanted

    def _given(self, host: Reader) -> dict[str, Any]:
        """Options as given, in the form in which they are compared."""
        o = options_
        env = {name: _text(value) for name, value in self.env.items()}
        if self.env_file:
            from nxtplay.modules._compose.interpolate import env_file

            read = env_file(host.read(self.env_file).decode("utf-8", "replace"), self.env_file, host.environ)
            env = {**{k: v for k, v in read.items() if v is not None}, **env}
        out: dict[str, Any] = {
            "command": (shlex.split(self.command) if isinstance(self.command, str) else self.command) if self.command is not None else None,
            "entrypoint": self.entrypoint,
            "env": {k: Secret(v) if isinstance(v, Secret) else v for k, v in env.items()},
            "published_ports": o.ports(self.published_ports, self.default_host_ip or ""),
            "exposed_ports": sorted(p if "/" in p else f"{p}/tcp" for p in self.exposed_ports),
            "volumes": o.volumes(self.volumes),
            "mounts": sorted(_mount(m) for m in self.mounts),
            "healthcheck": _health(self.healthcheck) if self.healthcheck else {},
            "devices": o.devices(self.devices),
            "ulimits": o.ulimits(self.ulimits),
            "capabilities": o.capabilities(self.capabilities),
            "cap_drop": o.capabilities(self.cap_drop),
            "cpus": round(self.cpus * 1e9) if self.cpus is not None else None,
            "memory_swap": -1 if self.memory_swap in ("unlimited", "-1") else _size(self.memory_swap),
            "network_mode": "bridge" if self.network_mode == "default" else self.network_mode,
            "tmpfs": sorted(self.tmpfs),
        }
        for option in o.OPTIONS:
            if option.name not in out:
                out[option.name] = getattr(self, option.name)
        cleared = ("command", "entrypoint")  # an empty list there says something
        return {name: value for name, value in out.items() if value not in (None, [], {}) or (name in cleared and value == [])}

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
        config = {}
        for name, value in given.items():
            option = options_.BY_NAME[name]
            held = option.read(live)
            inherited = options_.inherited_from(image, option)
            if option.kind == "dict":
                held = {k: v for k, v in held.items() if k in value or (inherited or {}).get(k) != v}
                held = {k: Secret(v) if isinstance(value.get(k), Secret) else v for k, v in held.items()}
            elif option.kind == "set":
                held = sorted(v for v in held if v in value or v not in (inherited or ()))
            config[name] = held
        state = live["State"]
        status = "paused" if state.get("Paused") else "running" if state.get("Running") else "stopped"
        health = str((state.get("Health") or {}).get("Status") or "none") if status == "running" else "none"
        other = {n: v for n, v in options_.set_by_hand(live, image).items() if n not in given}
        return ContainerState(live["Image"], config, status, health, _networks(live), other, faults, live["Id"])

    def desired(self, host: Reader, before: Optional[ContainerState]) -> Optional[ContainerState]:
        if self.state == "absent":
            return None
        given = self._given(host)
        how = options_.comparisons(self.comparisons)
        held = before.config if before else {}
        config = {
            n: options_.settled(options_.BY_NAME[n], how[n], v, held[n] if held.get(n) is not None else _nothing(n))
            for n, v in given.items()
        }
        image = self._image(host, before, "ignore" if self.ignore_image else how["image"])
        same = before.status if before else "stopped"
        status = {"started": "running", "healthy": "running", "stopped": "stopped"}.get(self.state, same)
        if not self.detach:
            status = same
        if self.paused is not None and status != "stopped":
            status = "paused" if self.paused else "running"
        health: Any = before.health if before and before.status == status else Unknown("seen once it runs")
        if status == "stopped":
            health = "none"
        if self.state == "healthy":
            self._check_probe(host, given)
            health = "healthy"
        networks = self._wanted_networks(before, moved=before is None or before.config.get("network_mode") != config.get("network_mode"))
        other = before.other if before and not _needs_new(before, image, config) else {}
        return ContainerState(image, config, status, health, networks, other, (), before.id if before else "")

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

    def _wanted_networks(self, before: Optional[ContainerState], *, moved: bool) -> dict[str, Any]:
        """`moved`: it is new, or its network mode changes, so it does not keep what it was on."""
        held = self._default_networks() if before is None or moved else before.networks
        if not self.networks:
            return {} if self.purge_networks else held
        wanted: dict[str, Any] = {}
        for network in self.networks:
            there = held.get(network.name)
            want = {"aliases": sorted(network.aliases), "ipv4": network.ipv4_address or ""}
            wanted[network.name] = there if there is not None and _fits(want, there) else want
        strict = self.purge_networks or self.comparisons.get("networks") == "strict"
        return wanted if strict else {**held, **wanted}

    def _default_networks(self) -> dict[str, Any]:
        """Where a new container lands by itself."""
        mode = self.network_mode or "bridge"
        if mode.startswith("container:") or (self.networks and self.networks_cli_compatible and not self.network_mode):
            return {}
        return {"bridge" if mode == "default" else mode: {"aliases": [], "ipv4": ""}}

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
            if live is None:
                identity = self._create(host, api, plan.after, {})
                self._settle(host, api, identity, plan.after)
            elif plan.before is None or _needs_new(plan.before, plan.after.image, plan.after.config):
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
            url = api._url("/containers/{0}/update", live["Id"])
            api._raise_for_status(api._post_json(url, data=body["HostConfig"]))
        for name in _networks(live):
            if name not in plan.after.networks:
                api.disconnect_container_from_network(live["Id"], name)
        self._connect(api, live["Id"], plan.after, _networks(live))

    def _connect(self, api: Any, identity: str, after: ContainerState, held: Mapping[str, Any]) -> None:
        given = {n.name: n for n in self.networks}
        for name, want in after.networks.items():
            if held.get(name) == want or (name not in given and name in held):
                continue
            if name in held:
                api.disconnect_container_from_network(identity, name)
            api.connect_container_to_network(identity, name, **_endpoint(given[name]) if name in given else {})

    def _create(self, host: Host, api: Any, after: ContainerState, labels: Mapping[str, str]) -> str:
        body: dict[str, Any] = {"Image": self.image or after.image, "AttachStdout": True, "AttachStderr": True, "HostConfig": {}}
        for name, value in after.config.items():
            if value is not None:
                options_.BY_NAME[name].write(body, value)
        body["Labels"] = {**(body.get("Labels") or {}), **labels}
        if self.stop_timeout is not None:
            body["StopTimeout"] = self.stop_timeout
        if self.mac_address:
            body["MacAddress"] = self.mac_address
        if self.storage_opts:
            body["HostConfig"]["StorageOpt"] = self.storage_opts
        first = self.networks[0] if self.networks and self.networks_cli_compatible and not self.network_mode else None
        if first is not None:
            body["HostConfig"]["NetworkMode"] = first.name
            body["NetworkingConfig"] = {"EndpointsConfig": {first.name: api.create_endpoint_config(**_endpoint(first))}}
        identity: str = api.create_container_from_config(body, self.name, self.platform)["Id"]
        found = _docker.inspect_container(api, identity) or {}
        try:
            self._connect(api, identity, after, {**_networks(found), **({first.name: after.networks.get(first.name)} if first else {})})
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
            api.start(identity)
        if after.status == "paused":
            api.pause(identity)
            return
        if self.state == "healthy":
            self._wait(host, api, identity)
            return
        verdict = _docker_wait.judge(_docker.inspect_container(api, identity), "running")
        if verdict.status == "failed":
            story = _docker_wait.story(api, _docker.inspect_container(api, identity))
            raise Failed(f"container {self.name} did not stay up: {verdict.why}\n{story}")

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
                raise Failed(f"container {self.name} did not get healthy: {why}\n{_docker_wait.story(api, found)}")
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
        if plan.before is None or plan.changed("image") or plan.changed("config") or plan.changed("status"):
            return None
        if self.recreate:
            return "recreate: true"
        return "restart: true" if self.restart and plan.before.status == "running" else None

    def perform(self, host: Host, plan: Plan[ContainerState]) -> None:
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
        api.start(live["Id"])
        code = api.wait(live["Id"])["StatusCode"]
        output = _docker.tail_of(api, live["Id"], 10**6)
        if self.cleanup:
            api.remove_container(live["Id"], v=not self.keep_volumes, force=True)
        host.note(status=code, output=output)
        if code != 0:
            raise Failed(f"the command of {self.name} ended with {code}: {output[-2000:]}", status=code)

    def result(self, before: Optional[ContainerState], after: Optional[ContainerState]) -> dict[str, Any]:
        if after is None:
            return {"container": None}
        running = {"Status": after.status, "Running": after.status == "running", "Health": {"Status": after.health}}
        return {"container": {"Id": after.id, "Name": f"/{self.name}", "Image": after.image, "State": running}}


def _text(value: Any) -> str:
    if isinstance(value, Secret):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _needs_new(before: ContainerState, image: Any, config: Mapping[str, Any]) -> bool:
    """Whether a living container cannot be brought there."""
    changes = diff(before.config, dict(config))
    return bool(diff(before.image, image)) or any(not options_.BY_NAME[c.path[0]].live for c in changes)


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


def _mount(mount: Mount) -> str:
    out: dict[str, Any] = {"Type": mount.type, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.type == "bind":
        out["BindOptions"] = {"Propagation": mount.propagation, "CreateMountpoint": mount.create_mountpoint}
    elif mount.type == "volume":
        driver = {"Name": mount.volume_driver, "Options": mount.volume_options} if mount.volume_driver else None
        out["VolumeOptions"] = {"NoCopy": mount.no_copy, "Labels": mount.labels, "DriverConfig": driver}
    elif mount.type == "tmpfs":
        out["TmpfsOptions"] = {"SizeBytes": mount.tmpfs_size, "Mode": int(mount.tmpfs_mode, 8) if mount.tmpfs_mode else None}
    return options_.mount_text(out)


def _health(check: Healthcheck) -> dict[str, Any]:
    test: Any = check.test
    if isinstance(test, str):
        test = ["NONE"] if test == "NONE" else ["CMD-SHELL", test]
    elif test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        test = ["CMD", *test]
    out: dict[str, Any] = {"test": test, "retries": check.retries}
    for name in ("interval", "timeout", "start_period", "start_interval"):
        value = getattr(check, name)
        out[name] = round(value * 1e9) if value is not None else None
    return {key: value for key, value in out.items() if value}


def _endpoint(network: Network) -> dict[str, Any]:
    given = {
        "aliases": network.aliases, "ipv4_address": network.ipv4_address, "ipv6_address": network.ipv6_address,
        "links": {link.partition(":")[0]: link.partition(":")[2] or link for link in network.links},
        "mac_address": network.mac_address,
        "driver_opt": network.driver_opts,
    }
    return {key: value for key, value in given.items() if value}


def _networks(live: Mapping[str, Any]) -> dict[str, Any]:
    """Networks by name: aliases (without those the engine adds) and the address that was asked for."""
    own = {live.get("Name", "").lstrip("/"), str(live.get("Id", ""))[:12]}
    out = {}
    for name, endpoint in ((live.get("NetworkSettings") or {}).get("Networks") or {}).items():
        held = endpoint or {}
        address = (held.get("IPAMConfig") or {}).get("IPv4Address") or ""
        out[name] = {"aliases": sorted(set(held.get("Aliases") or ()) - own), "ipv4": address}
    return out


def _fits(want: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    return set(want["aliases"]) <= set(there["aliases"]) and want["ipv4"] in ("", there["ipv4"])
