"""How an agent starts: the command to run, and the archive for hosts that do not have it yet."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import nxtplay
from nxtplay.connection.archive import pack
from nxtplay.core import library, wire

ROOT = Path(nxtplay.__file__).parent
MISSING = b"\0nxtplay?\0"  # the host says: send the archive
NO_PYTHON = "nxtplay: no Python"  # how the message of a host without one begins

# Any Python, even 2.7, must understand this: it hands over to the next candidate when it is too old itself.
_CHECK = """
import os
if sys.version_info < (3, 9):
    for at in range(2, len(sys.argv)):
        try:
            os.execvp(sys.argv[at], [sys.argv[at], "-IS", "-c", {stage!r}, sys.argv[1]] + sys.argv[at + 1:])
        except OSError:
            pass
    sys.stderr.write("nxtplay: no Python 3.9 or newer, the last one tried is " + sys.version.split()[0] + "\\n")
    sys.exit(127)
exec({source!r}, {{"__name__": "__main__"}})
"""

# Requests may come before the archive: they were sent without waiting for this host's word that it needs one.
_BOOT = """
def _take(n):
    b = b""
    while len(b) < n:
        c = os.read(0, n - len(b))
        if not c:
            sys.exit(1)
        b += c
    return b
early = b""
if not activate({digest!r}):
    os.write(1, {missing!r})
    while True:
        head = _take(8)
        body = _take(int.from_bytes(head[:4], "big"))
        tail = _take(int.from_bytes(head[4:], "big"))
        if body == {archive!r}:
            break
        early += head + body + tail
    install({digest!r}, tail)
from nxtplay.core.agent import main
from nxtplay.modules.registry import load
main(load, early)
"""
_ARCHIVE = {"op": "archive"}
_working = threading.RLock()  # what all hosts are sent is made once, however many are connected at the same time

# No quote, backslash, exclamation mark or line end in any of the words: then every login shell reads them alike (sh, fish, csh).
_STAGE = "import sys,zlib,binascii;exec(zlib.decompress(binascii.a2b_base64(sys.argv[1])))"
_FIND = (
    'stage=$1; code=$2; shift 2; while [ $# -gt 0 ]; do q=$(command -v "$1" 2>/dev/null); shift; '
    'if [ -n "$q" ] && [ -x "$q" ]; then exec "$q" -IS -c "$stage" "$code" "$@"; fi; done; '
    "m=; for p in apt-get dnf yum apk zypper pacman; do command -v $p >/dev/null 2>&1 && m=$p && break; done; "
    f'echo "{NO_PYTHON} ($m)" >&2; exit 127'
)
PYTHONS = ("python3", "/usr/bin/python3", "/usr/local/bin/python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9")
_INSTALL = {
    "apt-get": "apt-get install -y python3-minimal",
    "apk": "apk add python3",
    "pacman": "pacman -S --noconfirm python",
}


def here(interpreter: str) -> list[str]:
    """The agent from this very installation: for the machine and the user we run as."""
    paths = f"import sys;sys.path.insert(0,{str(ROOT.parent)!r})"
    code = f"{paths};from nxtplay.core.agent import main;from nxtplay.modules.registry import load;main(load)"
    return [interpreter, "-IS", "-c", code]


def anywhere(interpreters: Sequence[str]) -> list[str]:
    """The agent from the cache of a user who may not have it yet (then MISSING comes first), by the first Python found there."""
    with _working:
        return ["/bin/sh", "-c", _FIND, "nxtplay", _STAGE, _code(), *interpreters]


@cache
def _code() -> str:
    boot = _BOOT.format(digest=digest(), missing=MISSING, archive=wire.pack(_ARCHIVE)[wire.HEAD.size :])
    source = Path(library.__file__).read_text(encoding="utf-8") + boot
    return base64.b64encode(zlib.compress(_CHECK.format(stage=_STAGE, source=source).encode(), 9)).decode("ascii")


def no_python(stderr: str, wanted: str | None) -> tuple[str, str] | None:
    """What to tell when no usable Python was found: the message and what to type; None when that was not it."""
    at = stderr.find(NO_PYTHON)
    if at < 0:
        return None
    line = stderr[at:].splitlines()[0]
    if "3.9 or newer" in line:
        found = line.rsplit(" ", 1)[-1]
        return f"Python there is {found}; 3.9 or newer is needed", "install a newer python3, or name one: ansible_python_interpreter"
    manager = line.partition("(")[2].rstrip(")")
    command = _INSTALL.get(manager, f"{manager} install -y python3") if manager else ""
    if wanted:
        return f"there is no {wanted}, which ansible_python_interpreter names", "mend or remove the variable"
    if not command:
        return "no Python 3 was found there", "install the package python3, or name one: ansible_python_interpreter"
    return "no Python 3 was found there", f"as root there: {command}; a first task can do it, without gathering facts: raw: {command}"


@cache
def _files() -> tuple[tuple[str, bytes], ...]:
    """Names in the archive and contents."""
    found = [str(ROOT / "__init__.py")]
    for folder in ("core", "modules"):
        for place, _, names in os.walk(ROOT / folder):
            found += [os.path.join(place, name) for name in names if name.endswith(".py")]
    return tuple((os.path.relpath(path, ROOT.parent), Path(path).read_bytes()) for path in sorted(found))


@cache
def digest() -> str:
    """Names the archive by what is in it."""
    found = hashlib.sha256()
    for name, content in _files():
        found.update(name.encode() + b"\0" + content + b"\0")
    return f"agent-{found.hexdigest()[:20]}"


def archive() -> bytes:
    """The agent and all modules: a frame with an archive in its tail, as the boot code takes it."""
    with _working:
        return _archive()


@cache
def _archive() -> bytes:
    return wire.pack(_ARCHIVE, pack(_files()))
