"""Report files are written whole, or left as they were."""

from __future__ import annotations

import contextlib
import os
import tempfile


def write(path: str, text: str) -> None:
    """Replace the file at once; OSError when that cannot be done."""
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(os.path.abspath(path)), delete=False, encoding="utf-8") as stream:
        try:
            stream.write(text)
            os.chmod(stream.name, 0o644)
            os.replace(stream.name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(stream.name)
            raise
