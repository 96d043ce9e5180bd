"""`ansible.module_utils.facts.utils`, as modules use it."""

from __future__ import annotations

import os
from typing import Any, Optional


def get_file_content(path: str, default: Any = None, strip: bool = True) -> Any:
    """What a file holds, `default` where it cannot be read or holds nothing."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read()
    except OSError:
        return default
    return (text.strip() if strip else text) or default


def get_file_lines(path: str, strip: bool = True, line_sep: Optional[str] = None) -> list[str]:
    text = get_file_content(path, strip=strip) or ""
    return text.splitlines() if line_sep is None else text.rstrip(line_sep).split(line_sep) if text else []


def get_mount_size(mountpoint: str) -> dict[str, int]:
    """How large a file system is and what is left of it; {} where it cannot be asked."""
    try:
        found = os.statvfs(mountpoint)
    except OSError:
        return {}
    return {
        "size_total": found.f_frsize * found.f_blocks,
        "size_available": found.f_frsize * found.f_bavail,
        "block_size": found.f_bsize,
        "block_total": found.f_blocks,
        "block_available": found.f_bavail,
        "block_used": found.f_blocks - found.f_bavail,
        "inode_total": found.f_files,
        "inode_available": found.f_favail,
        "inode_used": found.f_files - found.f_favail,
    }
