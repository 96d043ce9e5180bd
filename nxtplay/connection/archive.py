"""Archives that hosts unpack (core.library)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Names and contents as an archive; core.library's `_unpack` tells the format."""
    out = bytearray()
    for name, content in files:
        encoded = name.encode()
        out += len(encoded).to_bytes(4, "big") + len(content).to_bytes(4, "big") + encoded + content
    return zlib.compress(bytes(out))
