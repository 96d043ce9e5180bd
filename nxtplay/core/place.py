"""Where relative paths start: the directory of the agent's process, or, where the agent is a thread among others, one of its own."""

from __future__ import annotations

import os
import threading
from typing import Optional

_own = threading.local()


def settle(directory: Optional[str]) -> None:
    """Relative paths of this thread start there from now on; None: where those of the process do."""
    _own.directory = directory


def own() -> Optional[str]:
    """This thread's directory, None where it has none of its own."""
    directory: Optional[str] = getattr(_own, "directory", None)
    return directory


def here() -> str:
    return own() or os.getcwd()
