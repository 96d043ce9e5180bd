"""Text files of the system: ini_file, pam_limits, authorized_key, sysctl, mount; keys and parameters."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

from .harness import Case

INI = "top = 1\n\n[a]\nx = 1\n# y = 2\n\n[b]\nx = 3\nx = 4\n"
PEERS = "[p]\na = 1\nb = 1\n[p]\na = 2\nb = 2\n"
ME = getpass.getuser()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF00000000000000000000000000000000000000000a me@here"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF00000000000000000000000000000000000000000b"


def _ini(expect: str = "changed", text: str | None = INI, **args: object) -> Case:
    return Case("ini_file", {"path": "{root}/f", **args}, {} if text is None else {"f": text}, expect=expect)


def _key(expect: str = "changed", text: str | None = None, **args: object) -> Case:
    start = {} if text is None else {"h": None, "h/keys": (text, 0o600)}
    return Case("authorized_key", {"user": ME, "path": "{root}/h/keys", **args}, start, expect=expect)


def _limit(expect: str = "changed", text: str = "a\thard\tnofile\t10\n* soft core 0 # none", **args: object) -> Case:
    given = {"dest": "{root}/f", "domain": "a", "limit_type": "hard", "limit_item": "nofile", **args}
    return Case("pam_limits", given, {"f": text}, expect=expect)


def _sysctl(expect: str = "changed", text: str | None = "# a.b = 1\na.b = 1\nc.d=2", **args: object) -> Case:
    given = {"sysctl_file": "{root}/f", "reload": False, **args}
    return Case("sysctl", given, {} if text is None else {"f": text}, expect=expect)


def _fstab(root: str) -> None:
    Path(root, "fstab").write_text(f"# fstab\nUUID=1 / ext4 defaults 0 1\n/dev/x {root}/m ext4 ro\n")


def _swap(root: str) -> None:
    Path(root, "fstab").write_text("/one none swap sw 0 0\n/two none swap sw 0 0\n")


def _mount(expect: str = "changed", **args: object) -> Case:
    given = {"fstab": "{root}/fstab", "src": "/dev/x", "fstype": "ext4", **args}
    return Case("mount", given, {"m": None}, setup=_fstab, expect=expect)


def _parameters(root: str) -> None:
    subprocess.run(["openssl", "dhparam", "-out", f"{root}/p", "512"], check=True, capture_output=True)


def _private(root: str) -> None:
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", f"{root}/k"], check=True, capture_output=True)
    os.chmod(f"{root}/k", 0o600)


def _privatekey(expect: str = "changed", path: str = "k", **args: object) -> Case:
    given = {"path": "{root}/" + path, "type": "Ed25519", **args}
    return Case("openssl_privatekey", given, setup=_private, expect=expect, name=f"privatekey-{path}-{args}")


def _keys(root: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a", "-f", f"{root}/k"], check=True)


def _pair(expect: str = "changed", **args: object) -> Case:
    return Case("openssh_keypair", {"path": "{root}/k", **args}, setup=_keys, expect=expect, name=f"keypair-{args}")


PAM = "# PAM\n@include common-auth\nsession    optional   pam_motd.so  motd=/run/motd.dynamic\nsession required pam_limits.so\n"


def _pam(expect: str = "changed", **args: object) -> Case:
    given = {"path": "{root}", "name": "sshd", "type": "session", "control": "required", "module_path": "pam_limits.so", **args}
    return Case("pamd", given, {"sshd": PAM}, expect=expect, name=f"pamd-{args}")


MADE = [
    _pam(control="optional", module_path="pam_motd.so", state="absent"),
    _pam("ok", control="optional", module_path="pam_nothing.so", state="absent"),
    _pam(state="updated", new_control="sufficient"),
    _pam("ok", state="updated", new_control="required"),
    _pam(state="after", new_type="session", new_control="optional", new_module_path="pam_new.so", module_arguments=["a", "b=1"]),
    _pam(state="before", new_type="session", new_control="optional", new_module_path="pam_new.so"),
    _pam(state="args_present", module_arguments=["debug"]),
    _pam("ok", state="args_absent", module_arguments=["debug"]),
    _pam(control="optional", module_path="pam_motd.so", state="args_present", module_arguments=["motd=/other"]),
    _pam("failed", name="no-such-service", state="updated"),
    Case("openssl_dhparam", {"path": "{root}/new", "size": 512}, expect="changed"),
    Case("openssl_dhparam", {"path": "{root}/p", "size": 512}, setup=_parameters, expect="ok"),
    Case("openssl_dhparam", {"path": "{root}/p", "size": 512, "mode": "0600"}, setup=_parameters, expect="changed"),
    Case("openssl_dhparam", {"path": "{root}/p", "size": 513, "backup": False}, {"p": "nonsense"}, expect="changed"),
    Case("openssl_dhparam", {"path": "{root}/p", "state": "absent"}, setup=_parameters, expect="changed"),
    Case("openssl_dhparam", {"path": "{root}/no/p", "size": 512}, expect="failed"),
    _privatekey("ok"),
    _privatekey(mode="0640"),
    _privatekey(type="RSA", size=1024),
    _privatekey(type="ECC", curve="secp256r1", backup=False),
    _privatekey(passphrase="s3cret words"),
    _privatekey("ok", type="RSA", regenerate="never"),
    _privatekey("failed", type="RSA", regenerate="fail"),
    _privatekey("failed", type="ECC"),
    _privatekey("changed", "new", passphrase="s3cret words"),
    _privatekey("failed", "no/new"),
    _privatekey("changed", state="absent"),
    Case("openssh_keypair", {"path": "{root}/new", "type": "ed25519"}, expect="changed"),
    Case("openssh_keypair", {"path": "{root}/new", "type": "ecdsa", "comment": "x y"}, expect="changed"),
    _pair("ok", type="ed25519"),
    _pair(type="ed25519", comment="b"),
    _pair(type="rsa", size=1024),
    _pair("failed", type="rsa", regenerate="fail"),
    _pair("ok", type="rsa", regenerate="never"),
    _pair(type="ed25519", state="absent"),
]

CASES = [
    *MADE,
    _mount("ok", path="{root}/m", opts="ro", state="present"),
    _mount(path="{root}/m", state="present", passno="2"),
    _mount(path="{root}/a b", state="present", boot=False),
    _mount(path="{root}/m", state="absent_from_fstab"),
    _mount(path="{root}/m", state="absent"),
    _mount("ok", path="{root}/m", state="unmounted"),
    _mount("ok", path="{root}/n", state="absent"),
    _mount(path="none", src="/swapfile", fstype="swap", opts="sw", state="present"),
    _mount("failed", path="{root}/m", state="remounted"),
    Case("mount", {"fstab": "{root}/fstab", "path": "none", "src": "/one", "fstype": "swap", "state": "absent"}, setup=_swap),
    _sysctl(name="a.b", value="2"),
    _sysctl("ok", name="a.b", value=1),
    _sysctl("ok", "a.b = 4096  87380\n", name="a.b", value="4096 87380"),
    _sysctl(name="e.f", value="1"),
    _sysctl("changed", None, name="e.f", value="1"),
    _sysctl(name="c.d", state="absent"),
    _sysctl("ok", name="e.f", state="absent"),
    _sysctl("failed", name="e.f"),
    _sysctl("failed", name="no.such.setting", value="1", sysctl_set=True),
    _sysctl("changed", "a.b = 1\na.b = 3\n", name="a.b", value="4"),
    _sysctl("ok", name="a.b", value=True),
    _sysctl(name="c.d", value="off"),
    _ini(section="a", option="x", value="2"),
    _ini("ok", section="a", option="x", value="1"),
    _ini(section="p", section_has_values=[{"option": "a", "value": "2"}], option="b", value="3", text=PEERS),
    _ini("ok", section="p", section_has_values=[{"option": "a", "value": "2"}], option="b", value="2", text=PEERS),
    _ini(section="p", section_has_values=[{"option": "a", "value": "9"}, {"option": "c"}], option="b", value="3", text=PEERS),
    _ini(section="p", section_has_values=[{"option": "a", "value": "9"}], text=PEERS),
    _ini(section="p", section_has_values=[{"option": "a", "value": "2"}], state="absent", text=PEERS),
    _ini("ok", section="p", section_has_values=[{"option": "a", "value": "9"}], state="absent", text=PEERS),
    _ini(section="a", option="y", value="2"),
    _ini(section="a", option="y", value="3", modify_inactive_option=False),
    _ini(section="a", option="z", value="9", no_extra_spaces=True),
    _ini(section="c", option="z", value="9"),
    _ini(section="c"),
    _ini("ok", section="b"),
    _ini(section="b", state="absent"),
    _ini("ok", section="c", state="absent"),
    _ini(section="b", option="x", state="absent"),
    _ini(section="b", option="x", value="3", state="absent", exclusive=False),
    _ini(section="b", option="x", values=["3", "5"]),
    _ini(section="b", option="x", values=["5", "6"], exclusive=False),
    _ini(option="top", value="2"),
    _ini(option="above", value="1"),
    _ini("ok", "[a]\nx=1\n", section="a", option="x", value="1", ignore_spaces=True),
    _ini("changed", "[a]\nx=1", section="a", option="x", value="1"),
    _ini("changed", None, section="a", option="x", value="1", mode="0600"),
    _ini("failed", None, section="a", option="x", value="1", create=False),
    _ini("failed", section="a", option="x"),
    _ini("changed", section="a", option="skip", allow_no_value=True),
    _limit(value="20"),
    _limit("ok", value="10"),
    _limit("ok", value="5", use_max=True),
    _limit(value="unlimited", use_max=True),
    _limit("ok", value="unlimited", use_min=True),
    _limit(limit_type="soft", value="20", comment="more"),
    _limit("failed", value="many"),
    _key(key=KEY),
    _key("ok", f"{KEY}\n", key=KEY),
    _key("changed", f"{OTHER}\n", key=KEY),
    _key("changed", f"# ours\n{OTHER}\n", key=KEY, exclusive=True),
    _key("changed", f"{KEY}\n", key=KEY, key_options='from="10.0.0.1",no-pty'),
    _key("ok", f'from="10.0.0.1" {KEY}\n', key=KEY, key_options='from="10.0.0.1"'),
    _key("changed", f"{KEY}\n", key=KEY, comment="you"),
    _key("changed", f"{KEY}\n{OTHER}\n", key=KEY, state="absent"),
    _key("ok", key=KEY, state="absent"),
    _key("failed", key="no key"),
    _key("failed", key=KEY, manage_dir=False),
    Case("authorized_key", {"user": "nobody-such", "key": KEY}, expect="failed"),
    Case("authorized_key", {"user": ME, "path": "{root}/keys", "key": "file://{root}/k"}, {"k": f"{KEY}\n{OTHER}\n"}, expect="changed"),
    Case("authorized_key", {"user": ME, "path": "{root}/keys", "key": "file://{root}/k"}, expect="failed"),
]
