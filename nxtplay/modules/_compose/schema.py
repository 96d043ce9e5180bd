"""Every key a Compose file may have, in the order in which Compose writes them (its hash over a service depends on it)."""

from __future__ import annotations

from typing import Any

from nxtplay.modules._compose import shapes
from nxtplay.modules._compose.kinds import (
    BOOL,
    DURATION,
    ENVIRONMENT,
    FLOAT,
    INT,
    KEPT_BOOL,
    KEPT_INT,
    LOOSE,
    MAPPING,
    ONE_OR_MORE,
    PATH,
    SHELL,
    SIZE,
    STRINGS,
    TEXT,
    UNIQUE,
    Kind,
    choice,
    list_of,
    map_of,
    struct,
)


def _by(*names: str) -> Any:
    return lambda value: tuple(value.get(name) for name in names) if isinstance(value, dict) else value


def _references(folder: str) -> Kind:
    fields = {"source": TEXT, "target": TEXT, "uid": LOOSE, "gid": LOOSE, "mode": Kind(shapes.mode)}
    return list_of(struct(fields, short=shapes.file_reference(folder)), index=lambda v: (v or {}).get("target") or (v or {}).get("source"))


HOSTS = Kind(shapes.hosts, merge="append", index=lambda v: v)
ULIMITS = map_of(struct({"soft": INT, "hard": INT}, short=shapes.ulimit, keep=True))
LABELS = MAPPING

BUILD = struct(
    {
        "context": Kind(shapes.context),
        "dockerfile": TEXT,
        "dockerfile_inline": TEXT,
        "entitlements": UNIQUE,
        "args": ENVIRONMENT,
        "provenance": LOOSE,
        "sbom": LOOSE,
        "ssh": STRINGS,
        "labels": LABELS,
        "cache_from": UNIQUE,
        "cache_to": UNIQUE,
        "no_cache": BOOL,
        "additional_contexts": map_of(Kind(shapes.context), listed=lambda t: (t.partition("=")[0], t.partition("=")[2])),
        "pull": BOOL,
        "extra_hosts": HOSTS,
        "isolation": TEXT,
        "network": TEXT,
        "target": TEXT,
        "secrets": _references(""),
        "shm_size": SIZE,
        "tags": UNIQUE,
        "ulimits": ULIMITS,
        "platforms": UNIQUE,
        "privileged": BOOL,
    },
    short=shapes.build,
)

# Written with a capital once complete.
_RATE = list_of(Kind(struct({"path": TEXT, "rate": SIZE}).read), index=_by("path"))
BLKIO = struct(
    {
        "weight": INT,
        "weight_device": list_of(Kind(struct({"path": TEXT, "weight": INT}).read), index=_by("path")),
        "device_read_bps": _RATE,
        "device_read_iops": _RATE,
        "device_write_bps": _RATE,
        "device_write_iops": _RATE,
    }
)

_UPDATE = struct(
    {
        "parallelism": KEPT_INT,
        "delay": DURATION,
        "failure_action": TEXT,
        "monitor": DURATION,
        "max_failure_ratio": FLOAT,
        "order": choice("start-first", "stop-first"),
    }
)
_RESOURCE = struct(
    {
        "cpus": FLOAT,
        "memory": SIZE,
        "pids": INT,
        "devices": list_of(shapes.DEVICE_REQUEST),
        "generic_resources": list_of(struct({"discrete_resource_spec": struct({"kind": TEXT, "value": INT})})),
    }
)
DEPLOY = struct(
    {
        "mode": TEXT,
        "replicas": KEPT_INT,
        "labels": LABELS,
        "update_config": _UPDATE,
        "rollback_config": _UPDATE,
        "resources": struct({"limits": _RESOURCE, "reservations": _RESOURCE}, keep=True),
        "restart_policy": struct({"condition": TEXT, "delay": DURATION, "max_attempts": KEPT_INT, "window": DURATION}),
        "placement": struct(
            {"constraints": STRINGS, "preferences": list_of(struct({"spread": TEXT})), "max_replicas_per_node": INT}, keep=True
        ),
        "endpoint_mode": TEXT,
    },
    keep=True,
)

HEALTHCHECK = struct(
    {
        "test": Kind(shapes.health_test, merge="replace"),
        "timeout": DURATION,
        "interval": DURATION,
        "retries": KEPT_INT,
        "start_period": DURATION,
        "start_interval": DURATION,
        "disable": BOOL,
    },
    keep=True,
)

PORT = struct(
    {
        "name": TEXT,
        "mode": TEXT,
        "host_ip": TEXT,
        "target": INT,
        "published": LOOSE,
        "protocol": TEXT,
        "app_protocol": TEXT,
    },
    short=shapes.port,
)

VOLUME = struct(
    {
        "type": choice("bind", "volume", "tmpfs", "npipe", "cluster", "image"),
        "source": TEXT,
        "target": TEXT,
        "read_only": BOOL,
        "consistency": TEXT,
        "bind": struct({"selinux": TEXT, "propagation": TEXT, "create_host_path": BOOL, "recursive": TEXT}, keep=True),
        "volume": struct({"labels": LABELS, "nocopy": BOOL, "subpath": TEXT}, keep=True),
        "tmpfs": struct({"size": SIZE, "mode": INT}, keep=True),
        "image": struct({"subpath": TEXT}, keep=True),
    },
    short=shapes.volume,
)

HOOK = struct({"command": SHELL, "user": TEXT, "privileged": BOOL, "working_dir": TEXT, "environment": ENVIRONMENT})
WATCH = struct(
    {
        "path": PATH,
        "action": choice("sync", "rebuild", "restart", "sync+restart", "sync+exec"),
        "target": TEXT,
        "exec": struct({"command": SHELL, "user": TEXT, "privileged": BOOL, "working_dir": TEXT, "environment": ENVIRONMENT}, keep=True),
        "include": ONE_OR_MORE,
        "ignore": ONE_OR_MORE,
        "initial_sync": BOOL,
    }
)

SERVICE = struct(
    {
        "profiles": UNIQUE,
        "annotations": MAPPING,
        "attach": KEPT_BOOL,
        "build": BUILD,
        "develop": struct({"watch": list_of(WATCH)}),
        "blkio_config": BLKIO,
        "cap_add": UNIQUE,
        "cap_drop": UNIQUE,
        "cgroup_parent": TEXT,
        "cgroup": TEXT,
        "cpu_count": INT,
        "cpu_percent": FLOAT,
        "cpu_period": INT,
        "cpu_quota": INT,
        "cpu_rt_period": INT,
        "cpu_rt_runtime": INT,
        "cpus": FLOAT,
        "cpuset": TEXT,
        "cpu_shares": INT,
        "command": SHELL,
        "configs": _references("/"),
        "container_name": TEXT,
        "depends_on": Kind(shapes.depends_on, item=shapes.DEPENDENCY),
        "deploy": DEPLOY,
        "device_cgroup_rules": UNIQUE,
        "devices": list_of(struct({"source": TEXT, "target": TEXT, "permissions": TEXT}, short=shapes.device), index=_by("target")),
        "dns": ONE_OR_MORE,
        "dns_opt": UNIQUE,
        "dns_search": ONE_OR_MORE,
        "domainname": TEXT,
        "entrypoint": SHELL,
        "environment": ENVIRONMENT,
        "env_file": Kind(shapes.env_files, merge="append", index=_by("path")),
        "expose": UNIQUE,
        "extends": struct({"file": TEXT, "service": TEXT}, short=shapes.extends),
        "external_links": UNIQUE,
        "extra_hosts": HOSTS,
        "group_add": UNIQUE,
        "gpus": Kind(shapes.gpus, item=shapes.DEVICE_REQUEST),
        "hostname": TEXT,
        "healthcheck": HEALTHCHECK,
        "image": TEXT,
        "init": KEPT_BOOL,
        "ipc": TEXT,
        "isolation": TEXT,
        "labels": LABELS,
        "label_file": list_of(PATH, scalar=True),
        "links": UNIQUE,
        "logging": struct({"driver": TEXT, "options": MAPPING}, merge="driver"),
        "mem_limit": SIZE,
        "mem_reservation": SIZE,
        "memswap_limit": SIZE,
        "mem_swappiness": SIZE,
        "mac_address": TEXT,
        "network_mode": TEXT,
        "networks": Kind(shapes.networks, item=shapes.SERVICE_NETWORK),
        "oom_kill_disable": BOOL,
        "oom_score_adj": INT,
        "pid": TEXT,
        "pids_limit": INT,
        "platform": TEXT,
        "ports": list_of(PORT, index=shapes.port_index),
        "privileged": BOOL,
        "pull_policy": TEXT,
        "read_only": BOOL,
        "restart": TEXT,
        "runtime": TEXT,
        "scale": KEPT_INT,
        "secrets": _references("/run/secrets/"),
        "security_opt": UNIQUE,
        "shm_size": SIZE,
        "stdin_open": BOOL,
        "stop_grace_period": DURATION,
        "stop_signal": TEXT,
        "storage_opt": MAPPING,
        "sysctls": MAPPING,
        "tmpfs": ONE_OR_MORE,
        "tty": BOOL,
        "ulimits": ULIMITS,
        "use_api_socket": BOOL,
        "user": TEXT,
        "userns_mode": TEXT,
        "uts": TEXT,
        "volume_driver": TEXT,
        "volumes": list_of(VOLUME, index=_by("target")),
        "volumes_from": UNIQUE,
        "working_dir": TEXT,
        "post_start": list_of(HOOK),
        "pre_stop": list_of(HOOK),
    },
    what="key",
)

# Keys of Compose that are known here but not carried out.
UNSUPPORTED = {
    "credential_spec": "it is for Windows hosts",
    "provider": "providers run programs of their own; start them by a task",
    "models": "models are run by a provider",
}


def _external(value: Any, at: Any, doc: Any, place: Any) -> Any:
    if isinstance(value, dict):  # an old form: external: {name: x}
        doc.wrong(at, "external takes true or false", "write `external: true` and `name:` beside it")
        return None
    return BOOL.read(value, at, doc, place)


EXTERNAL = Kind(_external)
_POOL = struct({"subnet": TEXT, "gateway": TEXT, "ip_range": TEXT, "aux_addresses": MAPPING})
NETWORK = struct(
    {
        "name": TEXT,
        "driver": TEXT,
        "driver_opts": MAPPING,
        "ipam": struct({"driver": TEXT, "config": list_of(_POOL), "options": MAPPING}, keep=True),
        "external": EXTERNAL,
        "internal": BOOL,
        "attachable": BOOL,
        "labels": LABELS,
        "enable_ipv4": KEPT_BOOL,
        "enable_ipv6": KEPT_BOOL,
    },
    keep=True,
)
VOLUME_DEFINITION = struct({"name": TEXT, "driver": TEXT, "driver_opts": MAPPING, "external": EXTERNAL, "labels": LABELS}, keep=True)
FILE = struct(
    {
        "name": TEXT,
        "file": PATH,
        "environment": TEXT,
        "content": TEXT,
        "external": EXTERNAL,
        "labels": LABELS,
        "driver": TEXT,
        "driver_opts": MAPPING,
        "template_driver": TEXT,
    },
    keep=True,
)
INCLUDE = list_of(
    struct(
        {"path": list_of(TEXT, scalar=True), "project_directory": TEXT, "env_file": list_of(TEXT, scalar=True)},
        short=lambda value, at, doc, place: {"path": [value]} if isinstance(value, str) else doc.wrong(at, "include takes paths"),
    )
)

FILE_KEYS = struct(
    {
        "version": LOOSE,
        "name": TEXT,
        "include": INCLUDE,
        "services": map_of(SERVICE),
        "networks": map_of(NETWORK, keep=True),
        "volumes": map_of(VOLUME_DEFINITION, keep=True),
        "secrets": map_of(FILE, keep=True),
        "configs": map_of(FILE, keep=True),
    },
    what="top-level key",
)
