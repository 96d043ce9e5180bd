"""A service of a project as the engine's API wants it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import tarfile
import time
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.modules._compose import hashes
from nxtplay.modules._compose.kinds import nanoseconds, size
from nxtplay.modules._compose.project import Project

PREFIX = "com.docker.compose."
VERSION = "2.40.3"  # of the Compose whose labels and hashes these are
CONFIG_LABEL = "nxtplay.config"


@dataclass(frozen=True)
class Blueprint:
    """What to create: the body of POST /containers/create, further networks to join before the start, files to put in."""

    name: str
    body: dict[str, Any]
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: tuple[tuple[str, bytes, int], ...] = ()


def container_name(project: Project, service: str, number: int) -> str:
    return project.services[service].get("container_name") or f"{project.name}-{service}-{number}"


def inline_files(host: Reader, project: Project, service: str) -> tuple[tuple[str, bytes, int], ...]:
    """Secrets and configs whose content is given, not a file: (path in the container, bytes, mode)."""
    out = []
    for section, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for reference in project.services[service].get(section) or ():
            spec = getattr(project, section)[reference["source"]]
            target = posixpath.join(folder, reference["target"])
            mode = int(reference.get("mode") or "0444", 8)
            if spec.get("external"):
                raise Failed(f"service '{service}' uses external {section[:-1]} '{reference['source']}', which only Swarm has")
            if spec.get("content"):
                out.append((target, spec["content"].encode("utf-8", "surrogateescape"), mode))
            elif spec.get("environment"):
                name = spec["environment"]
                if name not in project.environ:
                    raise Failed(f"{section[:-1]} '{reference['source']}' takes variable {name}, which is not set")
                out.append((target, project.environ[name].encode("utf-8", "surrogateescape"), mode))
    return tuple(out)


def files_digest(files: Sequence[tuple[str, bytes, int]]) -> str:
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16] if files else ""


def archive(files: Sequence[tuple[str, bytes, int]]) -> bytes:
    """The files as a tar archive from the root."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for path, data, mode in files:
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode, member.mtime = len(data), mode, int(time.time())
            packed.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def labels(project: Project, service: str, number: int, image: str, config: Mapping[str, Any]) -> dict[str, str]:
    """The service's labels, Compose's own, and the configuration that a later run compares with."""
    spec = project.services[service]
    depends = (f"{n}:{d['condition']}:{str(bool(d.get('restart'))).lower()}" for n, d in (spec.get("depends_on") or {}).items())
    own = {
        "project": project.name,
        "service": service,
        "container-number": str(number),
        "oneoff": "False",
        "config-hash": hashes.service_hash(spec),
        "image": image,
        "depends_on": ",".join(depends),
        "project.working_dir": project.directory,
        "project.config_files": ",".join(project.files) or "definition",
        "version": VERSION,
    }
    if project.env_files:
        own["project.environment_file"] = ",".join(os.path.join(project.directory, f) for f in project.env_files)
    written = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return {**(spec.get("labels") or {}), **{PREFIX + name: value for name, value in own.items()}, CONFIG_LABEL: written}


def blueprint(
    host: Reader,
    project: Project,
    service: str,
    number: int,
    *,
    image: Mapping[str, Any],
    config: Mapping[str, Any],
    peers: Mapping[str, Sequence[Mapping[str, Any]]],
    inherit: Optional[Mapping[str, Any]] = None,
    extra_labels: Mapping[str, str],
) -> Blueprint:
    """Everything for one container. `image` and `inherit` are inspected; `peers` are the containers of other services, `inherit` is
    the one whose anonymous volumes go on."""
    spec = project.services[service]
    name = container_name(project, service, number)
    networks = endpoints(project, service, number, peers)
    first = next(iter(networks), None)
    mode = _namespace(spec.get("network_mode"), peers) if spec.get("network_mode") else (first or "none")
    grace = spec.get("stop_grace_period")
    body: dict[str, Any] = {
        "Hostname": spec.get("hostname", ""),
        "Domainname": spec.get("domainname", ""),
        "User": spec.get("user", ""),
        "ExposedPorts": {p: {} for p in _all_ports(spec)},
        "Tty": spec.get("tty", False),
        "OpenStdin": spec.get("stdin_open", False),
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": [k if v is None else f"{k}={v}" for k, v in (spec.get("environment") or {}).items()],
        "Cmd": spec.get("command"),
        "Entrypoint": spec.get("entrypoint"),
        "Image": project.image(service),
        "WorkingDir": spec.get("working_dir", ""),
        "Labels": {**labels(project, service, number, image["Id"], config), **extra_labels},
        "StopSignal": spec.get("stop_signal", ""),
        "HostConfig": host_config(project, service, mode, image, peers, inherit),
    }
    if spec.get("mac_address"):
        body["MacAddress"] = spec["mac_address"]
    if grace:
        body["StopTimeout"] = max(1, nanoseconds(grace) // 10**9)
    if spec.get("healthcheck") is not None:
        body["Healthcheck"] = healthcheck(spec["healthcheck"])
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": {first: networks[first]}}
    rest = {n: e for n, e in networks.items() if n != first}
    return Blueprint(name, body, rest, inline_files(host, project, service))


def healthcheck(spec: Mapping[str, Any]) -> dict[str, Any]:
    if spec.get("disable"):
        return {"Test": ["NONE"]}
    out: dict[str, Any] = {"Test": spec["test"]} if spec.get("test") else {}
    names = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod", "start_interval": "StartInterval"}
    for key, name in names.items():
        if spec.get(key):
            out[name] = nanoseconds(spec[key])
    if spec.get("retries"):
        out["Retries"] = spec["retries"]
    return out


def _all_ports(spec: Mapping[str, Any]) -> list[str]:
    ports = [f"{p['target']}/{p['protocol']}" for p in spec.get("ports") or ()]
    for exposed in spec.get("expose") or ():
        number, _, protocol = exposed.partition("/")
        first, _, last = number.partition("-")
        ports += [f"{n}/{protocol or 'tcp'}" for n in range(int(first), int(last or first) + 1)]
    return ports


def _namespace(value: Optional[str], peers: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """`service:x` as the container it stands for."""
    if not value or not value.startswith("service:"):
        return value or ""
    found = peers.get(value[8:])
    if not found:
        raise Failed(f"'{value}': service '{value[8:]}' has no container to share with")
    return f"container:{found[0]['Id']}"


def endpoints(project: Project, service: str, number: int, peers: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Engine network name to endpoint settings, the one that carries the default route first."""
    spec = project.services[service]
    links = []
    for link in spec.get("links") or ():
        other, _, alias = link.partition(":")
        for container in peers.get(other) or ():
            own = container["Name"].lstrip("/")
            links += [f"{own}:{alias or other}", f"{own}:{own}"]
    for link in spec.get("external_links") or ():
        container_, _, alias = link.partition(":")
        links.append(f"{container_}:{alias or container_}")
    wanted = spec.get("networks") or {}
    out = {}
    for key in sorted(wanted, key=lambda k: (-int((wanted[k] or {}).get("priority") or 0), k)):
        options = wanted[key] or {}
        endpoint: dict[str, Any] = {"Aliases": [container_name(project, service, number), service, *(options.get("aliases") or ())]}
        if links:
            endpoint["Links"] = links
        ipam = {"IPv4Address": options.get("ipv4_address"), "IPv6Address": options.get("ipv6_address")}
        ipam = {k: v for k, v in ipam.items() if v}
        if options.get("link_local_ips"):
            ipam["LinkLocalIPs"] = options["link_local_ips"]
        if ipam:
            endpoint["IPAMConfig"] = ipam
        for option, field_name in (("mac_address", "MacAddress"), ("driver_opts", "DriverOpts"), ("gw_priority", "GwPriority")):
            if options.get(option):
                endpoint[field_name] = options[option]
        out[project.networks[key]["name"]] = endpoint
    return out


def host_config(
    project: Project,
    service: str,
    network_mode: str,
    image: Mapping[str, Any],
    peers: Mapping[str, Sequence[Mapping[str, Any]]],
    inherit: Optional[Mapping[str, Any]],
) -> dict[str, Any]:
    spec = project.services[service]
    binds, mounts = _mounts(project, service, image, inherit)
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in spec.get("ports") or ():
        key = f"{port['target']}/{port['protocol']}"
        bindings.setdefault(key, []).append({"HostIp": port.get("host_ip", ""), "HostPort": str(port.get("published", ""))})
    security, unconfined = _security(spec)
    out: dict[str, Any] = {
        "Binds": binds,
        "Mounts": mounts,
        "NetworkMode": network_mode,
        "PortBindings": bindings,
        "RestartPolicy": restart_policy(spec),
        "ExtraHosts": [h.replace("=", ":", 1) for h in spec.get("extra_hosts") or ()],
        "SecurityOpt": security,
        "Tmpfs": {t.partition(":")[0]: t.partition(":")[2] for t in spec.get("tmpfs") or ()},
        "IpcMode": _namespace(spec.get("ipc"), peers),
        "PidMode": _namespace(spec.get("pid"), peers),
        "VolumesFrom": _volumes_from(spec, peers),
        **_limits(spec),
    }
    if unconfined:
        out["MaskedPaths"], out["ReadonlyPaths"] = [], []
    if spec.get("logging"):
        out["LogConfig"] = {"Type": spec["logging"].get("driver", ""), "Config": spec["logging"].get("options") or {}}
    if spec.get("shm_size"):
        out["ShmSize"] = int(spec["shm_size"])
    for key, name in _PLAIN:
        if spec.get(key) not in (None, "", [], {}, False):
            out[name] = spec[key]
    return out


_PLAIN = (
    ("cap_add", "CapAdd"),
    ("cap_drop", "CapDrop"),
    ("init", "Init"),
    ("cgroup", "CgroupnsMode"),
    ("read_only", "ReadonlyRootfs"),
    ("sysctls", "Sysctls"),
    ("volume_driver", "VolumeDriver"),
    ("dns", "Dns"),
    ("dns_search", "DnsSearch"),
    ("dns_opt", "DnsOptions"),
    ("storage_opt", "StorageOpt"),
    ("userns_mode", "UsernsMode"),
    ("uts", "UTSMode"),
    ("privileged", "Privileged"),
    ("isolation", "Isolation"),
    ("runtime", "Runtime"),
    ("group_add", "GroupAdd"),
    ("oom_score_adj", "OomScoreAdj"),
    ("annotations", "Annotations"),
)


def restart_policy(spec: Mapping[str, Any]) -> dict[str, Any]:
    policy = (spec.get("deploy") or {}).get("restart_policy")
    if policy:
        name, attempts = policy.get("condition") or "any", policy.get("max_attempts") or 0
    else:
        name, _, count = str(spec.get("restart") or "").partition(":")
        attempts = int(count) if count.isdigit() else 0
    name = {"none": "no", "any": "always"}.get(name, name)
    return {"Name": name, **({"MaximumRetryCount": attempts} if name == "on-failure" else {})}


def _volumes_from(spec: Mapping[str, Any], peers: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    out = []
    for item in spec.get("volumes_from") or ():
        if item.startswith("container:"):
            out.append(item[len("container:") :])
            continue
        name, _, mode = item.partition(":")
        found = peers.get(name)
        if not found:
            raise Failed(f"volumes_from: service '{name}' has no container to take volumes from")
        out.append(found[0]["Id"] + (f":{mode}" if mode else ""))
    return out


def _limits(spec: Mapping[str, Any]) -> dict[str, Any]:
    resources = (spec.get("deploy") or {}).get("resources") or {}
    limits, reserved = resources.get("limits") or {}, resources.get("reservations") or {}
    out: dict[str, Any] = {}
    memory = limits.get("memory") or spec.get("mem_limit")
    reservation = reserved.get("memory") or spec.get("mem_reservation")
    cpus = limits.get("cpus") or spec.get("cpus")
    pids = limits.get("pids") or spec.get("pids_limit")
    for value, name in (
        (memory, "Memory"),
        (reservation, "MemoryReservation"),
        (spec.get("memswap_limit"), "MemorySwap"),
        (spec.get("mem_swappiness"), "MemorySwappiness"),
        (pids, "PidsLimit"),
    ):
        if value:
            out[name] = int(value)
    if cpus:
        out["NanoCpus"] = round(float(cpus) * 1e9)
    for key, name in (
        ("cpu_count", "CpuCount"),
        ("cpu_period", "CpuPeriod"),
        ("cpu_quota", "CpuQuota"),
        ("cpu_shares", "CpuShares"),
        ("cpuset", "CpusetCpus"),
        ("cgroup_parent", "CgroupParent"),
        ("device_cgroup_rules", "DeviceCgroupRules"),
        ("cpu_rt_period", "CpuRealtimePeriod"),
        ("cpu_rt_runtime", "CpuRealtimeRuntime"),
        ("oom_kill_disable", "OomKillDisable"),
    ):
        if spec.get(key):
            out[name] = spec[key]
    if spec.get("ulimits"):
        out["Ulimits"] = [
            {"Name": n, "Soft": u if isinstance(u, int) else u.get("soft", 0), "Hard": u if isinstance(u, int) else u.get("hard", 0)}
            for n, u in sorted(spec["ulimits"].items())
        ]
    if spec.get("devices"):
        out["Devices"] = [
            {"PathOnHost": d["source"], "PathInContainer": d.get("target", d["source"]), "CgroupPermissions": d.get("permissions", "rwm")}
            for d in spec["devices"]
        ]
    gpus = ({**g, "capabilities": [*(g.get("capabilities") or ()), "gpu"]} for g in spec.get("gpus") or ())
    wanted = [*(reserved.get("devices") or ()), *gpus]
    if wanted:
        out["DeviceRequests"] = [
            {
                "Driver": d.get("driver", ""),
                "Count": d.get("count", 0),
                "DeviceIDs": d.get("device_ids"),
                "Capabilities": [d.get("capabilities") or []],
                "Options": d.get("options") or {},
            }
            for d in wanted
        ]
    return {**out, **_block_io(spec.get("blkio_config") or {})}


def _block_io(spec: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"BlkioWeight": spec["weight"]} if spec.get("weight") else {}
    for key, name in (
        ("device_read_bps", "BlkioDeviceReadBps"),
        ("device_write_bps", "BlkioDeviceWriteBps"),
        ("device_read_iops", "BlkioDeviceReadIOps"),
        ("device_write_iops", "BlkioDeviceWriteIOps"),
    ):
        if spec.get(key):
            out[name] = [{"Path": d["Path"], "Rate": int(d["Rate"])} for d in spec[key]]
    if spec.get("weight_device"):
        out["BlkioWeightDevice"] = spec["weight_device"]
    return out


def _security(spec: Mapping[str, Any]) -> tuple[list[str], bool]:
    out, unconfined = [], False
    for option in spec.get("security_opt") or ():
        if option == "systempaths=unconfined":
            unconfined = True
            continue
        kind, _, value = option.replace(":", "=", 1).partition("=")
        if kind == "seccomp" and value not in ("unconfined", "builtin"):
            try:
                with open(value, encoding="utf-8") as stream:
                    option = "seccomp=" + json.dumps(json.load(stream), separators=(",", ":"))
            except (OSError, ValueError) as error:
                raise Failed(f"security_opt: cannot read the seccomp profile {value}: {error}") from None
        out.append(option)
    return out, unconfined


def _mounts(
    project: Project, service: str, image: Mapping[str, Any], inherit: Optional[Mapping[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Binds for plain folders and volumes, mounts for the rest; anonymous volumes go on from the container before."""
    spec = project.services[service]
    binds: list[str] = []
    mounts: list[dict[str, Any]] = []
    old = {m["Destination"]: m["Name"] for m in (inherit or {}).get("Mounts") or () if m.get("Type") == "volume" and m.get("Name")}
    taken = set()
    for volume in spec.get("volumes") or ():
        taken.add(volume["target"])
        kind, source = volume["type"], volume.get("source", "")
        if kind == "volume" and source:
            source = project.volumes[source]["name"]
        elif kind == "volume":
            source = old.get(volume["target"], "")
        mount: dict[str, Any] = {"Type": kind, "Target": volume["target"], "ReadOnly": volume.get("read_only", False)}
        options = volume.get(kind) or {}
        if kind == "bind" and _is_plain_bind(volume):
            words = ["ro" if volume.get("read_only") else "rw", *([options["selinux"]] if options.get("selinux") else [])]
            binds.append(f"{source}:{volume['target']}:{','.join(words)}")
            continue
        if source:
            mount["Source"] = source
        if kind == "bind":
            mount["BindOptions"] = {
                "Propagation": options.get("propagation", ""),
                "CreateMountpoint": bool(options.get("create_host_path")),
            }
        elif kind == "volume" and (options.get("nocopy") or options.get("subpath")):
            subpath = {"Subpath": options["subpath"]} if options.get("subpath") else {}
            mount["VolumeOptions"] = {"NoCopy": bool(options.get("nocopy")), **subpath}
        elif kind == "tmpfs":
            limit = {"SizeBytes": size(options["size"])} if options.get("size") else {}
            mount["TmpfsOptions"] = {**limit, **({"Mode": options["mode"]} if options.get("mode") else {})}
        mounts.append(mount)
    for target in (image.get("Config") or {}).get("Volumes") or {}:
        if target in old and target not in taken:
            mounts.append({"Type": "volume", "Source": old[target], "Target": target})
            taken.add(target)
    for section, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for reference in spec.get(section) or ():
            held = getattr(project, section)[reference["source"]]
            target = posixpath.join(folder, reference["target"])
            if held.get("file") and target not in taken:
                if not os.path.exists(held["file"]):
                    raise Failed(f"{section[:-1]} '{reference['source']}': no file {held['file']}")
                mounts.append({"Type": "bind", "Source": held["file"], "Target": target, "ReadOnly": True})
    return binds, mounts


def _is_plain_bind(volume: Mapping[str, Any]) -> bool:
    """Whether the old way does; it also makes a missing folder on the host."""
    options = volume.get("bind")
    return options is None or (bool(options.get("create_host_path")) and not options.get("propagation") and not options.get("recursive"))


def cannot_overlap(spec: Mapping[str, Any], old: Mapping[str, Any], image_volumes: bool) -> bool:
    """Whether the old container has to stop before the new one starts: both would use a port, data or an address."""
    order = ((spec.get("deploy") or {}).get("update_config") or {}).get("order")
    if order:
        return bool(order == "stop-first")
    if any(str(p.get("published", "")) not in ("", "0") for p in spec.get("ports") or ()):
        return True
    bindings = ((old.get("HostConfig") or {}).get("PortBindings") or {}).values()
    if any((b or [{}])[0].get("HostPort") not in (None, "", "0") for b in bindings):
        return True
    if spec.get("network_mode") or spec.get("mac_address") or spec.get("devices"):
        return True
    if any((n or {}).get("ipv4_address") or (n or {}).get("ipv6_address") for n in (spec.get("networks") or {}).values()):
        return True
    writable = [v for v in spec.get("volumes") or () if not v.get("read_only") and v["type"] in ("bind", "volume")]
    return bool(writable) or image_volumes
