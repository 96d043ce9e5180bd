"""How an agent starts: the command to run, and the archive for hosts that do not have it yet."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import nxtplay
from nxtplay.core import library

ROOT = Path(nxtplay.__file__).parent
MISSING = b"\0nxtplay?\0"  # the host says: send the archive

_BOOT = """
import sys
if sys.version_info < (3, 9):
    sys.exit("nxtplay: Python 3.9 or newer is needed, this is " + sys.version.split()[0])
def _take(n):
    b = b""
    while len(b) < n:
        c = os.read(0, n - len(b))
        if not c:
            sys.exit(1)
        b += c
    return b
if not activate({digest!r}):
    os.write(1, {missing!r})
    install({digest!r}, _take(int.from_bytes(_take(4), "big")))
from nxtplay.core.agent import main
main()
"""

_FIND = (
    'code=$1; shift; for p in "$@"; do q=$(command -v "$p" 2>/dev/null) && [ -x "$q" ] && exec "$q" -IS -c "$code"; done; '
    "echo nxtplay: no Python 3 found >&2; exit 127"
)
PYTHONS = ("python3", "/usr/bin/python3", "/usr/local/bin/python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9")


def here(interpreter: str) -> list[str]:
    """The agent from this very installation: for the machine and the user we run as."""
    code = f"import sys;sys.path.insert(0,{str(ROOT.parent)!r});from nxtplay.core.agent import main;main()"
    return [interpreter, "-IS", "-c", code]


def anywhere(interpreters: Sequence[str]) -> list[str]:
    """The agent from the cache of a user who may not have it yet (then MISSING comes first), by the first Python found there."""
    code = Path(library.__file__).read_text(encoding="utf-8") + _BOOT.format(digest=digest(), missing=MISSING)
    return ["/bin/sh", "-c", _FIND, "nxtplay", code, *interpreters]


@cache
def _files() -> tuple[tuple[str, Path], ...]:
    found = [ROOT / "__init__.py", *(ROOT / "core").rglob("*.py"), *(ROOT / "modules").rglob("*.py")]
    return tuple(sorted((os.path.relpath(path, ROOT.parent), path) for path in found))


@cache
def digest() -> str:
    """Names the archive by what is in it."""
    found = hashlib.sha256()
    for name, path in _files():
        found.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"agent-{found.hexdigest()[:20]}"


@cache
def archive() -> bytes:
    """The agent and all modules: a length and a zip, as the boot code takes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in _files():
            packed.write(path, name)
    data = out.getvalue()
    return len(data).to_bytes(4, "big") + data
