"""A stack of the test session's own beside whatever else runs here, deployed by the shipped playbooks."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import played
from played import ROOT, Played

PREFIX = "nxtflow-"


@dataclass
class Stack:
    """`folder` is a copy of the example, which a test may change; `project` names the containers."""

    folder: Path
    project: str
    ports: dict[str, int]

    def play(self, *words: str, env: dict[str, str] | None = None, json_lines: bool = True, timeout: float = 900) -> Played:
        """Run nxtplay on this machine."""
        settings = {"stack_project": self.project, "stack_source": str(self.folder), **{f"{k}_port": v for k, v in self.ports.items()}}
        line = ["-i", "inventory/local.yml", *words, "-e", json.dumps(settings)]
        return played.play(*line, env=env, json_lines=json_lines, timeout=timeout)

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
    for image in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{project}-*").split():
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
