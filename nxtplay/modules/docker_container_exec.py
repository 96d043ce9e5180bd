"""docker_container_exec: a command inside a running container."""

from __future__ import annotations

import shlex
import socket as socket_
import struct
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg, exclusive, one_of
from nxtplay.modules import _docker


class DockerContainerExec(_docker.DockerOptions, Action):
    """Run a command in a running container. A command that ends with anything but 0 fails the task."""

    libraries = ("docker",)
    private = False
    rules = (one_of("argv", "command"), exclusive("argv", "command"))

    container: str = arg(help="Name or id of the container.", key=True)
    argv: list[str] = arg(default_factory=list, help="The command as a list of words.")
    command: Optional[str] = arg(None, help="The command as text; split into words, no shell.")
    chdir: Optional[str] = arg(None, help="Folder to run in.")
    detach: bool = arg(False, help="Do not wait for the end.")
    user: Optional[str] = arg(None, help="User, or UID.")
    stdin: Optional[str] = arg(None, help="Text for its standard input.")
    stdin_add_newline: bool = arg(True, help="End `stdin` with a line end.")
    strip_empty_ends: bool = arg(True, help="Take line ends off the end of stdout and stderr.")
    tty: bool = arg(False, help="Give it a terminal.")
    env: dict[str, str] = arg(default_factory=dict, help="Environment variables.")
    unless: Optional[str] = arg(None, help="A command that only looks; when it ends with 0 in the container, nothing is done.")

    def _words(self) -> list[str]:
        return self.argv or shlex.split(self.command or "")

    def _check(self, host: Reader, api: Any) -> None:
        found = _docker.inspect_container(api, self.container)
        if found is None:
            raise Failed(f"no container {self.container}; `docker ps -a` lists what is there")
        if not found["State"].get("Running"):
            raise Failed(f"container {self.container} does not run ({found['State'].get('Status')}); start it first")

    def due(self, host: Reader) -> Optional[str]:
        key = f"container:{self.container}"
        if host.has_foreseen(key):
            if host.promised(key) is None:
                raise Failed(f"container {self.container} would be gone by then")
            return "always"
        with _docker.engine(host, self) as api:
            self._check(host, api)
            if self.unless:
                done = _execute(api, self, shlex.split(self.unless), None, None)
                return None if done[0] == 0 else f"`{self.unless}` ended with {done[0]}"
        return "always"

    def certain(self) -> bool:
        return self.unless is None

    def foresee(self, host: Reader) -> list[tuple[str, Any]]:
        return []

    def perform(self, host: Host) -> dict[str, Any]:
        stdin = None
        if self.stdin is not None:
            end = "\n" if self.stdin_add_newline and not self.stdin.endswith("\n") else ""
            stdin = (self.stdin + end).encode("utf-8", "surrogateescape")
        with _docker.engine(host, self, timeout=10**6) as api:
            self._check(host, api)
            if self.detach:
                identity = api.exec_create(
                    self.container, self._words(), tty=self.tty, user=self.user or "", environment=self.env or None, workdir=self.chdir
                )["Id"]
                api.exec_start(identity, detach=True)
                return {"exec_id": identity}
            rc, out, err = _execute(api, self, self._words(), stdin, host)
        result: dict[str, Any] = {"rc": rc, "stdout": self._text(out), "stderr": self._text(err)}
        result["stdout_lines"], result["stderr_lines"] = result["stdout"].splitlines(), result["stderr"].splitlines()
        if rc != 0:
            said = result["stderr"] or result["stdout"]
            raise Failed(f"the command in {self.container} ended with {rc}: {said[-2000:]}", changed=True, **result)
        return result

    def _text(self, data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        return text.rstrip("\r\n") if self.strip_empty_ends else text


def _execute(
    api: Any, options: DockerContainerExec, words: list[str], stdin: Optional[bytes], host: Optional[Host]
) -> tuple[int, bytes, bytes]:
    """Run it; (exit code, stdout, stderr). The last line shows as progress."""
    identity = api.exec_create(
        options.container,
        words,
        stdin=stdin is not None,
        tty=options.tty,
        user=options.user or "",
        environment=options.env or None,
        workdir=options.chdir,
    )["Id"]
    out, err = bytearray(), bytearray()

    def take(number: int, data: bytes) -> None:
        (err if number == 2 else out).extend(data)
        line = data.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if host is not None and line:
            host.progress(f"{options.container}: {line}"[:160])

    connection = api.exec_start(identity, tty=options.tty, socket=True)
    try:
        _talk(connection, stdin, options.tty, take)
    finally:
        connection.close()
    code = api.exec_inspect(identity).get("ExitCode")
    return (code if code is not None else -1), bytes(out), bytes(err)


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
