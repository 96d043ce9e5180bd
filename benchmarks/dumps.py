"""A dump beside pg_dump alone, in turn (A B A B): `python benchmarks/dumps.py [--megabytes 500] [--runs 3]`.

Needs root (or the Docker group) and the image of the example's database. Prints the medians, their ratio, and how much memory nxtplay took.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Tree

ROOT = Path(__file__).parents[1]
IMAGE = "postgis/postgis:15-3.3"
TABLES = 4
NAME = f"nxtplay-dumps-{os.getpid()}"
# Text that compresses as little as real data does, a thousand rows to the megabyte.
FILL = "CREATE TABLE {name} AS SELECT n, (SELECT string_agg(md5(random()::text || n || i), '') FROM generate_series(1, 32) i) AS t FROM \
generate_series(1, {rows}) n"
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - postgresql_db: {name: bench, container: "{{ server }}", state: dump, target: "{{ target }}", census: "{{ census }}"}
"""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def serve(megabytes: int) -> None:
    """A server with a database of that size."""
    docker("run", "-d", "--name", NAME, "--shm-size", "256m", "-e", "POSTGRES_PASSWORD=x", "-e", "POSTGRES_DB=bench", IMAGE)
    deadline = time.monotonic() + 120
    # By TCP: the server that fills a new cluster has its socket alone.
    while subprocess.run(["docker", "exec", NAME, "pg_isready", "-q", "-h", "127.0.0.1"]).returncode:
        if time.monotonic() > deadline:
            raise SystemExit("the server does not come up")
        time.sleep(0.2)
    fill = [FILL.format(name=f"big{n}", rows=megabytes * 1000 // TABLES) for n in range(TABLES)]
    docker("exec", NAME, "psql", "-q", "-U", "postgres", "bench", *(word for sql in [*fill, "VACUUM ANALYZE"] for word in ("-c", sql)))


def server_cpu() -> float:
    """Seconds that all in the container have computed: the server, and pg_dump, which runs there too."""
    told = docker("exec", NAME, "sh", "-c", "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage")
    return int(told.split()[1]) / 1e6 if told.startswith("usage_usec") else int(told) / 1e9


def alone(target: Path) -> tuple[float, float]:
    """Seconds: (wall, processor)."""
    began, computed = time.monotonic(), server_cpu()
    with open(target, "wb") as stream:
        subprocess.run(["docker", "exec", NAME, "pg_dump", "-U", "postgres", "-Fc", "bench"], stdout=stream, check=True)
        os.fsync(stream.fileno())
    return time.monotonic() - began, server_cpu() - computed


def ours(folder: Path, *, census: bool) -> tuple[float, float, float]:
    """(seconds, of the processor, MiB at most)."""
    computed = server_cpu()
    (folder / "dump.yml").write_text(PLAYBOOK)
    words = ["-e", f"server={NAME}", "-e", f"target={folder}/ours.dump", "-e", f"census={census}"]
    argv = [sys.executable, "-m", "nxtplay", str(folder / "dump.yml"), *words]
    used = Tree(argv, cwd=ROOT, environ=os.environ, log=folder / "log").wait()
    if used.code:
        raise SystemExit(used.output)
    return used.wall, server_cpu() - computed + used.cpu, used.peak


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=500)
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends with us
    with tempfile.TemporaryDirectory(prefix="nxtplay-dumps-") as scratch:
        folder = Path(scratch)
        try:
            serve(given.megabytes)
            alone(folder / "alone.dump")  # so that the data are in memory for both
            rows = []
            for _ in range(given.runs):
                rows.append((alone(folder / "alone.dump"), ours(folder, census=False), ours(folder, census=True)))
                print("  ".join(f"{one[0]:.1f} s ({one[1]:.1f} s CPU)" for one in rows[-1]), flush=True)
            size = (folder / "ours.dump").stat().st_size >> 20
        finally:
            subprocess.run(["docker", "rm", "-fv", NAME], stdout=subprocess.DEVNULL)
    print(f"{given.megabytes} MB in {TABLES} tables, a file of {size} MB, {max(one[2] for row in rows for one in row[1:]):.0f} MiB at most")
    for number, name in enumerate(("pg_dump alone", "nxtplay", "nxtplay, every row counted")):
        wall, cpu = (statistics.median(row[number][n] for row in rows) for n in (0, 1))
        base = [statistics.median(row[0][n] for row in rows) for n in (0, 1)]
        print(f"{name}: {wall:.1f} s ({wall / base[0]:.2f}x), {cpu:.1f} s CPU ({cpu / base[1]:.2f}x)")


if __name__ == "__main__":
    main()
