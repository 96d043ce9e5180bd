"""Commands in the containers of a Compose stack, and its images pulled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker_bench as bench
import mini_registry
import pytest
from docker_bench import IMAGE, PROJECT, check, containers, engine, run, settle, stack, write

from nxtplay.core.world import World

pytestmark = pytest.mark.docker
SLEEP = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]
EXEC, RUN, UP, PULL = "docker_compose_v2_exec", "docker_compose_v2_run", "docker_compose_v2", "docker_compose_v2_pull"


def test_a_command_runs_in_a_service_that_runs(folder: Path) -> None:
    write(folder, {"db": {"command": SLEEP, "scale": 2}})
    args = stack(folder, service="db")
    say = {**args, "argv": ["sh", "-c", "cat; echo $A $PWD; id -u; echo why >&2"], "env": {"A": "$x"}, "chdir": "/tmp", "user": "7"}
    assert "does not run" in check(EXEC, say).reason
    world = World()
    assert check(UP, stack(folder), world).status == "changed"
    assert check(EXEC, say, world).status == "changed", "it would be up by then"
    run(UP, stack(folder))
    assert check(EXEC, say).status == "changed"
    done = run(EXEC, {**say, "stdin": "in"}).result
    assert (done["rc"], done["stdout"], done["stderr"]) == (0, "in\n$x /tmp\n7", "why")
    failed = run(EXEC, {**args, "command": "sh -c 'echo no >&2; exit 4'"})
    assert (failed.status, failed.result["rc"], failed.result["stderr"]) == ("failed", 4, "no")
    run(EXEC, {**args, "command": "touch /tmp/second", "index": 2})
    assert run(EXEC, {**args, "command": "test -e /tmp/second", "index": 1}).status == "failed"
    assert run(EXEC, {**args, "command": "test -e /tmp/second", "index": 2}).status == "changed"
    assert f"{PROJECT}-db-3" in check(EXEC, {**args, "command": "true", "index": 3}).reason
    assert "db" in check(EXEC, {**args, "service": "dbb", "command": "true"}).reason
    assert run(EXEC, {**args, "command": "sh -c 'sleep 0.1; touch /tmp/later'", "detach": True}).status == "changed"
    assert "not waited for" in check(EXEC, {**say, "stdin": "x", "detach": True}).reason


def test_a_command_has_a_container_of_its_own(folder: Path) -> None:
    port = bench.free_port()
    good = {"test": "test -e /tmp/ok", "interval": "1s", "retries": 5}
    job = {"image": IMAGE, "command": ["echo", "from the file"], "environment": {"A": "file", "B": "kept"}, "restart": "always",
           "ports": [f"127.0.0.1:{port}:80"], "depends_on": {"db": {"condition": "service_healthy"}},
           "volumes": ["data:/data"]}  # fmt: skip
    write(folder, {"db": {"command": ["sh", "-c", "touch /tmp/ok; trap exit TERM; sleep 1000 & wait"], "healthcheck": good}, "job": job},
          volumes={"data": None})
    args = stack(folder, service="job")
    world = World()
    once = {**args, "cleanup": True}
    assert check(RUN, once, world).status == "changed"
    assert check(UP, stack(folder, services=["db"]), world).status == "ok", "what it depends on would be up by then"
    assert run(RUN, once).result["stdout"] == "from the file"
    assert set(containers()) == {f"{PROJECT}-db-1"}
    assert check(UP, stack(folder, services=["db"])).status == "ok"

    script = "cat; echo $A $B $C; id -u; pwd; ls /more; cat /data/kept; echo why >&2; exit 3"
    (folder / "more").mkdir()
    (folder / "more" / "file").touch()
    run(RUN, {**once, "argv": ["sh", "-c", "echo kept > /data/kept"], "no_deps": True})
    more: dict[str, Any] = {"env": {"A": "$task", "C": "c"}, "user": "8", "chdir": "/tmp", "volumes": ["./more:/more"], "stdin": "in"}
    failed = run(RUN, {**args, **more, "argv": ["sh", "-c", script], "name": f"{PROJECT}-mine", "labels": ["x=y"], "use_aliases": True})
    assert (failed.status, failed.result["rc"], failed.result["stderr"]) == ("failed", 3, "why")
    assert failed.result["stdout"] == "in\n$task kept c\n8\n/tmp\nfile\nkept"
    left = containers()[f"{PROJECT}-mine"]
    assert left["Config"]["Labels"]["x"] == "y"
    assert left["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    assert not left["HostConfig"]["PortBindings"]
    assert check(UP, stack(folder, services=["db"])).status == "ok", "a container of its own is no container of the stack"
    again = {**args, "name": f"{PROJECT}-mine"}
    assert check(RUN, again).reason == run(RUN, again).reason != ""

    detached = run(RUN, {**args, "entrypoint": "sleep 60", "detach": True, "service_ports": True, "publish": ["127.0.0.1::81"]}).result
    found = engine().inspect_container(detached["container_id"])
    assert (found["Path"], found["Args"]) == ("sleep", ["60"])
    assert set(found["HostConfig"]["PortBindings"]) == {"80/tcp", "81/tcp"}
    engine().remove_container(detached["container_id"], force=True)
    assert "nosuch" in check(RUN, {**args, "service": "nosuch"}).reason


def test_what_a_service_builds_is_built_for_a_command(folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo one > /made\n")
    write(folder, {"job": {"image": f"nxtplay-test/job:{bench.ME}", "build": {"context": ".", "labels": bench.LABELS}}})
    args = stack(folder, service="job", command="cat /made", cleanup=True)
    assert run(RUN, args).result["stdout"] == "one"
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo two > /made\n")
    assert run(RUN, args).result["stdout"] == "one"
    assert run(RUN, {**args, "build": True}).result["stdout"] == "two"


def test_images_of_a_stack_are_pulled(folder: Path) -> None:
    with mini_registry.running() as address:
        name = f"{address}/some/stack:1"
        run("docker_image_tag", {"name": IMAGE, "repository": [name]})
        run("docker_image_push", {"name": name})
        run("docker_image_remove", {"name": name})
        write(folder, {"db": {"image": name, "command": SLEEP}, "own": {"image": f"{address}/some/own:1", "build": "."},
                       "kept": {"image": f"{address}/some/kept:1", "pull_policy": "never"}})  # fmt: skip
        world = World()
        assert check(PULL, stack(folder, policy="missing"), world).status == "changed"
        assert check(PULL, stack(folder), world).status in ("ok", "unknown")
        done = settle(PULL, stack(folder))
        assert done.result["actions"] == [{"what": "image", "id": name, "status": "Pulling"}]
        assert check(PULL, stack(folder, services=["db"], policy="missing")).status == "ok"
        write(folder, {"db": {"image": f"{address}/some/other:1", "command": SLEEP}})
        assert check(PULL, stack(folder)).reason == run(PULL, stack(folder)).reason != ""
        engine().remove_image(name, force=True)
