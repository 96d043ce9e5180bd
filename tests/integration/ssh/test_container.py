"""Containers as hosts: the agent behind `docker exec`, in an image of a shell, Python and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshd_server import out, shell, until

from nxtplay.connection import docker
from nxtplay.connection.become import Escalation
from nxtplay.errors import Unreachable

pytestmark = pytest.mark.docker
NAME = f"nxtplay-test-{os.getpid()}"


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running container without network, made of this machine's own shell and Python."""
    root = tmp_path_factory.mktemp("root")
    python = Path("/usr/bin/python3").resolve()
    library = Path(f"/usr/lib/{python.name}")
    if not library.is_dir():
        pytest.skip("needs Debian's own python3")
    for path in (Path("/bin/sh"), python, *(Path(f"/usr/bin/{name}") for name in ("sleep", "id", "env", "setpriv"))):
        _copy(root, path)
    for name in ("proc", "dev", "tmp", "root"):
        (root / name).mkdir(exist_ok=True)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\n")
    (root / "usr/bin/python3").symlink_to(python.name)
    shutil.copytree(library, root / str(library)[1:], ignore=shutil.ignore_patterns("test", "idlelib", "ensurepip", "config-*", "*.pyc"))
    packed = root.parent / "root.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(root, ".")
    subprocess.run(["docker", "import", str(packed), f"{NAME}:1"], check=True, stdout=subprocess.DEVNULL)
    words = ["docker", "run", "-d", "--rm", "--init", "--network", "none", "--name", NAME, f"{NAME}:1", "/usr/bin/sleep", "600"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    yield NAME
    subprocess.run(["docker", "rm", "-f", NAME], stdout=subprocess.DEVNULL, check=False)
    subprocess.run(["docker", "rmi", "-f", f"{NAME}:1"], stdout=subprocess.DEVNULL, check=False)


def _copy(root: Path, path: Path) -> None:
    found = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=True).stdout.split()
    for one in [str(path), *(word for word in found if word.startswith("/"))]:
        inside = root / one.lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(one, inside)


def _commands() -> str:
    return subprocess.run(["docker", "top", NAME, "-o", "pid,args"], capture_output=True, text=True, check=True).stdout


def test_tasks_and_raw(container: str) -> None:
    connection = docker.container(container)
    assert out(connection, "id -u; echo $HOME") == "0\n/root"
    done = connection.raw("echo aside >&2; exit 4")
    assert (done.rc, done.stderr) == (4, "aside\n")
    connection.close()


def test_another_user_by_exec(container: str) -> None:
    connection = docker.container(container, user="nobody")
    assert out(connection, "id -u") == "65534"
    connection.close()


def test_nothing_runs_on_when_the_connection_ends(container: str) -> None:
    connection = docker.container(container)
    shell(connection, "true")
    with pytest.raises(Unreachable):
        shell(connection, "sh -c 'sleep 1000.30 & sleep 1000.30; true'; true", timeout=1)
    until(lambda: "1000.30" not in _commands())
    connection.close()
    time.sleep(0.1)
    until(lambda: "python3" not in _commands())


def test_no_such_container() -> None:
    with pytest.raises(Unreachable, match=r"container nowhere: the agent did not start: .*No such container: nowhere"):
        shell(docker.container("nowhere"), "true")


def test_nothing_there_to_become_another_user_with(container: str) -> None:
    connection = docker.container(container, escalation=Escalation("nobody"))
    with pytest.raises(Unreachable, match="not installed"):
        shell(connection, "true")
