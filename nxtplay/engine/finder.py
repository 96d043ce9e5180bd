"""What modules may take from the controller."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from nxtplay.core.host import Failed, Host
from nxtplay.core.state import Secret
from nxtplay.core.wire import Blob
from nxtplay.errors import NxtplayError
from nxtplay.playbook.search import candidates
from nxtplay.template import vaulttext


@dataclass(frozen=True)
class Controller:
    """core.prepare.Controller for one task on one host."""

    host: str
    permit: bool
    base: str  # the playbook's folder
    folders: Sequence[str]
    render_file: Callable[[str, Mapping[str, Any]], Any]
    register_secret: Callable[[str], None]
    environ: Mapping[str, str] = field(default_factory=dict)
    where: str = "on the controller"
    decrypt: Callable[[str], str] | None = None

    def find(self, path: str, subfolder: str) -> str:
        places = candidates(path, subfolder, self.folders)
        for place in places:
            if os.path.exists(place):
                return place + ("/" if path.endswith("/") else "")
        raise Failed(f"could not find '{path}' on the controller; looked in: " + ", ".join(places))

    def held(self, path: str) -> str | None:
        try:
            with open(self.kept(path), "rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failed(f"cannot read {self.kept(path)} on the controller: {error.strerror}") from error

    def keep(self, path: str, data: IO[bytes], sha256: str) -> None:
        path = self.kept(path)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise Failed(f"cannot make {os.path.dirname(path)} on the controller: {error.strerror}") from error
        digest = hashlib.sha256()

        def fill(stream: IO[bytes]) -> None:
            while chunk := data.read(1 << 20):
                digest.update(chunk)
                stream.write(chunk)

        def inspect(temporary: str) -> None:
            if digest.hexdigest() != sha256:
                raise Failed(f"{os.path.basename(path)} changed on {self.host} while it was being fetched; nothing was kept of it")

        Host().replace_with(path, fill, inspect=inspect)

    def kept(self, path: str) -> str:
        return os.path.join(self.base, os.path.expanduser(path))

    def blob(self, path: str) -> Blob:
        digest = hashlib.sha256()
        size = 0
        try:
            with open(path, "rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
            mode = os.stat(path).st_mode & 0o7777
        except OSError as error:
            raise Failed(f"cannot read {path} on the controller: {error.strerror}") from error
        return Blob(digest.hexdigest(), size, path, mode)

    def opened(self, path: str) -> bytes | None:
        try:
            with open(path, "rb") as stream:
                start = stream.read(len(vaulttext.HEADER))
                if start != vaulttext.HEADER.encode() or self.decrypt is None:
                    return None
                text = (start + stream.read()).decode("utf-8", "surrogateescape")
            return self.decrypt(text).encode("utf-8", "surrogateescape")
        except NxtplayError as error:
            first = error.diagnostics[0]
            raise Failed(f"cannot decrypt {path}: {first.message}" + (f" ({first.hint})" if first.hint else "")) from None
        except OSError as error:
            raise Failed(f"cannot read {path} on the controller: {error.strerror}") from error

    def template(self, path: str, options: Mapping[str, Any]) -> Any:
        return self.render_file(path, options)

    def secret(self, text: str) -> str:
        self.register_secret(text)
        return Secret(text)
