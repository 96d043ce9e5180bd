"""What an agent takes in before its first task: it is paid on every host, in every play."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEAR = {"shutil", "hashlib", "random", "subprocess", "socket", "tempfile", "logging", "ssl", "asyncio", "nxtplay.core.background"}


@pytest.mark.parametrize("module", ["command", "shell", "service"])
def test_an_agent_imports_nothing_dear_that_its_task_does_not_need(module: str) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from nxtplay.core import agent; from nxtplay.modules import registry\n"
        f"registry.load({module!r}); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "nxtplay.core.agent" in loaded
    assert DEAR.isdisjoint(loaded)
