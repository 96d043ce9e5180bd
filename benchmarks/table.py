"""Costs as a page: medians, ratios to nxtplay, and where nxtplay is not ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

US = "nxtplay"


@dataclass(frozen=True)
class Cost:
    """One run: seconds, CPU seconds of the controller and of the hosts (None: no host), MiB of the largest process, round trips."""

    wall: float
    cpu: float
    host: float | None
    peak: float
    trips: int | None = None

    def __str__(self) -> str:
        host = "" if self.host is None else f" + {self.host:.2f} on hosts"
        trips = "" if self.trips is None else f", {self.trips} round trips"
        return f"{self.wall:.2f} s, CPU {self.cpu:.2f}{host}, {self.peak:.0f} MiB{trips}"


_MEMORY = "memory"
Costs = Mapping[str, Mapping[str, Sequence[Cost]]]  # title of a line -> tool -> runs


def results(
    costs: Costs, tools: Sequence[str], *, without: Mapping[tuple[str, str], str], why: Mapping[str, str], head: Mapping[str, str]
) -> str:
    """The whole page in Markdown. `without`: why a line (by its title) has no figures of a tool; `why`: why another may be ahead."""
    out = ["# Results", "", "Written by `python benchmarks/run.py`. Medians; (2.0x): twice what nxtplay takes.", ""]
    out += [f"- {name}: {value}" for name, value in head.items()]
    out += ["", "| work | tool | wall s | controller CPU s | host CPU s | largest process MiB | round trips |"]
    out.append("|---|---|--:|--:|--:|--:|--:|")
    for title, by_tool in costs.items():
        ours = by_tool.get(US)
        for tool in tools:
            if tool in by_tool:
                shown = title if tool == next(t for t in tools if t in by_tool) else ""
                out.append(f"| {shown} | {tool} | " + " | ".join(_cells(by_tool[tool], None if tool == US else ours)) + " |")
            elif (title, tool) in without:
                out.append(f"|  | {tool} | {without[title, tool]} |  |  |  |  |")
    behind = [_why(title, found, why.get(title, "")) for title, found in _behind(costs).items()]
    out += ["", "## Not ahead", "", *(behind or ["Nowhere."]), ""]
    return "\n".join(out)


def _why(title: str, found: Sequence[str], reason: str) -> str:
    """A line of the last list. The reason is one for time; what takes memory is every connection that is open."""
    told = f"- {title}: {', '.join(found)}."
    return told if not reason or all(word.endswith(_MEMORY) for word in found) else f"{told} {reason}"


def _cells(runs: Sequence[Cost], ours: Sequence[Cost] | None) -> list[str]:
    return [_cell(runs, ours, name, digits) for name, digits in (("wall", 2), ("cpu", 2), ("host", 2), ("peak", 0), ("trips", 0))]


def _cell(runs: Sequence[Cost], ours: Sequence[Cost] | None, name: str, digits: int) -> str:
    value = _median(runs, name)
    if value is None:
        return ""
    base = _median(ours, name) if ours else None
    return f"{value:.{digits}f}" + (f" ({value / base:.1f}x)" if base else "")


def _median(runs: Sequence[Cost], name: str) -> float | None:
    values = [getattr(run, name) for run in runs if getattr(run, name) is not None]
    return median(values) if values else None


def _behind(costs: Costs) -> dict[str, list[str]]:
    """Title -> where another tool takes less."""
    words = {"wall": "wall time", "cpu": "controller CPU", "host": "host CPU", "peak": _MEMORY}
    out: dict[str, list[str]] = {}
    for title, by_tool in costs.items():
        for tool, runs in by_tool.items():
            for name, word in words.items():
                ours, theirs = _median(by_tool.get(US, ()), name), _median(runs, name)
                if tool != US and ours and theirs is not None and ours >= theirs:
                    out.setdefault(title, []).append(f"{tool} in {word}")
    return out
