"""The deployed stack of the session, backed up and restored by the shipped playbooks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup_peers import run

sys.path.insert(0, str(Path(__file__).parents[1] / "flow"))
from flow_stack import Played, Stack

ROUTES = """
INSERT INTO stops (name, location)
SELECT 'Stop ' || n, ST_SetSRID(ST_MakePoint(13 + (n %% 1000) / 1000.0, 52 + (n / 1000) / 1000.0), 4326)::geography
FROM generate_series(1, 2000) n;
INSERT INTO routes (code, name, path)
SELECT 'G' || n, 'Generated “' || n || '” — ü', ST_SetSRID(ST_MakeLine(ARRAY[
       ST_MakePoint(13 + (n %% 997) / 997.0, 52), ST_MakePoint(13, 52 + (n %% 991) / 991.0),
       ST_MakePoint(13.5 + (n %% 13) / 100.0, 52.5)]), 4326)
FROM generate_series(1, {count}) n;
INSERT INTO route_stops (route_id, position, stop_id)
SELECT r.id, p, 1 + (r.id * 7 + p * 31) %% 2000 FROM routes r, generate_series(1, 3) p WHERE r.code LIKE 'G%%' ON CONFLICT DO NOTHING;
""".replace("%%", "%")


@dataclass
class Backed:
    """A stack with a folder for its backups; `settings` are further variables of each play."""

    stack: Stack
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def postgres(self) -> str:
        return f"{self.stack.project}-postgres-1"

    @property
    def redis(self) -> str:
        return f"{self.stack.project}-redis-1"

    def play(self, *words: str, **settings: Any) -> Played:
        given = {"backup_folder": str(self.folder), **self.settings, **settings}
        return self.stack.play(*words, "-e", json.dumps(given))

    def sql(self, query: str, database: str = "nxtbus") -> list[dict[str, Any]]:
        found = run("postgresql_query", container=self.postgres, login_db=database, query=query)
        assert found.status != "failed", found.reason
        rows: list[dict[str, Any]] = found.result["query_result"]
        return rows

    def rows(self, table: str, database: str = "nxtbus") -> list[str]:
        """Every row as text, in order."""
        return [str(row["t"]) for row in self.sql(f"SELECT t::text AS t FROM {table} t ORDER BY 1", database)]

    def digest(self, table: str) -> str:
        return str(self.sql(f"SELECT md5(string_agg(t::text, '\n' ORDER BY t::text)) AS d FROM {table} t")[0]["d"])

    def redis_cli(self, *words: str) -> str:
        return subprocess.run(
            ["docker", "exec", self.redis, "redis-cli", *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    def fill(self, count: int) -> None:
        self.sql(ROUTES.replace("{count}", str(count)))

    def picture(self) -> dict[str, tuple[int, bytes]]:
        """Everything in the folder but the lock: inode and content."""
        return {p.name: (p.stat().st_ino, p.read_bytes()) for p in sorted(self.folder.iterdir()) if p.name != ".lock"}
