"""What programs of the system keep: htpasswd, capabilities, alternatives."""

from __future__ import annotations

import subprocess
import tempfile
from shutil import which

from .harness import Case


def _made(*words: str) -> str:
    return subprocess.run(["openssl", "passwd", *words, "open sesame"], capture_output=True, text=True, check=True).stdout.strip()


FILE = f"a:{_made('-apr1')}\nsix:{_made('-6')}\nsha:{{SHA}}W8r/fyL/UzygmbNAjq2HbA67qac=\nplain:open sesame\nold:aanMoUxtJTmzg\n"


def _user(expect: str = "changed", text: str | None = FILE, **args: object) -> Case:
    given = {"path": "{root}/f", "name": "b", "password": "open sesame", **args}
    return Case("htpasswd", given, {} if text is None else {"f": text}, expect=expect)


def _program(root: str) -> None:
    subprocess.run(["cp", "/bin/true", f"{root}/p"], check=True)
    subprocess.run(["setcap", "cap_net_raw,cap_net_admin=ep", f"{root}/p"], check=True)


PATCH = "--- a/f\t2026\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n--- a/new\n+++ b/new\n@@ -0,0 +1 @@\n+n\n"
OLD, NEW = "one\ntwo\nthree\n", "one\n2\nthree\n"


def _patch(start: dict[str, str], expect: str, **args: object) -> Case:
    text = PATCH.partition("--- a/new")[0] if "dest" in args else PATCH
    where = {} if "dest" in args else {"basedir": "{root}", "strip": 1}
    given = {"src": "{root}/p" if "remote_src" in args else "p.patch", **where, **args}
    return Case("patch", given, {**start, **({"p": text} if "remote_src" in args else {})}, {"p.patch": text}, expect=expect)


def _may_set() -> bool:
    with tempfile.TemporaryDirectory() as place:
        try:
            _program(place)
        except (OSError, subprocess.CalledProcessError):
            return False
    return which("getcap") is not None


def _capability(capability: str, expect: str = "changed", path: str = "p", **args: object) -> Case:
    return Case("capabilities", {"path": "{root}/" + path, "capability": capability, **args}, setup=_program, expect=expect)


CASES = [
    _user(),
    _user(text=None),
    _user(text=None, mode="0640", hash_scheme="bcrypt"),
    _user(text="\na:x\n\n", hash_scheme="ldap_sha1"),
    _user(hash_scheme="des_crypt"),
    _user(hash_scheme="sha512_crypt"),
    _user("failed", hash_scheme="rot13"),
    _user("failed", text=None, create=False),
    _user("failed", name="a:b"),
    _user("ok", name="a"),
    _user("ok", name="six"),
    _user("ok", name="plain"),
    _user("ok", name="sha"),
    _user("ok", name="old"),
    _user(name="a", password="another"),
    _user(name="sha", password="another"),
    _user(name="old", password="another"),
    _user(name="a", mode="0600"),
    _user(name="a", state="absent"),
    _user("ok", name="nobody", state="absent"),
    _user("ok", None, state="absent"),
    *(
        [
            _capability("cap_net_raw=ep", "ok"),
            _capability("cap_net_raw+e", "ok"),
            _capability("cap_net_raw-p"),
            _capability("cap_net_bind_service+ep"),
            _capability("CAP_NET_RAW=ei"),
            _capability("cap_net_raw=i", "failed"),
            _capability("cap_net_raw+ep", state="absent"),
            _capability("cap_chown+ep", "ok", state="absent"),
            _capability("sudo", "failed"),
            _capability("cap_chown+ep", "failed", path="none"),
        ]
        if _may_set()
        else [Case("capabilities", {"path": "{root}/none", "capability": "cap_chown+ep"}, expect="failed")]
    ),
]


def _authority(root: str) -> None:
    """k: a key, other: another, r: a request of k, ca.k and ca: an authority."""
    for name in ("k", "other", "ca.k"):
        words = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{root}/{name}"]
        subprocess.run(words, check=True, capture_output=True)
    named = ["openssl", "req", "-new", "-subj", "/CN=x.test", "-addext", "subjectAltName=DNS:x.test"]
    subprocess.run([*named, "-key", f"{root}/k", "-out", f"{root}/r"], check=True)
    ca = ["openssl", "req", "-x509", "-subj", "/CN=ca", "-key", f"{root}/ca.k", "-out", f"{root}/ca"]
    subprocess.run(ca, check=True)
    subprocess.run([*ca[:-1], f"{root}/by-another"], check=True)


def _request(expect: str = "changed", path: str = "new", **args: object) -> Case:
    given = {"path": "{root}/" + path, "privatekey_path": "{root}/k", **args}
    return Case("openssl_csr", given, setup=_authority, expect=expect, name=f"csr-{path}-{args}")


def _certificate(expect: str = "changed", path: str = "new", **args: object) -> Case:
    given = {"path": "{root}/" + path, "csr_path": "{root}/r", "provider": "selfsigned", "privatekey_path": "{root}/k", **args}
    return Case("x509_certificate", given, setup=_authority, expect=expect, name=f"certificate-{path}-{args}")


OURS = {"provider": "ownca", "ownca_path": "{root}/ca", "ownca_privatekey_path": "{root}/ca.k"}

CASES += [
    _patch({"f": OLD}, "changed"),
    _patch({"f": NEW, "new": "n\n"}, "ok"),
    _patch({"f": NEW}, "failed"),
    _patch({"f": "other\n"}, "failed"),
    _patch({}, "failed"),
    _patch({"f": NEW, "new": "n\n"}, "changed", state="absent"),
    _patch({"f": OLD}, "ok", state="absent"),
    _patch({"other": OLD}, "changed", dest="{root}/other", remote_src=True),
    _patch({"f": OLD.replace("\n", "  \n")}, "changed", dest="{root}/f", ignore_whitespace=True, backup=True),
]
CASES += [
    _request(common_name="x.test"),
    _request("ok", "r", common_name="x.test"),
    _request(path="r", common_name="x.test", privatekey_path="{root}/other"),
    _request(path="r", common_name="x.test", key_usage=["digitalSignature"], key_usage_critical=True),
    _request(path="r", common_name="x.test", use_common_name_for_san=False, backup=False),
    _request(path="r", state="absent"),
    _request(subject={"O": "A # B", "OU": ["one", "$two"], "CN": "\u00fc.test"}, mode="0600"),
    _request(subject_alt_name=["DNS:a.test", "IP:10.0.0.1"], subject_alt_name_critical=True),
    _request(subject_ordered=[{"C": "DE"}, {"CN": "ca"}], basic_constraints=["CA:TRUE", "pathlen:0"], basic_constraints_critical=True),
    _request(extended_key_usage=["serverAuth"], ocsp_must_staple=True, create_subject_key_identifier=True),
    _request(common_name="ca", name_constraints_permitted=["DNS:.test"], name_constraints_excluded=["DNS:.no.test"]),
    _request("failed", subject={"NoSuchName": "x"}),
    _request("failed", privatekey_path="{root}/none"),
    _request("failed", "no/new"),
    _certificate(),
    _certificate(path="ca"),
    _certificate(csr_path=None),
    _certificate("failed", provider="ownca"),
    Case("x509_certificate", {"path": "{root}/ca", "provider": "ownca", "state": "absent"}, setup=_authority),
    _certificate(state="absent", path="ca"),
    _certificate(selfsigned_not_after="+52w", selfsigned_create_subject_key_identifier="never_create", mode="0600"),
    _certificate("failed", selfsigned_not_after="soon"),
    _certificate("failed", csr_path="{root}/none"),
    _certificate(**OURS),
    _certificate(path="by-another", **OURS),
    _certificate("failed", **{**OURS, "ownca_path": "{root}/none"}),
]
