"""A stack of the test session's own beside whatever else runs here, deployed by the shipped playbooks."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PREFIX = "nxtflow-"
Key = tuple[str, str, str]  # role, task, item


@dataclass(frozen=True)
class Played:
    """How a run of a playbook went; `text` is everything it printed."""

    rc: int
    text: str
    seconds: float
    events: list[dict[str, Any]] = field(default_factory=list)

    def with_status(self, *statuses: str) -> set[Key]:
        """Tasks, and single items of loops, that ended so."""
        started = {e["id"]: e for e in self.events if e["kind"] == "task_started"}
        looped = {e["id"] for e in self.events if e["kind"] == "item_finished"}
        ended = [e for e in self.events if e["kind"] == "item_finished" or (e["kind"] == "task_finished" and e["id"] not in looped)]
        return {(started[e["id"]]["role"], started[e["id"]]["name"], e["item_label"]) for e in ended if e["status"] in statuses}

    def finished(self, name: str, item: str = "") -> dict[str, Any]:
        """The event of the task (or item) of that name."""
        ids = [e["id"] for e in self.events if e["kind"] == "task_started" and e["name"] == name]
        ended = [e for e in self.events if e["kind"] in ("task_finished", "item_finished") and e["id"] in ids]
        (found,) = (e for e in ended if e["item_label"] == item)
        return found


@dataclass
class Stack:
    """`folder` is a copy of the example, which a test may change; `project` names the containers."""

    folder: Path
    project: str
    ports: dict[str, int]

    def play(self, *words: str, env: dict[str, str] | None = None, json_lines: bool = True, timeout: float = 900) -> Played:
        """Run nxtplay from the root of the repository on this machine."""
        settings = {"stack_project": self.project, "stack_source": str(self.folder), **{f"{k}_port": v for k, v in self.ports.items()}}
        argv = [sys.executable, "-m", "nxtplay", "-i", "inventory/local.yml", *words, "-e", json.dumps(settings)]
        began = time.monotonic()
        done = subprocess.run(
            [*argv, "--json"] if json_lines else argv,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")] if json_lines else []
        known = [e for e in events if "status" in e or e["kind"] == "task_started"]
        return Played(done.returncode, done.stdout + done.stderr, time.monotonic() - began, known)

    def containers(self) -> dict[str, tuple[str, str]]:
        """Service to (id, time of start) of every container of the project."""
        found = {}
        for identity in docker("ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.compose.project={self.project}").split():
            (about,) = json.loads(docker("inspect", identity))
            found[about["Config"]["Labels"]["com.docker.compose.service"]] = (identity, about["State"]["StartedAt"])
        return found

    def search(self) -> dict[str, Any]:
        """What a search through Nginx answers."""
        body = json.dumps({"from": "University", "to": "Airport"}).encode()
        url = f"http://127.0.0.1:{self.ports['frontend']}/api/routes/search"
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def secrets(self) -> list[str]:
        lines = (self.folder / ".env.production").read_text().splitlines()
        return [v.strip("'\"") for k, v in (line.split("=", 1) for line in lines if re.match(r"\w+=", line)) if k != "CORS_ORIGIN"]

    def remove(self) -> None:
        remove(self.project)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], stdout=subprocess.PIPE, text=True, check=False).stdout


def remove(project: str) -> None:
    """Everything that belongs to a project."""
    label = f"label=com.docker.compose.project={project}"
    for listing, removal in (
        (["ps", "-aq"], ["rm", "-fv"]),
        (["volume", "ls", "-q"], ["volume", "rm", "-f"]),
        (["network", "ls", "-q"], ["network", "rm"]),
    ):
        names = docker(*listing, "--filter", label).split()
        if names:
            docker(*removal, *names)
    for image in docker("image", "ls", "-q", f"{project}-*").split():
        docker("image", "rm", "-f", image)


def remove_abandoned() -> None:
    """Stacks of test sessions that were killed; the process that made one stands in its name."""
    names = docker("ps", "-a", "--format", '{{.Label "com.docker.compose.project"}}').split()
    for project in set(names):
        if project.startswith(PREFIX) and not os.path.exists(f"/proc/{project[len(PREFIX):].partition('-')[0]}"):
            remove(project)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make(folder: Path, name: str = "") -> Stack:
    """A stack that is not deployed yet."""
    shutil.copytree(ROOT / "examples/nxtbus", folder, ignore=shutil.ignore_patterns("node_modules", "dist", ".env*"))
    shutil.copy(ROOT / "examples/nxtbus/.env.production.example", folder)
    ports = {service: free_port() for service in ("frontend", "backend", "postgres", "redis")}
    return Stack(folder, f"{PREFIX}{os.getpid()}{name}", ports)


@dataclass(frozen=True)
class Deployment:
    """A stack, and how it came about: a check before anything was there, the run, a check, a second run."""

    stack: Stack
    foreseen: Played
    first: Played
    again: Played
    second: Played
