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


def alone(target: Path) -> float:
    began = time.monotonic()
    with open(target, "wb") as stream:
        subprocess.run(["docker", "exec", NAME, "pg_dump", "-U", "postgres", "-Fc", "bench"], stdout=stream, check=True)
        os.fsync(stream.fileno())
    return time.monotonic() - began


def ours(folder: Path, *, census: bool) -> tuple[float, float]:
    """(seconds, MiB at most)."""
    (folder / "dump.yml").write_text(PLAYBOOK)
    words = ["-e", f"server={NAME}", "-e", f"target={folder}/ours.dump", "-e", f"census={census}"]
    argv = [sys.executable, "-m", "nxtplay", str(folder / "dump.yml"), *words]
    used = Tree(argv, cwd=ROOT, environ=os.environ, log=folder / "log").wait()
    if used.code:
        raise SystemExit(used.output)
    return used.wall, used.peak


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
                print("  ".join(f"{seconds:.1f} s" for seconds in (rows[-1][0], rows[-1][1][0], rows[-1][2][0])), flush=True)
            size = (folder / "ours.dump").stat().st_size >> 20
        finally:
            subprocess.run(["docker", "rm", "-fv", NAME], stdout=subprocess.DEVNULL)
    base = statistics.median(row[0] for row in rows)
    dump, counted = (statistics.median(row[n][0] for row in rows) for n in (1, 2))
    peak = max(row[n][1] for row in rows for n in (1, 2))
    print(f"{given.megabytes} MB, a file of {size} MB: pg_dump alone {base:.1f} s; nxtplay {dump:.1f} s ({dump / base:.2f}x); "
          f"with every row counted {counted:.1f} s ({counted / base:.2f}x); {peak:.0f} MiB at most")  # fmt: skip


if __name__ == "__main__":
    main()
