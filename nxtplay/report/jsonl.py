"""One JSON object per event and line, for programs. `at` is the wall clock in seconds since 1970."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TextIO

from nxtplay.events import Event


class JsonLines:
    """A reporter; each line is flushed, so that a reader follows the run."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._clock = clock
        self._gone = False

    def emit(self, event: Event) -> None:
        """See Reporter."""
        if self._gone:
            return
        line = json.dumps({**event.as_dict(), "at": round(self._clock(), 3)}, allow_nan=False)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # the reader went away: the run goes on
            self._gone = True

    def close(self) -> None:
        """See Reporter."""
