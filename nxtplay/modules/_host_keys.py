"""The public keys by which a host's SSH server is known."""

from __future__ import annotations

import os
from typing import Any

FOLDERS = ("/etc/ssh", "/etc/openssh", "/etc")
KINDS = ("dsa", "rsa", "ecdsa", "ed25519")


def host_keys(folders: tuple[str, ...] = FOLDERS) -> dict[str, Any]:
    """ssh_host_key_KIND_public and its keytype, from the first folder that holds any."""
    for folder in folders:
        out: dict[str, Any] = {}
        for kind in KINDS:
            try:
                with open(os.path.join(folder, f"ssh_host_{kind}_key.pub"), encoding="utf-8", errors="replace") as stream:
                    words = stream.read().split()
            except OSError:
                continue
            if len(words) > 1:
                out[f"ssh_host_key_{kind}_public_keytype"], out[f"ssh_host_key_{kind}_public"] = words[:2]
        if out:
            return out
    return {}
