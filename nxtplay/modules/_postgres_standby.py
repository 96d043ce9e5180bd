"""Where a standby's data lie: a directory of this host, or of a container that need not be running; and the programs that fill it."""

from __future__ import annotations

import io
import os
import re
import secrets
import signal
import struct
import tarfile
import time
from typing import Any, Mapping, Optional, Sequence
from urllib.parse import quote

from nxtplay.core import host as host_
from nxtplay.core.host import Failed, Host, Reader
from nxtplay.modules import _inside, _pipe

Ran = tuple[int, str, str]  # exit code, stdout, stderr
_SETTING = re.compile(r"^\s*(\w+)\s*=\s*'((?:[^'\\]|''|\\.)*)'\s*$", re.M)


def settings_of(text: str) -> dict[str, str]:
    """What postgresql.auto.conf sets, as ALTER SYSTEM writes it; the last word counts."""
    return {name: re.sub(r"''|\\(.)", lambda found: found[1] or "'", value) for name, value in _SETTING.findall(text)}


def with_settings(text: str, wanted: Mapping[str, str]) -> str:
    """The file with these settings said once, at its end."""
    kept = [line for line in text.splitlines() if not any(re.match(rf"\s*{name}\s*=", line) for name in wanted)]
    said = [f"{name} = '" + value.replace("\\", "\\\\").replace("'", "''") + "'" for name, value in wanted.items()]
    return "\n".join([*kept, *said]) + "\n"


def in_production(control: bytes) -> bool:
    """Whether global/pg_control, whose head is the same in all of 13 to 18, says that the server takes writes."""
    return int(struct.unpack_from("=I", control, 16)[0]) == 6


class OnHost:
    """A directory of this host; programs are the host's, run as its owner."""

    def __init__(self, directory: str, owner: str) -> None:
        self.directory, self.owner = directory, owner
        self.where = directory

    def read(self, name: str) -> Optional[bytes]:
        path = os.path.join(self.directory, name)
        try:
            with open(path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failed(f"cannot read {path}: {error.strerror}") from error

    def others(self) -> list[str]:
        """What lies in the directory."""
        try:
            return sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []

    def write(self, host: Host, name: str, data: bytes) -> None:
        host.write(os.path.join(self.directory, name), data)

    def program(self, host: Reader, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
        if host.which(argv[0]) is None:
            raise Failed(f"no {argv[0]} on this host: `apt-get install postgresql-client`")
        out: list[bytes] = []
        code, said = _pipe.through(host, argv, env=env, user=self.owner, sink=out.append)
        return code, b"".join(out).decode("utf-8", "replace"), said

    def prepare(self, host: Host) -> None:
        """The directory, the owner's alone."""
        uid = _inside.as_user(self.owner)
        if not os.path.isdir(self.directory):
            host.mkdir(self.directory, mode=0o700)
        if uid is not None:
            import pwd

            os.chown(self.directory, uid, pwd.getpwuid(uid).pw_gid)
        os.chmod(self.directory, 0o700)

    def clear(self, host: Host) -> None:
        for name in self.others():
            host.remove(os.path.join(self.directory, name))

    def running(self) -> bool:
        return self._postmaster() is not None

    def _postmaster(self) -> Optional[int]:
        lines = (self.read("postmaster.pid") or b"").split()
        try:
            pid = int(lines[0])
            os.kill(pid, 0)
        except (IndexError, ValueError, ProcessLookupError):
            return None
        return pid

    def send(self, host: Host, number: int) -> None:
        pid = self._postmaster()
        if pid is not None:
            os.kill(pid, number)

    def touch(self, host: Host, name: str) -> None:
        path = os.path.join(self.directory, name)
        about = os.stat(self.directory)
        host.write(path, b"", mode=0o600, uid=about.st_uid, gid=about.st_gid)


class InContainer:
    """The data directory of a container; programs run in one of their own, of the same image, with its volumes and its networks."""

    def __init__(self, host: Reader, name: str, directory: str) -> None:
        status, self._about = _inside._call(host, "GET", f"/containers/{quote(name, safe='')}/json")
        if status == 404:
            _inside.unless_foreseen(host, (f"container:{name}",), f"container {name}")
            raise Failed(f"no container {name} on this host: create it first (docker_container with state: present)")
        if status != 200:
            raise Failed(f"container {name}: the Docker engine answered {status}: {self._about.get('message', '')}")
        environ = dict(entry.partition("=")[::2] for entry in self._about["Config"].get("Env") or ())
        self.directory = directory or environ.get("PGDATA") or "/var/lib/postgresql/data"
        self.where = f"{self.directory} of container {name}"
        self._name, self._path, self._host = name, f"/containers/{self._about['Id']}", host
        if not any(self.directory.startswith(mount["Destination"]) for mount in self._about.get("Mounts") or ()):
            raise Failed(f"{self.where} lies in no volume: what is put there would be gone with the container")

    def read(self, name: str) -> Optional[bytes]:
        found = self._fetch(name)
        return found[1] if found else None

    def _fetch(self, name: str) -> Optional[tuple[tarfile.TarInfo, bytes]]:
        status, data = _inside.raw(self._host, "GET", f"{self._path}/archive?path={quote(os.path.join(self.directory, name))}")
        if status == 404:
            return None
        if status != 200:
            raise Failed(f"container {self._name}: cannot read {name}: {data[:300].decode('utf-8', 'replace')}")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.next()
            stream = archive.extractfile(member) if member is not None and member.isfile() else None
            return (member, stream.read()) if member is not None and stream is not None else None

    def others(self) -> list[str]:
        """Nothing: the engine lists no directories. pg_basebackup refuses one that is not empty."""
        return []

    def write(self, host: Host, name: str, data: bytes) -> None:
        found = self._fetch(name) or self._fetch("PG_VERSION")
        assert found is not None
        self._put(name, data, found[0])

    def touch(self, host: Host, name: str) -> None:
        self.write(host, name, b"")

    def _put(self, name: str, data: bytes, like: tarfile.TarInfo) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.uid, member.gid, member.mtime = len(data), 0o600, like.uid, like.gid, int(time.time())
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(member, io.BytesIO(data))
        target = f"{self._path}/archive?path={quote(self.directory)}"
        status, said = _inside.raw(self._host, "PUT", target, packed.getvalue(), "application/x-tar")
        if status != 200:
            raise Failed(f"container {self._name}: cannot write {name}: {said[:300].decode('utf-8', 'replace')}")

    def prepare(self, host: Host) -> None:
        """The image's own start takes care of the directory."""

    def clear(self, host: Host) -> None:
        code, _, said = self.program(host, ["find", self.directory, "-mindepth", "1", "-delete"], {})
        if code:
            raise Failed(f"cannot clear {self.where}: {said.strip()[-500:]}")

    def running(self) -> bool:
        return bool(self._about["State"]["Running"])

    def send(self, host: Host, number: int) -> None:
        if self.running():
            _inside._call(host, "POST", f"{self._path}/kill?signal={signal.Signals(number).name}")

    def program(self, host: Reader, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
        """In a container that is gone afterwards, whatever happens."""
        name = f"{self._name}-{secrets.token_hex(4)}"
        config: dict[str, Any] = {
            "Image": self._about["Image"],
            "Entrypoint": ["sh", "-ec", '"$@"; if [ "$1" = pg_basebackup ]; then chown -R postgres: "$0"; fi', self.directory],
            "Cmd": list(argv),
            "User": "0",
            "Env": [f"{key}={value}" for key, value in {"LC_ALL": "C.UTF-8", **env}.items()],
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {"VolumesFrom": [self._about["Id"]], "NetworkMode": self._about["HostConfig"]["NetworkMode"]},
        }
        status, made = _inside._call(host, "POST", f"/containers/create?name={quote(name)}", config)
        if status != 201:
            raise Failed(f"container {self._name}: cannot run {argv[0]} beside it: {made.get('message', status)}")
        path = f"/containers/{made['Id']}"

        def remove() -> None:
            _inside._call(host, "DELETE", f"{path}?force=1&v=1")

        try:
            with host_.killable(remove):
                return self._ran(host, path, argv[0])
        finally:
            remove()

    def _ran(self, host: Reader, path: str, program: str) -> Ran:
        for network in (self._about.get("NetworkSettings") or {}).get("Networks") or {}:
            _inside._call(host, "POST", f"/networks/{quote(network)}/connect", {"Container": path.rpartition("/")[2]})
        status, said = _inside._call(host, "POST", f"{path}/start")
        if status not in (204, 304):
            raise Failed(f"container {self._name}: cannot run {program} beside it: {said.get('message', status)}")
        pause = 0.05
        while True:
            state = _inside._call(host, "GET", f"{path}/json")[1].get("State") or {}
            if not state.get("Running"):
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
        streams: dict[int, bytes] = {1: b"", 2: b""}
        _, logged = _inside.raw(host, "GET", f"{path}/logs?stdout=1&stderr=1")
        while len(logged) >= 8:
            number, size = logged[0], struct.unpack(">I", logged[4:8])[0]
            streams[number] += logged[8 : 8 + size]
            logged = logged[8 + size :]
        return int(state.get("ExitCode", -1)), *(streams[n].decode("utf-8", "replace") for n in (1, 2))  # type: ignore[return-value]
