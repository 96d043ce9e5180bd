"""An image of a server with sshd, sudo, Python and a Docker engine, cut out of the packages that are installed here: nothing is fetched."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("openssh-server", "sudo", "python3", "git", "docker.io", "iptables", "mount", "procps")
BASE = "debian:bookworm-slim"
LEFT_OUT = ("/usr/share/doc", "/usr/share/man", "/usr/share/locale", "/usr/share/lintian", "/etc/sudoers.d")
# What the packages' own scripts would have done.
DOCKERFILE = f"""\
FROM {BASE}
ADD files.tar /
COPY start /start
RUN ldconfig; groupadd -f docker; useradd -r -d /run/sshd -s /usr/sbin/nologin sshd; \\
    for name in iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore; do \\
        ln -sf xtables-nft-multi /usr/sbin/$name; \\
    done; \\
    mkdir -p -m 750 /etc/sudoers.d; useradd -m -s /bin/bash deploy && mkdir -m 700 /home/deploy/.ssh
CMD ["/start"]
"""
# pid 1: a writable /sys and /proc for the engine, the engine, sshd.
START = """\
#!/bin/bash
for m in /sys /sys/fs/cgroup /sys/fs/cgroup/*/; do m=${m%/}; [ ! -L $m ] && mount -o remount,bind,rw $m; done 2>/dev/null
for m in $(awk '$5 ~ "^/proc/" {print $5}' /proc/1/mountinfo); do umount $m; done 2>/dev/null
echo 1 > /proc/sys/net/ipv4/ip_forward
[ -n "$NO_ENGINE" ] || dockerd >/var/log/dockerd.log 2>&1 &
mkdir -p /run/sshd
while :; do /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config; sleep 0.1; done
"""


def missing_packages() -> list[str]:
    """Those of ours that are not installed here."""
    return [name for name in PACKAGES if name not in _installed()]


def build(name: str, folder: Path) -> None:
    """Make the image, in an empty folder."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "start").write_text(START)
    (folder / "start").chmod(0o755)
    listed = "\0".join(sorted(_files(_closure(PACKAGES))))
    tar = ["tar", "--create", f"--file={folder}/files.tar", "--directory=/", "--no-recursion", "--null", "--files-from=-"]
    subprocess.run(tar, input=listed, text=True, check=True, stderr=subprocess.DEVNULL)
    done = subprocess.run(["docker", "build", "-q", "-t", name, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _installed() -> dict[str, str]:
    """What each package that is here needs."""
    words = ["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Abbrev}\t${Pre-Depends}, ${Depends}\n"]
    try:
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return {}
    rows = [line.split("\t") for line in out.splitlines()]
    return {name: needs for name, state, needs in rows if state.startswith("ii")}


def _closure(names: Iterable[str]) -> set[str]:
    """The packages with all that they need."""
    installed, found, left = _installed(), set[str](), list(names)
    while left:
        name = left.pop()
        if name in found or name not in installed:
            continue
        found.add(name)
        for group in installed[name].split(","):
            words = [re.sub(r"\(.*?\)|:\w+", "", word).strip() for word in group.split("|")]
            left += [word for word in words if word in installed][:1]
    return found


def _files(packages: set[str]) -> set[str]:
    """Paths of files and links, below the root, where they are since /bin and its like are links."""
    out = subprocess.run(["dpkg", "-L", *sorted(packages)], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in out.splitlines():
        if not line.startswith("/") or line.startswith(LEFT_OUT):
            continue
        folder, name = os.path.split(line)
        path = os.path.join(os.path.realpath(folder), name)
        if os.path.islink(path) or os.path.isfile(path):
            found.add(path.lstrip("/"))
        if name.endswith(".py"):  # as the package's own script compiled it
            found.update(str(compiled).lstrip("/") for compiled in Path(os.path.dirname(path), "__pycache__").glob(f"{name[:-3]}.*.pyc"))
    return found
