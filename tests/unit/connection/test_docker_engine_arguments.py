"""Another engine than the one here, as arguments of the docker command."""

from __future__ import annotations

import shlex

import pytest

from nxtplay.connection.docker import engine


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({}, []),
        ({"docker_host": "unix:///run/my docker.sock", "tls": "False"}, ["--host=unix:///run/my docker.sock"]),
        (
            {"docker_host": "tcp://h:2376", "validate_certs": "True", "ca_path": "/ca"},
            ["--host=tcp://h:2376", "--tlscacert=/ca", "--tlsverify"],
        ),
        ({"client_cert": "/c", "client_key": "/k", "tls": "true"}, ["--tlscert=/c", "--tlskey=/k", "--tls"]),
    ],
)
def test_the_engine_is_named_to_the_command(named: dict[str, str], words: list[str]) -> None:
    assert shlex.split(" ".join(engine(named))) == words
