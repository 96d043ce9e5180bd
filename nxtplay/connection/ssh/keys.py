"""Private keys: files loaded once for all hosts, and those an agent holds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nxtplay.connection.ssh.library import paramiko

DEFAULTS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")


@dataclass(frozen=True)
class Key:
    """A key to try, and how to speak of it."""

    name: str
    key: Any


class KeyRing:
    """Keys by path and passphrase. What cannot be used is told by `complaint`."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, str | None], Any] = {}
        self._lock = threading.Lock()

    def load(self, path: str, passphrase: str | None) -> Any:
        """The key of a file, or a text that says why there is none."""
        with self._lock:
            if (path, passphrase) not in self._loaded:
                self._loaded[path, passphrase] = _load(path, passphrase)
            return self._loaded[path, passphrase]

    def agent_keys(self, socket_path: str | None) -> list[Key]:
        """The keys of the agent behind SSH_AUTH_SOCK, asked anew: its connection serves one thread."""
        if not socket_path or socket_path.lower() == "none" or not os.path.exists(socket_path):
            return []
        try:
            if socket_path != os.environ.get("SSH_AUTH_SOCK"):
                return []
            held = paramiko().Agent().get_keys()
        except Exception:
            return []
        return [Key(f"{key.comment or key.get_name()} of the agent", key) for key in held]


def _load(path: str, passphrase: str | None) -> Any:
    try:
        return paramiko().PKey.from_path(path, None if passphrase is None else passphrase.encode())
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return error.strerror or str(error)
    except TypeError:
        return "locked: ssh-add it, or give ansible_ssh_private_key_passphrase"
    except Exception as error:  # whatever else the parsers of keys raise
        if passphrase is not None:
            return "not a private key, or the passphrase is wrong (ansible_ssh_private_key_passphrase)"
        return f"not a private key ({str(error).partition('.')[0]})"


def usable(ring: KeyRing, paths: list[str], passphrase: str | None, complaints: list[str]) -> Iterator[Key]:
    """The keys of the files in their order; what is wrong with the others joins `complaints`."""
    for path in paths:
        found = ring.load(path, passphrase)
        if isinstance(found, str):
            complaints.append(f"key {path}: {found}")
        else:
            yield Key(path, found)
