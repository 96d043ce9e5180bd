"""What docker_container is told: its many options."""

from __future__ import annotations

from typing import Any, Literal, Optional, Union

from nxtplay.core.resource import Args, arg
from nxtplay.core.types import Duration, Raw, Size
from nxtplay.modules import _docker, _docker_container_mounts


class Healthcheck(Args):
    """How to see that a container works."""

    test: Optional[Union[list[str], str]] = arg(None, help="The probe: text for a shell, or a list that begins with CMD or NONE.")
    test_cli_compatible: bool = arg(True, help="Accepted for Ansible's sake.")
    interval: Optional[Duration] = arg(None, help="Time between probes.")
    timeout: Optional[Duration] = arg(None, help="How long one may take.")
    start_period: Optional[Duration] = arg(None, help="How long failures do not count after the start.")
    start_interval: Optional[Duration] = arg(None, help="Time between probes in that time.")
    retries: Optional[int] = arg(None, help="How many failures in a row make it unhealthy.")


class Mount(Args):
    """A mount in full."""

    target: str = arg(help="Path in the container.")
    source: Optional[str] = arg(None, help="Volume or path on the host.")
    type: Literal["bind", "npipe", "tmpfs", "volume"] = arg("volume", help="Kind of mount.")
    read_only: bool = arg(False, help="Not to be written.")
    propagation: Optional[str] = arg(None, help="Propagation of a bind.")
    create_mountpoint: bool = arg(False, help="Make a missing folder of a bind.")
    consistency: Optional[str] = arg(None, help="How closely both sides follow each other; counts on macOS and Windows only.")
    non_recursive: bool = arg(False, help="Leave out what is mounted below a bind.")
    read_only_non_recursive: bool = arg(False, help="A bind that is not to be written, but what is mounted below it may be.")
    read_only_force_recursive: bool = arg(False, help="An error where what is mounted below a bind cannot be made read-only, too.")
    subpath: Optional[str] = arg(None, help="Folder inside the volume.")
    no_copy: bool = arg(False, help="Do not fill a new volume from the image.")
    labels: dict[str, str] = arg(default_factory=dict, help="Labels of a new volume.")
    volume_driver: Optional[str] = arg(None, help="Driver of a new volume.")
    volume_options: dict[str, str] = arg(default_factory=dict, help="Options of its driver.")
    tmpfs_size: Optional[Size] = arg(None, help="Size of a tmpfs.")
    tmpfs_mode: Optional[str] = arg(None, help="Permission mode of a tmpfs.")
    tmpfs_options: list[dict[str, Raw]] = arg(default_factory=list, help="Further options of a tmpfs, such as noexec: null.")


class Network(Args):
    """A network to be on."""

    name: str = arg(help="The network.")
    aliases: list[str] = arg(default_factory=list, help="Further names of the container on it.")
    ipv4_address: Optional[str] = arg(None, help="Address.")
    ipv6_address: Optional[str] = arg(None, help="IPv6 address.")
    links: list[str] = arg(default_factory=list, help="Containers to reach by name.")
    mac_address: Optional[str] = arg(None, help="Hardware address.")
    driver_opts: dict[str, str] = arg(default_factory=dict, help="Options of the driver.")
    gw_priority: Optional[int] = arg(None, help="The network with the highest one has the default route.")


class ByteRate(Args):
    """How fast a device may be."""

    path: str = arg(help="The device.")
    rate: Size = arg(help="Bytes a second.")


class Rate(Args):
    """How often a device may be asked."""

    path: str = arg(help="The device.")
    rate: int = arg(help="Times a second.")


class DeviceRequest(Args):
    """Devices by what they can do."""

    driver: Optional[str] = arg(None, help="Driver such as nvidia.")
    count: Optional[int] = arg(None, help="How many; -1 for all.")
    device_ids: Optional[list[str]] = arg(None, help="Which ones.")
    capabilities: Optional[list[list[str]]] = arg(None, help="Sets of abilities; one has to fit as a whole.")
    options: Optional[dict[str, str]] = arg(None, help="Options of the driver.")


class ContainerOptions(_docker.DockerOptions):
    """All options of a container; those not given are left as they are."""

    name: str = arg(help="Container name.", key=True)
    image: Optional[str] = arg(None, help="Image name or id; needed to create the container.")
    state: Literal["started", "present", "healthy", "stopped", "absent"] = arg("started", help="What the container should be.")
    command: Optional[Union[list[str], str]] = arg(None, help="Command, as a list or as text to split.")
    command_handling: Literal["compatibility", "correct"] = arg(
        "correct", help="`compatibility`: words of `command` and `entrypoint` are joined by blanks and split anew."
    )
    entrypoint: Optional[list[str]] = arg(None, help="Entry point, a list.")
    env: Optional[dict[str, Raw]] = arg(None, help="Environment variables.")
    env_file: Optional[str] = arg(None, help="File with environment variables, on the host.")
    published_ports: Optional[list[str]] = arg(None, help="Ports to publish: [ip:][outside:]inside[/protocol].", aliases=["ports"])
    default_host_ip: Optional[str] = arg(None, help="Address to publish on where none is said.")
    publish_all_ports: Optional[bool] = arg(None, help="Publish every exposed port on a free one.")
    exposed_ports: Optional[list[str]] = arg(None, help="Ports for other containers.", aliases=["exposed", "expose"])
    volumes: Optional[list[str]] = arg(None, help="source:target[:mode].")
    mounts: Optional[list[Mount]] = arg(None, help="Mounts in full.")
    networks: Optional[list[Network]] = arg(None, help="Networks to be on.")
    networks_cli_compatible: bool = arg(True, help="The first of `networks` replaces the default network.")
    purge_networks: bool = arg(False, help="Leave networks that are not named.")
    network_mode: Optional[str] = arg(None, help="bridge, host, none, container:NAME or a network.")
    healthcheck: Optional[Healthcheck] = arg(None, help="How to see that it works.")
    labels: Optional[dict[str, str]] = arg(None, help="Labels.")
    user: Optional[str] = arg(None, help="User, or UID.")
    working_dir: Optional[str] = arg(None, help="Folder to run in.")
    hostname: Optional[str] = arg(None, help="Host name.")
    domainname: Optional[str] = arg(None, help="Domain name.")
    restart_policy: Optional[Literal["no", "on-failure", "always", "unless-stopped"]] = arg(None, help="When to start it again.")
    restart_retries: Optional[int] = arg(None, help="How often, with on-failure.")
    memory: Optional[Size] = arg(None, help="Memory limit.")
    memory_reservation: Optional[Size] = arg(None, help="Soft memory limit.")
    kernel_memory: Optional[Size] = arg(None, help="Limit of the kernel's memory; newer engines refuse it.")
    memory_swap: Optional[str] = arg(None, help="Memory and swap together; `unlimited` or -1.")
    memory_swappiness: Optional[int] = arg(None, help="0 to 100.")
    cpus: Optional[float] = arg(None, help="How many processors.")
    cpu_period: Optional[int] = arg(None, help="Microseconds.")
    cpu_quota: Optional[int] = arg(None, help="Microseconds.")
    cpu_shares: Optional[int] = arg(None, help="Weight.")
    cpuset_cpus: Optional[str] = arg(None, help="Which processors.")
    cpuset_mems: Optional[str] = arg(None, help="Which memory nodes.")
    pids_limit: Optional[int] = arg(None, help="How many processes.")
    blkio_weight: Optional[int] = arg(None, help="10 to 1000.")
    shm_size: Optional[Size] = arg(None, help="Size of /dev/shm.")
    ulimits: Optional[list[str]] = arg(None, help="name:soft[:hard].")
    tmpfs: Optional[list[str]] = arg(None, help="Folders in memory, path[:options].")
    log_driver: Optional[str] = arg(None, help="Where the logs go.")
    log_options: Optional[dict[str, str]] = arg(None, help="Options of the log driver.", aliases=["log_opt"])
    capabilities: Optional[list[str]] = arg(None, help="Capabilities to add.")
    cap_drop: Optional[list[str]] = arg(None, help="Capabilities to drop.")
    devices: Optional[list[str]] = arg(None, help="outside[:inside[:permissions]].")
    device_read_bps: Optional[list[ByteRate]] = arg(None, help="Bytes a second that may be read.")
    device_write_bps: Optional[list[ByteRate]] = arg(None, help="Bytes a second that may be written.")
    device_read_iops: Optional[list[Rate]] = arg(None, help="Reads a second.")
    device_write_iops: Optional[list[Rate]] = arg(None, help="Writes a second.")
    device_requests: Optional[list[DeviceRequest]] = arg(None, help="Devices such as graphics cards, by what they can do.")
    device_cgroup_rules: Optional[list[str]] = arg(None, help="Rules for devices: kind, numbers, rights.")
    dns_servers: Optional[list[str]] = arg(None, help="Name servers.")
    dns_search_domains: Optional[list[str]] = arg(None, help="Search domains.")
    dns_opts: Optional[list[str]] = arg(None, help="Resolver options.")
    etc_hosts: Optional[dict[str, str]] = arg(None, help="Name to address.")
    groups: Optional[list[str]] = arg(None, help="Further groups.")
    links: Optional[list[str]] = arg(None, help="Containers to reach by name, on the default network.")
    volumes_from: Optional[list[str]] = arg(None, help="Containers whose volumes to share.")
    volume_driver: Optional[str] = arg(None, help="Driver of new volumes.")
    security_opts: Optional[list[str]] = arg(None, help="Security options.")
    sysctls: Optional[dict[str, str]] = arg(None, help="Kernel settings.")
    storage_opts: Optional[dict[str, str]] = arg(None, help="Options of the storage driver.")
    privileged: Optional[bool] = arg(None, help="With all rights on the host.")
    read_only: Optional[bool] = arg(None, help="Root file system not to be written.")
    init: Optional[bool] = arg(None, help="Run a small init inside.")
    interactive: Optional[bool] = arg(None, help="Keep standard input open.")
    tty: Optional[bool] = arg(None, help="Give it a terminal.")
    ipc_mode: Optional[str] = arg(None, help="IPC namespace.")
    pid_mode: Optional[str] = arg(None, help="PID namespace.")
    userns_mode: Optional[str] = arg(None, help="User namespace.")
    uts: Optional[str] = arg(None, help="UTS namespace.")
    runtime: Optional[str] = arg(None, help="OCI runtime.")
    cgroupns_mode: Optional[Literal["host", "private"]] = arg(None, help="Control group namespace.")
    cgroup_parent: Optional[str] = arg(None, help="Parent control group.")
    oom_killer: Optional[bool] = arg(None, help="Disable the out-of-memory killer.")
    oom_score_adj: Optional[int] = arg(None, help="Its preference.")
    mac_address: Optional[str] = arg(None, help="Hardware address.")
    stop_signal: Optional[str] = arg(None, help="Signal that stops it.")
    stop_timeout: Optional[int] = arg(None, help="Seconds it gets to stop.")
    kill_signal: Optional[str] = arg(None, help="Signal for `force_kill`.")
    force_kill: bool = arg(False, help="Kill rather than stop.", aliases=["forcekill"])
    platform: Optional[str] = arg(None, help="Platform such as linux/amd64.")
    auto_remove: Optional[bool] = arg(None, help="The engine removes it once it ended.")
    cleanup: bool = arg(False, help="With `detach: false`: remove it once it ended.")
    detach: bool = arg(True, help="`false`: run the command to its end and register what it said.")
    output_logs: bool = arg(False, help="Accepted for Ansible's sake; the output is always registered.")
    keep_volumes: bool = arg(True, help="Keep anonymous volumes of a container that is removed.")
    paused: Optional[bool] = arg(None, help="Whether it should be paused.")
    pull: Literal["always", "missing", "never", "true", "false"] = arg("missing", help="When to pull the image.")
    pull_check_mode_behavior: Literal["image_not_present", "always"] = arg(
        "image_not_present", help="Accepted for Ansible's sake; a check asks the registry."
    )
    recreate: bool = arg(False, help="Replace it, whatever it is like.")
    restart: bool = arg(False, help="Restart it.")
    ignore_image: bool = arg(False, help="Do not compare the image.")
    image_comparison: Literal["desired-image", "current-image"] = arg("desired-image", help="Whose defaults count as not given.")
    image_name_mismatch: Optional[Literal["ignore", "recreate"]] = arg(None, help="`recreate`: when the image goes by another name, too.")
    image_label_mismatch: Literal["ignore", "fail"] = arg("ignore", help="`fail`: the image brings labels that strict `labels` leave out.")
    comparisons: dict[str, str] = arg(default_factory=dict, help="By option: strict, ignore, allow_more_present; `*` is all.")
    container_default_behavior: Literal["compatibility", "no_defaults"] = arg("no_defaults", help="Accepted for Ansible's sake.")
    create_timeout: Optional[Duration] = arg(None, help="Accepted for Ansible's sake.")
    healthy_wait_timeout: Optional[Duration] = arg(Duration(300), help="With `healthy`: seconds to wait.")
    removal_wait_timeout: Optional[Duration] = arg(None, help="Accepted for Ansible's sake.")


def mount_form(mount: Mount) -> str:
    """A mount in the form in which it is compared."""
    out: dict[str, Any] = {"Type": mount.type, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    out["Consistency"] = mount.consistency
    if mount.type == "bind":
        out["BindOptions"] = {
            "Propagation": mount.propagation,
            "CreateMountpoint": mount.create_mountpoint,
            "NonRecursive": mount.non_recursive,
            "ReadOnlyNonRecursive": mount.read_only_non_recursive,
            "ReadOnlyForceRecursive": mount.read_only_force_recursive,
        }
    elif mount.type == "volume":
        driver = {"Name": mount.volume_driver, "Options": mount.volume_options} if mount.volume_driver else None
        out["VolumeOptions"] = {"NoCopy": mount.no_copy, "Labels": mount.labels, "DriverConfig": driver, "Subpath": mount.subpath}
    elif mount.type == "tmpfs":
        further = [[name] if value is None else [name, str(value)] for one in mount.tmpfs_options for name, value in one.items()]
        mode = int(mount.tmpfs_mode, 8) if mount.tmpfs_mode else None
        out["TmpfsOptions"] = {"SizeBytes": mount.tmpfs_size, "Mode": mode, "Options": further}
    return _docker_container_mounts.mount_text(out)


def health_form(check: Healthcheck) -> dict[str, Any]:
    """A health check in the form in which it is compared: times in nanoseconds."""
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


_NEWER = {  # the version of the engine's API that an option came with
    "networks": {"mac_address": "1.44", "gw_priority": "1.48"},
    "mounts": {"read_only_non_recursive": "1.44", "read_only_force_recursive": "1.44", "subpath": "1.45", "tmpfs_options": "1.46"},
}


def too_new(options: ContainerOptions, spoken: str) -> str:
    """The first option given that an engine of this API version would pass over in silence; "" where there is none."""
    for option, names in _NEWER.items():
        for given in getattr(options, option) or ():
            for name, needed in names.items():
                if getattr(given, name) and [int(n) for n in spoken.split(".")] < [int(n) for n in needed.split(".")]:
                    return f"{option}: {name} needs an engine with API {needed}; this one speaks {spoken}"
    return ""
