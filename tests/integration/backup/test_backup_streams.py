"""A dump streams: memory stays flat, however large the database is; and it costs little more time than pg_dump alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from backup_stack import Backed

pytestmark = pytest.mark.docker
MEGABYTES = 120
PROGRAM = """
import json, pathlib, sys, time
from nxtplay.core.converge import converge
from nxtplay.core.host import Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry
module, args = json.loads(sys.argv[1])
host = Host(World())
began = time.monotonic()
done = converge(decode(registry.load(module), args), host, World(), host)
seconds = time.monotonic() - began
# Not getrusage's ru_maxrss: that one remembers the process which forked us, before the exec.
peak = pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(json.dumps([done.status, done.reason, seconds, int(peak)]))
"""


def measured(module: str, **args: Any) -> tuple[float, int]:
    """(seconds, kilobytes at most) of a module in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps([module, args])], capture_output=True, text=True, check=True)
    status, reason, seconds, memory = json.loads(done.stdout)
    assert status == "changed", reason
    return seconds, memory


@pytest.fixture
def large(backed: Backed) -> Any:
    subprocess.run(["docker", "exec", backed.postgres, "createdb", "-U", "nxtbus", "large"], check=True)
    series = f"generate_series(1, 1000) i, generate_series(1, {MEGABYTES * 31}) g"
    words = f"SELECT string_agg(md5(random()::text || g || i), '') AS t FROM {series} GROUP BY g"
    backed.sql(f"CREATE TABLE big AS {words}", "large")
    yield backed
    subprocess.run(["docker", "exec", backed.postgres, "dropdb", "-U", "nxtbus", "--force", "large"], check=True)


def test_memory_is_flat_and_time_is_pg_dumps_own(large: Backed, tmp_path: Path) -> None:
    began = time.monotonic()
    with open(tmp_path / "alone", "wb") as stream:
        subprocess.run(["docker", "exec", large.postgres, "pg_dump", "-U", "nxtbus", "-Fc", "large"], stdout=stream, check=True)
    alone = time.monotonic() - began
    common = {"container": large.postgres, "name": "large", "target": str(tmp_path / "large.dump")}
    seconds, memory = measured("postgresql_db", state="dump", **common)
    size = (tmp_path / "large.dump").stat().st_size
    assert size > MEGABYTES * 400_000
    assert memory < 60_000, f"{memory} kB for a dump of {size} bytes"
    # Both are at the mercy of whatever else runs here; a design that reads or writes the dump twice shows all the same.
    assert seconds < 1.5 * alone + 3, (seconds, alone)
    large.sql("DROP TABLE big", "large")
    _, memory = measured("postgresql_db", state="restore", **common)
    assert memory < 60_000
    assert large.sql("SELECT count(*) AS n FROM big", "large")[0]["n"] == MEGABYTES * 31
