"""redis_restore: a snapshot put back into a Redis server."""

from __future__ import annotations

import os
import shlex
import time
from typing import Any, Optional
from urllib.parse import quote

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.types import Duration, Path
from nxtplay.modules import _files, _inside, _pipe, _redis_rdb
from nxtplay.modules._redis import RedisLogin, session, where

# What a server of this kind finds at its start: with the append-only file on it reads that alone, so the snapshot becomes its base.
_KEEP = 'cd "$0" && mkdir "$1" && for f in "$2" "$3" "$4"; do if [ -e "$f" ]; then mv "$f" "$1"/; fi; done'
_BACK = 'cd "$0" && for f in "$2" "$3" "$4"; do rm -rf "$f"; if [ -e "$1/$f" ]; then mv "$1/$f" .; fi; done && rmdir "$1"'
_PLACE = 'cd "$0" && if [ "$3" != . ]; then mkdir -p "$3"; fi && cp "$1" "$2" && chown -R --reference=. "$2" "$3"'


class RedisRestore(RedisLogin, Action):
    """Replace the data of a Redis server in a container by a snapshot (RDB). The container is restarted; the old data stay in the volume,
    in the folder that is registered as `kept`."""

    private = False

    src: Path = arg(help="The snapshot, on the host.")
    keep: str | None = arg(None, help="Folder, below the server's own, that the old data move to; before-restore-TIME unless given.")
    timeout: Duration = arg(Duration(120), help="How long the server may take to load it.")

    def due(self, host: Reader) -> Optional[str]:
        if not self.container:
            raise Failed("container: say which one; outside of containers, stop the server, put the file into its dir, start it")
        path = _files.host_path(self.src)
        if host.stat(path, follow=True) is None:
            raise Failed(f"src: no file {path}")
        with session(self, host):
            return f"load {path}"

    def perform(self, host: Host) -> dict[str, Any]:
        path = _files.host_path(self.src)
        _redis_rdb.whole(path)
        place = _inside.find(host, self.container)
        kept = self.keep or time.strftime("before-restore-%Y%m%d_%H%M%S")
        with session(self, host) as server:
            settings: dict[str, str] = {}
            for name in ("dir", "dbfilename", "appendonly", "appendfilename", "appenddirname", "save"):
                settings.update(server.pairs("CONFIG", "GET", name))
            names = [settings["dbfilename"], settings.get("appenddirname") or "-", settings.get("appendfilename") or "appendonly.aof"]
            incoming = os.path.join(settings["dir"], ".nxtplay-incoming.rdb")
            self._send(host, place, path, incoming)
            server.call("CONFIG", "SET", "save", "")  # from here on it writes nothing of its own, not even when it is stopped
            server.call("CONFIG", "SET", "appendonly", "no")
            try:
                self._in(host, place, _KEEP, settings["dir"], kept, *names)
                self._put(host, place, settings, incoming)
            except BaseException:
                self._in(host, place, _BACK, settings["dir"], kept, *names, check=False)
                server.call("CONFIG", "SET", "appendonly", settings["appendonly"])
                server.call("CONFIG", "SET", "save", settings["save"])
                raise
            self._in(host, place, 'rm -f "$0"', incoming)
        self._restart(host, place)
        return {"kept": os.path.join(settings["dir"], kept), "key_count": self._loaded(host), "src": path}

    def _send(self, host: Host, place: _inside.Container, path: str, incoming: str) -> None:
        code, said = _pipe.through(host, ["sh", "-c", f"cat > {shlex.quote(incoming)} && sync"], container=place, source=_pipe.chunks(path))
        if code:
            raise Failed(f"container {self.container}: cannot write {incoming}: {said}")
        code, out, err = _inside.execute(host, place, ["sh", "-c", f"wc -c < {shlex.quote(incoming)}"])
        if code or int(out) != os.path.getsize(path):
            raise Failed(f"container {self.container}: {incoming} did not arrive whole: {err.decode('utf-8', 'replace')}")
        look = f"command -v redis-check-rdb >/dev/null || exit 0; redis-check-rdb {shlex.quote(incoming)}"
        code, out, err = _inside.execute(host, place, ["sh", "-c", look])
        if code:
            self._in(host, place, 'rm -f "$0"', incoming, check=False)
            raise Failed(f"{path} is damaged, says redis-check-rdb: {(out + err).decode('utf-8', 'replace').strip()[-500:]}")

    def _put(self, host: Host, place: _inside.Container, settings: dict[str, str], incoming: str) -> None:
        folder = settings["dir"]
        self._in(host, place, _PLACE, folder, incoming, settings["dbfilename"], ".")
        if settings["appendonly"] != "yes":
            return
        name = settings.get("appendfilename") or "appendonly.aof"
        below = settings.get("appenddirname")
        if not below:  # before Redis 7 the file itself may begin with a snapshot
            self._in(host, place, _PLACE, folder, incoming, name, ".")
            return
        self._in(host, place, _PLACE, folder, incoming, f"{below}/{name}.1.base.rdb", below)
        lines = f"file {name}.1.base.rdb seq 1 type b\nfile {name}.1.incr.aof seq 1 type i\n"
        self._in(host, place, 'cd "$0" && : > "$1.1.incr.aof" && printf %s "$2" > "$1.manifest" && chown -R --reference=.. .',
                 os.path.join(folder, below), name, lines)  # fmt: skip

    def _in(self, host: Host, place: _inside.Container, script: str, *words: str, check: bool = True) -> None:
        code, out, err = _inside.execute(host, place, ["sh", "-ec", script, *words], user="0")
        if code and check:
            raise Failed(f"container {self.container}: {(err or out).decode('utf-8', 'replace').strip()[-500:]}")

    def _restart(self, host: Host, place: _inside.Container) -> None:
        host.progress(f"restarting {self.container}")
        status, said = _inside._call(host, "POST", f"/containers/{quote(place.id)}/restart?t=30")
        if status != 204:
            raise Failed(f"container {self.container} could not be restarted: {said.get('message', status)}")

    def _loaded(self, host: Host) -> int:
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                with session(self, host) as server:
                    return sum(db["keys"] for name, db in server.info("keyspace").items() if name.startswith("db"))
            except Failed as failed:
                if time.monotonic() > deadline:
                    raise Failed(f"Redis at {where(self)} does not come back with the snapshot: {failed.message}") from failed
            time.sleep(0.2)
