"""machine: a Debian host of its own, systemd as its first process, reached over SSH as a user who may use sudo."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = "nxtplay-test-systemd"
LABEL = "nxtplay-test=roles"
PACKAGES = "systemd systemd-sysv dbus openssh-server sudo python3 procps kmod locales tzdata ufw"
RECIPE = f"""
FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {PACKAGES} && rm -f /usr/sbin/policy-rc.d
RUN systemctl mask systemd-udevd.service systemd-logind.service getty.target console-getty.service
RUN useradd -m -s /bin/bash deploy && echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy
STOPSIGNAL SIGRTMIN+3
CMD ["/lib/systemd/systemd"]
"""
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER "
    "SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_NICE MKNOD AUDIT_WRITE SETFCAP LEASE SYSLOG"
).split()


def docker(*words: str, stdin: str = "") -> str:
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The inventory with the one host `machine`."""
    place = tmp_path_factory.mktemp("machine")
    if shutil.which("docker") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs Docker and ssh-keygen")
    try:
        docker("image", "inspect", "debian:bookworm-slim")
        docker("build", "-q", "-t", IMAGE, "-", stdin=RECIPE)
    except RuntimeError as error:
        pytest.skip(f"no image of a Debian with systemd: {error}")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / "key")], check=True)
    rights = [word for name in CAPABILITIES for word in ("--cap-add", name)]
    groups = "/sys/fs/cgroup/systemd" if Path("/sys/fs/cgroup/systemd").is_dir() else "/sys/fs/cgroup"
    name = docker(
        "run", "-d", "--label", LABEL, *rights, "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        "--cgroupns", "host", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "-v", f"{groups}:{groups}:rw", IMAGE,
    )  # fmt: skip
    try:
        _let_in(name, (place / "key.pub").read_text())
        if not _up(name):
            pytest.skip("systemd does not start in a container here")
        address = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        login = f"ansible_host={address} ansible_user=deploy ansible_ssh_private_key_file={place}/key"
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        (place / "inventory.ini").write_text(f"machine {login} ansible_ssh_common_args='{options}' container={name}\n")
        yield place / "inventory.ini"
    finally:
        docker("rm", "-f", "-v", name)


def _let_in(name: str, key: str) -> None:
    docker("exec", "-i", name, "sh", "-c", "umask 077; mkdir -p ~deploy/.ssh; cat > ~deploy/.ssh/authorized_keys", stdin=key)
    docker("exec", name, "chown", "-R", "deploy:", "/home/deploy/.ssh")


def _up(name: str) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        done = subprocess.run(["docker", "exec", name, "systemctl", "is-active", "ssh"], capture_output=True, text=True)
        if done.stdout.strip() == "active":
            return True
        time.sleep(0.5)
    return False
