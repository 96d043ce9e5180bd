"""One server for the whole session, wiped for each test that writes. NXTPLAY_TEST_POSTGRES=16 takes one of another version (pg_servers)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from pg_cluster import Cluster, free_port, start, stop, wipe
from pg_servers import installed


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    version = int(os.environ.get("NXTPLAY_TEST_POSTGRES", "15"))
    programs = installed().get(version)
    if programs is None or os.geteuid() != 0:
        pytest.skip(f"needs root and PostgreSQL {version}: the package postgresql-15, or pg_servers.py {version}")
    directory = tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp")
    found = start(directory, programs, free_port())
    yield found
    stop(found)


@pytest.fixture
def clean(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with none of the databases and roles that a test left behind."""
    wipe(cluster)
    yield cluster
    wipe(cluster)
