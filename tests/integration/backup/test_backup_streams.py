"""A dump streams: memory stays flat, however large the database is. What it costs in time: benchmarks/dumps.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from backup_stack import Backed

pytestmark = pytest.mark.docker
MEGABYTES = 120
PROGRAM = """
import json, pathlib, sys
from nxtplay.core.converge import converge
from nxtplay.core.host import Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry
module, args = json.loads(sys.argv[1])
host = Host(World())
done = converge(decode(registry.load(module), args), host, World(), host)
# Not getrusage's ru_maxrss: that one remembers the process which forked us, before the exec.
peak = pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(json.dumps([done.status, done.reason, int(peak)]))
"""


def measured(module: str, **args: Any) -> int:
    """Kilobytes at most of a module in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, json.dumps([module, args])], capture_output=True, text=True, check=True)
    status, reason, memory = json.loads(done.stdout)
    assert status == "changed", reason
    return int(memory)


@pytest.fixture
def large(backed: Backed) -> Any:
    subprocess.run(["docker", "exec", backed.postgres, "createdb", "-U", "nxtbus", "large"], check=True)
    series = f"generate_series(1, 1000) i, generate_series(1, {MEGABYTES * 31}) g"
    words = f"SELECT string_agg(md5(random()::text || g || i), '') AS t FROM {series} GROUP BY g"
    backed.sql(f"CREATE TABLE big AS {words}", "large")
    yield backed
    subprocess.run(["docker", "exec", backed.postgres, "dropdb", "-U", "nxtbus", "--force", "large"], check=True)


def test_memory_is_flat(large: Backed, tmp_path: Path) -> None:
    common = {"container": large.postgres, "name": "large", "target": str(tmp_path / "large.dump")}
    memory = measured("postgresql_db", state="dump", **common)
    size = (tmp_path / "large.dump").stat().st_size
    assert size > MEGABYTES * 400_000
    assert memory < 60_000, f"{memory} kB for a dump of {size} bytes"
    large.sql("DROP TABLE big", "large")
    assert measured("postgresql_db", state="restore", **common) < 60_000
    assert large.sql("SELECT count(*) AS n FROM big", "large")[0]["n"] == MEGABYTES * 31
