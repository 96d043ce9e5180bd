"""Whether a container came up: healthy, running, completed, or why not."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from typing import Any, Optional

from nxtplay.modules import _docker

LOOP = 3  # restarts after which a container counts as looping
STABLE = 1.0  # seconds a container without a health check has to keep running


@dataclass(frozen=True)
class Verdict:
    """`status`: up (as wanted), pending, failed; `why` says what the container does."""

    status: str
    why: str = ""


def judge(found: Optional[dict[str, Any]], wanted: str, restarts_before: int = 0) -> Verdict:
    """Look at an inspected container. `wanted`: healthy (running suffices where there is no health check), running, completed."""
    if found is None:
        return Verdict("failed", "the container is gone")
    state = found["State"]
    status = state.get("Status")
    restarts = int(found.get("RestartCount") or 0) - restarts_before
    if status in ("exited", "dead"):
        code = state.get("ExitCode")
        if wanted == "completed" and code == 0:
            return Verdict("up", "completed")
        killed = ", out of memory" if state.get("OOMKilled") else ""
        error = f": {state['Error']}" if state.get("Error") else ""
        return Verdict("failed", f"exited with code {code}{killed}{error}")
    if restarts >= LOOP or (status == "restarting" and restarts >= LOOP - 1):
        return Verdict("failed", f"keeps restarting ({restarts} times so far, last exit code {state.get('ExitCode')})")
    if status != "running":
        return Verdict("pending", str(status))
    if wanted == "completed":
        return Verdict("pending", "running")
    health = (state.get("Health") or {}).get("Status")
    if wanted == "running":
        return Verdict("up", "running")
    if health in (None, "none", ""):
        return Verdict("up" if age(state.get("StartedAt", "")) >= STABLE else "pending", "running")
    if health == "healthy":
        return Verdict("up", "healthy")
    return Verdict("failed" if health == "unhealthy" else "pending", str(health))


def age(stamp: str) -> float:
    """Seconds since an engine's time stamp (2026-01-02T03:04:05.678901234Z)."""
    try:
        began = datetime.datetime.fromisoformat(stamp[:19]).replace(tzinfo=datetime.timezone.utc)
        fraction = float("0." + stamp[20:].rstrip("Z").partition("+")[0]) if len(stamp) > 20 else 0.0
    except ValueError:
        return STABLE
    return time.time() - began.timestamp() - fraction


def patience(found: Optional[dict[str, Any]], least: float = 300) -> float:
    """Seconds after which a container that is neither healthy nor unhealthy is given up: as long as its probes can take, and more."""
    check = ((found or {}).get("Config") or {}).get("Healthcheck") or {}
    seconds = [float(check.get(k) or d) / 1e9 for k, d in (("Interval", 30e9), ("Timeout", 30e9), ("StartPeriod", 0))]
    longest = seconds[2] + (seconds[0] + seconds[1]) * ((check.get("Retries") or 3) + 1)
    return max(least, longest) if check else least


def story(api: Any, found: Optional[dict[str, Any]], lines: int = 30) -> str:
    """What a container has to say for itself: the last probe's output, the last log lines."""
    if found is None:
        return ""
    out = []
    probes = ((found["State"].get("Health") or {}).get("Log") or [])[-1:]
    for probe in probes:
        said = str(probe.get("Output") or "").strip()
        out.append(f"last health check (exit {probe.get('ExitCode')}): {said[-1000:] or 'no output'}")
    logs = _docker.tail_of(api, found["Id"], lines)
    out.append(f"last log lines:\n{logs}" if logs else "it logged nothing")
    return "\n".join(out)
