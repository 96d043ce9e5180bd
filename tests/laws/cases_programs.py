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
