"""`lookup('config')` knows settings by Ansible's names, with the place that says them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nxtplay.cli.configuration import read
from nxtplay.cli.constants import _rows, constants
from nxtplay.cli.settings import SETTINGS


def test_the_file_and_the_environment_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 20\nroles_path = mine:/theirs\nhost_key_checking = False\n")
    told = constants(read({"ANSIBLE_GATHERING": "smart"}))
    assert told["DEFAULT_FORKS"] == (20, "ansible.cfg")
    assert told["DEFAULT_ROLES_PATH"][0] == [str(tmp_path / "mine"), "/theirs"]
    assert told["HOST_KEY_CHECKING"][0] is False
    assert told["connection.ssh.host_key_checking"][0] is False
    assert told["DEFAULT_GATHERING"] == ("smart", "env: ANSIBLE_GATHERING")
    assert told["ANSIBLE_HOME"] == (os.path.expanduser("~/.ansible"), "default")


def test_each_stands_for_a_setting() -> None:
    assert {setting for _, setting, _ in _rows() if setting} <= set(SETTINGS)
