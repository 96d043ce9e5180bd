"""A complete project: the merged model with everything filled in that the files leave to Compose, and cross-checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from nxtplay.core.host import Reader
from nxtplay.modules._compose import kinds, load, schema
from nxtplay.modules._compose.load import Loaded, Request
from nxtplay.modules._compose.source import ComposeErrors, did_you_mean

Named = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Project:
    """What is to be. All sections hold only what enabled services use; services are in dependency order.

    `secret_names`: environment variables (by service) whose values came from a variable or a file: they are never shown.
    """

    name: str
    directory: str
    files: tuple[str, ...]
    services: Named
    networks: Named
    volumes: Named
    secrets: Named
    configs: Named
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    declared: tuple[str, ...] = ()  # every service there is, enabled or not
    warnings: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()

    def image(self, service: str) -> str:
        found: str = self.services[service].get("image") or f"{self.name}-{service}"
        return found

    def scale(self, service: str) -> int:
        spec = self.services[service]
        if spec.get("scale") is not None:
            return int(spec["scale"])
        replicas = (spec.get("deploy") or {}).get("replicas")
        return int(replicas) if replicas is not None else 1

    def model(self) -> dict[str, Any]:
        """The whole as `docker compose config --format json` gives it."""
        sections = {"name": self.name, "services": self.services, "networks": self.networks, "volumes": self.volumes}
        for name, held in (("secrets", self.secrets), ("configs", self.configs)):
            if held:
                sections[name] = held
        return {key: value for key, value in sections.items() if value or key in ("name", "services")}


def read(host: Reader, request: Request) -> Project:
    """Read and complete a project. Raises ComposeErrors with everything that is wrong."""
    loaded = load.load(host, request)
    name = loaded.environ[load.NAME]
    services: Named = {n: dict(s or {}) for n, s in (loaded.model.get("services") or {}).items()}
    if not services:
        raise ComposeErrors([f"{(loaded.files or ('definition',))[0]}: there are no services"])
    for service_name, service in services.items():
        _complete(host, service_name, service, loaded)
    enabled = _enabled(services, request, loaded)
    chosen = {n: services[n] for n in _ordered(enabled, services, loaded)}
    sections = {s: _section(loaded, s, name, chosen) for s in ("networks", "volumes", "secrets", "configs")}
    _check_references(chosen, loaded)
    if loaded.findings():
        raise ComposeErrors(loaded.findings())
    return Project(
        name=name,
        directory=request.directory,
        files=loaded.files,
        services={n: kinds.tidy(schema.SERVICE, s) for n, s in chosen.items()},
        networks=sections["networks"],
        volumes=sections["volumes"],
        secrets=sections["secrets"],
        configs=sections["configs"],
        environ=loaded.environ,
        declared=tuple(services),
        warnings=tuple(loaded.warnings()),
        env_files=request.env_files,
    )


def _complete(host: Reader, name: str, service: dict[str, Any], loaded: Loaded) -> None:
    """Fill in what Compose fills in, in place."""
    at = ("services", name)
    build = service.get("build")
    if build is not None:
        _complete_build(build, loaded)
    elif not service.get("image"):
        loaded.wrong(at, f"service '{name}' has neither `image` nor `build`")
    _complete_environment(host, service, at, loaded)
    _complete_labels(host, service, at, loaded)
    for port in service.get("ports") or ():
        port.setdefault("mode", "ingress")
        port.setdefault("protocol", "tcp")
    for volume in service.get("volumes") or ():
        if volume and volume.get("type") == "bind" and volume.get("source"):
            volume["source"] = kinds.absolute(volume["source"], kinds.Place(_base_of(loaded), loaded.environ))
    if service.get("pull_policy") == "if_not_present":
        service["pull_policy"] = "missing"
    if service.get("network_mode") and service.get("networks"):
        loaded.wrong((*at, "network_mode"), f"service '{name}' has both `network_mode` and `networks`; give one of them")
    if not service.get("networks") and not service.get("network_mode"):
        service["networks"] = {"default": None}
    for key, target in (("secrets", "/run/secrets/"), ("configs", "/")):
        for reference in service.get(key) or ():
            if reference and not reference.get("target"):
                reference["target"] = target + reference.get("source", "")
    if "deploy" in service and service["deploy"] is not None:
        service["deploy"].setdefault("resources", {})
        service["deploy"].setdefault("placement", {})
    for watch in (service.get("develop") or {}).get("watch") or ():
        watch.setdefault("exec", {"command": None}).setdefault("command", None)
    for limit in ("weight_device", "device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"):
        found = (service.get("blkio_config") or {}).get(limit)
        if found:  # Compose writes these two keys with a capital
            service["blkio_config"][limit] = [{key.capitalize(): value for key, value in item.items()} for item in found]
    service.setdefault("command", None)
    service.setdefault("entrypoint", None)
    _complete_depends(name, service)
    _check_limits(name, service, loaded)


def _base_of(loaded: Loaded) -> str:
    return os.path.dirname(loaded.files[0]) if loaded.files else "/"


def _complete_build(build: dict[str, Any], loaded: Loaded) -> None:
    build.setdefault("context", _base_of(loaded))
    if not build.get("dockerfile_inline"):
        build.setdefault("dockerfile", "Dockerfile")
    args = build.get("args")
    if args:
        build["args"] = {k: v if v is not None else loaded.environ.get(k) for k, v in args.items()}
        build["args"] = {k: v for k, v in build["args"].items() if v is not None}


def _complete_environment(host: Reader, service: dict[str, Any], at: Any, loaded: Loaded) -> None:
    files = service.pop("env_file", None) or ()
    found: dict[str, Optional[str]] = {}
    for item in files:
        path = item["path"]
        if not host.exists(path):
            if item.get("required", True):
                loaded.wrong((*at, "env_file"), f"no env file {path}", "say `required: false` for one that may be missing")
            continue
        if item.get("format") == "raw":
            lines = (line for line in host.read(path).decode("utf-8", "replace").splitlines() if "=" in line and not line.startswith("#"))
            for line in lines:
                key, _, found[key] = line.partition("=")
        else:
            known = {**{k: v for k, v in found.items() if v is not None}, **loaded.environ}
            found.update(load.read_env_file(host, path, known))
    found = {k: v for k, v in found.items() if v is not None}
    own = service.get("environment") or {}
    found.update({k: v if v is not None else loaded.environ.get(k) for k, v in own.items()})
    if found:
        service["environment"] = found


def _complete_labels(host: Reader, service: dict[str, Any], at: Any, loaded: Loaded) -> None:
    for path in service.pop("label_file", None) or ():
        if not host.exists(path):
            loaded.wrong((*at, "label_file"), f"no label file {path}")
            continue
        read = {k: v or "" for k, v in load.read_env_file(host, path, loaded.environ).items()}
        service["labels"] = {**read, **(service.get("labels") or {})}


def _complete_depends(name: str, service: dict[str, Any]) -> None:
    """Services that are used are depended on, too."""
    implied = [link.partition(":")[0] for link in service.get("links") or ()]
    for key in ("network_mode", "ipc", "pid"):
        value = str(service.get(key) or "")
        if value.startswith("service:"):
            implied.append(value[8:])
    # volumes_from names a service, unless it says container:
    used = [v.partition(":")[0] for v in service.get("volumes_from") or () if not v.startswith("container:")]
    depends = dict(service.get("depends_on") or {})
    for other in implied:
        depends.setdefault(other, {"condition": "service_started", "restart": True, "required": True})
    for other in used:
        depends.setdefault(other, {"condition": "service_started", "restart": False, "required": True})
    if depends:
        service["depends_on"] = depends


def _check_limits(name: str, service: dict[str, Any], loaded: Loaded) -> None:
    """The old and the new way to say a limit may not disagree."""
    deploy = service.get("deploy") or {}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    reservations = (deploy.get("resources") or {}).get("reservations") or {}
    pairs = [("mem_limit", limits, "memory"), ("cpus", limits, "cpus"), ("pids_limit", limits, "pids")]
    pairs.append(("mem_reservation", reservations, "memory"))
    for key, group, other in pairs:
        if service.get(key) and group.get(other) and service[key] != group[other]:
            loaded.wrong(("services", name, key), f"'{key}' and deploy.resources say different {other} limits; give one of them")
    scale, replicas = service.get("scale"), deploy.get("replicas")
    if scale is not None and replicas is not None and scale != replicas:
        loaded.wrong(("services", name, "scale"), "'scale' and deploy.replicas say different numbers; give one of them")
    if scale is not None and service.get("deploy") is not None:
        service["deploy"].setdefault("replicas", scale)
    if (scale or replicas or 1) > 1 and service.get("container_name"):
        loaded.wrong(("services", name, "container_name"), "a service with a container_name cannot run more than once")


def _enabled(services: Named, request: Request, loaded: Loaded) -> list[str]:
    """Services without a profile, of an active profile, or asked for by name."""
    active = set(request.profiles) or set(filter(None, loaded.environ.get("COMPOSE_PROFILES", "").split(",")))
    for name in request.services:
        if name not in services:
            raise ComposeErrors(
                [
                    f"no service '{name}' in {', '.join(loaded.files) or 'the definition'}"
                    + (f" ({did_you_mean(name, services)})" if did_you_mean(name, services) else "")
                ]
            )

    def is_on(name: str) -> bool:
        profiles = services[name].get("profiles") or ()
        return not profiles or "*" in active or bool(active.intersection(profiles)) or name in request.services

    on = [name for name in services if is_on(name)]
    for name in on:
        for other, how in (services[name].get("depends_on") or {}).items():
            at = ("services", name, "depends_on", other)
            if other not in services:
                loaded.wrong(at, f"service '{name}' depends on '{other}', which is not there", did_you_mean(other, services))
            elif other not in on and how.get("required", True):
                profile = ", ".join(services[other].get("profiles") or ())
                loaded.wrong(at, f"service '{name}' depends on '{other}', which only runs with profile {profile}", "add it to `profiles`")
    return on


def _ordered(enabled: list[str], services: Named, loaded: Loaded) -> list[str]:
    """Dependencies first; otherwise as written."""
    done: list[str] = []

    def visit(name: str, chain: tuple[str, ...]) -> None:
        if name in done or name not in enabled:
            return
        if name in chain:
            circle = " > ".join([*chain[chain.index(name) :], name])
            raise ComposeErrors([*loaded.findings(), f"services depend on each other in a circle: {circle}"])
        for other in services[name].get("depends_on") or {}:
            visit(other, (*chain, name))
        done.append(name)

    for name in enabled:
        visit(name, ())
    return done


def _used(section: str, service: dict[str, Any]) -> list[str]:
    if section == "networks":
        return list(service.get("networks") or {})
    if section == "volumes":
        return [v["source"] for v in service.get("volumes") or () if v and v.get("type") == "volume" and v.get("source")]
    build = (service.get("build") or {}).get("secrets") if section == "secrets" else None
    return [r["source"] for r in [*(service.get(section) or ()), *(build or ())] if r and r.get("source")]


def _section(loaded: Loaded, section: str, project: str, services: Named) -> Named:
    """The networks (volumes ...) that services use, named and tidied."""
    declared: dict[str, Any] = dict(loaded.model.get(section) or {})
    if section == "networks":
        declared.setdefault("default", None)
    kind = {"networks": schema.NETWORK, "volumes": schema.VOLUME_DEFINITION}.get(section, schema.FILE)
    used = {name for service in services.values() for name in _used(section, service)}
    out: Named = {}
    for name in sorted(used):
        if name not in declared:
            continue
        spec = dict(declared[name] or {})
        spec["name"] = spec.get("name") or (name if spec.get("external") else f"{project}_{name}")
        if section == "networks":
            spec["ipam"] = {key: value for key, value in (spec.get("ipam") or {}).items() if key != "options"}  # as Compose does
        out[name] = kinds.tidy(kind, spec)
    return out


def _check_references(services: Named, loaded: Loaded) -> None:
    for section in ("networks", "volumes", "secrets", "configs"):
        declared = {**(loaded.model.get(section) or {}), **({"default": None} if section == "networks" else {})}
        for name, service in services.items():
            for used in _used(section, service):
                if used not in declared:
                    at = ("services", name, section, used) if section == "networks" else ("services", name, section)
                    hint = did_you_mean(used, declared) or f"declare it under the top-level `{section}`"
                    loaded.wrong(at, f"service '{name}' uses {section[:-1]} '{used}', which is not declared", hint)
