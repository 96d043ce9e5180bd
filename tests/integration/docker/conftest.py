"""An image without a registry, and everything made here removed by its label."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker_bench as bench
import pytest


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a 2 MB image with a shell, made of the host's static busybox."""
    program = shutil.which("busybox")
    if program is None or "dynamically linked" in subprocess.run(["file", program], capture_output=True, text=True, check=False).stdout:
        pytest.skip("needs a static busybox: `apt-get install busybox-static`")
    folder = tmp_path_factory.mktemp("busybox")
    shutil.copy(program, folder / "busybox")
    (folder / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox","--install","/bin"]\nRUN mkdir -m 1777 /tmp\n'
    )
    bench.remove_abandoned()
    args = {"name": bench.IMAGE, "path": str(folder), "labels": bench.LABELS}
    assert bench.run("docker_image_build", args).status in ("ok", "changed")
    yield bench.IMAGE
    bench.remove_all()


@pytest.fixture
def folder(tmp_path: Path, busybox: str) -> Path:
    """A project's folder on a clean engine, as far as ours goes."""
    bench.remove_containers()
    return tmp_path
