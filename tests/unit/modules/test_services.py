"""What systemd says of a unit, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import pytest

from nxtplay.core.host import Completed, Failed, Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Plan, Unknown, diff
from nxtplay.modules import _hardware
from nxtplay.modules._services import Systemd
from nxtplay.modules.service import Service
from nxtplay.modules.systemd_service import SystemdService


def test_the_fact_of_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system")
    monkeypatch.setattr(Systemctl, "which", lambda self, name: name)
    host = Systemctl("", version="systemd 252 (252.39-1)\n+PAM -GNUTLS\n")
    assert _hardware.systemd(host) == {"systemd": {"version": 252, "features": "+PAM -GNUTLS"}}


class Systemctl(Reader):
    """A machine with one unit, of which systemd says this."""

    def __init__(self, enabled: str, version: str = "") -> None:
        super().__init__()
        self.enabled, self.version = enabled, version

    def look(self, argv: Union[str, Sequence[str]], **_: Any) -> Completed:
        shown = self.enabled if "is-enabled" in argv else "LoadState=loaded\nActiveState=active\n" if "show" in argv else self.version
        return Completed(tuple(argv), 0, shown.encode(), b"")


@pytest.mark.parametrize(
    ("said", "wanted", "changes"),
    [
        ("enabled\n  /etc/a.service\n", True, False),
        ("enabled\n  /etc/a.service\n", False, True),
        ("disabled\n", True, True),
        ("enabled-runtime\n  /run/a.service\n", True, True),  # until the next start of the machine
        ("enabled-runtime\n  /run/a.service\n", False, False),
        ("static\n", True, False),  # others start it: there is nothing to enable
        ("static\n", False, False),
        ("generated\n", True, False),
        ("indirect\n", True, True),
        ("indirect\n  /etc/a.socket\n", True, False),
    ],
)
def test_what_enabling_changes(said: str, wanted: bool, changes: bool) -> None:
    host = Systemctl(said)
    unit = decode(SystemdService, {"name": "a", "enabled": wanted})
    before = Systemd(host, "a").look()
    after = unit.desired(host, before)
    assert before is not None and after is not None
    assert (before.enabled != after.enabled) == changes
    assert unit.result(before, after)["enabled"] == wanted


class Missing(Systemctl):
    """A machine on which systemd runs and has no such unit."""

    def look(self, argv: Union[str, Sequence[str]], **_: Any) -> Completed:
        return Completed(tuple(argv), 0, b"LoadState=not-found\nActiveState=inactive\n", b"")


def test_under_systemd_service_takes_what_systemd_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system")
    monkeypatch.setattr(Systemctl, "which", lambda self, name: name)
    reload = decode(Service, {"daemon_reload": True})
    assert reload.observe(Missing("")) is None and reload.desired(Missing(""), None) is None
    masked = decode(Service, {"name": "a", "masked": True, "no_block": True, "scope": "user"})
    after = masked.desired(Systemctl("enabled\n"), masked.observe(Systemctl("enabled\n")))
    assert after is not None and after.masked
    assert decode(Service, {"name": "none", "enabled": False}).observe(Missing("")) is None
    with pytest.raises(Failed):
        decode(Service, {"name": "none", "state": "stopped"}).observe(Missing(""))


def test_a_service_that_an_earlier_task_may_bring_is_unknown_with_a_reason_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: path == "/run/systemd/system")
    monkeypatch.setattr(Systemctl, "which", lambda self, name: name)
    host = Missing("")
    monkeypatch.setattr(host, "pending_act", lambda: Unknown("command was not run"))
    state = decode(Service, {"name": "a", "state": "stopped"}).observe(host)
    assert state is not None and isinstance(state.active, Unknown)
    assert state.active.reason == "command was not run, so the service a may come with it"


class Offline(Systemctl):
    """A chroot: systemctl knows what is enabled and leaves out what systemd itself would have to say or do."""

    def look(self, argv: Union[str, Sequence[str]], **_: Any) -> Completed:
        return Completed(tuple(argv), self.rc, b"enabled\n" if "is-enabled" in argv else b"", b"")

    rc = 0


class NotRunning(Offline):
    """A container without systemd, but with its programs."""

    rc = 1


def test_where_systemd_does_not_run_units_can_be_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: False)
    monkeypatch.setattr(Systemctl, "which", lambda self, name: name)
    for host in (Offline(""), NotRunning("")):
        unit = decode(SystemdService, {"name": "a", "enabled": False})
        before = unit.observe(host)
        after = unit.desired(host, before)
        assert before is not None and before.enabled and after is not None and after.enabled is False


def test_a_start_is_left_out_in_a_chroot_and_fails_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.isdir", lambda path: False)
    monkeypatch.setattr(Systemctl, "which", lambda self, name: name)
    for state in ("started", "restarted", "stopped"):
        unit = decode(SystemdService, {"name": "a", "state": state})
        host = Offline("")
        before = unit.observe(host)
        after = unit.desired(host, before)
        plan = Plan(before, after, diff(before, after))
        assert not plan and unit.due(host, plan) is None
        assert "offline" in unit.result(before, after)["warnings"][0]
        with pytest.raises(Failed, match="systemd does not run"):
            unit.desired(NotRunning(""), unit.observe(NotRunning("")))
