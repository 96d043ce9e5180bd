"""The single modules of the docker family on the real engine."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import docker_bench as bench
import pytest
from docker_bench import IMAGE, LABELS, ME, check, engine, run, settle

from nxtplay.core.resource import check_args
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import registry
from nxtplay.modules._docker_build import ImageState

pytestmark = pytest.mark.docker
NAME = f"nxtsingle{ME}"
WAIT = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]  # ends as soon as it is told to
BASE: dict[str, Any] = {"name": NAME, "image": IMAGE, "command": WAIT, "labels": LABELS, "stop_timeout": 1}

OPTIONS: list[dict[str, Any]] = [
    {"env": {"A": "1", "N": 5, "T": True}},
    {"ports": ["127.0.0.1:0:80"]},
    {"exposed_ports": ["80", "81/udp"]},
    {"volumes": ["/tmp:/host:ro"]},
    {"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_size": "1m"}]},
    {"tmpfs": ["/x"]},
    {"healthcheck": {"test": "true", "interval": "1s", "retries": 2}},
    {"restart_policy": "on-failure", "restart_retries": 3},
    {"memory": "64m", "memory_swap": "128m"},
    {"cpus": 0.5, "pids_limit": 50},
    {"entrypoint": ["/bin/busybox"], "command": WAIT},
    {"capabilities": ["NET_ADMIN"], "cap_drop": ["CAP_CHOWN"]},
    {"ulimits": ["nofile:100:200"], "shm_size": "1m", "sysctls": {"net.core.somaxconn": "10"}},
    {"etc_hosts": {"h": "1.2.3.4"}, "dns_servers": ["1.1.1.1"], "hostname": "hh", "domainname": "dd"},
    {"user": "1000:1000", "working_dir": "/tmp", "init": True, "read_only": True, "tty": True, "interactive": True},
    {"log_driver": "json-file", "log_options": {"max-size": "1m"}},
    {"devices": ["/dev/null:/dev/nil:r"], "security_opts": ["no-new-privileges"], "groups": ["10"]},
    {"network_mode": "none"},
    {"state": "stopped"},
    {"state": "present"},
    {"state": "healthy", "healthcheck": {"test": ["CMD", "true"], "interval": "500ms"}},
    {"paused": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o))
def test_a_container_settles_from_nothing_and_from_another(folder: Path, options: dict[str, Any]) -> None:
    settle("docker_container", {**BASE, **options})
    bench.remove_containers()
    settle("docker_container", BASE)
    if options not in ({"state": "present"},):
        assert settle("docker_container", {**BASE, **options}).status == "changed"
    settle("docker_container", {"name": NAME, "state": "absent"})
    assert run("docker_container_info", {"name": NAME}).result == {"exists": False, "container": None}


def test_comparisons(folder: Path) -> None:
    settle("docker_container", {**BASE, "env": {"A": "1", "B": "2"}})
    assert check("docker_container", {**BASE, "env": {"A": "1"}}).status == "ok"
    assert bench.paths(check("docker_container", {**BASE, "env": {"A": "1"}, "comparisons": {"env": "strict"}})) == {"config.env.B"}
    assert check("docker_container", {**BASE, "command": "sleep 5", "comparisons": {"command": "ignore"}}).status == "ok"
    strict = {"*": "ignore", "command": "strict"}
    assert check("docker_container", {**BASE, "command": "sleep 5", "comparisons": strict}).status == "changed"
    assert "did you mean 'command'" in check("docker_container", {**BASE, "comparisons": {"comand": "ignore"}}).reason
    live = {**BASE, "memory": "64m", "memory_swap": "128m"}
    before = engine().inspect_container(NAME)["Id"]
    settle("docker_container", live)
    assert engine().inspect_container(NAME)["Id"] == before, "a limit needs no new container"
    lost = check("docker_container", {**BASE, "user": "1000"})
    assert "other.env" in bench.paths(lost), "what a new container goes without is told"


def test_a_container_that_fails_is_put_back(folder: Path) -> None:
    settle("docker_container", BASE)
    before = engine().inspect_container(NAME)["Id"]
    for broken in ({"command": "nosuchprogram"}, {"state": "healthy", "healthcheck": {"test": "false", "interval": "500ms", "retries": 1}},
                   {"volumes": ["/a:/b", "/c:/b"]}):
        failed = run("docker_container", {**BASE, **broken})
        assert failed.status == "failed"
        found = engine().inspect_container(NAME)
        assert (found["Id"], found["State"]["Running"], found["Name"]) == (before, True, f"/{NAME}")
    assert "no health check" in check("docker_container", {**BASE, "state": "healthy"}).reason


def test_networks_and_volumes(folder: Path) -> None:
    network, volume = f"nxtnet{ME}", f"nxtvol{ME}"
    settle("docker_container", BASE)
    settle("docker_network", {"name": network, "labels": LABELS, "internal": True, "connected": [NAME]})
    found = run("docker_network_info", {"name": network}).result["network"]
    assert [c["Name"] for c in found["Containers"].values()] == [NAME]
    refused = check("docker_network", {"name": network, "internal": False})
    assert refused.status == "changed"
    assert NAME in run("docker_network", {"name": network, "internal": False}).reason
    settle("docker_network", {"name": network, "internal": False, "labels": LABELS, "force": True})
    settle("docker_container", {**BASE, "networks": [{"name": network, "aliases": ["foo"]}], "purge_networks": True})
    assert run("docker_container_exec", {"container": NAME, "argv": ["ping", "-c1", "foo"]}).result["rc"] == 0
    settle("docker_container", {"name": NAME, "state": "absent"})
    settle("docker_network", {"name": network, "state": "absent"})
    settle("docker_network", {"name": network, "labels": LABELS, "enable_ipv4": True, "ingress": False})
    settle("docker_network", {"name": network, "state": "absent"})
    settle("docker_volume", {"name": volume, "labels": LABELS})
    differs = {"name": volume, "labels": {**LABELS, "x": "y"}}
    assert check("docker_volume", differs).reason == run("docker_volume", differs).reason != ""
    settle("docker_volume", {**differs, "recreate": "options-changed"})
    settle("docker_volume", {"name": volume, "state": "absent"})


def test_images(folder: Path) -> None:
    other = f"nxtplay-test/other:{ME}"
    settle("docker_image_tag", {"name": IMAGE, "repository": [other]})
    archive = folder / "image.tar"
    with open(archive, "wb") as stream:
        for chunk in engine().get_image(other):
            stream.write(chunk)
    assert settle("docker_image_load", {"path": str(archive)}).status == "ok"
    settle("docker_image_remove", {"name": other})
    settle("docker_image_load", {"path": str(archive)})
    found = run("docker_image_info", {"name": [other, "nosuch:1"]}).result["images"]
    assert [i["RepoTags"] for i in found if other in i["RepoTags"]]
    settle("docker_image_remove", {"name": other})
    (folder / "no.tar").write_text("no")
    assert "no archive of images" in check("docker_image_load", {"path": str(folder / "no.tar")}).reason
    missing = {"name": "nosuch-registry.invalid/x:1"}
    assert check("docker_image_pull", missing).reason == run("docker_image_pull", missing).reason
    answer = run("docker_registry_info", {"name": ["nosuch-registry.invalid/x:1", IMAGE]}).result
    assert answer["images"]["nosuch-registry.invalid/x:1"]["status"] == "unreachable"
    assert answer["images"][IMAGE]["present"]
    assert not answer["pullable"]


def test_images_are_exported_when_the_archive_holds_others(folder: Path) -> None:
    first, second, archive = f"nxtplay-test/first:{ME}", f"nxtplay-test/second:{ME}", folder / "images.tar"
    settle("docker_image_tag", {"name": IMAGE, "repository": [first, second]})
    args: dict[str, Any] = {"names": [first], "path": str(archive)}
    done = settle("docker_image_export", args)
    assert first in done.result["images"][0]["RepoTags"]
    assert settle("docker_image_load", {"path": str(archive)}).result["image_names"] == [first]
    settle("docker_image_export", {**args, "names": [first, second]})
    archive.write_text("no archive")
    settle("docker_image_export", args)
    identity = engine().inspect_image(first)["Id"]
    assert settle("docker_image_export", {**args, "names": [identity, first]}).status == "ok"
    settle("docker_image_export", {**args, "names": [identity]})
    settle("docker_image_export", args)
    forced = {**args, "force": True}
    assert (check("docker_image_export", forced).status, run("docker_image_export", forced).status) == ("changed", "changed")
    archive.unlink()
    settle("docker_image", {"name": first, "source": "local", "archive_path": str(archive)})
    assert check("docker_image_export", args).status == "ok"
    for wrong in ({"names": ["nosuch:1"]}, {"path": str(folder)}, {"path": str(folder / "no" / "x.tar")}):
        assert check("docker_image_export", {**args, **wrong}).reason == run("docker_image_export", {**args, **wrong}).reason != ""
    world = World()
    archive.unlink()
    assert check("docker_image_export", args, world).status == "changed"
    assert check("file", {"path": str(archive), "state": "absent"}, world).status == "changed"
    settle("docker_image_remove", {"name": first})
    settle("docker_image_remove", {"name": second})


def test_exec_and_logs(folder: Path) -> None:
    settle("docker_container", {**BASE, "command": ["sh", "-c", "for i in 1 2 3; do echo line $i; done; exec sleep 1000"]})
    script = "cat; echo err >&2; echo $A"
    more = {"stdin": "in", "env": {"A": "é"}, "chdir": "/tmp"}
    done = run("docker_container_exec", {"container": NAME, "argv": ["sh", "-c", script], **more})
    assert (done.result["rc"], done.result["stdout"], done.result["stderr"]) == (0, "in\né", "err")
    big = run("docker_container_exec", {"container": NAME, "argv": ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]})
    assert len(big.result["stdout"]) == 3000000
    failed = run("docker_container_exec", {"container": NAME, "command": "sh -c 'echo why >&2; exit 4'"})
    assert (failed.status, failed.result["rc"], failed.result["stderr"]) == ("failed", 4, "why")
    assert run("docker_container_exec", {"container": NAME, "command": "touch /tmp/a", "unless": "test -e /tmp/a"}).status == "changed"
    assert run("docker_container_exec", {"container": NAME, "command": "touch /tmp/a", "unless": "test -e /tmp/a"}).status == "ok"
    assert "no container nope" in check("docker_container_exec", {"container": "nope", "command": "x"}).reason
    assert run("docker_logs", {"container": NAME, "tail": 2}).result["stdout"] == "line 2\nline 3"
    said: list[tuple[str, Any]] = []
    end = threading.Timer(1.5, lambda: engine().kill(NAME))
    end.start()
    assert run("docker_logs", {"container": NAME, "follow": True}, said).status == "ok"
    end.join()
    assert "".join(data for kind, data in said if kind == "output") == "line 1\nline 2\nline 3\n"


def test_a_command_run_to_its_end(folder: Path) -> None:
    once = {**BASE, "command": ["sh", "-c", "echo done"], "detach": False, "cleanup": True}
    for _ in range(2):
        done = run("docker_container", once)
        assert (done.status, done.result["output"], done.result["status"]) == ("changed", "done", 0)
    assert run("docker_container", {**once, "command": ["sh", "-c", "echo no; exit 3"]}).reason.endswith("ended with 3: no")


def test_files_inside(folder: Path) -> None:
    settle("docker_container", BASE)
    (folder / "f").write_text("from the host")
    (folder / "f").chmod(0o640)
    into = {"container": NAME, "container_path": "/tmp/f"}
    settle("docker_container_copy_into", {**into, "path": str(folder / "f"), "owner_id": 5, "group_id": 6})
    said = run("docker_container_exec", {"container": NAME, "argv": ["sh", "-c", "stat -c '%a %u %g' /tmp/f; cat /tmp/f"]})
    assert said.result["stdout"] == "640 5 6\nfrom the host"
    changed = {**into, "content": "text", "mode": "0600"}
    assert bench.paths(settle("docker_container_copy_into", changed)) == {"content", "mode", "uid", "gid"}
    assert check("docker_container_copy_into", {**changed, "content": "other", "force": False}).status == "ok"
    assert "needs `mode`" in check("docker_container_copy_into", {**into, "content": "x"}).reason


def test_prune_lists_what_goes_and_only_that_goes(folder: Path) -> None:
    mine = {"label": f"{bench.LABEL}={ME}"}
    network, volume = f"nxtnet{ME}", f"nxtvol{ME}"
    before = settle("docker_container", {**BASE, "state": "stopped"}).result["container"]["Id"]
    settle("docker_network", {"name": network, "labels": LABELS})
    settle("docker_volume", {"name": volume, "labels": LABELS})
    wish = {"containers": True, "containers_filters": mine, "networks": True, "networks_filters": mine, "volumes": True}
    done = settle("docker_prune", {**wish, "volumes_filters": mine})
    assert (done.result["containers"], done.result["networks"], done.result["volumes"]) == ([before], [network], [])
    done = settle("docker_prune", {**wish, "volumes_filters": {**mine, "all": True}})
    assert done.result["volumes"] == [volume]


def test_a_check_of_prune_heeds_what_tasks_before_it_would_leave_unused(folder: Path) -> None:
    labelled = {"label": f"{bench.LABEL}={ME}"}
    prune = {f"{kind}_filters": labelled for kind in ("containers", "networks", "volumes", "images")}
    run("docker_prune", {**prune, **dict.fromkeys(("containers", "networks", "volumes", "images"), True)})  # what earlier tests left
    settle("docker_container", BASE)
    network, own = {"name": f"{NAME}net", "labels": LABELS}, f"nxtplay-test/pruned:{ME}"
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL a=b\n")
    build = {"name": own, "path": str(folder), "labels": LABELS}
    settle("docker_image_build", build)
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL a=c\n")
    chains: list[list[tuple[str, dict[str, Any]]]] = [
        [("docker_container", {**BASE, "state": "stopped"}), ("docker_prune", {**prune, "containers": True})],
        [("docker_network", network), ("docker_prune", {**prune, "networks": True})],
        [("docker_image_build", build), ("docker_prune", {**prune, "images": True})],
        [("docker_container", BASE), ("docker_prune", {**prune, "containers": True, "volumes": True})],
        [("docker_container", {**BASE, "state": "absent"}), ("docker_prune", {**prune, "containers": True})],
    ]
    for chain in chains:
        world = World()
        foreseen = [check(module, args, world).status for module, args in chain]
        done = [run(module, args).status for module, args in chain]
        assert [f for f, d in zip(foreseen, done, strict=True) if f not in (d, "unknown")] == [], (chain, foreseen, done)
        assert foreseen[-1] == "unknown" or done[-1] == "ok", (chain, foreseen, done)


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    gone = check("docker_host_info", {"docker_host": f"unix://{tmp_path}/no.sock"})
    assert gone.status == "failed"
    assert "there is no such socket" in gone.reason
    assert "cannot reach" in check("docker_host_info", {"docker_host": "tcp://127.0.0.1:1"}).reason
    assert check("docker_host_info", {}).result["can_talk_to_docker"] is True


# -- building --------------------------------------------------------------------------------------------------------


def build(folder: Path, **more: Any) -> dict[str, Any]:
    return {"name": f"nxtplay-test/built:{ME}", "path": str(folder), "labels": LABELS, **more}


def test_an_image_is_built_when_its_inputs_changed(folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nARG A\nCOPY . /src\nRUN echo $A > /a\n")
    (folder / ".dockerignore").write_text("*.log\n")
    (folder / "src").mkdir()
    (folder / "src/a.ts").write_text("1")
    settle("docker_image_build", build(folder))
    (folder / "debug.log").write_text("ignored")
    assert check("docker_image_build", build(folder)).status == "ok"
    (folder / "src/a.ts").write_text("2")
    assert bench.paths(settle("docker_image_build", build(folder))) == {"id", "inputs.context.src/a.ts"}
    (folder / "src/a.ts").chmod(0o755)
    assert bench.paths(settle("docker_image_build", build(folder))) == {"id", "inputs.context.src/a.ts"}
    assert bench.paths(settle("docker_image_build", build(folder, args={"A": "x"}))) == {"id", "inputs.args.A"}
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nARG A\nCOPY . /src\n")
    assert bench.paths(settle("docker_image_build", build(folder, args={"A": "x"}))) == {"id", "inputs.dockerfile"}
    assert run("docker_image_build", build(folder, args={"A": "x"}, rebuild="always")).reason == "rebuild: always"


def test_what_only_buildkit_does_goes_to_the_docker_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, said = f"nxtplay-test/kit:{ME}", folder / "said"
    (folder / "context").mkdir()
    (folder / "context" / "Dockerfile").write_text(f"FROM {IMAGE}\n")
    program = folder / "bin" / "docker"
    program.parent.mkdir()
    kit: dict[str, Any] = {"name": own, "path": str(folder / "context"), "outputs": [{"type": "tar", "dest": "/tmp/x"}]}
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert "lacks buildx" in check("docker_image_build", kit).reason == run("docker_image_build", kit).reason
    program.write_text(f'#!/bin/sh\n[ "$1" != buildx ] || exit 0\nprintf "%s\\n" "$@" > {said}; env >> {said}\nexit 3\n')
    args: dict[str, Any] = {"name": own, "path": str(folder / "context"), "labels": LABELS}
    secrets = [
        {"id": "a", "type": "value", "value": "hunter22"},
        {"id": "b", "type": "file", "src": "/etc/b"},
        {"id": "c", "type": "env", "env": "C"},
    ]
    outputs = [{"type": "tar", "dest": "/tmp/a,b"}, {"type": "image", "name": [own, "other:1"], "push": True}]
    assert "failed" in run("docker_image_build", {**args, "secrets": secrets, "outputs": outputs}).reason
    words = said.read_text().splitlines()
    assert {"id=a,type=env,env=NXTPLAY_SECRET_0", "id=b,type=file,src=/etc/b", "id=c,type=env,env=C"} <= set(words)
    assert "NXTPLAY_SECRET_0=hunter22" in words
    assert {'--output=type=tar,"dest=/tmp/a,b"', f'--output=type=image,"name={own},other:1",push=true'} <= set(words)
    run("docker_image_build", {**args, "outputs": outputs[:1]})
    assert f"--output=type=image,name={own}" in said.read_text().splitlines(), "the image is made in any case"
    assert "src" in str(check_args(registry.load("docker_image_build"), {**args, "secrets": [{"id": "a", "type": "file"}]}))
    limits = {"memory": "64M", "memswap": "128M", "cpushares": 512, "cpusetcpus": "0"}
    settle("docker_image", {"name": own, "source": "build", "build": {"path": args["path"], "labels": LABELS, "container_limits": limits}})


def test_a_build_that_fails_says_where(folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo one\nRUN echo compiling; echo type error >&2; exit 7\n")
    failed = run("docker_image_build", build(folder))
    assert failed.status == "failed"
    assert "step 3/" in failed.reason
    assert "type error" in failed.reason
    (folder / "Dockerfile").write_text("FROM nosuch-registry.invalid/x:1\n")
    assert check("docker_image_build", build(folder)).reason == run("docker_image_build", build(folder)).reason
    (folder / "Dockerfile").write_text(f"FROM {IMAGE} AS one\n")
    assert "its stages: one" in check("docker_image_build", build(folder, target="two")).reason
    (folder / "Dockerfile").unlink()
    assert "no Dockerfile" in check("docker_image_build", build(folder)).reason
    assert "no build context" in check("docker_image_build", build(folder / "gone")).reason


def test_a_check_follows_its_own_predictions(folder: Path) -> None:
    """A base image that is only foreseen, an image built from it, a stack and a container of that image."""
    world = World()
    base, built = f"nxtplay-test/base:{ME}", f"nxtplay-test/built:{ME}"
    assert check("docker_image_tag", {"name": IMAGE, "repository": [base]}, world).status == "changed"
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY Dockerfile /x\n")
    assert check("docker_image_build", build(folder), world).status == "changed"
    found = world.get(f"image:{built}")
    assert isinstance(found, ImageState)
    assert isinstance(found.id, Unknown)
    bench.write(folder, {"a": {"image": built, "command": ["sleep", "1000"]}})
    assert check("docker_compose_v2", bench.stack(folder, build="never"), world).status == "changed"
    assert check("docker_container", {**BASE, "image": built}, world).status == "changed"
    assert check("docker_container_exec", {"container": NAME, "command": "true"}, world).status == "changed"
    assert check("docker_container_info", {"name": f"{bench.PROJECT}-a-1"}, world).result["exists"] is True
    done = [run("docker_image_tag", {"name": IMAGE, "repository": [base]}), run("docker_image_build", build(folder)),
            run("docker_compose_v2", bench.stack(folder, build="never")), run("docker_container", {**BASE, "image": built})]
    assert [d.status for d in done] == ["changed"] * 4
    (folder / "Dockerfile").write_text(f"FROM {base}\nCOPY Dockerfile /y\n")
    world = World()
    assert check("docker_image_build", build(folder), world).status == "changed"
    again = check("docker_compose_v2", bench.stack(folder, build="never"), world)
    assert again.status == "unknown", "whether the image differs is known once it is built"


def test_an_engine_that_a_task_before_would_install_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nxtplay.modules._docker.DATA_ROOT", str(tmp_path / "none"))
    world = World()
    world.foresee("engine:docker", True)
    there = {"docker_host": f"unix://{tmp_path}/no.sock"}
    bench.write(tmp_path, {"a": {"command": ["true"]}})
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("docker_image_pull", {"name": IMAGE}),
        ("docker_compose_v2", bench.stack(tmp_path)),
        ("docker_container", BASE),
        ("docker_network", {"name": "n"}),
        ("docker_volume", {"name": "v"}),
    ]
    assert [check(module, {**args, **there}, world).status for module, args in tasks] == ["changed"] * 5
    assert check("docker_registry_info", {"name": ["x:1"], **there}, world).status == "unknown"
