"""Check, run, check, run: what the first foresees is what the second does; then there is nothing left to do."""

from __future__ import annotations

import json
import subprocess

import pytest
from flow_stack import Deployment, Stack, docker

pytestmark = pytest.mark.docker


def test_the_check_foresees_exactly_what_the_run_changes(deployment: Deployment) -> None:
    assert (deployment.foreseen.rc, deployment.first.rc) == (0, 0), deployment.foreseen.text + deployment.first.text
    unknown = deployment.foreseen.with_status("unknown")
    changed = deployment.first.with_status("changed")
    assert deployment.foreseen.with_status("changed") == changed - unknown
    assert {role for role, _, _ in changed} == {"images", "stack", "migrations"}


def test_what_the_check_cannot_know_it_says_and_why(deployment: Deployment) -> None:
    for role, name, item in deployment.foreseen.with_status("unknown"):
        assert role in ("migrations", "health")
        assert deployment.foreseen.finished(name, item)["reason"]


def test_a_check_afterwards_foresees_nothing(deployment: Deployment) -> None:
    assert deployment.again.rc == 0, deployment.again.text
    assert deployment.again.with_status("changed", "unknown", "failed") == set()


def test_a_second_run_changes_nothing_and_takes_seconds(deployment: Deployment) -> None:
    assert deployment.second.rc == 0, deployment.second.text
    assert deployment.second.with_status("changed") == set()
    assert deployment.second.seconds < 20


def test_a_search_is_answered_through_nginx(deployed: Stack) -> None:
    found = deployed.search()
    assert [route["code"] for route in found["routes"]] != []


def test_no_secret_is_ever_shown(deployed: Stack, deployment: Deployment) -> None:
    everything = deployed.play("deploy", "-vvv", "--diff", "--check", json_lines=False)
    for text in (deployment.foreseen.text, deployment.first.text, everything.text):
        assert [secret for secret in deployed.secrets() if secret in text] == []
    assert oct((deployed.folder / ".env.production").stat().st_mode)[-3:] == "600"


def test_no_secret_is_in_a_process_list(deployed: Stack) -> None:
    listed = subprocess.run(["ps", "axww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert [secret for secret in deployed.secrets() if secret in listed] == []


def test_containers_carry_the_labels_of_compose(deployed: Stack) -> None:
    (about,) = json.loads(docker("inspect", f"{deployed.project}-backend-1"))
    labels = about["Config"]["Labels"]
    assert labels["com.docker.compose.project"] == deployed.project
    assert labels["com.docker.compose.service"] == "backend"
    assert labels["com.docker.compose.oneoff"] == "False"


def test_the_services_are_timed(deployment: Deployment) -> None:
    timeline = deployment.first.finished("Services")["result"]["timeline"]
    healthy = [entry["service"] for entry in timeline if entry["status"].startswith("healthy")]
    assert sorted(healthy) == ["backend", "frontend", "postgres", "redis"]
    assert healthy.index("postgres") < healthy.index("backend") < healthy.index("frontend")


def test_status_shows_every_service(deployed: Stack) -> None:
    played = deployed.play("status", json_lines=False)
    assert played.rc == 0, played.text
    for service in deployed.containers():
        assert service in played.text


def test_logs_of_one_service(deployed: Stack) -> None:
    played = deployed.play("logs", "-e", "service=backend", json_lines=False)
    assert "nxtbus backend listening on port 3000" in played.text
    assert "database system is ready" not in played.text


def test_restarting_one_service_leaves_the_others_alone(deployed: Stack) -> None:
    before = deployed.containers()
    played = deployed.play("restart", "-e", "service=redis")
    assert played.rc == 0, played.text
    after = deployed.containers()
    assert {name for name in after if after[name] != before[name]} == {"redis"}
    assert after["redis"][0] == before["redis"][0]
    assert deployed.search()["routes"]


def test_clean_does_nothing_unless_it_is_meant(deployed: Stack) -> None:
    before = deployed.containers()
    for words in ((), ("-e", "confirm=other")):
        played = deployed.play("clean", *words)
        assert played.rc == 2
        assert f"-e confirm={deployed.project}" in played.text
    assert deployed.containers() == before
