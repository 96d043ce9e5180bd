"""Filters on file names."""

from __future__ import annotations

import glob
import ntpath
import os
from collections.abc import Callable
from typing import Any


def path_join(value: Any) -> str:
    return os.path.join(value) if isinstance(value, str) else os.path.join(*value)


def relpath(value: str, start: str = ".") -> str:
    return os.path.relpath(value, start)


def splitext(value: str) -> list[str]:
    return list(os.path.splitext(value))


def fileglob(pattern: str) -> list[str]:
    return [found for found in glob.glob(pattern) if os.path.isfile(found)]


def commonpath(value: Any) -> str:
    return os.path.commonpath([str(each) for each in value])


def win_splitdrive(value: str) -> list[str]:
    return list(ntpath.splitdrive(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "basename": os.path.basename,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "realpath": os.path.realpath,
    "normpath": os.path.normpath,
    "relpath": relpath,
    "splitext": splitext,
    "path_join": path_join,
    "fileglob": fileglob,
    "commonpath": commonpath,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": win_splitdrive,
}
