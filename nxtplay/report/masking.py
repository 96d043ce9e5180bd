"""Secrets never reach a reporter: every text of every event is searched for them, in all the forms they travel in."""

from __future__ import annotations

import base64
import bisect
import dataclasses
import json
import re
import shlex
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from nxtplay.core.state import Secret, Unknown, public
from nxtplay.errors import Diagnostic, Span
from nxtplay.events import Emit, Event, Finished, RunFinished, TaskOutput

MASK = "********"
SHORTEST = 4  # shorter texts would mask half of every page
_LINE = 12  # lines of a longer secret (a private key) count as secrets from this length on


def forms(secret: str) -> set[str]:
    """How a secret may look in output: itself and encoded for JSON, shells, URLs, Python, and in base64 at any alignment."""
    from urllib.parse import quote, quote_plus

    data = secret.encode("utf-8", "surrogateescape")
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], repr(data)[2:-1]}
    found |= {shlex.quote(secret)} if "'" in secret else set()
    found |= {secret.replace("'", "'\\''"), re.sub(r"([^\w@%+=:,./-])", r"\\\1", secret), secret.replace("\n", "\r\n")}
    try:
        encoded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    except UnicodeEncodeError:  # bytes that are no text
        encoded = set()
    found |= encoded | {re.sub("%..", lambda m: m[0].lower(), text) for text in encoded}
    for text in _base64(data):
        found |= {text, text.replace("+", "-").replace("/", "_"), quote(text, safe="")}
    return {form for form in found if len(form) >= SHORTEST}


def _base64(data: bytes) -> Iterable[str]:
    """The part of the encoding that depends on `data` alone, for each of the three alignments it may have inside a longer text."""
    yield base64.b64encode(data).decode()
    yield base64.b64encode(data + b"\n").decode()
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + data).decode()
        first = -(-lead * 8 // 6)
        last = (lead + len(data)) * 8 // 6
        if last - first >= 8:
            yield text[first:last]


class Masker:
    """Holds the secrets of a run. `register` may be called from any thread, at any time; it counts from then on."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._sorted: list[str] = []
        self._held: dict[tuple[str, str], str] = {}  # streams' tails that may be the beginning of a secret
        for secret in secrets:
            self.register(secret)

    def register(self, secret: str) -> None:
        """From now on no event shows this text. Texts of fewer than SHORTEST characters cannot be masked and are left."""
        secret = str.__str__(secret)
        if secret in self._known:
            return
        with self._lock:
            self._known.add(secret)
            whole = {secret, secret.strip()}
            whole |= {line for line in secret.splitlines() if len(line) >= _LINE and not line.startswith("-----")}
            for text in whole:
                if len(text) >= SHORTEST:
                    self._forms |= forms(text)
            self._pattern = None

    def text(self, text: str) -> str:
        """The text without secrets."""
        pattern = self._compiled()
        return pattern.sub(MASK, text) if pattern else text

    def value(self, value: Any) -> Any:
        """The value with every text in it masked; states become plain mappings, unknown values stay unknown."""
        kind = type(value)  # first what nearly everything is made of
        if kind is str:
            return self.text(value)
        if kind is dict:
            return {self.value(key) if isinstance(key, str) else key: self.value(item) for key, item in value.items()}
        if kind is list:
            if self._compiled() is None:  # a command's lines, tens of thousands of them
                return [item if type(item) is str else self.value(item) for item in value]
            return [self.value(item) for item in value]
        if isinstance(value, str):
            if isinstance(value, Secret):
                self.register(value)
                return Secret(MASK)
            return self.text(str.__str__(value))
        if isinstance(value, Unknown):
            return Unknown(self.text(value.reason))
        if value is None or isinstance(value, (bool, Span)):
            return value
        if isinstance(value, (int, float)):
            return MASK if self._forms and str(value) in self._known else value
        if isinstance(value, Mapping):
            return {self.value(key) if isinstance(key, str) else key: self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self.value(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, (set, frozenset)):
            return frozenset(self.value(item) for item in value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._record(value)
        return self.text(str(value))

    def _record(self, value: Any) -> Any:
        if hasattr(value, "__public__"):
            return self.value(public(value))
        held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        if type(value).__module__ not in _OURS:
            return {name: self.value(item) for name, item in held.items()}
        foreign = {name: item for name, item in held.items() if name not in _WORDS and not isinstance(item, (int, float))}
        return dataclasses.replace(value, **{name: self.value(item) for name, item in foreign.items()})

    def event(self, event: Event) -> list[Event]:
        """What may be passed on instead: usually one event; a piece of output may be held back, or come with an earlier one."""
        if isinstance(event, TaskOutput):
            safe = self._stream((event.id, event.host), event.text)
            return [dataclasses.replace(event, text=safe)] if safe else []
        out: list[Event] = []
        if isinstance(event, Finished):
            out += self._release((event.id, event.host))
            for secret in _secrets((event.result, event.changes)):
                self.register(secret)
        elif isinstance(event, RunFinished):
            for stream in list(self._held):
                out += self._release(stream)
        return [*out, self.value(event)]

    def guard(self, emit: Emit) -> Emit:
        """`emit` that sees masked events alone."""

        def masked(event: Event) -> None:
            for safe in self.event(event):
                emit(safe)

        return masked

    def _stream(self, stream: tuple[str, str], text: str) -> str:
        """The part of a stream that can be shown now: what might be the start of a secret waits for the next piece."""
        text = self._held.pop(stream, "") + text
        pattern = self._compiled()
        if pattern is None:
            return text
        longest = max(map(len, self._sorted))
        cut = next((at for at in range(max(0, len(text) - longest), len(text)) if self._begins(text[at:])), len(text))
        for match in pattern.finditer(text):
            if match.start() < cut < match.end():
                cut = match.start()
        if cut < len(text):
            self._held[stream] = text[cut:]
        return pattern.sub(MASK, text[:cut])

    def _begins(self, text: str) -> bool:
        """Whether more text could make this a secret."""
        place = bisect.bisect_right(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)

    def _release(self, stream: tuple[str, str]) -> list[Event]:
        left = self._held.pop(stream, "")
        return [TaskOutput(*stream, self.text(left))] if left else []

    def _compiled(self) -> re.Pattern[str] | None:
        if self._pattern is None and self._forms:
            with self._lock:
                self._sorted = sorted(self._forms)
                longest_first = sorted(self._sorted, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern


_OURS = frozenset((Event.__module__, Diagnostic.__module__, "nxtplay.core.state"))
_WORDS = frozenset(("host", "hosts", "id", "level", "module", "severity", "status"))  # of the language, not of the user


_PLAIN = frozenset((str, bool, int, float, type(None), Span))


def _secrets(value: Any) -> Iterable[str]:
    """Secrets inside a value, so that they are known before the rest of it is masked."""
    if type(value) in _PLAIN:
        return
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) not in _PLAIN:
                yield from _secrets(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for f in dataclasses.fields(value):
            yield from _secrets(getattr(value, f.name))
