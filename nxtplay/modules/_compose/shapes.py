"""Short forms that mean a mapping: ports, volumes, dependencies, secrets, hosts and the like."""

from __future__ import annotations

import os
import re
from typing import Any

from nxtplay.modules._compose import kinds
from nxtplay.modules._compose.kinds import Place, Several, absolute, number_text, said
from nxtplay.modules._compose.source import Document, Path, dotted

_PORT = re.compile(r"^(?:(?:(\[[0-9a-fA-F:.%]+\]|[^:]*):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:/(tcp|udp|sctp))?$", re.IGNORECASE)


def port(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """`[[ip:]host:]container[/protocol]`, ranges included."""
    text = number_text(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    found = _PORT.match(text) if isinstance(text, str) else None
    if not found:
        doc.wrong(at, f"{dotted(at)}: {said(value)} is no port", "such as 8080:80, 127.0.0.1:8080:80/tcp or 3000-3005")
        return Several()
    ip, published, target, protocol = found.groups()
    first, last = _range(target)
    if not 0 < first <= last <= 65535:
        doc.wrong(at, f"{dotted(at)}: {target} is no port number")
        return Several()
    common = {"mode": "ingress", **({"host_ip": ip.strip("[]")} if ip else {})}
    ports = []
    for number in range(first, last + 1):
        one = {**common, "target": number, "protocol": (protocol or "tcp").lower()}
        if published:
            low, high = _range(published)
            if first == last:
                one["published"] = published
            elif high - low != last - first:
                doc.wrong(at, f"{dotted(at)}: the ranges {published} and {target} differ in length")
                return Several()
            else:
                one["published"] = str(low + number - first)
        ports.append(one)
    return Several(sorted(ports, key=lambda p: f"{p['target']}/{p['protocol']}"))


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def port_index(value: Any) -> Any:
    return (value.get("host_ip", ""), str(value.get("published", "")), value.get("target"), value.get("protocol", "tcp"))


_MODES = {"ro": ("read_only", True), "rw": ("read_only", False), "readonly": ("read_only", True)}
_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


def volume(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """`[source:]target[:options]`."""
    if not isinstance(value, str) or not value:
        doc.wrong(at, f"{dotted(at)}: {said(value)} is no volume", "such as data:/var/lib/data or ./conf:/etc/conf:ro")
        return None
    parts = value.split(":")
    if len(parts) > 3:
        doc.wrong(at, f"{dotted(at)}: '{value}' has too many colons", "use the long form with `type`, `source` and `target`")
        return None
    source, target, options = ("", parts[0], "") if len(parts) == 1 else (parts[0], parts[1], parts[2] if len(parts) == 3 else "")
    is_bind = bool(source) and (source[0] in "./~" or "/" in source)
    out: dict[str, Any] = {"type": "bind" if is_bind else "volume"}
    if source:
        out["source"] = absolute(source, place) if is_bind else source
    out["target"] = os.path.normpath(target) if target.startswith("/") else target
    inner: dict[str, Any] = {"create_host_path": True} if is_bind else {}
    for option in filter(None, options.split(",")):
        if option in _MODES:
            out["read_only"] = _MODES[option][1]
        elif option in ("z", "Z"):
            inner["selinux"] = option
        elif option in _PROPAGATION and is_bind:
            inner["propagation"] = option
        elif option == "nocopy":
            inner["nocopy"] = True
        elif option in ("cached", "delegated", "consistent"):
            out["consistency"] = option
        else:
            legal = ", ".join(("ro", "rw", "z", "Z", "nocopy", "cached", *_PROPAGATION))
            doc.wrong(at, f"{dotted(at)}: unknown volume option '{option}'", f"legal are: {legal}")
    out["bind" if is_bind else "volume"] = inner
    return out


def depends_on(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, list):
        doc_places = doc.places
        for number, name in enumerate(value):
            doc_places.setdefault((*at, name), doc_places.get((*at, number), (0, 0)))
        value = {name: {} for name in value if isinstance(name, str)}
    if not isinstance(value, dict):
        doc.wrong(at, f"{dotted(at)} takes a list or a mapping of services, found {said(value)}")
        return None
    out = {}
    for name, inner in value.items():
        held = DEPENDENCY.read(inner or {}, (*at, name), doc, place) or {}
        out[name] = {"condition": "service_started", "required": True, **held}
    return out


DEPENDENCY = kinds.struct(
    {
        "condition": kinds.choice("service_started", "service_healthy", "service_completed_successfully"),
        "restart": kinds.BOOL,
        "required": kinds.KEPT_BOOL,
    }
)


def file_reference(folder: str) -> Any:
    """A service's use of a secret or config: its name, or a mapping."""

    def read(value: Any, at: Path, doc: Document, place: Place) -> Any:
        if isinstance(value, str):
            return {"source": value, **({"target": f"{folder}{value}"} if folder else {})}
        doc.wrong(at, f"{dotted(at)} takes a name or a mapping, found {said(value)}")
        return None

    return read


def mode(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """Permission bits, as octal text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"0{value:o}"
    if isinstance(value, str) and re.match(r"^0?[0-7]{3,4}$", value):
        return f"0{int(value, 8):o}"
    doc.wrong(at, f"{dotted(at)} takes a permission mode such as 0440, found {said(value)}")
    return None


def hosts(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """Extra hosts as a sorted list of NAME=ADDRESS."""
    pairs = []
    if isinstance(value, dict):
        for name, addresses in value.items():
            pairs += [(name, a) for a in (addresses if isinstance(addresses, list) else [addresses])]
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found = re.match(r"^([^=:]+)[=:](.+)$", str(item))
            if not found:
                doc.wrong((*at, number), f"{dotted(at)}: {said(item)} is no host", "such as name=10.0.0.1 or name=host-gateway")
                continue
            pairs.append((found.group(1).strip(), found.group(2).strip()))
    elif value is not None:
        doc.wrong(at, f"{dotted(at)} takes a list or a mapping, found {said(value)}")
    return sorted(f"{name}={str(address).strip('[]')}" for name, address in pairs)


def device(value: Any, at: Path, doc: Document, place: Place) -> Any:
    parts = value.split(":") if isinstance(value, str) else []
    if not 1 <= len(parts) <= 3:
        doc.wrong(at, f"{dotted(at)}: {said(value)} is no device", "such as /dev/ttyUSB0:/dev/ttyUSB0:rwm")
        return None
    permissions = parts[2] if len(parts) == 3 else "rwm"
    return {"source": parts[0], "target": parts[1] if len(parts) > 1 else parts[0], "permissions": permissions}


def count(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """A number of devices; `all` is -1."""
    return -1 if value == "all" else kinds.INT.read(value, at, doc, place)


def gpus(value: Any, at: Path, doc: Document, place: Place) -> Any:
    return [{"count": -1}] if value == "all" else kinds.list_of(DEVICE_REQUEST).read(value, at, doc, place)


DEVICE_REQUEST = kinds.struct(
    {
        "capabilities": kinds.STRINGS,
        "driver": kinds.TEXT,
        "count": kinds.Kind(count),
        "device_ids": kinds.STRINGS,
        "options": kinds.MAPPING,
    }
)


def ulimit(value: Any, at: Path, doc: Document, place: Place) -> Any:
    return kinds.INT.read(value, at, doc, place)


def health_test(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """The probe; plain text runs in the container's shell."""
    if isinstance(value, str):
        return ["CMD-SHELL", value]
    if not isinstance(value, list) or not value:
        doc.wrong(at, f"{dotted(at)} takes text or a list, found {said(value)}")
        return None
    if value[0] not in ("NONE", "CMD", "CMD-SHELL"):
        doc.wrong(at, f"{dotted(at)}: a list begins with CMD, CMD-SHELL or NONE, found {said(value[0])}", "or write the test as plain text")
    return [number_text(v) if not isinstance(v, str) else v for v in value]


def env_files(value: Any, at: Path, doc: Document, place: Place) -> Any:
    items = [value] if isinstance(value, (str, dict)) else value
    if not isinstance(items, list):
        doc.wrong(at, f"{dotted(at)} takes a path, or a list of paths, found {said(value)}")
        return None
    out = []
    for number, item in enumerate(items):
        held = {"path": item} if isinstance(item, str) else ENV_FILE.read(item, (*at, number), doc, place)
        if held and held.get("path"):
            out.append({"required": True, **held, "path": absolute(held["path"], place)})
    return out


ENV_FILE = kinds.struct({"path": kinds.TEXT, "required": kinds.KEPT_BOOL, "format": kinds.TEXT})


def extends(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, str):
        return {"service": value}
    doc.wrong(at, f"{dotted(at)} takes a service or a mapping of `file` and `service`, found {said(value)}")
    return None


def build(value: Any, at: Path, doc: Document, place: Place) -> Any:
    if isinstance(value, str):
        return {"context": context(value, at, doc, place)}
    doc.wrong(at, f"{dotted(at)} takes a folder or a mapping, found {said(value)}")
    return None


def context(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """A folder; addresses of repositories stay as they are."""
    found = kinds.TEXT.read(value, at, doc, place)
    if not found or re.match(r"^(?:https?|git|ssh|docker-image|oci-layout|service|target)://|^git@|^service:|^github\.com/", found):
        return found
    return absolute(found, place)


def networks(value: Any, at: Path, doc: Document, place: Place) -> Any:
    """A service's networks: a list of names, or a mapping to options."""
    if isinstance(value, list):
        for number, name in enumerate(value):
            doc.places.setdefault((*at, name), doc.places.get((*at, number), (0, 0)))
        return dict.fromkeys(value)
    if not isinstance(value, dict):
        doc.wrong(at, f"{dotted(at)} takes a list or a mapping, found {said(value)}")
        return None
    return {name: kinds.read(SERVICE_NETWORK, inner, (*at, name), doc, place) for name, inner in value.items()}


SERVICE_NETWORK = kinds.struct(
    {
        "aliases": kinds.UNIQUE,
        "driver_opts": kinds.MAPPING,
        "gw_priority": kinds.INT,
        "interface_name": kinds.TEXT,
        "ipv4_address": kinds.TEXT,
        "ipv6_address": kinds.TEXT,
        "link_local_ips": kinds.UNIQUE,
        "mac_address": kinds.TEXT,
        "priority": kinds.INT,
    },
    keep=True,
)
