"""wait_for: until a port or a path is as wanted."""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Literal, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg, exclusive
from nxtplay.core.state import UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _files, _sockets


class WaitFor(Query):
    """Wait until a port answers or is closed, a file is there or gone, or a text shows in either."""

    private = False
    rules = (exclusive("port", "path"),)

    host: str = arg("127.0.0.1", help="Name or address to connect to.")
    port: int | None = arg(None, help="Port to wait for.")
    path: Path | None = arg(None, help="Path to wait for.")
    state: Literal["started", "present", "stopped", "absent", "drained"] = arg(
        "started", help="started, present: there; stopped, absent: gone; drained: no connection is left on the port."
    )
    timeout: int = arg(300, help="Seconds to wait at most.")
    delay: int = arg(0, help="Seconds to wait before the first look.")
    sleep: int = arg(1, help="Seconds between two looks.")
    connect_timeout: int = arg(5, help="Seconds for one connection attempt.")
    search_regex: str | None = arg(None, help="An expression that the file, or what the port sends, has to match.")
    active_connection_states: list[str] = arg(
        default_factory=lambda: ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"],
        help="TCP states that count as a connection for drained.",
    )
    exclude_hosts: list[str] = arg(default_factory=list, help="Addresses whose connections do not count for drained.")
    msg: str | None = arg(None, help="The message when the time is over.")

    def look(self, host: Reader) -> dict[str, Any]:
        began = time.monotonic()
        look, what = self._condition(host)
        pending = host.pending()  # in a check that has something ahead of it there is no use in waiting for it to come
        time.sleep(0 if pending else self.delay + (0 if look else self.timeout))
        while True:
            found = look() if look else None
            if found is not None:
                return {"elapsed": int(time.monotonic() - began), "state": self.state, "port": self.port, "path": self.path,
                        "search_regex": self.search_regex, "match_groups": [], "match_groupdict": {}, **found}  # fmt: skip
            if look is not None and pending is not None:
                raise UnknownReached(pending)
            left = self.timeout - (time.monotonic() - began)
            if look is None:
                return {"elapsed": int(time.monotonic() - began), "state": self.state, "port": None, "path": None, "search_regex": None,
                        "match_groups": [], "match_groupdict": {}}  # fmt: skip
            if left <= 0:
                raise Failed(self.msg or f"Timeout when waiting for {what}", elapsed=int(time.monotonic() - began))
            host.progress(f"waiting for {what} since {int(time.monotonic() - began)} s")
            time.sleep(min(self.sleep if self.sleep > 0 else 0.1, left))

    def _condition(self, host: Reader) -> tuple[Optional[Callable[[], Optional[dict[str, Any]]]], str]:
        """What to look for, and what is said when it does not come. The look gives further result fields, or None for not yet."""
        gone = self.state in ("stopped", "absent")
        if self.state == "drained" and self.port is None:
            raise Failed("state: drained needs port")
        if self.path is not None:
            path = _files.host_path(self.path)
            what = f"{path} to be absent." if gone else self._searched(path) if self.search_regex else f"file {path}"
            return lambda: self._path(host, path, gone), what
        if self.port is None:
            return None, ""
        place = f"{self.host}:{self.port}"
        if self.state == "drained":
            return self._drained, f"{place} to drain"
        if gone:
            return lambda: None if self._connect() is not None else {}, f"{place} to stop."
        return self._connect, self._searched(place) if self.search_regex else place

    def _searched(self, place: str) -> str:
        return f"search string {self.search_regex} in {place}"

    def _path(self, host: Reader, path: str, gone: bool) -> Optional[dict[str, Any]]:
        there = host.exists(path)
        if gone:
            return None if there else {}
        if not there:
            return None
        told = _files.facts_of(host.stat(path, follow=True))
        if self.search_regex is None:
            return told
        try:
            found = self._match(host.read(path))
            return None if found is None else {**told, **found}
        except Failed:
            return None

    def _connect(self) -> Optional[dict[str, Any]]:
        import socket

        try:
            with socket.create_connection((self.host, self.port or 0), timeout=self.connect_timeout) as connection:
                return {} if self.search_regex is None else self._received(connection)
        except OSError:
            return None

    def _received(self, connection: Any) -> Optional[dict[str, Any]]:
        data, end = b"", time.monotonic() + self.connect_timeout
        connection.settimeout(0.5)
        while time.monotonic() < end:
            try:
                chunk = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:  # socket.timeout is an OSError of its own before Python 3.10
                chunk = b"" if time.monotonic() > end else None
                if chunk is None:
                    continue
            if not chunk:
                break
            data += chunk
            found = self._match(data)
            if found is not None:
                return found
        return None

    def _match(self, data: bytes) -> Optional[dict[str, Any]]:
        try:
            found = re.search(self.search_regex or "", data.decode("utf-8", "replace"), re.MULTILINE)
        except re.error as error:
            raise Failed(f"search_regex: '{self.search_regex}' is no regular expression: {error}") from None
        return {"match_groups": list(found.groups()), "match_groupdict": found.groupdict()} if found else None

    def _drained(self) -> Optional[dict[str, Any]]:
        wrong = [s for s in self.active_connection_states if s not in _sockets.STATES]
        if wrong:
            raise Failed(f"active_connection_states: {wrong[0]} is no TCP state; legal are {', '.join(sorted(_sockets.STATES))}")
        states = {_sockets.STATES[s] for s in self.active_connection_states}
        for entry in _sockets.entries():
            if entry.port == self.port and entry.state in states and entry.peer not in self.exclude_hosts:
                return None
        return {}
