"""Facts read from what a kernel shows."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from nxtplay.core.host import Reader
from nxtplay.modules import _block, _facts, _network


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


def test_addresses_with_a_label_and_without_a_broadcast(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(text: str, prefix: int, broadcast: str = "", label: str = "lo") -> _network._Address:
        return _network._Address(socket.AF_INET, socket.if_nametoindex("lo"), text, prefix, "global", broadcast, label)

    found = [address("127.0.0.1", 8), address("10.1.1.1", 32), address("10.2.1.1", 24, "10.2.1.255", "lo:7")]
    monkeypatch.setattr(_network, "_addresses", lambda: iter(found))
    facts = _network.interfaces()
    assert [one["address"] for one in facts["lo"]["ipv4_secondaries"]] == ["10.1.1.1"]
    assert facts["lo"]["ipv4_secondaries"][0]["broadcast"] == ""
    assert facts["lo_7"]["ipv4"] == {
        "address": "10.2.1.1",
        "netmask": "255.255.255.0",
        "network": "10.2.1.0",
        "prefix": "24",
        "broadcast": "10.2.1.255",
    }
    assert "lo_7" in facts["interfaces"] and facts["all_ipv4_addresses"] == ["10.2.1.1", "10.1.1.1"]


def test_what_a_bridge_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"bridge/bridge_id": "8000.1", "bridge/stp_state": "1"}
    monkeypatch.setattr(_network, "_sys", lambda name, attribute: held.get(attribute, ""))
    monkeypatch.setattr("os.path.isdir", lambda path: path.endswith(("/br0/bridge", "/br0/brif")))
    monkeypatch.setattr("os.listdir", lambda path: ["veth1", "eth1"])
    bridge = _network._link("br0")
    assert (bridge["type"], bridge["id"], bridge["stp"], bridge["interfaces"]) == ("bridge", "8000.1", True, ["eth1", "veth1"])
