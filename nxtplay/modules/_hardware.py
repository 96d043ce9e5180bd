"""Facts about a machine's hardware: memory, processors, what its firmware says of it."""

from __future__ import annotations

import os
import re
from typing import Optional

from nxtplay.core.host import Reader
from nxtplay.modules._facts import Facts, read

# the kinds of chassis, by the number that the firmware gives (SMBIOS 7.4.1)
CHASSIS = (
    "Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook",
    "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis",
    "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system",
    "CompactPCI", "AdvancedTCA", "Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC",
    "Mini PC", "Stick PC",
)  # fmt: skip


def hardware(host: Reader) -> Facts:
    return {
        **_memory(read("/proc/meminfo")),
        **processors(read("/proc/cpuinfo")),
        **_board(),
        "uptime_seconds": _uptime(),
        "loadavg": dict(zip(("1m", "5m", "15m"), os.getloadavg())),
        **systemd(host),
        **_adapters(),
    }


def _adapters() -> Facts:
    """The names under which storage in a network knows this machine."""
    ports = "/sys/class/fc_host"
    wwns = (
        [read(f"{ports}/{name}/port_name").strip().removeprefix("0x") for name in sorted(os.listdir(ports))] if os.path.isdir(ports) else []
    )
    found = re.search(r"^InitiatorName=(\S+)", read("/etc/iscsi/initiatorname.iscsi"), re.MULTILINE)
    return {"iscsi_iqn": found[1] if found else "", "hostnqn": read("/etc/nvme/hostnqn").strip(), "fibre_channel_wwn": wwns}


def systemd(host: Reader) -> Facts:
    """Its version and what it was built with, where it runs."""
    if not os.path.isdir("/run/systemd/system") or not host.which("systemctl"):
        return {}
    first, *features = host.look(["systemctl", "--version"]).stdout.splitlines()
    version = re.search(r"\d+", first)
    return {"systemd": {"version": int(version[0]) if version else 0, "features": " ".join(features)}}


def _memory(text: str) -> Facts:
    kib = {m.group(1): int(m.group(2)) for m in re.finditer(r"^(\w+):\s+(\d+)", text, re.MULTILINE)}
    mb = {name: value // 1024 for name, value in kib.items()}
    total, free, available = mb.get("MemTotal", 0), mb.get("MemFree", 0), mb.get("MemAvailable", mb.get("MemFree", 0))
    swap, swap_free = mb.get("SwapTotal", 0), mb.get("SwapFree", 0)
    spare = free + mb.get("Buffers", 0) + mb.get("Cached", 0)
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "mem_available_mb": available,  # what a new program can have; memfree leaves caches out
        "swaptotal_mb": swap,
        "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": spare, "used": total - spare},
            "swap": {"total": swap, "free": swap_free, "used": swap - swap_free, "cached": mb.get("SwapCached", 0)},
        },
    }


def processors(text: str) -> Facts:
    models, sockets, cores, flags = [], set(), 1, ""
    number, physical = "", ""
    listed: list[str] = []
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "processor":
            number = value
            listed.append(number)
        elif name in ("vendor_id", "model name"):
            models.append((number, value))
        elif name == "physical id":
            physical = value
            sockets.add(physical)
        elif name in ("flags", "Features"):
            flags = value
        elif name == "cpu cores":
            cores = int(value)
    count = len(listed) or os.cpu_count() or 1
    packages = len(sockets) or count
    flat: list[str] = []
    for cpu in listed:
        flat += [cpu, *(value for owner, value in models if owner == cpu)]
    per_core = max(1, count // max(1, packages * cores)) if sockets else 1
    return {
        "processor": flat,
        "processor_count": packages,
        "flags": flags.split(),
        "processor_cores": cores,
        "processor_threads_per_core": per_core,
        "processor_vcpus": count,
        "processor_nproc": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count,
    }


def _board() -> Facts:
    shown = "bios_date bios_vendor bios_version product_name product_serial product_uuid product_version".split()
    shown += [f"{part}_{field}" for part in ("board", "chassis") for field in "asset_tag serial vendor version".split()]
    facts = {name: read(f"/sys/class/dmi/id/{name}").strip() or "NA" for name in ("sys_vendor", "board_name", "chassis_type", *shown)}
    kind = facts.pop("chassis_type")
    form = CHASSIS[int(kind)] if kind.isdigit() and int(kind) < len(CHASSIS) else "NA"
    vendor = facts.pop("sys_vendor")
    return {**facts, "system_vendor": vendor, "form_factor": form}


def _uptime() -> Optional[int]:
    text = read("/proc/uptime").split()
    return int(float(text[0])) if text else None
