"""Where a server is looked for, and what is asked of its certificate."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pg_cluster import PASSWORD, Cluster
from played import play

from nxtplay.core.converge import converge
from nxtplay.core.host import Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry


def pinged(environ: dict[str, str], **args: Any) -> dict[str, Any]:
    world = World()
    return dict(converge(decode(registry.load("postgresql_ping"), args), Reader(world, environ=environ), world, None).result)


def test_environment_tells_where_the_server_is(cluster: Cluster) -> None:
    given = {"PGPORT": str(cluster.port), "PGPASSWORD": PASSWORD}
    assert pinged({**given, "PGHOST": "127.0.0.1"})["is_available"]
    assert pinged({**given, "PGHOST": cluster.directory}, login_user="postgres")["is_available"]
    assert not pinged({**given, "PGPORT": "1"}, login_host="127.0.0.1")["is_available"]
    assert pinged({**given, "PGPORT": "1", "PGHOST": "nowhere.invalid"}, login_host="127.0.0.1", port=cluster.port)["is_available"]


def test_a_server_of_the_environment_is_a_server_of_its_own_in_a_check(clean: Cluster, tmp_path: Path) -> None:
    playbook = tmp_path / "site.yml"
    playbook.write_text(
        "- hosts: localhost\n  gather_facts: false\n"
        f"  environment: {{PGPORT: '{clean.port}', PGPASSWORD: {json.dumps(PASSWORD)}}}\n  tasks:\n"
        "    - {name: one, postgresql_db: {name: app}, environment: {PGHOST: 127.0.0.1}}\n"
        f"    - {{name: another, postgresql_db: {{name: app}}, environment: {{PGHOST: {clean.directory}}}}}\n"
        f"    - {{name: the first, postgresql_db: {{name: app, host: 127.0.0.1, port: {clean.port}}}, environment: {{PGHOST: nowhere}}}}\n"
    )
    done = play("--check", str(playbook))
    assert [done.finished(name)["status"] for name in ("one", "another", "the first")] == ["changed", "changed", "ok"], done.text


def test_environment_sets_what_the_session_has(cluster: Cluster) -> None:
    module = decode(registry.load("postgresql_query"), {**cluster.login, "query": "SHOW search_path"})
    world = World()
    told = converge(module, Reader(world, environ={"PGOPTIONS": "-c search_path=here"}), world, None).result
    assert told["query_result"] == [{"search_path": "here"}]


def test_a_name_that_is_not_trusted_fails_a_ping_too(cluster: Cluster) -> None:
    told = cluster.check("postgresql_ping", session_role='a"; SELECT 1; --', trust_input=False)
    assert told.status == "failed" and "is potentially dangerous" in told.reason


@pytest.mark.parametrize(
    ("subject", "more", "matches"),
    [
        ("/CN=127.0.0.1", [], True),
        ("/CN=127.0.0.2", [], False),
        ("/CN=127.0.0.1", ["-addext", "subjectAltName=DNS:db.example"], False),
        ("/CN=db", ["-addext", "subjectAltName=IP:127.0.0.1"], True),
    ],
)
def test_a_certificate_for_an_address(cluster: Cluster, subject: str, more: list[str], matches: bool) -> None:
    data = os.path.join(cluster.directory, "data")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject, *more]
    subprocess.run([*made, "-keyout", f"{data}/server.key", "-out", f"{data}/server.crt"], check=True, capture_output=True)
    postgres = pwd.getpwnam("postgres")
    for name in ("server.key", "server.crt"):
        os.chown(f"{data}/{name}", postgres.pw_uid, postgres.pw_gid)
    try:
        cluster.run("postgresql_set", name="ssl", value="on")
        cluster.sql("SELECT pg_reload_conf(), pg_sleep(0.2)")
        told = cluster.check("postgresql_ping", ssl_mode="verify-full", ca_cert=f"{data}/server.crt").result
        assert told["is_available"] is matches, told
    finally:
        cluster.run("postgresql_set", name="ssl", reset=True)
