"""One server for the whole session, wiped for each test that writes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from pg_cluster import PROGRAMS, Cluster, free_port, start, stop, wipe


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if not PROGRAMS or os.geteuid() != 0:
        pytest.skip("needs root and the package postgresql-15")
    directory = tempfile.mkdtemp(prefix="nxtplay-pg-", dir="/tmp")
    found = start(directory, os.path.dirname(PROGRAMS[-1]), free_port())
    yield found
    stop(found)


@pytest.fixture
def clean(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with none of the databases and roles that a test left behind."""
    wipe(cluster)
    yield cluster
    wipe(cluster)
