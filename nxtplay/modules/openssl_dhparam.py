"""openssl_dhparam: parameters for Diffie-Hellman."""

from __future__ import annotations

import re
from typing import Any, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import arg
from nxtplay.modules import _openssl
from nxtplay.modules._openssl import Facts, Pem


class OpensslDhparam(_openssl.Generated):
    """Parameters for Diffie-Hellman in a file. Making large ones takes minutes."""

    kind = "dhparam"
    chance = "the parameters are made by chance"
    content = "dhparams"

    size: int = arg(4096, help="Bits.")

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        if before is None or before.facts["size"] != self.size:
            _openssl.openssl(host)
        return _openssl.wanted(host, self, {"size": self.size}, before, mode="0644")

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        return {"filename": self.path, "size": self.size, **self.returned(before, after)}

    def held(self, host: Reader) -> Facts:
        done = host.look([_openssl.openssl(host), "dhparam", "-in", _openssl.place(self), "-noout", "-text"])
        found = re.search(r"\((\d+) bit\)", done.stdout)
        return {"size": int(found[1]) if found and done.rc == 0 else 0}

    def made(self, host: Host) -> bytes:
        host.progress(f"making {self.size} bits")
        done = host.run([_openssl.openssl(host), "dhparam", str(self.size)])
        if done.rc != 0:
            raise Failed(f"openssl dhparam failed: {done.stderr.strip()[-500:]}", rc=done.rc)
        return done.out
