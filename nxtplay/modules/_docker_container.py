"""Options of a container: how each is read from the engine, written to it, and compared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional

from nxtplay.core.host import Failed
from nxtplay.modules import _docker_container_mounts as mounts_
from nxtplay.modules import _docker_swap

Body = dict[str, Any]


@dataclass(frozen=True)
class Option:
    """`read(inspected)` gives the value in the form in which it is compared; `write(body, value)` puts it into a creation request.

    `kind`: value, list (order counts), set, dict; `live`: it can be changed without a new container.
    """

    name: str
    kind: str
    read: Callable[[Mapping[str, Any]], Any]
    write: Callable[[Body, Any], None]
    live: bool = False


DEFAULT_COMPARISON = {"value": "strict", "list": "strict", "set": "allow_more_present", "dict": "allow_more_present"}


def config(key: str) -> Any:
    return lambda found: (found.get("Config") or {}).get(key)


def host(key: str) -> Any:
    return lambda found: (found.get("HostConfig") or {}).get(key)


def to_config(key: str) -> Any:
    def write(body: Body, value: Any) -> None:
        body[key] = value

    return write


def to_host(key: str) -> Any:
    def write(body: Body, value: Any) -> None:
        body.setdefault("HostConfig", {})[key] = value

    return write


def _plain(name: str, key: str, *, kind: str = "value", where: str = "host", live: bool = False) -> Option:
    read, write = (host(key), to_host(key)) if where == "host" else (config(key), to_config(key))
    return Option(name, kind, lambda f: read(f) or ([] if kind in ("list", "set") else {} if kind == "dict" else read(f)), write, live)


def _env(found: Mapping[str, Any]) -> dict[str, str]:
    pairs = (item.partition("=") for item in config("Env")(found) or ())
    return {name: value for name, _, value in pairs}


def _ports(found: Mapping[str, Any]) -> list[str]:
    bindings = host("PortBindings")(found) or {}
    return sorted(port_text(b.get("HostIp", ""), b.get("HostPort", ""), inner) for inner, bs in bindings.items() for b in bs or ())


def port_text(ip: str, published: str, inner: str) -> str:
    return f"{'' if ip in ('', '0.0.0.0') else ip}:{published}:{inner}"


_PORT = re.compile(r"^(?:(?:(\[[^]]+\]|[0-9.]+):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:/(tcp|udp|sctp))?$")


def ports(given: list[str], default_ip: str = "") -> list[str]:
    """`[ip:][published:]port[/protocol]`, ranges included, as sorted IP:PUBLISHED:PORT/PROTOCOL."""
    out = []
    for text in given:
        found = _PORT.match(str(text).strip())
        if not found:
            raise Failed(f"published port '{text}': expected such as 8080:80, 127.0.0.1:8080:80/tcp or 3000-3005:3000-3005")
        ip, published, inner, protocol = found.groups()
        inside, outside = _numbers(inner), _numbers(published) if published else []
        if outside and len(outside) not in (len(inside),) and len(inside) != 1:
            raise Failed(f"published port '{text}': the ranges differ in length")
        for index, number in enumerate(inside):
            shown = "" if not outside else (published or "") if len(inside) == 1 else str(outside[index])
            out.append(port_text((ip or default_ip).strip("[]"), shown, f"{number}/{protocol or 'tcp'}"))
    return sorted(out)


def _numbers(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _write_ports(body: Body, value: list[str]) -> None:
    for text in value:
        ip, published, inner = text.rsplit(":", 2)
        body.setdefault("ExposedPorts", {})[inner] = {}
        binding = {"HostIp": ip, "HostPort": published}
        body.setdefault("HostConfig", {}).setdefault("PortBindings", {}).setdefault(inner, []).append(binding)


def _write_exposed(body: Body, value: list[str]) -> None:
    for text in value:
        body.setdefault("ExposedPorts", {})[text] = {}


def _write_env(body: Body, value: Mapping[str, str]) -> None:
    body["Env"] = [f"{name}={text}" for name, text in value.items()]


def _read_health(found: Mapping[str, Any]) -> dict[str, Any]:
    check = config("Healthcheck")(found) or {}
    names = {
        "Test": "test",
        "Interval": "interval",
        "Timeout": "timeout",
        "Retries": "retries",
        "StartPeriod": "start_period",
        "StartInterval": "start_interval",
    }
    return {names[k]: v for k, v in check.items() if k in names and v}


def _write_health(body: Body, value: Mapping[str, Any]) -> None:
    names = {
        "test": "Test",
        "interval": "Interval",
        "timeout": "Timeout",
        "retries": "Retries",
        "start_period": "StartPeriod",
        "start_interval": "StartInterval",
    }
    body["Healthcheck"] = {names[k]: v for k, v in value.items()}


def _read_log(found: Mapping[str, Any]) -> Any:
    return (host("LogConfig")(found) or {}).get("Type")


def _read_log_options(found: Mapping[str, Any]) -> Any:
    return (host("LogConfig")(found) or {}).get("Config") or {}


def _write_log(field: str) -> Any:
    def write(body: Body, value: Any) -> None:
        body.setdefault("HostConfig", {}).setdefault("LogConfig", {})[field] = value

    return write


def _read_restart(found: Mapping[str, Any]) -> str:
    return str((host("RestartPolicy")(found) or {}).get("Name") or "no")


def _read_retries(found: Mapping[str, Any]) -> int:
    return int((host("RestartPolicy")(found) or {}).get("MaximumRetryCount") or 0)


def _write_restart(field: str) -> Any:
    def write(body: Body, value: Any) -> None:
        body.setdefault("HostConfig", {}).setdefault("RestartPolicy", {})[field] = value

    return write


def _read_devices(found: Mapping[str, Any]) -> list[str]:
    return sorted(f"{d['PathOnHost']}:{d['PathInContainer']}:{d['CgroupPermissions']}" for d in host("Devices")(found) or ())


def devices(given: list[str]) -> list[str]:
    out = []
    for text in given:
        parts = text.split(":")
        inside = parts[1] if len(parts) > 1 else parts[0]
        out.append(f"{parts[0]}:{inside}:{parts[2] if len(parts) > 2 else 'rwm'}")
    return sorted(out)


def _write_devices(body: Body, value: list[str]) -> None:
    names = ("PathOnHost", "PathInContainer", "CgroupPermissions")
    body.setdefault("HostConfig", {})["Devices"] = [dict(zip(names, text.split(":"))) for text in value]


def _read_ulimits(found: Mapping[str, Any]) -> list[str]:
    return sorted(f"{u['Name']}:{u['Soft']}:{u['Hard']}" for u in host("Ulimits")(found) or ())


def ulimits(given: list[str]) -> list[str]:
    out = []
    for text in given:
        name, _, rest = text.partition(":")
        soft, _, hard = rest.partition(":")
        out.append(f"{name}:{soft}:{hard or soft}")
    return sorted(out)


def _write_ulimits(body: Body, value: list[str]) -> None:
    body.setdefault("HostConfig", {})["Ulimits"] = [
        {"Name": n, "Soft": int(s), "Hard": int(h)} for n, s, h in (text.split(":") for text in value)
    ]


def _rates(key: str) -> Any:
    return lambda found: sorted(f"{d['Path']} {d['Rate']}" for d in host(key)(found) or ())


def _write_rates(key: str) -> Any:
    def write(body: Body, value: list[str]) -> None:
        pairs = (text.rpartition(" ") for text in value)
        body.setdefault("HostConfig", {})[key] = [{"Path": path, "Rate": int(rate)} for path, _, rate in pairs]

    return write


REQUEST: tuple[tuple[str, str, Any], ...] = (  # argument, the engine's field, what stands there when nothing is said
    ("driver", "Driver", ""),
    ("count", "Count", 0),
    ("device_ids", "DeviceIDs", []),
    ("capabilities", "Capabilities", []),
    ("options", "Options", {}),
)


def device_request(fields: Mapping[str, Any]) -> str:
    """A request for devices as JSON of what the engine keeps of it."""
    return json.dumps({field: fields.get(field) or default for _, field, default in REQUEST}, sort_keys=True)


def _read_requests(found: Mapping[str, Any]) -> list[str]:
    return sorted(device_request(r) for r in host("DeviceRequests")(found) or ())


def _write_requests(body: Body, value: list[str]) -> None:
    body.setdefault("HostConfig", {})["DeviceRequests"] = [json.loads(text) for text in value]


def _read_labels(found: Mapping[str, Any]) -> dict[str, str]:
    return {k: v for k, v in (config("Labels")(found) or {}).items() if k != _docker_swap.REPLACES}


def links(given: list[str]) -> list[str]:
    """`container:alias`, sorted; the engine writes /container:/owner/alias."""
    pairs = (text.partition(":") for text in given)
    return sorted(f"{name.strip('/')}:{alias.rpartition('/')[2] or name}" for name, _, alias in pairs)


def _caps(key: str) -> Any:
    return lambda found: sorted(c if c.startswith("CAP_") or c == "ALL" else f"CAP_{c}" for c in host(key)(found) or ())


def capabilities(given: list[str]) -> list[str]:
    return sorted(c.upper() if c.upper().startswith("CAP_") or c.upper() == "ALL" else f"CAP_{c.upper()}" for c in given)


def _read_hosts(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: address for name, _, address in (h.partition(":") for h in host("ExtraHosts")(found) or ())}


def _write_hosts(body: Body, value: Mapping[str, str]) -> None:
    body.setdefault("HostConfig", {})["ExtraHosts"] = [f"{n}:{a}" for n, a in value.items()]


def _read_network_mode(found: Mapping[str, Any]) -> str:
    mode = str(host("NetworkMode")(found) or "default")
    return "bridge" if mode == "default" else mode


OPTIONS: tuple[Option, ...] = (
    Option("command", "list", lambda f: config("Cmd")(f) or [], to_config("Cmd")),
    Option("entrypoint", "list", lambda f: config("Entrypoint")(f) or [], to_config("Entrypoint")),
    Option("env", "dict", _env, _write_env),
    Option("published_ports", "set", _ports, _write_ports),
    Option("exposed_ports", "set", lambda f: sorted(config("ExposedPorts")(f) or {}), _write_exposed),
    Option("volumes", "set", mounts_.read_volumes, mounts_.write_volumes),
    Option("mounts", "set", mounts_.read_mounts, mounts_.write_mounts),
    Option("healthcheck", "dict", _read_health, _write_health),
    Option("log_driver", "value", _read_log, _write_log("Type")),
    Option("log_options", "dict", _read_log_options, _write_log("Config")),
    Option("restart_policy", "value", _read_restart, _write_restart("Name"), live=True),
    Option("restart_retries", "value", _read_retries, _write_restart("MaximumRetryCount"), live=True),
    Option("devices", "set", _read_devices, _write_devices),
    Option("ulimits", "set", _read_ulimits, _write_ulimits),
    Option("tmpfs", "set", mounts_.read_tmpfs, mounts_.write_tmpfs),
    Option("capabilities", "set", _caps("CapAdd"), to_host("CapAdd")),
    Option("cap_drop", "set", _caps("CapDrop"), to_host("CapDrop")),
    Option("etc_hosts", "dict", _read_hosts, _write_hosts),
    Option("network_mode", "value", _read_network_mode, to_host("NetworkMode")),
    Option("labels", "dict", _read_labels, to_config("Labels")),
    Option(
        "mac_address",
        "value",
        lambda f: (config("MacAddress")(f) or (f.get("NetworkSettings") or {}).get("MacAddress") or "").lower(),
        to_config("MacAddress"),
    ),
    Option("device_read_bps", "set", _rates("BlkioDeviceReadBps"), _write_rates("BlkioDeviceReadBps")),
    Option("device_write_bps", "set", _rates("BlkioDeviceWriteBps"), _write_rates("BlkioDeviceWriteBps")),
    Option("device_read_iops", "set", _rates("BlkioDeviceReadIOps"), _write_rates("BlkioDeviceReadIOps")),
    Option("device_write_iops", "set", _rates("BlkioDeviceWriteIOps"), _write_rates("BlkioDeviceWriteIOps")),
    Option("device_requests", "set", _read_requests, _write_requests),
    _plain("device_cgroup_rules", "DeviceCgroupRules", kind="set"),
    _plain("publish_all_ports", "PublishAllPorts"),
    _plain("cgroupns_mode", "CgroupnsMode"),
    _plain("kernel_memory", "KernelMemory"),
    _plain("hostname", "Hostname", where="config"),
    _plain("domainname", "Domainname", where="config"),
    _plain("user", "User", where="config"),
    _plain("working_dir", "WorkingDir", where="config"),
    _plain("stop_signal", "StopSignal", where="config"),
    _plain("tty", "Tty", where="config"),
    _plain("interactive", "OpenStdin", where="config"),
    _plain("privileged", "Privileged"),
    _plain("read_only", "ReadonlyRootfs"),
    _plain("init", "Init"),
    _plain("ipc_mode", "IpcMode"),
    _plain("pid_mode", "PidMode"),
    _plain("userns_mode", "UsernsMode"),
    _plain("uts", "UTSMode"),
    _plain("runtime", "Runtime"),
    _plain("cgroup_parent", "CgroupParent"),
    _plain("oom_killer", "OomKillDisable"),
    _plain("oom_score_adj", "OomScoreAdj"),
    _plain("shm_size", "ShmSize"),
    _plain("auto_remove", "AutoRemove"),
    _plain("volume_driver", "VolumeDriver"),
    _plain("dns_servers", "Dns", kind="list"),
    _plain("dns_search_domains", "DnsSearch", kind="list"),
    _plain("dns_opts", "DnsOptions", kind="set"),
    _plain("groups", "GroupAdd", kind="set"),
    _plain("security_opts", "SecurityOpt", kind="set"),
    _plain("sysctls", "Sysctls", kind="dict"),
    _plain("volumes_from", "VolumesFrom", kind="set"),
    Option("links", "set", lambda f: links(list(host("Links")(f) or ())), to_host("Links")),
    _plain("memory", "Memory", live=True),
    _plain("memory_reservation", "MemoryReservation", live=True),
    _plain("memory_swap", "MemorySwap", live=True),
    _plain("memory_swappiness", "MemorySwappiness"),
    _plain("cpus", "NanoCpus"),
    _plain("cpu_period", "CpuPeriod", live=True),
    _plain("cpu_quota", "CpuQuota", live=True),
    _plain("cpu_shares", "CpuShares", live=True),
    _plain("cpuset_cpus", "CpusetCpus", live=True),
    _plain("cpuset_mems", "CpusetMems", live=True),
    _plain("pids_limit", "PidsLimit"),
    _plain("blkio_weight", "BlkioWeight", live=True),
)
BY_NAME = {option.name: option for option in OPTIONS}


def settled(option: Option, how: str, wanted: Any, held: Any, overridden: Optional[Mapping[str, Any]] = None) -> Any:
    """The value after the task: what is held where that will do, else what is wanted. `overridden`: what the image says otherwise."""
    if how == "ignore":
        return held
    if how == "allow_more_present" and option.kind in ("set", "dict", "list"):
        if option.kind == "dict":
            if any(k not in wanted and k in held for k in overridden or ()):
                return wanted  # as it would be made today
            enough = all(held.get(k) == v for k, v in wanted.items())
        else:
            enough = all(item in held for item in wanted)
        if enough:
            return held
    return sorted(set(wanted)) if option.kind == "set" else wanted


def comparisons(given: Mapping[str, str]) -> dict[str, str]:
    """How each option is compared. `*` first, then names. Raises Failed for unknown ones."""
    out = {option.name: DEFAULT_COMPARISON[option.kind] for option in OPTIONS}
    out.update(image="strict", networks="allow_more_present")
    aliases = {"ports": "published_ports", "expose": "exposed_ports", "exposed": "exposed_ports", "cap_add": "capabilities"}
    if "*" in given:
        if given["*"] not in ("strict", "ignore"):
            raise Failed("comparisons: '*' takes strict or ignore")
        out = dict.fromkeys(out, given["*"])
    for name, how in given.items():
        if name == "*" or name == "stop_timeout":
            continue
        name = aliases.get(name, name)
        if name not in out:
            import difflib

            near = difflib.get_close_matches(name, list(out), n=1)
            raise Failed(f"comparisons: unknown option '{name}'" + (f" (did you mean '{near[0]}'?)" if near else ""))
        kind = BY_NAME[name].kind if name in BY_NAME else "set"
        if how not in ("strict", "ignore", "allow_more_present") or (how == "allow_more_present" and kind == "value"):
            raise Failed(f"comparisons: '{name}' cannot be compared by '{how}'")
        out[name] = how
    return out


def inherited_from(image: Optional[Mapping[str, Any]], option: Option) -> Any:
    """What an image brings along for an option."""
    if image is None or option.name not in ("env", "labels", "exposed_ports", "volumes", "healthcheck"):
        return None
    return option.read({"Config": image.get("Config") or {}, "HostConfig": {}})


RATES = ("device_read_bps", "device_write_bps", "device_read_iops", "device_write_iops")
_NOTEWORTHY = (
    "command",
    "entrypoint",
    "env",
    "published_ports",
    "volumes",
    "mounts",
    "healthcheck",
    "labels",
    "restart_policy",
    "memory",
    "cpus",
    "user",
    "working_dir",
    "privileged",
)


def set_by_hand(found: Mapping[str, Any], image: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """Options of a container that differ from what its image and the engine give by themselves."""
    plain = {"Config": (image or {}).get("Config") or {}, "HostConfig": {}}
    out = {}
    for name in _NOTEWORTHY:
        option = BY_NAME[name]
        held, given = option.read(found), option.read(plain)
        if option.kind == "dict":
            held = {k: v for k, v in held.items() if given.get(k) != v and not k.startswith("nxtplay.")}
        elif option.kind == "set":
            held = [v for v in held if v not in given]
        if held not in (given, None, "", 0, [], {}, False):
            out[name] = held
    return out
