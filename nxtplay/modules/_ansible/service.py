"""`ansible.module_utils.service`, as modules that look after services use it."""

from __future__ import annotations

import glob
import os
from typing import Any


def fail_if_missing(module: Any, found: bool, service: str, msg: str = "") -> None:
    if not found:
        module.fail_json(msg=f"Could not find the requested service {service}: {msg}")


def get_sysv_script(name: str) -> str:
    return name if name.startswith("/") else f"/etc/init.d/{name}"


def sysv_exists(name: str) -> bool:
    return os.path.exists(get_sysv_script(name))


def sysv_is_enabled(name: str, runlevel: Any = None) -> bool:
    """Whether a link starts it, in this runlevel or in any."""
    levels = "?" if runlevel is None else runlevel
    return bool(glob.glob(f"/etc/rc{levels}.d/S??{name}"))


def get_ps(module: Any, pattern: str) -> bool:
    """Whether a process has this in its command line."""
    _, out, _ = module.run_command(["ps", "auxww"])
    return any(pattern in line for line in out.splitlines())
