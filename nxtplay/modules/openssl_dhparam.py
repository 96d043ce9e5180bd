"""openssl_dhparam: parameters for Diffie-Hellman."""

from __future__ import annotations

import re
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _files, _openssl
from nxtplay.modules._openssl import Pem


class OpensslDhparam(_openssl.Made, Resource[Pem]):
    """Parameters for Diffie-Hellman in a file. Making large ones takes minutes."""

    size: int = arg(4096, help="Bits.")
    state: Literal["present", "absent"] = arg("present", help="Whether the file is there.")
    return_content: bool = arg(False, help="Whether the parameters are registered.")
    select_crypto_backend: str = arg("auto", help="Of no effect: the program openssl is used.")

    def key(self) -> str:
        return f"dhparam:{_files.host_path(self.path)}"

    def observe(self, host: Reader) -> Optional[Pem]:
        if host.has_foreseen(self.key()):
            found: Optional[Pem] = host.foreseen(self.key())
            return found
        file = host.stat(_openssl.place(self))
        return _openssl.of_file({"size": self._bits(host)}, file) if file is not None else None

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        if before is None or before.facts["size"] != self.size:
            _openssl.openssl(host)
        return _openssl.wanted(host, self, {"size": self.size}, before, mode="0644")

    def due(self, host: Reader, plan: Plan[Pem]) -> Optional[str]:
        return "is made anew" if self.force and self.state == "present" and not plan.changed("facts") else None

    def apply(self, host: Host, plan: Plan[Pem]) -> None:
        if plan.after is None:
            host.remove(_openssl.place(self))
            return
        _openssl.put(host, self, plan.after, self._made(host) if plan.changed("facts") else None)

    def perform(self, host: Host, plan: Plan[Pem]) -> None:
        assert plan.after is not None
        _openssl.put(host, self, plan.after, self._made(host))

    def also_foresee(self, host: Reader, plan: Plan[Pem]) -> Sequence[tuple[str, Any]]:
        if plan.after is None:
            return [(f"file:{_openssl.place(self)}", None)]
        return _openssl.foreseen(self, plan.after, "the parameters are made by chance")

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        return {"filename": self.path, "size": self.size}

    def _bits(self, host: Reader) -> int:
        """The size of those in the file; 0 for what are none."""
        done = host.look([_openssl.openssl(host), "dhparam", "-in", _openssl.place(self), "-noout", "-text"])
        found = re.search(r"\((\d+) bit\)", done.stdout)
        return int(found[1]) if found and done.rc == 0 else 0

    def _made(self, host: Host) -> bytes:
        host.progress(f"making {self.size} bits")
        done = host.run([_openssl.openssl(host), "dhparam", str(self.size)])
        if done.rc != 0:
            raise Failed(f"openssl dhparam failed: {done.stderr.strip()[-500:]}", rc=done.rc)
        return done.out
