"""Reporters: each is a consumer of the run's events; `close` ends it in any case, after an error as well."""

from __future__ import annotations

from typing import Protocol

from nxtplay.events import Event


class Reporter(Protocol):
    """Events arrive one after the other, already masked."""

    def emit(self, event: Event) -> None: ...

    def close(self) -> None: ...
