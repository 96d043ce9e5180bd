"""Commands in containers: the arguments that they have in common, and the talk with one over the engine's hijacked connection."""

from __future__ import annotations

import shlex
import socket as socket_
import struct
from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Host
from nxtplay.core.resource import Args, arg


class CommandOptions(Args):
    """What to run, as whom, and what it is given."""

    argv: list[str] = arg(default_factory=list, help="The command as a list of words.")
    command: Optional[str] = arg(None, help="The command as text; split into words, no shell.")
    chdir: Optional[str] = arg(None, help="Folder to run in.")
    detach: bool = arg(False, help="Do not wait for the end.")
    user: Optional[str] = arg(None, help="User, or UID.")
    stdin: Optional[str] = arg(None, help="Text for its standard input.")
    stdin_add_newline: bool = arg(True, help="End `stdin` with a line end.")
    strip_empty_ends: bool = arg(True, help="Take line ends off the end of stdout and stderr.")
    env: dict[str, str] = arg(default_factory=dict, help="Environment variables.")

    def words(self) -> list[str]:
        return self.argv or shlex.split(self.command or "")

    def input(self) -> Optional[bytes]:
        """What its standard input gets. Failed where nobody would wait to send it."""
        if self.stdin is None:
            return None
        if self.detach:
            raise Failed("`stdin` cannot be given to a command that is not waited for; leave out `detach`")
        end = "\n" if self.stdin_add_newline and not self.stdin.endswith("\n") else ""
        return (self.stdin + end).encode("utf-8", "surrogateescape")

    def told(self, where: str, ended: tuple[int, bytes, bytes]) -> dict[str, Any]:
        """What is registered of (exit code, stdout, stderr). Failed for any code but 0."""
        rc, out, err = ended
        result: dict[str, Any] = {"rc": rc, "stdout": self._text(out), "stderr": self._text(err)}
        result["stdout_lines"], result["stderr_lines"] = result["stdout"].splitlines(), result["stderr"].splitlines()
        if rc != 0:
            said = result["stderr"] or result["stdout"]
            raise Failed(f"the command in {where} ended with {rc}: {said[-2000:]}", changed=True, **result)
        return result

    def _text(self, data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        return text.rstrip("\r\n") if self.strip_empty_ends else text


def execute(
    api: Any,
    options: CommandOptions,
    container: str,
    words: Sequence[str],
    stdin: Optional[bytes],
    host: Optional[Host],
    *,
    tty: bool = False,
    privileged: bool = False,
) -> tuple[int, bytes, bytes]:
    """Run it in a running container; (exit code, stdout, stderr). The last line shows as progress."""
    identity = _create(api, options, container, words, tty=tty, privileged=privileged, stdin=stdin is not None)
    connection = api.exec_start(identity, tty=tty, socket=True)
    out, err = capture(connection, stdin, host, tty=tty, name=container)
    code = api.exec_inspect(identity).get("ExitCode")
    return (code if code is not None else -1), out, err


def detach(api: Any, options: CommandOptions, container: str, *, tty: bool = False, privileged: bool = False) -> str:
    """Start it in a running container and leave it alone; its id."""
    identity = _create(api, options, container, options.words(), tty=tty, privileged=privileged, stdin=False)
    api.exec_start(identity, detach=True)
    return identity


def _create(api: Any, options: CommandOptions, container: str, words: Sequence[str], *, tty: bool, privileged: bool, stdin: bool) -> str:
    identity: str = api.exec_create(
        container, list(words), stdin=stdin, tty=tty, user=options.user or "", environment=options.env or None, workdir=options.chdir,
        privileged=privileged,
    )["Id"]  # fmt: skip
    return identity


def capture(connection: Any, stdin: Optional[bytes], host: Optional[Host], *, tty: bool, name: str) -> tuple[bytes, bytes]:
    """(stdout, stderr) of what talks at the other end of a hijacked connection, to its end."""
    out, err = bytearray(), bytearray()

    def take(number: int, data: bytes) -> None:
        (err if number == 2 else out).extend(data)
        line = data.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if host is not None and line:
            host.progress(f"{name}: {line}"[:160])

    try:
        _talk(connection, stdin, tty, take)
    finally:
        connection.close()
    return bytes(out), bytes(err)


def _talk(connection: Any, stdin: Optional[bytes], tty: bool, take: Any) -> None:
    """Send stdin over the hijacked connection, then read the multiplexed answer to its end."""
    sock = getattr(connection, "_sock", connection)
    if hasattr(sock, "settimeout"):
        sock.settimeout(None)  # a command may be silent for long
    if stdin is not None:
        sock.sendall(stdin)
        sock.shutdown(socket_.SHUT_WR)
    read = _reader(connection, sock)
    if tty:
        for chunk in iter(lambda: read(65536, whole=False), b""):
            take(1, chunk)
        return
    while True:
        head = read(8)
        if len(head) < 8:
            return
        number, size = struct.unpack(">BxxxL", head)
        take(number, read(size))


def _reader(connection: Any, sock: Any) -> Any:
    """`read(size, whole=True)`: the next bytes, so many or (not `whole`) some. What the engine said right behind the head of its answer
    was read together with it and waits in the response; the SDK's own reader looks at the socket alone and loses that."""
    response = getattr(connection, "_response", None)
    buffered = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)

    def read(size: int, *, whole: bool = True) -> bytes:
        if buffered is not None:
            return bytes(buffered.read(size) if whole else buffered.read1(size))
        data = b""
        while len(data) < size:
            chunk = sock.recv(size - len(data))
            data += chunk
            if not chunk or not whole:
                break
        return data

    return read
