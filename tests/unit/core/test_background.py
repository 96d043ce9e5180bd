"""Work that outlives whoever started it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core import background
from nxtplay.core.host import Failed


def finished(jid: str, folder: Path) -> dict[str, Any]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = background.look(jid, str(folder))
        if found["finished"]:
            return found
        time.sleep(0.02)
    raise AssertionError("it never finished")


def test_a_job_is_left_at_once_and_tells_its_result_later(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def work() -> dict[str, Any]:
        while not gate.exists():
            time.sleep(0.01)
        return {"status": "changed", "result": {"rc": 0, "by": os.getpid()}}

    began = background.start(work, 30, str(tmp_path / "jobs"))
    assert background.look(began["ansible_job_id"], str(tmp_path / "jobs"))["finished"] is False
    gate.touch()
    found = finished(began["ansible_job_id"], tmp_path / "jobs")
    assert (found["status"], found["rc"]) == ("changed", 0)
    assert found["by"] != os.getpid()


def test_a_job_that_takes_too_long_is_ended_with_what_it_runs(tmp_path: Path) -> None:
    def work() -> dict[str, Any]:
        time.sleep(60)
        return {"status": "ok", "result": {}}

    began = background.start(work, 0.2, str(tmp_path))
    assert finished(began["ansible_job_id"], tmp_path)["status"] == "failed"


def test_a_job_that_breaks_is_failed(tmp_path: Path) -> None:
    began = background.start(lambda: 1 / 0, 10, str(tmp_path))  # type: ignore[arg-type,return-value]
    found = finished(began["ansible_job_id"], tmp_path)
    assert found["status"] == "failed" and "ZeroDivisionError" in found["msg"]


def test_ids_that_name_no_job_fail(tmp_path: Path) -> None:
    for jid in ("j1.1", "../passwd", "", ".."):
        with pytest.raises(Failed):
            background.look(jid, str(tmp_path))
    assert background.erase("j1.1", str(tmp_path))["finished"] is False
