"""openssl_privatekey: a private key for TLS."""

from __future__ import annotations

import re
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import arg
from nxtplay.core.state import Secret
from nxtplay.modules import _openssl
from nxtplay.modules._openssl import Facts, Pem

CURVES = {"secp256r1": "prime256v1", "secp192r1": "prime192v1"}  # as openssl calls them


class OpensslPrivatekey(_openssl.Generated):
    """A private key in a file, made by the host's openssl."""

    kind = "privatekey"
    chance = "the key is made by chance"
    content = "privatekey"

    type: Literal["RSA", "DSA", "ECC", "Ed25519", "Ed448", "X25519", "X448"] = arg("RSA", help="The kind of key.")
    size: int = arg(4096, help="Bits, for RSA and DSA.")
    curve: str | None = arg(None, help="The curve, for ECC: secp256r1, secp384r1 ...")
    passphrase: Secret | None = arg(None, help="What protects the key.")
    cipher: str = arg("auto", help="How it is protected; auto is AES-256.")
    regenerate: Literal["never", "fail", "partial_idempotence", "full_idempotence", "always"] = arg(
        "full_idempotence", help="What becomes of a key of another kind or size: never touch it, fail, or make it anew."
    )
    format: Literal["pkcs1", "pkcs8", "raw", "auto", "auto_ignore"] = arg("auto_ignore", help="Of no effect: always PKCS 8.")
    format_mismatch: Literal["regenerate", "convert"] = arg("regenerate", help="Of no effect.")

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        if self.type == "ECC" and self.curve is None:
            raise Failed("curve is required for a key of the kind ECC")
        facts = {"type": self.type, "size": self.size if self.type in ("RSA", "DSA") else self._curve()}
        if before is not None and before.facts != facts:
            if self.regenerate == "fail":
                raise Failed(
                    f"{self.path} is a key {before.facts['type']} {before.facts['size']}, or its passphrase differs; regenerate says fail"
                )
            if self.regenerate == "never":
                facts = before.facts
        if before is None or before.facts != facts:
            _openssl.openssl(host)
        return _openssl.wanted(host, self, facts, before, mode="0600")

    def again(self) -> bool:
        return self.force or self.regenerate == "always"

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        curve = {"curve": self.curve} if self.curve else {}
        return {"filename": self.path, "type": self.type, "size": self.size, **curve, **self.returned(before, after)}

    def _curve(self) -> Any:
        return CURVES.get(self.curve or "", self.curve) if self.type == "ECC" else None

    def _pass(self, option: str) -> list[str]:
        return [option, f"env:{_openssl.PASSPHRASE}"]

    def _env(self) -> dict[str, str]:
        return {_openssl.PASSPHRASE: self.passphrase or ""}

    def held(self, host: Reader) -> Facts:
        """Kind and size of the key in the file; nothing for what is none, or none that the passphrase opens."""
        words = [_openssl.openssl(host), "pkey", "-in", _openssl.place(self), "-noout", "-text", *self._pass("-passin")]
        done = host.look(words, env=self._env())
        if done.rc != 0 or self._protected(host) != bool(self.passphrase):
            return {"type": "", "size": None}
        plain = re.search(r"(ED25519|ED448|X25519|X448) Private-Key", done.stdout)
        if plain:
            return {"type": plain[1].replace("ED", "Ed"), "size": None}
        curve = re.search(r"ASN1 OID: (\S+)", done.stdout)
        if curve:
            return {"type": "ECC", "size": curve[1]}
        bits = re.search(r"\((\d+) bit", done.stdout)
        return {"type": "RSA" if "prime1:" in done.stdout else "DSA", "size": int(bits[1]) if bits else None}

    def _protected(self, host: Reader) -> bool:
        return b"ENCRYPTED" in host.read(_openssl.place(self))[:200]

    def made(self, host: Host) -> bytes:
        kinds = {
            "RSA": ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{self.size}"],
            "ECC": ["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{self._curve()}", "-pkeyopt", "ec_param_enc:named_curve"],
        }
        if self.type == "DSA":
            raise Failed("keys of the kind DSA are no longer made; take RSA, ECC or Ed25519")
        words = [_openssl.openssl(host), "genpkey", "-quiet", *kinds.get(self.type, ["-algorithm", self.type])]
        if self.passphrase:
            words += [f"-{'aes256' if self.cipher == 'auto' else self.cipher}", *self._pass("-pass")]
        done = host.run(words, env=self._env())
        if done.rc != 0 and "-quiet" in words:  # of openssl 3.0 and later
            words.remove("-quiet")
            done = host.run(words, env=self._env())
        if done.rc != 0:
            raise Failed(f"openssl genpkey failed: {done.stderr.strip()[-500:]}", rc=done.rc)
        return done.out
