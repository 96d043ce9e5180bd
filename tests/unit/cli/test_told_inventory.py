"""What `nxtplay inventory` prints can be read again: encrypted text and text that is no template stay what they are."""

import json
from pathlib import Path

import yaml

from .test_app import nxtplay

VAULT = "$ANSIBLE_VAULT;1.1;AES256\n3332\n6661\n"
HOSTS = f"""
all:
  hosts:
    h:
      closed: !vault |
        {VAULT.replace(chr(10), chr(10) + "        ").rstrip()}
      plain: [!unsafe '{{{{ x }}}}']
"""


class Tagged(yaml.SafeLoader):
    """Tags and their texts."""


Tagged.add_multi_constructor("!", lambda loader, tag, node: (tag, loader.construct_scalar(node)))


def test_marked_texts_are_told_and_read(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    listed = nxtplay("inventory", "-i", "hosts.yml", "--list", cwd=tmp_path).stdout
    expected = {"closed": {"__ansible_vault": VAULT}, "plain": [{"__ansible_unsafe": "{{ x }}"}]}
    assert json.loads(listed)["_meta"]["hostvars"]["h"] == expected
    told = yaml.load(nxtplay("inventory", "-i", "hosts.yml", "--host", "h", "--yaml", cwd=tmp_path).stdout, Tagged)
    assert told == {"closed": ("vault", VAULT), "plain": [("unsafe", "{{ x }}")]}
    (tmp_path / "script").write_text(f"#!/bin/sh\ncat <<'E'\n{listed}E\n")
    (tmp_path / "script").chmod(0o755)
    assert nxtplay("inventory", "-i", "script", "--list", cwd=tmp_path).stdout == listed
    said = nxtplay("exec", "h", "-i", "script", "-c", "local", "-m", "debug", "-a", "msg={{plain[0]}}", cwd=tmp_path)
    assert json.loads(said.stdout.partition(" => ")[2])["msg"] == "{{ x }}"
    closed = nxtplay("exec", "h", "-i", "script", "-c", "local", "-m", "debug", "-a", "msg={{closed}}", cwd=tmp_path)
    assert "the vault text is damaged" in closed.stdout  # it was taken for one
