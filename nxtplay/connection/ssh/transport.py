"""Commands on a host by SSH: one authenticated transport per login, a channel per command."""

from __future__ import annotations

import io
import shlex
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nxtplay.connection.ssh import connect as connect_
from nxtplay.connection.ssh.connect import Login, Shared
from nxtplay.connection.ssh.keys import KeyRing
from nxtplay.connection.ssh.known_hosts import KnownHosts
from nxtplay.connection.ssh.library import paramiko
from nxtplay.connection.ssh.watched import WatchedSocket
from nxtplay.connection.streams import Streams
from nxtplay.errors import Unreachable

_TURN = 120  # seconds to wait for another thread that is connecting to the same place


@dataclass
class _Line:
    """One login's transport, and who uses it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    transport: Any = None
    socket: WatchedSocket | None = None
    users: int = 0


class Ssh:
    """All SSH of one run: transports shared by login, gateways among them; known hosts, keys and configuration read once."""

    def __init__(self) -> None:
        self._lines: dict[Login, _Line] = {}
        self._known: dict[tuple[str, ...], KnownHosts] = {}
        self._lock = threading.Lock()
        self._shared = Shared(KeyRing(), self._known_hosts, self._gateway)

    def transport(self, login: Login) -> SshTransport:
        """A way to run commands there; connects when the first one is run."""
        return SshTransport(self, login)

    def open(self, login: Login, *, join: bool, asking: tuple[str, ...] = ()) -> tuple[Any, WatchedSocket]:
        """The login's transport, connected where it is not; `join` counts one more user of it. Raises Unreachable."""
        with self._lock:
            line = self._lines.setdefault(login, _Line())
        if not line.lock.acquire(timeout=_TURN):
            raise Unreachable(f"{login.host}: still being connected by others after {_TURN} s")
        try:
            if line.transport is None or not line.transport.is_active():
                self._shut(line)
                line.transport, line.socket = connect_.connect(login, connect_.settings_of(login), self._shared, asking)
            line.users += join
            assert line.socket
            return line.transport, line.socket
        finally:
            line.lock.release()

    def is_open(self, login: Login) -> bool:
        line = self._lines.get(login)
        return line is not None and line.transport is not None and bool(line.transport.is_active())

    def leave(self, login: Login) -> None:
        """One user less; the last one closes the transport. Does not wait for a connection that is still being made."""
        line = self._lines.get(login)
        if line is None:
            return
        line.users -= 1
        if line.users <= 0:
            self._shut(line)

    def _shut(self, line: _Line) -> None:
        transport, line.transport = line.transport, None
        if line.socket is not None:
            line.socket.close()
        if transport is not None:
            transport.close()

    def _gateway(self, login: Login, asking: tuple[str, ...]) -> Any:
        try:
            return self.open(login, join=True, asking=asking)[0]
        except Unreachable as error:
            raise Unreachable(f"the gateway does not let us through: {error}") from error

    def _known_hosts(self, files: tuple[str, ...]) -> KnownHosts:
        with self._lock:
            if files not in self._known:
                self._known[files] = KnownHosts(files)
            return self._known[files]


class SshTransport:
    """One login's way to its host."""

    def __init__(self, ssh: Ssh, login: Login) -> None:
        self._ssh, self._login = ssh, login
        self._joined = self._closed = False
        self._lock = threading.Lock()
        settings = connect_.settings_of(login)
        self.place, self.user = connect_.place_of(settings), settings.user

    def run(self, command: Sequence[str] | str) -> Streams:
        text = command if isinstance(command, str) else shlex.join(command)
        with self._lock:
            join, self._joined = not self._joined, True
        try:
            transport, watched = self._ssh.open(self._login, join=join)
        except BaseException:
            if join:
                self._joined = False
            raise
        if self._closed:
            self.close()
            raise Unreachable(f"{self.place}: the connection was closed")
        try:
            return _Command(_channel(transport, text), watched)
        except (paramiko().SSHException, EOFError, OSError) as error:
            raise Unreachable(f"{self.place}: cannot run a command there: {watched.trouble or error}") from error

    def alive(self) -> bool:
        return self._ssh.is_open(self._login)

    def close(self) -> None:
        self._closed = True
        with self._lock:
            joined, self._joined = self._joined, False
        if joined:
            self._ssh.leave(self._login)


def _channel(transport: Any, command: str) -> Any:
    """A session that runs the command. What is written to it follows at once: nobody waits for the server's yes."""
    channel = transport.open_session(timeout=30)
    message = paramiko().Message()
    message.add_byte(b"\x62")
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command.encode("utf-8", "surrogateescape"))
    transport._send_user_message(message)
    return channel


class _Command:
    """A command behind a channel."""

    def __init__(self, channel: Any, watched: WatchedSocket) -> None:
        self._channel, self._watched = channel, watched
        self._ending = threading.Lock()
        self.stdin = _ChannelSink(channel)
        self.stdout = io.BufferedReader(_ChannelSource(channel), 1 << 16)

    def read_stderr(self) -> bytes:
        data: bytes = self._channel.recv_stderr(1 << 16)
        return data

    def wait(self, timeout: float) -> int | None:
        """-1 where the server did not say (a signal ended it, or the connection went away)."""
        channel = self._channel
        if not channel.status_event.is_set() and not (timeout and channel.status_event.wait(timeout)):
            return -1 if channel.closed else None
        return int(channel.exit_status)

    def end(self, *, kill: bool = False) -> None:
        """Close the channel, in a thread, because a peer that takes nothing would keep us waiting; our own readers wake at once.

        sshd passes the signal on to the command's process group, but not for root.
        """
        if self._ending.acquire(blocking=False):
            threading.Thread(target=self._close, args=(kill,), name="ending", daemon=True).start()

    def trouble(self) -> str:
        return self._watched.trouble

    def _close(self, kill: bool) -> None:
        try:
            if kill and not self._channel.status_event.is_set():
                message = paramiko().Message()
                message.add_byte(b"\x62")
                message.add_int(self._channel.remote_chanid)
                message.add_string("signal")
                message.add_boolean(False)
                message.add_string("KILL")
                self._channel.transport._send_user_message(message)
            self._channel.close()
        except (OSError, EOFError, paramiko().SSHException):
            pass


class _ChannelSink:
    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def write(self, data: bytes, /) -> None:
        try:
            self._channel.sendall(data)
        except EOFError as error:
            raise ConnectionResetError("the connection was lost") from error


class _ChannelSource(io.RawIOBase):
    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._channel.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)
