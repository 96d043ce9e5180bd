"""npm, where there is one and a registry answers it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from nxtplay.core.converge import converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules.npm import Npm


def both(**args: object) -> tuple[str, str]:
    """How a check and then a run of the task end."""
    module = decode(Npm, args)
    world = World()
    foreseen = converge(module, Reader(world), world, None)
    done = converge(module, Reader(), World(), Host())
    print(foreseen, done)
    return foreseen.status, done.status


def test_packages_come_once_and_go(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    if subprocess.run(["npm", "view", "is-odd", "version"], capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("no registry of npm answers")
    place = str(tmp_path)
    assert both(name="is-odd", path=place, version="3.0.0") == ("changed", "changed")
    assert both(name="is-odd", path=place, version="3.0.0") == ("ok", "ok")
    assert both(name="is-odd", path=place) == ("ok", "ok")
    assert both(name="is-odd", path=place, state="latest") == ("changed", "changed")
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"is-odd": "3.0.1", "is-number": "7.0.0"}}))
    assert both(path=place) == ("changed", "changed")
    assert both(path=place) == ("ok", "ok")
    assert both(name="is-number", path=place, state="absent") == ("changed", "changed")
    assert both(name="no-such-package-of-anybody-0", path=place) == ("failed", "failed")
    assert both(name="is-odd") == ("failed", "failed")
