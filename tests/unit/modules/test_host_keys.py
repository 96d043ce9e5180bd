"""The facts about a host's SSH keys."""

from __future__ import annotations

from pathlib import Path

from nxtplay.modules._host_keys import host_keys


def test_the_first_folder_with_keys_counts(tmp_path: Path) -> None:
    for folder in ("none", "one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 AAAA root@here\n")
    (tmp_path / "one" / "ssh_host_rsa_key.pub").write_text("\n")
    (tmp_path / "two" / "ssh_host_rsa_key.pub").write_text("ssh-rsa BBBB\n")
    found = host_keys(tuple(str(tmp_path / folder) for folder in ("none", "one", "two")))
    assert found == {"ssh_host_key_ed25519_public": "AAAA", "ssh_host_key_ed25519_public_keytype": "ssh-ed25519"}
    assert host_keys((str(tmp_path / "none"),)) == {}
