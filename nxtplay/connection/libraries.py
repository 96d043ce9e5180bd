"""Pure-Python distributions packed for hosts, from this installation's own."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib import metadata
from pathlib import Path

from nxtplay.connection.archive import pack
from nxtplay.errors import NxtplayError

_KEEP = (".py", ".pem", ".json", ".txt")


@cache
def digest(name: str) -> str:
    """A hash of the distribution and all it requires, without reading their files (RECORD has their hashes)."""
    found = hashlib.sha256()
    for distribution in _closure(name):
        found.update((distribution.read_text("RECORD") or distribution.version).encode())
    return f"{re.sub('[^a-z0-9]', '', name.lower())}-{found.hexdigest()[:20]}"


@cache
def archive(name: str) -> bytes:
    """The distribution and all it requires; compiled parts and their own tests stay behind."""
    found: dict[str, bytes] = {}
    for distribution in _closure(name):
        for file in distribution.files or ():
            text = str(file)
            if ".." in text or "/tests/" in text or not (text.endswith(_KEEP) or text.endswith("METADATA")):
                continue
            found[text] = Path(str(file.locate())).read_bytes()
    return pack(found.items())


def _closure(name: str) -> list[metadata.Distribution]:
    """The distribution and what it requires, sorted by name; extras and what is not installed are left out."""
    found: dict[str, metadata.Distribution] = {}
    wanted = [name]
    while wanted:
        one = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if one in found:
            continue
        try:
            found[one] = metadata.distribution(one)
        except metadata.PackageNotFoundError:
            if one == name:
                raise NxtplayError(f"a module needs the Python distribution '{name}' beside nxtplay: pip install {name}") from None
            continue
        for requirement in found[one].requires or ():
            head, _, marker = requirement.partition(";")
            if "extra" in marker:
                continue
            matched = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", head)
            if matched:
                wanted.append(matched.group(1))
    return [found[one] for one in sorted(found)]
