"""Facts about a host, from /proc, /sys and /etc; no program is started for the common ones."""

from __future__ import annotations

import datetime
import os
import re
import socket
import sys
import time
from typing import Any, Callable, Sequence

from nxtplay.core.host import Failed, Reader

Facts = dict[str, Any]

FAMILIES = {
    "Debian": "debian ubuntu linuxmint raspbian kali pop devuan neon deepin elementary",
    "RedHat": "rhel centos fedora rocky almalinux ol amzn oracle scientific openeuler",
    "Suse": "opensuse opensuse-leap opensuse-tumbleweed sles suse",
    "Alpine": "alpine",
    "Archlinux": "arch manjaro",
    "Gentoo": "gentoo",
}
NAMES = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "rhel": "RedHat",
    "centos": "CentOS",
    "fedora": "Fedora",
    "rocky": "Rocky",
    "almalinux": "AlmaLinux",
    "alpine": "Alpine",
    "arch": "Archlinux",
    "amzn": "Amazon",
    "ol": "OracleLinux",
    "opensuse-leap": "openSUSE Leap",
    "sles": "SLES",
    "linuxmint": "Linux Mint",
    "raspbian": "Debian",
    "gentoo": "Gentoo",
}
MANAGERS = (("apt", "apt-get"), ("dnf", "dnf"), ("yum", "yum"), ("zypper", "zypper"), ("apk", "apk"), ("pacman", "pacman"))

CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin "
    "net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time "
    "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
    "perfmon bpf checkpoint_restore"
).split()

# what gather_subset may name, by the gatherer that brings it; `platform` comes with all that tells of the machine
SUBSETS = {
    "min": "apparmor architecture caps chroot cmdline date_time distribution distribution_major_version distribution_release "
    "distribution_version dns effective_group_ids effective_user_id env fips is_chroot kernel kernel_version lsb machine machine_id "
    "os_family pkg_mgr platform python python_version real_user_id selinux service_mgr ssh_host_key_dsa_public ssh_host_key_ecdsa_public "
    "ssh_host_key_ed25519_public ssh_host_key_rsa_public ssh_host_pub_keys ssh_pub_keys system system_capabilities "
    "system_capabilities_enforced user user_dir user_gecos user_gid user_id user_shell user_uid",
    "local": "local",
    "hardware": "devices fibre_channel_wwn hardware iscsi loadavg nvme processor processor_cores processor_count systemd",
    "mounts": "mounts",
    "virtual": "virtual virtualization_role virtualization_tech_guest virtualization_tech_host virtualization_type",
    "network": "all_ipv4_addresses all_ipv6_addresses default_ipv4 default_ipv6 interfaces network",
    "": "facter ohai",
}
_LEAST = {"min", "local"}


def subsets(wanted: Sequence[str]) -> set[str]:
    """The gatherers that gather_subset asks for: the least always, unless it is ruled out; what is named outlasts what rules it out.

    Failed names what there is when one asked for is not.
    """
    gatherers = {name: {gatherer} - {""} for gatherer, names in SUBSETS.items() for name in names.split()}
    gatherers.update(min=_LEAST, all=set().union(*gatherers.values()), hardware={"hardware", "mounts"})
    plus, minus, named = set(_LEAST), set(), set()
    for name in wanted:
        bare = name[1:] if name.startswith("!") else name
        if bare == name and name not in gatherers:
            raise Failed(f"Bad subset '{name}' given. gather_subset options allowed: {', '.join(sorted(gatherers))}")
        members = gatherers.get(bare, set())
        if bare != name:
            minus |= members - _LEAST if bare == "all" else members
        else:
            plus |= members
            named |= members if bare not in ("all", "min") else set()
    asked = plus - (minus - named)
    return asked | {"platform"} if asked - {"local", "virtual", "mounts"} else asked


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def os_release(text: str) -> dict[str, str]:
    """The fields of an os-release file."""
    out = {}
    for line in text.splitlines():
        name, found, value = line.strip().partition("=")
        if found and not name.startswith("#"):
            out[name] = value.strip("\"'")
    return out


def platform(host: Reader) -> Facts:
    return {**_system(), **_distribution(), "python_version": ".".join(map(str, sys.version_info[:3]))}


def minimal(host: Reader) -> Facts:
    from nxtplay.modules import _host_keys, _network

    dns = _network.resolver(read("/etc/resolv.conf"))
    least = capabilities(read("/proc/self/status"), int(read("/proc/sys/kernel/cap_last_cap") or len(CAPABILITIES) - 1))
    kernel = command_line(read("/proc/cmdline"))
    return {**_moment(), **_user(host), **_python(), **_init(host), **dns, **_host_keys.host_keys(), **kernel, **least}


def _system() -> Facts:
    name = os.uname()
    try:
        fqdn = socket.getfqdn() if "." not in name.nodename else name.nodename
    except OSError:
        fqdn = name.nodename
    bits = "64" if sys.maxsize > 2**32 else "32"
    return {
        "system": name.sysname,
        "kernel": name.release,
        "kernel_version": name.version,
        "machine": name.machine,
        "architecture": "i386" if re.fullmatch(r"i\d86", name.machine) else name.machine,
        "userspace_bits": bits,
        "userspace_architecture": name.machine,
        "nodename": name.nodename,
        "hostname": name.nodename.split(".")[0],
        "fqdn": fqdn,
        "domain": ".".join(fqdn.split(".")[1:]),
        "machine_id": read("/etc/machine-id").strip() or None,
    }


def command_line(text: str) -> Facts:
    """The kernel's: the last of each name, and all that came for it."""
    last: dict[str, Any] = {}
    every: dict[str, Any] = {}
    for word in text.split():
        name, found, value = word.partition("=")
        last[name] = value if found else True
        if name in every:
            every[name] = [*(every[name] if isinstance(every[name], list) else [every[name]]), last[name]]
        else:
            every[name] = last[name]
    return {"cmdline": last, "proc_cmdline": every}


def capabilities(status: str, last: int) -> Facts:
    """What this process may do, from /proc/self/status; nothing is held back where it is all there is."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    bits = int(found[1], 16) if found else 0
    enforced = bits != (1 << last + 1) - 1
    named = [f"cap_{name}" for number, name in enumerate(CAPABILITIES) if bits >> number & 1] if enforced else []
    return {"system_capabilities": named, "system_capabilities_enforced": str(enforced) if found else "NA"}


def _distribution() -> Facts:
    release = os_release(read("/etc/os-release") or read("/usr/lib/os-release"))
    ident = release.get("ID", "").lower()
    version = release.get("VERSION_ID", "NA")
    exact = read("/etc/debian_version").strip() if ident == "debian" else ""
    if re.fullmatch(r"\d+(\.\d+)+", exact):
        version = exact
    family = next((name for name, ids in FAMILIES.items() if ident in ids.split()), "")
    if not family:
        likes = release.get("ID_LIKE", "").split()
        family = next((name for name, ids in FAMILIES.items() if set(likes) & set(ids.split())), NAMES.get(ident, ident.capitalize()))
    codename = release.get("VERSION_CODENAME") or _in_brackets(release.get("VERSION", ""))
    minor = version.partition(".")[2] or "NA"
    return {
        "distribution": NAMES.get(ident, release.get("NAME", "") or os.uname().sysname),
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0],
        "distribution_minor_version": minor.split(".")[0],
        "distribution_release": codename or "NA",
        "distribution_file_path": "/etc/os-release",
        "distribution_file_parsed": bool(release),
        "distribution_file_variety": NAMES.get(ident, ident),
        "os_family": family,
        "lsb": {
            "id": NAMES.get(ident, ident),
            "release": release.get("VERSION_ID", ""),
            "codename": codename,
            "description": release.get("PRETTY_NAME", ""),
            "major_release": version.split(".")[0],
        },
    }


def _in_brackets(text: str) -> str:
    found = re.search(r"\(([^)]*)\)", text)
    return found.group(1).split()[0].lower() if found and found.group(1) else ""


def _moment() -> Facts:
    now = datetime.datetime.now().astimezone()
    utc = now.astimezone(datetime.timezone.utc)
    return {
        "date_time": {
            "year": f"{now:%Y}",
            "month": f"{now:%m}",
            "day": f"{now:%d}",
            "hour": f"{now:%H}",
            "minute": f"{now:%M}",
            "second": f"{now:%S}",
            "weekday": f"{now:%A}",
            "weekday_number": f"{now:%w}",
            "weeknumber": f"{now:%W}",
            "date": f"{now:%Y-%m-%d}",
            "time": f"{now:%H:%M:%S}",
            "epoch": str(int(now.timestamp())),
            "epoch_int": str(int(now.timestamp())),
            "tz": time.strftime("%Z"),
            "tz_dst": time.tzname[1],
            "tz_offset": time.strftime("%z"),
            "iso8601": f"{utc:%Y-%m-%dT%H:%M:%SZ}",
            "iso8601_micro": f"{utc:%Y-%m-%dT%H:%M:%S.%fZ}",
            "iso8601_basic": f"{now:%Y%m%dT%H%M%S%f}",
            "iso8601_basic_short": f"{now:%Y%m%dT%H%M%S}",
        }
    }


def _user(host: Reader) -> Facts:
    import pwd

    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
        fields = {
            "user_id": entry.pw_name,
            "user_gid": entry.pw_gid,
            "user_gecos": entry.pw_gecos,
            "user_dir": entry.pw_dir,
            "user_shell": entry.pw_shell,
        }
    except KeyError:
        fields = {"user_id": str(uid), "user_gid": os.getegid(), "user_gecos": "", "user_dir": os.path.expanduser("~"), "user_shell": ""}
    ids = {"real_user_id": os.getuid(), "effective_user_id": uid, "real_group_id": os.getgid(), "effective_group_id": os.getegid()}
    return {**fields, "user_uid": uid, **ids, "env": dict(host.environ)}


def _python() -> Facts:
    v = sys.version_info
    version = {"major": v.major, "minor": v.minor, "micro": v.micro, "releaselevel": v.releaselevel, "serial": v.serial}
    return {
        "python": {
            "version": version,
            "version_info": list(v),
            "executable": sys.executable,
            "type": sys.implementation.name,
            "has_sslcontext": True,
        }
    }


def _init(host: Reader) -> Facts:
    manager = next((name for name, program in MANAGERS if host.which(program)), "unknown")
    comm = read("/proc/1/comm").strip()
    service = (
        "systemd"
        if os.path.isdir("/run/systemd/system")
        else "openrc"
        if os.path.exists("/run/openrc")
        else "sysvinit"
        if comm == "init"
        else "service"
    )
    on = os.path.exists("/sys/fs/selinux/enforce")
    return {
        "pkg_mgr": manager,
        "service_mgr": service,
        "selinux": {"status": "enabled" if on else "disabled"},
        "apparmor": {"status": "enabled" if os.path.exists("/sys/kernel/security/apparmor") else "disabled"},
        "selinux_python_present": False,
        "is_chroot": False,
        "fips": read("/proc/sys/crypto/fips_enabled").strip() == "1",
    }


def hardware(host: Reader) -> Facts:
    from nxtplay.modules import _block, _hardware

    return {**_hardware.hardware(host), **_block.devices(host)}


def mounts(host: Reader) -> Facts:
    from nxtplay.modules import _block

    return {"mounts": _block.mounts()}


def virtual(host: Reader) -> Facts:
    kind = _container()
    if kind:
        return {
            "virtualization_type": kind,
            "virtualization_role": "guest",
            "virtualization_tech_guest": [kind, "container"],
            "virtualization_tech_host": [],
        }
    product = (read("/sys/class/dmi/id/product_name") + read("/sys/class/dmi/id/sys_vendor")).lower()
    known = (
        ("kvm", "kvm"),
        ("qemu", "kvm"),
        ("virtualbox", "virtualbox"),
        ("vmware", "VMware"),
        ("virtual machine", "VirtualPC"),
        ("xen", "xen"),
        ("amazon ec2", "kvm"),
        ("google", "kvm"),
        ("openstack", "openstack"),
    )
    guest = next((name for word, name in known if word in product), "")
    if guest or re.search(r"^flags\s*:.*\bhypervisor\b", read("/proc/cpuinfo"), re.MULTILINE):
        guest = guest or "kvm"
        return {
            "virtualization_type": guest,
            "virtualization_role": "guest",
            "virtualization_tech_guest": [guest],
            "virtualization_tech_host": [],
        }
    kvm = os.path.exists("/dev/kvm")
    return {
        "virtualization_type": "kvm" if kvm else "NA",
        "virtualization_role": "host" if kvm else "NA",
        "virtualization_tech_guest": [],
        "virtualization_tech_host": ["kvm"] if kvm else [],
    }


def _container() -> str:
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    text = read("/proc/1/environ")
    found = re.search(r"(?:^|\0)container=([\w-]+)", text)
    if found:
        return found.group(1)
    groups = read("/proc/1/cgroup")
    return next((name for name in ("docker", "kubepods", "lxc") if f"/{name}" in groups), "")


def network(host: Reader) -> Facts:
    from nxtplay.modules import _network

    return _network.interfaces()


GATHERERS: dict[str, Callable[[Reader], Facts]] = {
    "platform": platform,
    "min": minimal,
    "hardware": hardware,
    "mounts": mounts,
    "virtual": virtual,
    "network": network,
}


def local(host: Reader, directory: str, timeout: int) -> Facts:
    """The host's own facts: *.fact files, JSON or INI, or programs that print such."""
    out: Facts = {}
    if not host.is_dir(directory):
        return out
    for name in host.listdir(directory):
        if not name.endswith(".fact"):
            continue
        path = os.path.join(directory, name)
        state = host.stat(path, follow=True)
        if state is None:
            out[name[:-5]] = f"Could not stat fact ({path}): it leads nowhere"
            continue
        try:
            runs = isinstance(state.mode, int) and bool(state.mode & 0o111)
            done = host.look([path], timeout=timeout) if runs else None
            if done is not None and done.rc != 0:
                out[name[:-5]] = f"Failure executing fact script ({path}), rc: {done.rc}, err: {done.stderr.strip()}"
                continue
            out[name[:-5]] = _parsed(done.stdout if done is not None else host.read(path).decode("utf-8", "replace"), path)
        except Failed as failed:
            out[name[:-5]] = failed.message
    return out


def _parsed(text: str, path: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        pass
    import configparser

    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return f"error loading facts as JSON or ini - please check content: {path}"
    try:
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except configparser.Error as error:  # a % that begins no %(name)s
        return f"error loading facts as ini - please check content: {path} ({error})"
