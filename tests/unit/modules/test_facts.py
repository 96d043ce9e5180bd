"""Facts read from what a kernel shows."""

from __future__ import annotations

from pathlib import Path

from nxtplay.core.host import Reader
from nxtplay.modules import _block, _facts


def test_block_devices_and_their_partitions(tmp_path: Path) -> None:
    texts = {
        "sdz/size": "41943040", "sdz/removable": "0", "sdz/queue/rotational": "1", "sdz/queue/logical_block_size": "4096",
        "sdz/queue/scheduler": "none [mq-deadline] bfq", "sdz/device/vendor": "QEMU    ", "sdz/sdz1/size": "2048", "sdz/sdz1/start": "64",
        "dm-7/size": "8", "dm-7/slaves/sdz1/x": "",
    }  # fmt: skip
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")
    facts = _block.devices(Reader(), str(tmp_path))
    disk = facts["devices"]["sdz"]
    assert (disk["size"], disk["sectors"], disk["sectorsize"]) == ("20.00 GB", 41943040, "4096")
    assert (disk["vendor"], disk["model"], disk["scheduler_mode"], disk["rotational"]) == ("QEMU", None, "mq-deadline", "1")
    part = disk["partitions"]["sdz1"]
    assert (part["start"], part["size"], part["sectorsize"], part["uuid"]) == ("64", "1.00 MB", 512, None)
    assert part["links"]["masters"] == ["dm-7"] == facts["device_links"]["masters"]["sdz1"]


def test_the_kernels_command_line() -> None:
    facts = _facts.command_line("quiet console=tty0 console=ttyS0 root=/dev/vda1")
    assert facts["cmdline"] == {"quiet": True, "console": "ttyS0", "root": "/dev/vda1"}
    assert facts["proc_cmdline"]["console"] == ["tty0", "ttyS0"]


def test_what_a_process_may_do() -> None:
    everything = f"CapEff:\t{(1 << 41) - 1:016x}\n"
    assert _facts.capabilities(everything, 40) == {"system_capabilities": [], "system_capabilities_enforced": "False"}
    assert _facts.capabilities("CapEff:\t0000000000200001\n", 40)["system_capabilities"] == ["cap_chown", "cap_sys_admin"]
    assert _facts.capabilities("", 40) == {"system_capabilities": [], "system_capabilities_enforced": "NA"}
