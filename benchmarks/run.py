"""nxtplay beside ansible-core, ansible-core with Mitogen, and pyinfra: `python benchmarks/run.py [--only NAME ...] [--runs N]`.

Makes an environment for each tool at the first time, starts an sshd of its own on loopback addresses, and runs all tools in turn (A B A B).
A full run writes RESULTS.md; with --only the table is just printed. With --keep the other tools' figures are taken from earlier runs.
"""

from __future__ import annotations

import argparse
import atexit
import datetime
import os
import platform
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import peers
from ground import Ground, idle, prepare
from kept import Kept
from lines import Line, all_lines
from measure import measured
from table import US, Cost, results

LONG = 30.0  # seconds; a tool that took longer is not asked again
EARLIER = "; other tools' figures may be of an earlier run, so under another load: compare CPU, not wall time"
MANY = ("hosts100", "hosts200", "hosts1000")


@dataclass
class Bench:
    """What was found so far: for each line and tool the costs of its runs, and why there are none."""

    ground: Ground
    idle: float
    versions: dict[str, str]
    kept: Kept
    keep: bool
    costs: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)  # by title and tool

    def line(self, line: Line, names: Sequence[str], runs: int, *, slow: bool) -> None:
        """All tools in turn, `runs` times; without `slow` not those that take minutes."""
        line.files(self.ground)
        asked = [peer for peer in names if not self._known(line, peer)]
        if not slow:
            self.failed.update(((line.title, peer), "not run, takes many minutes") for peer in asked if peer in line.slow)
            asked = [peer for peer in asked if peer not in line.slow]
        for _ in range(runs):
            for peer in asked:
                if (line.title, peer) not in self.failed and not self._took_long(line, peer):
                    self._once(line, peer)
        for peer in asked:
            for title in line.titles:
                costs = self.failed.get((line.title, peer)) or self.costs.get(title, {}).get(peer)
                if costs:
                    self.kept.add(self._tool(peer), title, costs)

    def _tool(self, peer: str) -> str:
        return f"{peer} {self.versions[peer]}"

    def _known(self, line: Line, peer: str) -> bool:
        """Whether an earlier run's figures serve; they are taken then."""
        found = [self.kept.find(self._tool(peer), title) for title in line.titles]
        if peer == US or not self.keep or None in found:
            return False
        for title, costs in zip(line.titles, found, strict=True):
            if isinstance(costs, str):
                self.failed[line.title, peer] = costs
            elif costs:
                self.costs.setdefault(title, {})[peer] = costs
        return True

    def _took_long(self, line: Line, peer: str) -> bool:
        return any(cost.wall > LONG for cost in self.costs.get(line.title, {}).get(peer, ()))

    def _once(self, line: Line, peer: str) -> None:
        self.ground.forget_host()
        for title in line.titles:
            argv = line.commands(peer, self.ground)
            if argv is None:
                return
            cost, code, output = self._measured(line, peer, argv)
            if code:
                self.failed[line.title, peer] = f"exit code {code}"
                print(f"{line.name:15} {peer:8} failed with {code}:\n{output[-1500:]}", flush=True)
                return
            self.costs.setdefault(title, {}).setdefault(peer, []).append(cost)
            print(f"{line.name:15} {peer:8} {cost}", flush=True)

    def _measured(self, line: Line, peer: str, argv: Sequence[str]) -> tuple[Cost, int, str]:
        log, environ = self.ground.folder / "output.log", peers.environ(peer, self.ground)
        if not line.hosts:
            used = measured(argv, cwd=self.ground.folder, environ=environ, log=log)
            return Cost(used.wall, used.cpu, None, used.peak), used.code, used.output
        trips = None
        with self.ground.sshd() as sshd:
            if line.delay:
                with self.ground.delayed(line.delay) as count:
                    used = measured(argv, cwd=self.ground.folder, environ=environ, log=log)
                trips = int(count.read_text())
            else:
                used = measured(argv, cwd=self.ground.folder, environ=environ, log=log)
            host = max(0.0, sshd.stop().cpu - self.idle)
        return Cost(used.wall, used.cpu, host, used.peak, trips), used.code, used.output


def chosen(only: Sequence[str], *, many: bool) -> Iterator[Line]:
    """The lines asked for."""
    lines = all_lines()
    for name in only:
        if name not in {line.name for line in lines}:
            raise SystemExit(f"there is no line '{name}'; there are: {', '.join(line.name for line in lines)}")
    for line in lines:
        if line.name in only or (not only and (many or line.name not in MANY)):
            yield line


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description="Measure nxtplay beside Ansible, Mitogen and pyinfra.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this line alone (may be given several times)")
    parser.add_argument("--runs", type=int, default=3, help="how often each tool runs; medians are told (default 3)")
    parser.add_argument("--tools", default=",".join(peers.NAMES), help="which tools, by comma")
    parser.add_argument("--many", action="store_true", help="also 100, 200 and 1000 hosts")
    parser.add_argument("--slow", action="store_true", help="also what takes a tool many minutes")
    parser.add_argument("--keep", action="store_true", help="take the other tools' figures from earlier runs where there are any")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "RESULTS.md", help="where a full run writes")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no sshd stays behind
    names = given.tools.split(",")
    lines = list(chosen(given.only, many=given.many))
    versions = {peer: peers.install(peer) for peer in names}
    # In memory: on ext4 each file that is made costs more the more were deleted within the last minute, which is another tool's doing.
    ground = prepare(Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else peers.cache()) / f"nxtplay-benchmark-{os.getpid()}")
    atexit.register(shutil.rmtree, ground.folder, ignore_errors=True)
    bench = Bench(ground, idle(ground), versions, Kept(peers.cache() / "kept.json"), given.keep)
    before = os.getloadavg()[0]
    for line in lines:
        bench.line(line, names, given.runs, slow=given.slow)
    machine = f"{os.cpu_count()} cores, {_memory()} GiB of memory, {_system()}, Python {platform.python_version()}"
    text = results(
        bench.costs,
        names,
        without=bench.failed,
        why={title: line.why for line in lines for title in line.titles},
        head={
            "date": datetime.date.today().isoformat(),
            "machine": machine,
            "load": f"{before:.1f} before, {os.getloadavg()[0]:.1f} at the end (others work on these cores: read CPU and ratios)",
            "versions": ", ".join(f"{peer} {version}" for peer, version in versions.items()),
            "runs": f"{given.runs}, tools in turn; one only where it took more than {LONG:g} s" + (EARLIER if given.keep else ""),
        },
    )
    print(text)
    if not given.only and list(names) == list(peers.NAMES):
        given.output.write_text(text)
        print(f"written: {given.output}", file=sys.stderr)


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


if __name__ == "__main__":
    main()
