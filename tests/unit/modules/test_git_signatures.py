"""git with verify_commit: commits and annotated tags, and whose signatures count."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host
from nxtplay.core.resource import decode
from nxtplay.core.world import World
from nxtplay.modules import registry

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None or shutil.which("git") is None, reason="needs git and gpg")


def test_a_signature_is_asked_of_what_is_checked_out(tmp_path: Path) -> None:
    home, up = tmp_path / "gpg", tmp_path / "up"
    home.mkdir(mode=0o700)
    up.mkdir()
    who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GNUPGHOME": str(home), "HOME": str(tmp_path)}

    def call(*words: str) -> str:
        return subprocess.run(words, cwd=up, env=environ, check=True, capture_output=True, text=True).stdout

    try:
        call("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "t@t", "ed25519", "sign")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"gpg makes no key here: {error.stderr}")
    (key,) = [line.split(":")[9] for line in call("gpg", "--with-colons", "-k").splitlines() if line.startswith("fpr:")]
    call("git", "init", "-q", "-b", "main")
    call("git", "commit", "-q", "--allow-empty", f"-S{key}", "-m", "signed")
    call("git", "tag", "-a", "-m", "not signed", "plain")
    call("git", "tag", "-u", key, "-m", "signed", "signed")

    def clone(version: str, **more: object) -> Outcome:
        host = Host(World(), environ={"GNUPGHOME": str(home)})
        args = {"repo": str(up), "dest": f"{tmp_path}/{version}-{len(more)}", "version": version, "verify_commit": True, **more}
        return converge(decode(registry.load("git"), args), host, World(), host)

    try:
        assert clone("main").status == clone("signed").status == "changed"
        assert "Failed to verify GPG signature" in clone("plain").result["msg"]
        assert clone("main", gpg_allowlist=[key]).status == "changed"
        assert "which gpg_allowlist does not hold" in clone("signed", gpg_allowlist=["ABCD"]).result["msg"]
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=environ, check=False)
