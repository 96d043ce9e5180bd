"""Facts about disks: block devices, their partitions and links, volume groups, what is mounted."""

from __future__ import annotations

import os
import re
from typing import Any, Optional

from nxtplay.core.host import Reader
from nxtplay.modules._ansible.facts_utils import get_mount_size
from nxtplay.modules._facts import Facts, read

BLOCK, LINKS = "/sys/block", {"ids": "by-id", "uuids": "by-uuid", "labels": "by-label"}
Links = dict[str, dict[str, list[str]]]  # the kind of link, the device, its names


def devices(host: Reader, block: str = BLOCK) -> Facts:
    links = _links(block)
    return {"devices": {name: _device(f"{block}/{name}", name, links) for name in _names(block)}, "device_links": links, "lvm": _lvm(host)}


def _links(block: str = BLOCK) -> Links:
    out: Links = {**{kind: _named(kind) for kind in LINKS}, "masters": {}}
    for name in _names(block):
        for under in _names(f"{block}/{name}/slaves"):
            out["masters"].setdefault(under, []).append(name)
    return out


def _named(kind: str) -> dict[str, list[str]]:
    """The links of one kind, by the devices they lead to."""
    out: dict[str, list[str]] = {}
    for name in _names(f"/dev/disk/{LINKS[kind]}"):
        device = os.path.basename(os.path.realpath(f"/dev/disk/{LINKS[kind]}/{name}"))
        out.setdefault(device, []).append(name.encode().decode("unicode_escape"))
    return out


def _device(place: str, name: str, links: Links) -> dict[str, Any]:
    scheduler = re.search(r"\[(.+?)\]", read(f"{place}/queue/scheduler"))
    parts = [p for p in _names(place) if p.startswith(name) and os.path.exists(f"{place}/{p}/start")]
    texts = {"vendor": "device/vendor", "model": "device/model", "sas_address": "device/sas_address",
             "sas_device_handle": "device/sas_device_handle", "removable": "removable", "rotational": "queue/rotational",
             "support_discard": "queue/discard_granularity"}  # fmt: skip
    return {
        **{fact: read(f"{place}/{path}").strip() or None for fact, path in texts.items()},
        **_extent(place, read(f"{place}/queue/logical_block_size").strip() or 512),
        "scheduler_mode": scheduler[1] if scheduler else "",
        "holders": _holders(place),
        "links": _of(links, name),
        "partitions": {part: _partition(f"{place}/{part}", part, links) for part in parts},
        "virtual": 1,
        "host": "",
    }


def _partition(place: str, name: str, links: Links) -> dict[str, Any]:
    uuids = links["uuids"].get(name, [])
    start = read(f"{place}/start").strip()
    said = {"start": start, "uuid": uuids[0] if uuids else None, "holders": _holders(place), "links": _of(links, name)}
    return {**_extent(place, 512), **said}


def _extent(place: str, sector: Any) -> dict[str, Any]:
    """Its length in sectors of the kernel, which have 512 bytes whatever the device's own have."""
    count = int(read(f"{place}/size") or 0)
    size, unit = count * 512.0, "Bytes"
    for larger in ("KB", "MB", "GB", "TB", "PB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return {"sectors": count, "sectorsize": sector, "size": f"{size:.2f} {unit}"}


def _holders(place: str) -> list[str]:
    return [read(f"{BLOCK}/{name}/dm/name").strip() or name for name in _names(f"{place}/holders")]


def _of(links: Links, name: str) -> dict[str, list[str]]:
    return {kind: named.get(name, []) for kind, named in links.items()}


def _lvm(host: Reader) -> Any:
    """Volume groups, logical and physical volumes; N/A for who may not ask or has no such tools."""
    if os.geteuid() != 0 or not host.which("vgs"):
        return "N/A"

    def ask(program: str, columns: str) -> list[list[str]]:
        done = host.look([program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",", "-o", columns])
        return [line.strip().split(",") for line in done.stdout.splitlines() if line.strip()]

    groups = ask("vgs", "vg_name,vg_size,vg_free,lv_count,pv_count")
    logical, physical = ask("lvs", "lv_name,lv_size,vg_name"), ask("pvs", "pv_name,pv_size,pv_free,vg_name")
    return {
        "vgs": {name: dict(zip(("size_g", "free_g", "num_lvs", "num_pvs"), rest)) for name, *rest in groups},
        "lvs": {name: dict(zip(("size_g", "vg"), rest)) for name, *rest in logical},
        "pvs": {name: dict(zip(("size_g", "free_g", "vg"), rest)) for name, *rest in physical},
    }


def mounts() -> list[dict[str, Any]]:
    """What the kernel has mounted and a disk or a network stands behind, without what cannot be reached."""
    found = []
    known = uuids()
    for line in read("/proc/mounts").splitlines():
        mount = row(line)
        if mount and (mount["device"].startswith("/") or ":/" in mount["device"] or mount["fstype"] in ("overlay", "zfs", "btrfs")):
            size = room(mount["mount"])
            if size:
                found.append({**mount, "uuid": uuid(mount["device"], known) or "N/A", **size})
    return found


def row(line: str) -> Optional[dict[str, Any]]:
    """A line of fstab, mtab or /proc/mounts; None where it is none."""
    fields = [part.encode().decode("unicode_escape") for part in line.partition("#")[0].split()]
    if len(fields) < 3:
        return None
    dump, passno = (int(text) if text.isdigit() else text for text in [*fields[4:6], "0", "0"][:2])
    options = fields[3] if len(fields) > 3 else "defaults"
    return {"device": fields[0], "mount": fields[1], "fstype": fields[2], "options": options, "dump": dump, "passno": passno}


room = get_mount_size


def uuids() -> dict[str, list[str]]:
    """The UUIDs of what devices hold, by the devices' names."""
    return _named("uuids")


def uuid(device: str, known: dict[str, list[str]]) -> Optional[str]:
    """The UUID of what a device holds; `known` are `uuids()`."""
    found = known.get(os.path.basename(os.path.realpath(device)))
    return found[0] if found else None


def _names(place: str) -> list[str]:
    try:
        return sorted(os.listdir(place))
    except OSError:
        return []
