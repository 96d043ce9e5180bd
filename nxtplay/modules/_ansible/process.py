"""`ansible.module_utils.common.process`."""

from __future__ import annotations

import os
import shutil
from typing import Any, Optional


def get_bin_path(arg: str, opt_dirs: Optional[list[str]] = None, required: Any = None) -> str:
    """A program's path. ValueError where there is none."""
    places = [*(opt_dirs or ()), *os.environ.get("PATH", "").split(os.pathsep), "/sbin", "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(arg, path=os.pathsep.join(place for place in places if place))
    if found is None:
        raise ValueError(f'Failed to find required executable "{arg}" in paths: {os.pathsep.join(places)}')
    return found
