"""openssl_csr: a request for a certificate, made by the program openssl."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import arg, exclusive, required_if
from nxtplay.core.state import Secret, UnknownReached
from nxtplay.core.types import Path
from nxtplay.modules import _openssl
from nxtplay.modules._openssl import Facts, Pem

NAMES = (
    ("C", "country_name"),
    ("ST", "state_or_province_name"),
    ("L", "locality_name"),
    ("O", "organization_name"),
    ("OU", "organizational_unit_name"),
    ("CN", "common_name"),
    ("emailAddress", "email_address"),
)
SHOWN = ["-noout", "-text", "-nameopt", "RFC2253,utf8", "-reqopt", "no_header,no_version,no_sigdump"]


class OpensslCsr(_openssl.Generated):
    """A request for a certificate. It is made anew when it says something else than the arguments, or is of another key."""

    kind = "csr"
    chance = "the request is signed when it is made"
    content = "csr"

    rules = (required_if("state", "present", "privatekey_path"), exclusive("subject", "subject_ordered"))

    privatekey_path: Path | None = arg(None, help="The private key.")
    privatekey_passphrase: Secret | None = arg(None, help="What opens the private key.")
    digest: str = arg("sha256", help="The digest that it is signed with.")
    version: int = arg(1, help="Of no effect: there is one.")
    subject: dict[str, Any] | None = arg(None, help="Names of the subject: CN, O ... to their values.")
    subject_ordered: list[dict[str, Any]] | None = arg(None, help="The same as a list of one name each, in this order.")
    country_name: str | None = arg(None, help="C of the subject.", aliases=["C", "countryName"])
    state_or_province_name: str | None = arg(None, help="ST of the subject.", aliases=["ST", "stateOrProvinceName"])
    locality_name: str | None = arg(None, help="L of the subject.", aliases=["L", "localityName"])
    organization_name: str | None = arg(None, help="O of the subject.", aliases=["O", "organizationName"])
    organizational_unit_name: str | None = arg(None, help="OU of the subject.", aliases=["OU", "organizationalUnitName"])
    common_name: str | None = arg(None, help="CN of the subject.", aliases=["CN", "commonName"])
    email_address: str | None = arg(None, help="The subject's address.", aliases=["E", "emailAddress"])
    subject_alt_name: list[str] | None = arg(None, help="Further names: DNS:, IP:, email:, URI:.", aliases=["subjectAltName"])
    subject_alt_name_critical: bool = arg(False, help="Whether it is critical.", aliases=["subjectAltName_critical"])
    use_common_name_for_san: bool = arg(True, help="Without further names, CN is one.", aliases=["useCommonNameForSAN"])
    key_usage: list[str] | None = arg(None, help="What the key is for: digitalSignature, keyEncipherment ...", aliases=["keyUsage"])
    key_usage_critical: bool = arg(False, help="Whether it is critical.", aliases=["keyUsage_critical"])
    extended_key_usage: list[str] | None = arg(
        None, help="What for, further: serverAuth, clientAuth ...", aliases=["extKeyUsage", "extendedKeyUsage"]
    )
    extended_key_usage_critical: bool = arg(
        False, help="Whether it is critical.", aliases=["extKeyUsage_critical", "extendedKeyUsage_critical"]
    )
    basic_constraints: list[str] | None = arg(None, help="CA:TRUE, pathlen:0 ...", aliases=["basicConstraints"])
    basic_constraints_critical: bool = arg(False, help="Whether it is critical.", aliases=["basicConstraints_critical"])
    ocsp_must_staple: bool = arg(False, help="Whether OCSP has to be stapled.", aliases=["ocspMustStaple"])
    ocsp_must_staple_critical: bool = arg(False, help="Whether it is critical.", aliases=["ocspMustStaple_critical"])
    name_constraints_permitted: list[str] | None = arg(None, help="For an authority: names it may sign.")
    name_constraints_excluded: list[str] | None = arg(None, help="For an authority: names it may not sign.")
    name_constraints_critical: bool = arg(False, help="Whether it is critical.")
    create_subject_key_identifier: bool = arg(False, help="Name the key by its hash.")
    subject_key_identifier: str | None = arg(None, help="Name the key so: pairs of hex digits with colons.")

    def desired(self, host: Reader, before: Optional[Pem]) -> Optional[Pem]:
        if self.state == "absent":
            return None
        try:
            facts = _openssl.told(_openssl.asked(host, ["req", *SHOWN], stdin=self.made(host)).decode("utf-8", "replace"))
        except UnknownReached as reached:
            if before is not None:
                raise
            facts = {"key": reached.unknown}  # it comes in any case, whatever the key will be
        return _openssl.wanted(host, self, facts, before, mode="0644")

    def result(self, before: Optional[Pem], after: Optional[Pem]) -> dict[str, Any]:
        return {"filename": self.path, "privatekey": self.privatekey_path, **self.returned(before, after)}

    # -- openssl

    def held(self, host: Reader) -> Facts:
        """What the request in the file says; nothing of what is none."""
        try:
            return _openssl.told(_openssl.asked(host, ["req", *SHOWN, "-in", _openssl.place(self)]).decode("utf-8", "replace"))
        except Failed:
            _openssl.openssl(host)
            return {}

    def made(self, host: Reader) -> bytes:
        key = _openssl.settled(host, str(self.privatekey_path), "privatekey_path")
        words = ["req", "-new", "-config", "/dev/stdin", "-utf8", f"-{self.digest}", "-key", key, "-passin", f"env:{_openssl.PASSPHRASE}"]
        subject = self._subject()
        words += [] if subject else ["-subj", "/"]
        return _openssl.asked(host, words, stdin=self._config(subject).encode(), passphrase=self.privatekey_passphrase)

    def _subject(self) -> list[tuple[str, str]]:
        out: list[tuple[str, Any]] = [pair for one in self.subject_ordered or [] for pair in one.items()]
        out += (self.subject or {}).items()
        out += [(name, getattr(self, attribute)) for name, attribute in NAMES]
        return [(name, str(one)) for name, value in out if value for one in (value if isinstance(value, list) else [value])]

    def _config(self, subject: Sequence[tuple[str, str]]) -> str:
        lines = ["[req]", "prompt = no", "string_mask = utf8only", "distinguished_name = names"]
        extensions = self._extensions(dict(subject).get("CN") or dict(subject).get("commonName"))
        lines += ["req_extensions = extensions"] if extensions else []
        lines += ["[names]", *(f"{number}.{name} = {_quoted(value)}" for number, (name, value) in enumerate(subject))]
        lines += ["[extensions]", *(f"{name} = {_quoted(value)}" for name, value in extensions)]
        return "\n".join(lines) + "\n"

    def _extensions(self, common_name: Optional[str]) -> list[tuple[str, str]]:
        names = self.subject_alt_name
        if names is None and common_name and self.use_common_name_for_san:
            names = [f"DNS:{common_name}"]
        limits = [f"permitted;{one}" for one in self.name_constraints_permitted or []]
        limits += [f"excluded;{one}" for one in self.name_constraints_excluded or []]
        identifier = "hash" if self.create_subject_key_identifier else self.subject_key_identifier
        asked = (
            ("subjectAltName", names, self.subject_alt_name_critical),
            ("keyUsage", self.key_usage, self.key_usage_critical),
            ("extendedKeyUsage", self.extended_key_usage, self.extended_key_usage_critical),
            ("basicConstraints", self.basic_constraints, self.basic_constraints_critical),
            ("tlsfeature", ["status_request"] if self.ocsp_must_staple else None, self.ocsp_must_staple_critical),
            ("nameConstraints", limits, self.name_constraints_critical),
            ("subjectKeyIdentifier", [identifier] if identifier else None, False),
        )
        return [(name, ",".join(["critical", *values] if critical else values)) for name, values, critical in asked if values]


def _quoted(value: str) -> str:
    """The value as openssl's configuration takes it literally."""
    if "\n" in value:
        raise Failed(f"'{value}' has a line end, which a request cannot hold")
    return "".join("\\" + one if one in "\\$#\"'" else one for one in value)
