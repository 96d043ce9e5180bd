"""x509_certificate: a certificate signed by its own key or by an authority of one's own, made by the program openssl."""

from __future__ import annotations

import datetime
import re
import secrets
from typing import Any, Literal, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import arg, required_if
from nxtplay.core.state import Secret, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _openssl
from nxtplay.modules._openssl import Facts, Pem

SHOWN = ["-noout", "-text", "-nameopt", "RFC2253,utf8", "-certopt", "no_header,no_version,no_serial,no_validity,no_sigdump"]
IDENTIFIERS = ("Subject Key Identifier", "Authority Key Identifier")  # which say what the key says
HOURS = {"w": 168.0, "d": 24.0, "h": 1.0, "m": 1 / 60, "s": 1 / 3600}
Create = Literal["create_if_not_provided", "always_create", "never_create"]


class X509Certificate(_openssl.Generated):
    """A certificate for a request. It is made anew when it says something else than the request, or another key or authority signed it."""

    kind = "certificate"
    chance = "the certificate is signed when it is made"
    content = "certificate"

    rules = (required_if("state", "present", "provider"),)

    provider: Literal["selfsigned", "ownca"] | None = arg(None, help="Who signs it: its own key, or an authority of one's own.")
    csr_path: Path | None = arg(None, help="The request; selfsigned does without: a certificate that names nobody.")
    privatekey_path: Path | None = arg(None, help="The private key, for selfsigned.")
    privatekey_passphrase: Secret | None = arg(None, help="What opens it.")
    ignore_timestamps: bool = arg(True, help="Of no effect: when it begins and ends is not compared.")
    selfsigned_version: int = arg(3, help="Of no effect: there is one.")
    selfsigned_digest: str = arg("sha256", help="The digest that it is signed with.")
    selfsigned_not_before: Literal["+0s"] = arg("+0s", help="It begins when it is made.", aliases=["selfsigned_notBefore"])
    selfsigned_not_after: str = arg("+3650d", help="When it ends: from now, in whole days (+52w, +365d).", aliases=["selfsigned_notAfter"])
    selfsigned_create_subject_key_identifier: Create = arg("create_if_not_provided", help="Whether it names its key by a hash.")
    ownca_path: Path | None = arg(None, help="The authority's certificate.")
    ownca_privatekey_path: Path | None = arg(None, help="The authority's private key.")
    ownca_privatekey_passphrase: Secret | None = arg(None, help="What opens that.")
    ownca_version: int = arg(3, help="Of no effect: there is one.")
    ownca_digest: str = arg("sha256", help="The digest that it is signed with.")
    ownca_not_before: Literal["+0s"] = arg("+0s", help="It begins when it is made.")
    ownca_not_after: str = arg("+3650d", help="When it ends: from now, in whole days (+52w, +365d).")
    ownca_create_subject_key_identifier: Create = arg("create_if_not_provided", help="Whether it names its key by a hash.")
    ownca_create_authority_key_identifier: bool = arg(True, help="Whether it names the authority's key.")

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        needed = ("privatekey_path",) if self.provider == "selfsigned" else ("csr_path", "ownca_path", "ownca_privatekey_path")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise Failed(f"{missing[0]} is needed with provider: {self.provider}")
        try:
            facts = self._facts(_openssl.asked(host, ["x509", *SHOWN], stdin=self.made(host)))
        except UnknownReached as reached:
            if before is not None:
                raise
            facts = {"key": reached.unknown}  # it comes in any case, whatever the request will say
        return _openssl.wanted(host, self, facts, before, mode="0644")

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        return {"filename": self.path, "privatekey": self.privatekey_path, "csr": self.csr_path, **self.returned(before, after)}

    # -- openssl

    def _facts(self, text: bytes) -> Facts:
        said = _openssl.told(text.decode("utf-8", "replace"))
        return {**{name: value for name, value in said.items() if name not in IDENTIFIERS}, "signed": True}

    def held(self, host: Reader) -> Facts:
        """What the certificate in the file says, and whether who signs it here has signed it; nothing of what is none."""
        path = _openssl.place(self)
        try:
            facts = self._facts(_openssl.asked(host, ["x509", *SHOWN, "-in", path]))
        except Failed:
            _openssl.openssl(host)
            return {}
        if self.state == "present" and self.provider == "ownca":
            trusted = _openssl.settled(host, str(self.ownca_path), "ownca_path")
            words = ["verify", "-no_check_time", "-partial_chain", "-trusted", trusted, path]
            facts["signed"] = host.look([_openssl.openssl(host), *words]).rc == 0
        return facts

    def made(self, host: Reader) -> bytes:
        own = self.provider == "selfsigned"
        key = _openssl.settled(host, str(self.privatekey_path if own else self.ownca_privatekey_path), "the private key")
        serial = f"0x{secrets.randbits(158) + 1000:x}"
        digest, end = (self.selfsigned_digest, self.selfsigned_not_after) if own else (self.ownca_digest, self.ownca_not_after)
        common = ["-set_serial", serial, f"-{digest}", "-days", str(_days(end)), "-passin", f"env:{_openssl.PASSPHRASE}"]
        if self.csr_path is None:
            words = ["req", "-x509", "-new", "-key", key, "-subj", "/", "-config", "/dev/stdin", *common]
            settings = "[req]\ndistinguished_name = name\nx509_extensions = more\n[name]\n[more]\n" + self._own_identifier()
            return _openssl.asked(host, words, stdin=settings.encode(), passphrase=self.privatekey_passphrase)
        csr = _openssl.settled(host, str(self.csr_path), "csr_path")
        words = ["x509", "-req", "-in", csr, "-copy_extensions", "copyall", *common, "-extfile", "/dev/stdin"]
        words += ["-signkey", key] if own else ["-CA", _openssl.settled(host, str(self.ownca_path), "ownca_path"), "-CAkey", key]
        passphrase = self.privatekey_passphrase if own else self.ownca_privatekey_passphrase
        return _openssl.asked(host, words, stdin=self._identifiers(host, csr).encode(), passphrase=passphrase)

    def _identifiers(self, host: Reader, csr: str) -> str:
        own = self.provider == "selfsigned"
        there = "Subject Key Identifier" in _openssl.asked(host, ["req", "-noout", "-text", "-in", csr]).decode("utf-8", "replace")
        out = "" if there else self._own_identifier()
        return out + ("authorityKeyIdentifier = keyid\n" if not own and self.ownca_create_authority_key_identifier else "")

    def _own_identifier(self) -> str:
        create = {"selfsigned": self.selfsigned_create_subject_key_identifier, "ownca": self.ownca_create_subject_key_identifier}
        return "subjectKeyIdentifier = hash\n" if create[str(self.provider)] != "never_create" else ""


def _days(end: str) -> int:
    """The whole days from now until then: `+52w`, `+1d12h`, or an absolute time (20301231235959Z)."""
    parts = re.findall(r"(\d+)([wdhms])", end)
    if re.fullmatch(r"\+(\d+[wdhms])+", end):
        days = sum(int(number) * HOURS[unit] for number, unit in parts) / 24
    else:
        try:
            until = datetime.datetime.strptime(end, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            raise Failed(f"not_after: '{end}' is no time from now, such as +365d, nor one as 20301231235959Z") from None
        days = (until - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / 86400
    if days < 1:
        raise Failed(f"not_after: '{end}' is less than a day from now, which openssl cannot do here")
    return int(days)
