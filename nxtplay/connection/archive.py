"""Archives that hosts keep and import from; core.library tells the format."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Names and contents as an archive."""
    index: dict[str, tuple[int, int]] = {}
    contents = bytearray()
    for name, content in files:
        packed = zlib.compress(content)
        index[name] = len(contents), len(packed)
        contents += packed
    head = json.dumps(index, separators=(",", ":")).encode("ascii")
    return len(head).to_bytes(4, "big") + head + contents
