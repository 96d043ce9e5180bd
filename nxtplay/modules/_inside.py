"""Servers inside containers: where they listen, what their environment says, a byte stream to a port nobody published.

Speaks to the Docker Engine over its socket with the standard library alone: three calls are all that is needed here, and they cost a
millisecond where importing a client library costs two hundred.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence
from urllib.parse import quote

from nxtplay.core.host import Failed, Reader
from nxtplay.core.state import Unknown, UnknownReached

API = "/v1.40"
REACH = 1.5  # seconds to try a container's own address before going through the engine

# Joins its standard streams with a port or a socket inside the container, using whatever the image has: perl (Debian), nc (Alpine),
# bash. One process where that can be: an orphan would become a child of the container's pid 1, and a PostgreSQL there takes an unknown
# child that was killed for a crashed backend, and restarts.
_PUMP = r"""
$SIG{PIPE}="IGNORE"; my $open=1;
sub put { my($to,$b)=@_; while(length $b){ my $n=syswrite($to,$b); exit 0 unless $n; substr($b,0,$n)="" } }
while(1){
  my $r=""; vec($r,fileno($s),1)=1; vec($r,0,1)=1 if $open;
  select($r,undef,undef,undef)<0 and next;
  if($open && vec($r,0,1)){ my $n=sysread(STDIN,my $b,65536); if($n){put($s,$b)} else {$open=0; shutdown($s,1)} }
  if(vec($r,fileno($s),1)){ my $n=sysread($s,my $b,65536); exit 0 unless $n; put(\*STDOUT,$b) }
}"""
_RELAY = r"""
if [ -n "$2" ]; then exec perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Peer=>$ARGV[0]) or die "$!\n";%PUMP%' "$2"
elif command -v perl >/dev/null 2>&1; then
  exec perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$ARGV[0]) or die "$!\n";%PUMP%' "$1"
elif command -v nc >/dev/null 2>&1; then exec nc 127.0.0.1 "$1"
elif command -v bash >/dev/null 2>&1; then
  exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0 || exit 1; cat <&0 >&3 & cat <&3; kill $!; wait; exit 0' "$1"
else echo "the image has neither perl, nc nor bash to reach the port with" >&2; exit 127; fi
""".replace("%PUMP%", _PUMP)


@dataclass(frozen=True)
class Container:
    """A running container: `addresses` on its networks, `environ` as it was started with (secrets included: never show it)."""

    name: str
    id: str
    addresses: tuple[str, ...]
    environ: Mapping[str, str]


def find(host: Reader, name: str) -> Container:
    """The running container. Raises UnknownReached where a check has only foreseen it, Failed where there is none."""
    try:
        status, found = _call(host, "GET", f"/containers/{quote(name, safe='')}/json")
    except OSError as error:
        unless_foreseen(host, ("container:", "package:", "service:"), "the Docker engine")
        raise Failed(f"container {name}: cannot reach the Docker engine at {_address(host)}: {error}") from error
    if host.has_foreseen(f"container:{name}") and host.foreseen(f"container:{name}") is None:
        raise Failed(f"container {name} would not be there any more")
    if status == 404:
        unless_foreseen(host, (f"container:{name}",), f"container {name}")
        raise Failed(f"no container {name} on this host: is the stack up? (`docker ps -a` lists what is there)")
    if status != 200:
        raise Failed(f"container {name}: the Docker engine answered {status}: {found.get('message', '')}")
    if not found["State"]["Running"]:
        unless_foreseen(host, (f"container:{name}",), f"container {name}")
        raise Failed(f"container {name} is {found['State']['Status']}, not running")
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = tuple(n["IPAddress"] for n in networks.values() if n.get("IPAddress"))
    if "host" in networks or found.get("HostConfig", {}).get("NetworkMode") == "host":
        addresses = ("127.0.0.1",)
    environ = dict(entry.partition("=")[::2] for entry in found["Config"].get("Env") or ())
    return Container(name, found["Id"], addresses, environ)


def unless_foreseen(host: Reader, prefixes: Sequence[str], what: str) -> None:
    """Raise UnknownReached where an earlier task of a check would have set up anything under those keys."""
    for prefix in prefixes:
        for key, state in host.foreseen_under(prefix).items():
            if state is not None:
                raise UnknownReached(Unknown(f"{what} is only foreseen ({key})"))


def secret_of(host: Reader, container: Container, name: str) -> Optional[str]:
    """The environment's NAME, or the content of the file that NAME_FILE points to inside the container."""
    if name in container.environ:
        return container.environ[name]
    path = container.environ.get(name + "_FILE")
    if not path:
        return None
    code, out, err = execute(host, container, ["cat", path])
    if code:
        raise Failed(f"container {container.name}: cannot read {path} ({name}_FILE): {err.decode('utf-8', 'replace').strip()}")
    return out.decode("utf-8").rstrip("\r\n")


def connect(container: Container, port: int) -> Optional[socket.socket]:
    """A connection to the container's own address; None where this host cannot reach it (Docker Desktop, `network: none`)."""
    for address in container.addresses:
        try:
            return socket.create_connection((address, port), timeout=REACH)
        except ConnectionRefusedError:
            continue
        except OSError:
            continue
    return None


def relay(host: Reader, container: Container, port: int, path: str = "", user: str = "") -> socket.socket:
    """A socket whose other end is a port, or a socket file, as seen from inside the container."""
    stream = _Exec(host, container, ["sh", "-c", _RELAY, "relay", str(port), path], user=user)
    ours, theirs = socket.socketpair()
    threading.Thread(target=_pump_in, args=(theirs, stream), daemon=True).start()
    threading.Thread(target=_pump_out, args=(stream, theirs), daemon=True).start()
    return ours


def execute(
    host: Reader, container: Container, argv: Sequence[str], *, env: Sequence[str] = (), user: str = ""
) -> tuple[int, bytes, bytes]:
    """Run a program inside that needs no input: (exit code, stdout, stderr)."""
    stream = _Exec(host, container, argv, env=env, user=user)
    out: dict[int, list[bytes]] = {1: [], 2: []}
    for number, data in stream.frames():
        out[number].append(data)
    return stream.exit_code(), b"".join(out[1]), b"".join(out[2])


class _Exec:
    """A program started inside a container, its streams on one connection to the engine."""

    def __init__(self, host: Reader, container: Container, argv: Sequence[str], *, env: Sequence[str] = (), user: str = "") -> None:
        self._host = host
        config = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Cmd": list(argv), "Env": list(env), "User": user}
        status, made = _call(host, "POST", f"/containers/{container.id}/exec", config)
        if status != 201:
            raise Failed(f"container {container.name}: cannot run {argv[0]} inside: {made.get('message', status)}")
        self._id: str = made["Id"]
        self.socket = _dial(host)
        body = b'{"Detach":false,"Tty":false}'
        head = f"POST {API}/exec/{self._id}/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
        head += f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode("ascii") + body)
        self._stream = self.socket.makefile("rb", 1 << 16)
        first = self._stream.readline()
        if first.split()[1:2] not in ([b"101"], [b"200"]):
            raise Failed(f"container {container.name}: cannot run {argv[0]} inside: {first.decode('utf-8', 'replace').strip()}")
        while self._stream.readline() not in (b"\r\n", b""):
            pass

    def frames(self) -> Any:
        """(1 stdout | 2 stderr, bytes) as they come."""
        while True:
            head = self._stream.read(8)
            if len(head) < 8:
                return
            yield head[0], self._stream.read(struct.unpack(">I", head[4:])[0])

    def exit_code(self) -> int:
        status, found = _call(self._host, "GET", f"/exec/{self._id}/json")
        return int(found.get("ExitCode") or 0) if status == 200 else -1

    def hang_up(self) -> None:
        """Whoever waits for more of it comes back at once."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self._stream.close()
        self.socket.close()


def _pump_in(source: socket.socket, stream: _Exec) -> None:
    try:
        while True:
            data = source.recv(1 << 16)
            if not data:
                break
            stream.socket.sendall(data)
        stream.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _pump_out(stream: _Exec, sink: socket.socket) -> None:
    try:
        for number, data in stream.frames():
            if number == 1:
                sink.sendall(data)
    except OSError:
        pass
    finally:
        sink.close()
        stream.close()


# -- the engine's socket -------------------------------------------------------------------------------------------------


def _address(host: Reader) -> str:
    return host.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def _dial(host: Reader) -> socket.socket:
    address = _address(host)
    kind, _, rest = address.partition("://")
    if kind == "unix":
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.connect(rest or "/var/run/docker.sock")
        return found
    if kind == "tcp" and not host.environ.get("DOCKER_TLS_VERIFY"):
        name, _, port = rest.rpartition(":")
        return socket.create_connection((name, int(port)), timeout=10)
    raise Failed(f"DOCKER_HOST={address}: `container` reaches engines over unix:// and plain tcp:// on the host itself")


def _call(host: Reader, method: str, path: str, body: Optional[Any] = None) -> tuple[int, Any]:
    """(status, document) of a call that speaks JSON."""
    status, data = raw(host, method, path, None if body is None else json.dumps(body).encode("utf-8"))
    return status, json.loads(data) if data else {}


def raw(host: Reader, method: str, path: str, body: Optional[bytes] = None, kind: str = "application/json") -> tuple[int, bytes]:
    """(status, bytes) of a call to the engine."""
    connection = http.client.HTTPConnection("docker")
    connection.sock = _dial(host)
    try:
        connection.request(method, API + path, body, {"Content-Type": kind} if body is not None else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def as_user(name: str) -> Optional[int]:
    """The numeric id of a local user that we, being root, may act as; None where that is not so."""
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid if os.geteuid() == 0 else None
    except KeyError:
        return None
