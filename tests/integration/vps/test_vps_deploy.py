"""Check, run, check, run against a server that is reached by SSH alone, as a user who has to give sudo a password."""

from __future__ import annotations

import re
import signal
import threading

from vps_machine import NO_ENGINE, Deployment, Stack, until

SERVICES = {"postgres", "redis", "backend", "frontend"}


def append(stack: Stack, line: str) -> None:
    """Add a line to the backend."""
    server = stack.folder / "backend/src/server.ts"
    server.write_text(server.read_text() + line + "\n")


def test_the_settings_are_made_on_the_server_for_nobody_else_to_read(deployment: Deployment) -> None:
    assert deployment.init.with_status("changed") == {("source", "Copy the sources", ""), ("environment", "The env file", "")}
    assert deployment.stack.machine.run("stat -c '%a %U' /opt/nxtbus/.env.production") == "600 root\n"
    assert len(deployment.stack.secrets()) == 4
    assert "of-the-developer" not in deployment.stack.machine.run("cat /opt/nxtbus/.env.production")


def test_only_sources_travel(deployed: Stack) -> None:
    there = deployed.machine.run("cd /opt/nxtbus; find . -name node_modules -o -name dist -o -name .git -o -name '.env*'").split()
    assert sorted(there) == ["./.env.production", "./.env.production.example"]


def test_the_check_foresees_exactly_what_the_run_changes(deployment: Deployment) -> None:
    assert (deployment.foreseen.rc, deployment.first.rc) == (0, 0), deployment.foreseen.text + deployment.first.text
    unknown = deployment.foreseen.with_status("unknown")
    changed = deployment.first.with_status("changed")
    assert deployment.foreseen.with_status("changed") == changed - unknown
    assert {role for role, _, _ in unknown} <= {"migrations", "health"}
    assert {role for role, _, _ in changed} == {"base_images", "images", "stack", "migrations"}
    assert deployment.stack.search()["routes"]


def test_a_check_afterwards_foresees_nothing(deployment: Deployment) -> None:
    assert deployment.again.rc == 0, deployment.again.text
    assert deployment.again.with_status("changed", "unknown", "failed") == set()


def test_a_second_run_changes_nothing_takes_seconds_and_needs_no_engine_here(deployment: Deployment) -> None:
    assert deployment.second.rc == 0, deployment.second.text
    assert deployment.second.with_status("changed") == set()
    assert deployment.second.finished("Copy the sources")["status"] == "ok"
    assert deployment.second.seconds < 60


def test_no_secret_is_ever_shown(deployed: Stack, deployment: Deployment) -> None:
    everything = deployed.play("deploy", "-vvv", "--diff", "--check", json_lines=False)
    for text in (deployment.foreseen.text, deployment.first.text, everything.text):
        assert [secret for secret in [*deployed.secrets(), "correct battery"] if secret in text] == []


def test_status_shows_every_service(deployed: Stack) -> None:
    played = deployed.play("status", json_lines=False)
    assert played.rc == 0, played.text
    assert [service for service in SERVICES if service not in played.text] == []


def test_logs_follow_until_they_are_interrupted(deployed: Stack) -> None:
    deployed.get("/asked-sooner")
    following = deployed.start("logs", "-e", "service=frontend", "-e", "follow=true")
    told: list[str] = []
    assert following.stdout is not None
    threading.Thread(target=lambda: told.extend(following.stdout or ()), daemon=True).start()
    try:
        until(lambda: any("/asked-sooner" in line for line in told), 180)
        deployed.get("/asked-later")
        until(lambda: any("/asked-later" in line for line in told), 60)
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 99
    finally:
        following.kill()
    until(lambda: not deployed.machine.run("pgrep -f [n]xtplay || true").strip(), 60)


def test_restarting_one_service_leaves_the_others_alone(deployed: Stack) -> None:
    before = deployed.containers()
    played = deployed.play("restart", "-e", "service=redis")
    assert played.rc == 0, played.text
    after = deployed.containers()
    assert {name for name in after if after[name] != before[name]} == {"redis"}


def test_a_changed_line_rebuilds_and_replaces_the_backend_alone(deployed: Stack) -> None:
    before = deployed.containers()
    append(deployed, "// one line more")
    foreseen = deployed.play("redeploy", "--check", env=NO_ENGINE)
    played = deployed.play("redeploy", env=NO_ENGINE)
    assert played.rc == 0, played.text
    after = deployed.containers()
    assert {name for name in after if after[name] != before[name]} == {"backend"}
    expected = {("source", "Copy the sources", ""), ("images", "Images", "backend"), ("stack", "Services", "")}
    assert played.with_status("changed") == expected
    assert foreseen.with_status("changed") == expected - foreseen.with_status("unknown")
    assert {role for role, _, _ in foreseen.with_status("unknown")} <= {"stack", "migrations", "health"}
    assert played.finished("Copy the sources")["result"]["sent"] == ["/opt/nxtbus/backend/src/server.ts"]
    assert deployed.search()["routes"]


def test_images_that_are_built_here_reach_the_server(deployed: Stack) -> None:
    """Of the image only what the server lacks travels: layers of the base are there already."""
    append(deployed, "// and another")
    here = ("-e", "stack_build_on=controller")
    foreseen = deployed.play("redeploy", "--check", *here)
    played = deployed.play("redeploy", *here)
    assert (foreseen.rc, played.rc) == (0, 0), foreseen.text + played.text
    assert foreseen.with_status("changed") == played.with_status("changed") - foreseen.with_status("unknown")
    assert ("images", "Images built here", "backend") in foreseen.with_status("changed")
    assert ("images", "Images sent", "backend") in played.with_status("changed")
    layers = [(int(sent), int(all_)) for sent, all_ in re.findall(r"-backend: (\d+) of (\d+) layers are sent", played.text)]
    assert layers and all(sent < all_ for sent, all_ in layers)
    assert deployed.search()["routes"]
    again = deployed.play("deploy", "--check", *here)
    assert again.with_status("changed", "unknown", "failed") == set(), again.text


def test_stopping_keeps_the_data_and_cleaning_does_not(deployed: Stack) -> None:
    volumes = f"docker volume ls -q --filter label=com.docker.compose.project={deployed.project}"
    assert deployed.play("stop").rc == 0
    assert deployed.containers() == {}
    assert len(deployed.machine.run(volumes).split()) == 2
    assert deployed.play("clean", "-e", f"confirm={deployed.project}").rc == 0
    assert deployed.machine.run(volumes) == ""
