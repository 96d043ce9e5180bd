"""The plugin `docker_containers`: the containers of a Docker engine as hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import check_args, decode
from nxtplay.core.state import Unknown
from nxtplay.errors import Diagnostic, InventoryError, Span
from nxtplay.inventory import constructed
from nxtplay.inventory.draft import Draft
from nxtplay.inventory.options import at, known
from nxtplay.modules import _docker
from nxtplay.template.values import Unsafe

if TYPE_CHECKING:
    from nxtplay.template.render import Templates

_KIND = "an inventory of containers"
_CONNECTIONS = {"docker-api": "community.docker.docker_api", "docker-cli": "community.docker.docker", "ssh": None}
_OPTIONS = (
    "connection_type",
    "configure_docker_daemon",
    "verbose_output",
    "default_ip",
    "private_ssh_port",
    "add_legacy_groups",
    "filters",
)
_CACHE = ("cache", "cache_plugin", "cache_timeout", "cache_connection", "cache_prefix")  # the engine is asked every time


def fill(data: Mapping[str, Any], file: str, draft: Draft, templates: Templates | None, around: constructed.Surroundings) -> None:
    """Adds the engine's containers to the draft. Raises InventoryError with the place of what is wrong."""
    engine_options = tuple(name for spec in _docker.DockerOptions.specs().values() for name in (spec.name, *spec.aliases))
    known(data, (*constructed.OPTIONS, *_OPTIONS, *_CACHE, *engine_options), file, _KIND)
    able = constructed.able(data, file, templates, _KIND)
    kind = str(data.get("connection_type", "docker-api"))
    if kind not in _CONNECTIONS:
        message = f"connection_type is one of {', '.join(_CONNECTIONS)}, found {kind!r}"
        raise InventoryError(Diagnostic(message, at(data, "connection_type", file)))
    given = {name: data[name] for name in engine_options if name in data}
    wrong = check_args(_docker.DockerOptions, given)
    if wrong:
        raise InventoryError(Diagnostic(str(wrong[0].message), at(data, wrong[0].path[0] if wrong[0].path else "", file)))
    options = decode(_docker.DockerOptions, given)
    try:
        containers = list(_inspected(options))
    except Failed as failed:
        raise InventoryError(Diagnostic(failed.message, Span(file, 1, 1))) from None
    legacy = bool(data.get("add_legacy_groups"))
    for group in ("running", "stopped") if legacy else ():
        draft.group(group, Span(file))
    for found in containers:
        name = found["Name"].lstrip("/")
        host = _variables(found, data, options)
        facts = {**_facts(found), **host}
        one = constructed.Host(name, draft, able, data, file, around, facts)
        if not _is_wanted(one, data, file):
            continue
        draft.host(name, Span(file)).variables.update_from(_data(facts if data.get("verbose_output") else host), Span(file))
        draft.groups["ungrouped"].hosts[name] = None
        one.construct()
        for group in _legacy(found, options) if legacy else ():
            draft.group(group, Span(file)).hosts[name] = None


def _inspected(options: _docker.DockerOptions) -> Iterator[dict[str, Any]]:
    import docker.errors

    with _docker.engine(Reader(), options) as api:
        for summary in api.containers(all=True):
            try:
                yield api.inspect_container(summary["Id"])
            except docker.errors.NotFound:  # it has gone by now
                continue


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """All that the engine tells, under names such as docker_hostconfig."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    facts = {"docker_" + re.sub(r"[^\w-]", "_", key).lower().lstrip("_"): value for key, value in found.items()}
    for fact, label in (("docker_stack", "com.docker.stack.namespace"), ("docker_service", "com.docker.swarm.service.name")):
        if labels.get(label):
            facts[fact] = labels[label]
    return facts


def _variables(found: Mapping[str, Any], data: Mapping[str, Any], options: _docker.DockerOptions) -> dict[str, Any]:
    """What the host gets in any case: its name, and the way to it."""
    name = found["Name"].lstrip("/")
    kind = str(data.get("connection_type", "docker-api"))
    out: dict[str, Any] = {"docker_name": name, "docker_short_id": found["Id"][:13]}
    if kind == "ssh":
        ports = ((found.get("NetworkSettings") or {}).get("Ports") or {}).get(f"{data.get('private_ssh_port', 22)}/tcp") or [{}]
        address = str(ports[0].get("HostIp") or "")
        anywhere = address in ("0.0.0.0", "::")
        port = ports[0].get("HostPort", 0)
        return {**out, "ansible_ssh_host": data.get("default_ip", "127.0.0.1") if anywhere else address, "ansible_ssh_port": int(port)}
    out.update(ansible_host=name, ansible_connection=_CONNECTIONS[kind])
    if kind == "docker-api" and data.get("configure_docker_daemon", True):
        out["ansible_docker_docker_host"] = _docker.address(Reader(), options)
        for option in ("tls_hostname", "api_version", "timeout", "ca_path", "client_cert", "client_key", "tls", "validate_certs",
                       "use_ssh_client"):  # fmt: skip
            value = getattr(options, option)
            out.update({f"ansible_docker_{option}": value} if value is not None else {})
    return out


def _legacy(found: Mapping[str, Any], options: _docker.DockerOptions) -> list[str]:
    """The groups that the old inventory script made."""
    config = found.get("Config") or {}
    labels = config.get("Labels") or {}
    named = (("image_", config.get("Image")), ("stack_", labels.get("com.docker.stack.namespace")),
             ("service_", labels.get("com.docker.swarm.service.name")))  # fmt: skip
    state = "running" if (found.get("State") or {}).get("Running") else "stopped"
    own = [found["Id"], found["Name"].lstrip("/"), found["Id"][:13], _docker.address(Reader(), options), state]
    return [prefix + value for prefix, value in named if value] + own


def _is_wanted(one: constructed.Host, data: Mapping[str, Any], file: str) -> bool:
    """What the first filter says that holds; all that none speaks of are wanted."""
    for entry in data.get("filters") or ():
        known(entry, ("include", "exclude"), file, "a filter of containers")
        for word, condition in entry.items():
            holds = one.holds(condition, at(entry, word, file))
            if not isinstance(holds, Unknown) and holds:
                return bool(word == "include")
    return True


def _data(value: Any) -> Any:
    """The value with its texts marked as data: no template is looked for in them."""
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_data(item) for item in value]
    return Unsafe(value) if isinstance(value, str) and "{" in value else value
