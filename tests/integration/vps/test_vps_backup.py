"""The way back on a server that is reached by SSH alone: backed up while it is written to, destroyed, restored from the copy alone."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from vps_machine import NO_ENGINE, Stack

ROWS = int(os.environ.get("VPS_BACKUP_ROWS", "5000"))  # a million for who has ten minutes
TABLES = ("stops", "routes", "route_stops")
FOLDER, AWAY = "/var/backups/of-the-stack", "/srv/away"
FILL = f"""
INSERT INTO stops (name, location) SELECT 'Stop ' || n, ST_SetSRID(ST_MakePoint(13 + n % 997 / 997.0, 52), 4326)::geography
FROM generate_series(1, 2000) n;
INSERT INTO routes (code, name, path) SELECT 'G' || n, 'Generated “' || n || '” ü', ST_SetSRID(ST_MakeLine(ARRAY[
    ST_MakePoint(13 + n % 997 / 997.0, 52), ST_MakePoint(13, 52 + n % 991 / 991.0)]), 4326) FROM generate_series(1, {ROWS}) n;
INSERT INTO route_stops (route_id, position, stop_id) SELECT r.id, p, 1 + (r.id * 7 + p * 31) % 2000
FROM routes r, generate_series(1, 3) p WHERE r.code LIKE 'G%' ON CONFLICT DO NOTHING
"""


def _play(stack: Stack, *words: str, **settings: Any) -> Any:
    return stack.play(*words, "-e", json.dumps({"backup_folder": FOLDER, **settings}), env=NO_ENGINE)


def _sql(stack: Stack, query: str) -> str:
    inside = f"docker exec -i {stack.project}-postgres-1 psql -X -v ON_ERROR_STOP=1 -U nxtbus -d nxtbus -Atq"
    return stack.machine.run(f"{inside} <<'SQL'\n{query};\nSQL").strip()


def _digests(stack: Stack) -> dict[str, str]:
    return {table: _sql(stack, f"SELECT count(*), sum(hashtextextended(t::text, 7)::numeric) FROM {table} t") for table in TABLES}


class _Writer(threading.Thread):
    """Registers users until it is told to stop."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._stack, self.enough, self.written = stack, threading.Event(), 0

    def run(self) -> None:
        while not self.enough.is_set():
            _sql(self._stack, f"INSERT INTO users (email, password_hash) VALUES ('w{self.written}@x.example', 'h')")
            self.written += 1


def test_backed_up_while_written_to_destroyed_and_restored_from_the_copy_alone(deployed: Stack) -> None:
    _sql(deployed, FILL)
    deployed.machine.run(f"mkdir -p {AWAY}; docker exec {deployed.project}-redis-1 redis-cli set kept 'through it all'")
    settings = {"backup_offsite": [{"url": AWAY}], "confirm": deployed.project}
    writer = _Writer(deployed)
    writer.start()
    foreseen = _play(deployed, "backup", "--check", **settings)
    done = _play(deployed, "backup", **settings)
    writer.enough.set()
    writer.join(60)
    assert (foreseen.rc, done.rc) == (0, 0), foreseen.text + done.text
    assert foreseen.with_status("changed") == done.with_status("changed")
    assert writer.written > 2
    proven = _play(deployed, "backup-verify")
    assert proven.rc == 0 and "rows restored and compared" in proven.text, proven.text
    assert deployed.machine.run(f"stat -c '%a %U' {FOLDER}/nxtbus_*.dump").split() == ["600", "root"]

    digests = _digests(deployed)
    cleaned = _play(deployed, "clean", confirm=deployed.project)
    assert cleaned.rc == 0, cleaned.text
    deployed.machine.run(f"rm -r {FOLDER}")
    again = _play(deployed, "deploy")
    assert again.rc == 0 and _digests(deployed) != digests, again.text

    source = {"backup_from": {"url": AWAY}}
    foreseen = _play(deployed, "restore", "--check", **source)
    restored = _play(deployed, "restore", **source, confirm=deployed.project)
    assert (foreseen.rc, restored.rc) == (0, 0), foreseen.text + restored.text
    assert foreseen.with_status("changed") <= restored.with_status("changed") <= foreseen.with_status("changed", "unknown")
    assert _digests(deployed) == digests
    assert 0 < int(_sql(deployed, "SELECT count(*) FROM users")) <= writer.written
    assert deployed.machine.run(f"docker exec {deployed.project}-redis-1 redis-cli get kept").strip() == "through it all"
    assert deployed.search()["routes"]
    confirmed = _play(deployed, "restore-confirm", confirm=deployed.project)
    assert confirmed.rc == 0, confirmed.text
    left = deployed.machine.run("ls -A /tmp /var/tmp").split()
    assert [name for name in left if not name.startswith("runc-")] == ["/tmp:", "/var/tmp:"]  # runc- : the engine's, at a health check
