"""A stream that lines are written to, with a few live lines at its end that are redrawn where it is a terminal."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from nxtplay.report.text import fit


class Screen:
    """`tick` is called some times a second (live) or every few seconds, with the lock held; a live one then calls `draw`.

    Whoever changes what `tick` reads holds `lock`. A reader that goes away (`| head`) ends the output, not the run.
    """

    def __init__(self, stream: TextIO, *, live: bool, tick: Callable[[], None], interval: float = 0.0) -> None:
        self.lock = threading.RLock()
        self.live = live
        self._stream = stream
        self._tick = tick
        self._interval = interval or (0.1 if live else 5.0)
        self._drawn: list[str] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._paused = False
        self._gone = False

    def wake(self) -> None:
        """From now on `tick` is called."""
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
            self._thread.start()

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            found = os.get_terminal_size(self._stream.fileno())
            return found.columns or 80, found.lines or 24
        except (OSError, ValueError):
            return 80, 24

    def write(self, text: str) -> None:
        """Lines that stay; `text` ends with a line end."""
        with self.lock:
            live = self._drawn
            self._put(self._erased() + text + self._region(live))

    def draw(self, lines: Sequence[str]) -> None:
        """The live lines, instead of those drawn before. Each holds plain text only (they are cut to the width)."""
        with self.lock:
            if not self._paused and (lines or self._drawn):
                self._put(self._erased() + self._region(lines))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """No live lines inside, so that somebody can be asked something."""
        with self.lock:
            self._put(self._erased())
            self._paused = True
        try:
            yield
        finally:
            with self.lock:
                self._paused = False

    def close(self) -> None:
        """The live lines go, what was written stays. Nothing ticks afterwards."""
        self._stop.set()
        with self.lock:
            self._put(self._erased())
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            with self.lock:
                if not self._stop.is_set():
                    self._tick()

    def _erased(self) -> str:
        lines, self._drawn = self._drawn, []
        if not lines:
            return ""
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        return f"\r{up}\x1b[J"

    def _region(self, lines: Sequence[str]) -> str:
        columns, rows = self.size()
        self._drawn = [fit(line, columns - 1) for line in lines[-max(1, rows - 2) :]] if not self._paused else []
        return "\n".join(self._drawn)

    def _put(self, text: str) -> None:
        if not text or self._gone:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # ValueError: the stream was closed
            self._gone = True
