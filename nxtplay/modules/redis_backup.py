"""redis_backup: a snapshot of a Redis server as a file."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Action, arg
from nxtplay.core.state import Unknown
from nxtplay.core.types import Duration, Path
from nxtplay.modules import _files, _inside, _pipe, _redis_rdb
from nxtplay.modules._redis import RedisError, RedisLogin, Session, session, where


class RedisBackup(RedisLogin, Action):
    """Have the server write a snapshot (RDB), wait until it is written, verify it and put it at `dest`; an older one there stays until
    the new one is whole."""

    private = False

    dest: Path = arg(help="File to write.")
    method: Literal["bgsave", "save", "stream"] = arg(
        "bgsave",
        help="bgsave: a child of the server writes it. save: the server does, and answers nobody meanwhile. stream: over the connection.",
    )
    timeout: Duration = arg(Duration(600), help="How long the snapshot may take.")

    def due(self, host: Reader) -> Optional[str]:
        path = _files.host_path(self.dest)
        _files.parent_state(host, path)
        with session(self, host):
            return f"snapshot to {path}"

    def foresee(self, host: Reader) -> Sequence[tuple[str, Any]]:
        path = _files.host_path(self.dest)
        live = host.stat(path)
        made = live or dataclasses.replace(_files.fresh(host, path, "file"), mode=0o600)
        return [(_files.file_key(path), dataclasses.replace(made, content=Unknown(f"the snapshot {path} is not written yet"), inode=None))]

    def perform(self, host: Host) -> dict[str, Any]:
        path = _files.host_path(self.dest)
        digest = hashlib.sha256()
        found: dict[str, Any] = {}

        def inspect(temporary: str) -> None:
            found["rdb_version"] = _redis_rdb.whole(temporary)
            found["size"] = os.path.getsize(temporary)

        with session(self, host) as server:
            found["server_version"] = str(server.info("server").get("redis_version", ""))
            found["key_count"] = sum(db["keys"] for name, db in server.info("keyspace").items() if name.startswith("db"))

            def fill(stream: Any) -> None:
                def sink(piece: bytes) -> None:
                    stream.write(piece)
                    digest.update(piece)

                self._take(host, server, sink)

            host.replace_with(path, fill, mode=None if os.path.exists(path) else 0o600, inspect=inspect)
        return {"dest": path, "sha256": digest.hexdigest(), **found}

    def _take(self, host: Host, server: Session, sink: Any) -> None:
        if self.method == "stream":
            _redis_rdb.receive(server, sink)
            return
        self._save(host, server)
        settings = {**server.pairs("CONFIG", "GET", "dir"), **server.pairs("CONFIG", "GET", "dbfilename")}
        path = os.path.join(settings.get("dir", ""), settings.get("dbfilename", ""))
        if self.container:
            place = _inside.find(host, self.container)
            code, said = _pipe.through(host, ["cat", path], container=place, sink=sink)
            if code:
                raise Failed(f"container {self.container}: cannot read {path}: {said}")
        elif os.path.exists(path) and self.login_host in ("localhost", "127.0.0.1", "::1"):
            for piece in _pipe.chunks(path):
                sink(piece)
        else:  # its disk is not ours
            _redis_rdb.receive(server, sink)

    def _save(self, host: Host, server: Session) -> None:
        began = int(server.texts("TIME")[0])
        if self.method == "save":
            server.call("SAVE")
            return
        deadline = time.monotonic() + self.timeout
        started = False
        while True:
            if not started:
                started = _start(server)
            about = server.info("persistence")
            running = about.get("rdb_bgsave_in_progress") or about.get("aof_rewrite_in_progress")
            if started and not running and int(about.get("rdb_last_save_time", 0)) >= began:
                return
            if started and not about.get("rdb_bgsave_in_progress") and about.get("rdb_last_bgsave_status") != "ok":
                raise Failed(f"Redis at {where(self)} could not write its snapshot; its log says why (often: no space left)")
            if time.monotonic() > deadline:
                raise Failed(f"Redis at {where(self)} has not written its snapshot within {int(self.timeout)} s")
            host.progress("waiting for the snapshot")
            time.sleep(0.1)


def _start(server: Session) -> bool:
    """BGSAVE; False while another child of the server still writes, of which we cannot know when it began."""
    try:
        server.call("BGSAVE")
        return True
    except RedisError as error:
        if "in progress" in str(error) or "active" in str(error):
            return False
        raise
