"""`ansible.module_utils.common.respawn`: a module that goes on under another Python, one that has the libraries it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Iterable, NoReturn, Optional

_MARK = "NXTPLAY_MODULE_RESPAWNED"


def has_respawned() -> bool:
    return _MARK in os.environ


def respawn_module(interpreter_path: str) -> NoReturn:
    """Begin again under this Python, in this process' place; once."""
    if has_respawned():
        raise Exception("module has already been respawned")
    sys.stdout.flush()
    os.execve(interpreter_path, [interpreter_path, *sys.argv], {**os.environ, _MARK: "1"})


def probe_interpreters_for_module(interpreter_paths: Iterable[str], module_name: str) -> Optional[str]:
    """The first of these Pythons that can import the module."""
    for path in interpreter_paths:
        if os.path.exists(path):
            done = subprocess.run([path, "-c", f"import {module_name}"], capture_output=True, check=False)
            if done.returncode == 0:
                return path
    return None
