"""paramiko, imported when the first connection needs it, without the part of it that nobody here uses."""

from __future__ import annotations

import sys
import threading
from typing import Any

_lock = threading.Lock()


def paramiko() -> Any:
    """The module. `invoke`, which it would import for `Match exec` in its own reader of ssh_config, is a third of its cost: kept out."""
    with _lock:
        if "paramiko" in sys.modules or "invoke" in sys.modules:
            import paramiko

            _quiet()
            return paramiko
        sys.modules["invoke"] = None  # type: ignore[assignment]
        try:
            import paramiko
        finally:
            del sys.modules["invoke"]
        _quiet()
        return paramiko


def _quiet() -> None:
    """Its log shows tracebacks of what we tell in our own words."""
    import logging

    logger = logging.getLogger("paramiko")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
