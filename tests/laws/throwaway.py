"""A throw-away copy of this machine: an overlay of its root in a mount namespace of its own, gone with the last process in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

INSIDE = "NXTPLAY_THROWAWAY"
ENTER = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs none "$1/root/run"
shift_root="$1/root"; shift
exec chroot "$shift_root" "$@"
"""


def inside() -> bool:
    return bool(os.environ.get(INSIDE))


def available() -> str:
    """Why there can be no throw-away copy; "" where there can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("unshare"):
        return "needs unshare"
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["unshare", "-m", "sh", "-c", ENTER, "sh", place, "true"], capture_output=True, text=True)
    return "" if done.returncode == 0 else f"no overlay here: {done.stderr.strip()}"


def pytest_inside(path: str, place: str, *, network: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one test file inside a throw-away copy; `place` is an empty directory to build it in. Without `network` the copy has none."""
    words = [
        "unshare",
        "-m" if network else "-mn",
        "sh",
        "-c",
        ENTER,
        "sh",
        place,
        sys.executable,
        "-m",
        "pytest",
        path,
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
    ]
    return subprocess.run(words, env={**os.environ, INSIDE: "1"}, capture_output=True, text=True)
