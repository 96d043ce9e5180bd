"""mount_facts: where mounts are told of, which counts, one that does not answer."""

import time
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import _block
from nxtplay.modules.mount_facts import MountFacts

TABLE = """\
# comment
/dev/sda1 / ext4 errors=remount-ro 0 1
nas:/export /mnt/nas\\040two nfs4 rw,soft 0 0   # behind
tmpfs /tmp tmpfs

broken
"""


@pytest.fixture
def look(tmp_path: Path) -> Any:
    (tmp_path / "fstab").write_text(TABLE)
    (tmp_path / "again").symlink_to("fstab")
    (tmp_path / "other").write_text("/dev/sdb1 / xfs defaults 0 0\n")

    def run(*names: str, **args: Any) -> dict[str, Any]:
        sources = [name if name in ("mount", "all", "static", "dynamic") else str(tmp_path / name) for name in names]
        return decode(MountFacts, {**({"sources": sources} if names else {}), **args}).look(Reader(World()))

    return run


def test_a_table(look: Any) -> None:
    found = look("fstab", "again", "missing")
    points = found["ansible_facts"]["mount_points"]
    assert list(points) == ["/", "/mnt/nas two", "/tmp"]
    root = points["/"]
    told = [root[name] for name in ("device", "fstype", "options", "dump", "passno")]
    assert told == ["/dev/sda1", "ext4", "errors=remount-ro", 0, 1]
    assert root["ansible_context"]["source_data"] == "/dev/sda1 / ext4 errors=remount-ro 0 1"
    assert root["size_total"] > root["size_available"] > 0
    assert "size_total" not in points["/mnt/nas two"]
    assert points["/tmp"]["options"] == "defaults"
    assert "warnings" not in found


def test_the_first_counts_and_all_are_told_where_asked_for(look: Any) -> None:
    found = look("fstab", "other")
    assert found["ansible_facts"]["mount_points"]["/"]["fstype"] == "ext4"
    assert found["ansible_facts"]["aggregate_mounts"] == []
    assert "several mounts at /:" in found["warnings"][0]
    every = look("fstab", "other", include_aggregate_mounts=True)
    assert [one["mount"] for one in every["ansible_facts"]["aggregate_mounts"]] == ["/", "/mnt/nas two", "/tmp", "/"]
    assert "warnings" not in every


def test_only_what_is_asked_for(look: Any) -> None:
    assert list(look("fstab", fstypes=["nfs*"])["ansible_facts"]["mount_points"]) == ["/mnt/nas two"]
    assert list(look("fstab", devices=["/dev/*"])["ansible_facts"]["mount_points"]) == ["/"]
    assert list(look("fstab", devices=["/dev/*"], fstypes=["nfs*"])["ansible_facts"]["mount_points"]) == []


def test_what_is_mounted_now(look: Any) -> None:
    kernel = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if " proc " in line}
    for sources in ((), ("mount",), ("dynamic",), ("all",)):
        points = look(*sources, fstypes=["proc"])["ansible_facts"]["mount_points"]
        assert set(points) == kernel, sources
    with pytest.raises(Failed, match="empty"):
        decode(MountFacts, {"sources": [""]}).look(Reader(World()))


def test_one_that_does_not_answer(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_block, "room", lambda mount: time.sleep(5) or {} if mount == "/" else {"size_total": 1})
    assert look("fstab", timeout=0.05, on_timeout="ignore")["ansible_facts"]["mount_points"]["/tmp"]["size_total"] == 1
    assert "/ does not answer within 0.05 s" in look("fstab", timeout=0.05, on_timeout="warn")["warnings"]
    with pytest.raises(Failed, match="does not answer"):
        look("fstab", timeout=0.05)
    with pytest.raises(Failed, match="positive"):
        look("fstab", timeout=0)
