"""The laws for apt's sources and keys, answers to packages, packet filters and Python packages, inside a throw-away copy of the machine
that has no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from . import harness, throwaway
from .test_machine import check_then_run

LINE = "deb [trusted=yes] file:/opt/nowhere ./"

if not throwaway.inside():

    def test_in_a_throw_away_copy(tmp_path: Path) -> None:
        why = throwaway.available()
        if why:
            pytest.skip(why)
        done = throwaway.pytest_inside(__file__, str(tmp_path), network=False)
        print(done.stdout[-6000:], done.stderr[-2000:])
        assert done.returncode == 0

else:

    def sources(repo: str, **more: Any) -> harness.Task:
        return "apt_repository", {"repo": repo, "update_cache": False, **more}

    def test_a_line_of_sources() -> None:
        made = Path("/etc/apt/sources.list.d/opt_nowhere.list")
        assert check_then_run([sources(LINE)]) == ["changed"]
        assert made.read_text() == LINE + "\n"
        assert made.stat().st_mode & 0o777 == 0o644
        assert check_then_run([sources("deb   [trusted=yes]  file:/opt/nowhere   ./")]) == ["ok"]
        made.write_text(f"# {LINE}\n")
        assert check_then_run([sources(LINE)]) == ["changed"]
        assert check_then_run([sources("deb http://user:secret@law.example/debian x main", mode="0600", filename="law")]) == ["changed"]
        assert Path("/etc/apt/sources.list.d/law.list").stat().st_mode & 0o777 == 0o600
        assert check_then_run([sources(LINE, state="absent"), sources(LINE, state="absent")]) == ["changed", "ok"]
        assert not made.exists()
        assert check_then_run([sources("law.example main")]) == ["failed"]

    def test_sources_that_cannot_be_fetched_are_taken_back() -> None:
        (done,) = harness.run([("apt_repository", {"repo": LINE, "filename": "broken", "update_cache_retries": 0})])
        assert done.status == "failed"
        assert not Path("/etc/apt/sources.list.d/broken.list").exists()

    def test_a_sources_file() -> None:
        args = {"name": "Law Packages", "uris": "https://law.example/debian", "suites": ["stable"], "components": ["main", "extra"]}
        assert check_then_run([("deb822_repository", args)]) == ["changed"]
        made = Path("/etc/apt/sources.list.d/law-packages.sources")
        assert made.read_text() == (
            "Components: main extra\nX-Repolib-Name: Law Packages\nSuites: stable\nTypes: deb\nURIs: https://law.example/debian\n"
        )
        Path("/opt/key.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nlaw\n-----END PGP PUBLIC KEY BLOCK-----\n")
        assert check_then_run([("deb822_repository", {**args, "signed_by": "file:///opt/key.asc", "enabled": False})]) == ["changed"]
        assert "Enabled: no\n" in made.read_text()
        assert "Signed-By: /etc/apt/keyrings/law-packages.asc\n" in made.read_text()
        inline = {**args, "signed_by": Path("/opt/key.asc").read_text()}
        assert check_then_run([("deb822_repository", inline)]) == ["changed"]
        assert "Signed-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    law\n" in made.read_text()
        assert check_then_run([("deb822_repository", {"name": "Law Packages", "state": "absent"})]) == ["changed"]
        assert not made.exists() and not Path("/etc/apt/keyrings/law-packages.asc").exists()

    @pytest.mark.skipif(not shutil.which("gpg") or not shutil.which("apt-key"), reason="needs gpg and apt-key")
    def test_a_key_that_apt_trusts() -> None:
        home = ["gpg", "--homedir", "/opt/gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        Path("/opt/gpg").mkdir(mode=0o700)
        subprocess.run([*home, "--quick-generate-key", "law@law.example", "ed25519", "sign"], check=True, capture_output=True)
        armored = subprocess.run([*home, "--armor", "--export"], check=True, capture_output=True, text=True).stdout
        listed = subprocess.run([*home, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True).stdout
        key = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        Path("/opt/law.asc").write_text(armored)
        assert check_then_run([("apt_key", {"data": armored})]) == ["changed"]
        assert check_then_run([("apt_key", {"file": "/opt/law.asc", "id": "0x" + key[-8:].lower()})]) == ["ok"]
        assert check_then_run([("apt_key", {"id": key[-16:], "state": "absent"})]) == ["changed"]
        assert check_then_run([("apt_key", {"file": "/opt/law.asc", "id": "01234567"})]) == ["failed"]

    @pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg")
    def test_a_package_file_at_an_address() -> None:
        Path("/opt/thing/DEBIAN").mkdir(parents=True)
        control = "Package: lawful-thing\nVersion: 1.2\nArchitecture: all\nMaintainer: law <law@law.example>\nDescription: law\n"
        Path("/opt/thing/DEBIAN/control").write_text(control)
        subprocess.run(["dpkg-deb", "-b", "/opt/thing", "/opt/thing.deb"], check=True, capture_output=True)
        assert check_then_run([("apt", {"deb": "file:///opt/thing.deb"})]) == ["changed"]
        assert check_then_run([("apt", {"deb": "file:///opt/thing.deb"}), ("apt", {"deb": "/opt/thing.deb"})]) == ["ok", "ok"]
        assert check_then_run([("apt", {"deb": "file:///opt/none.deb"})]) == ["failed"]

    def test_answers_and_selections_of_packages() -> None:
        answer = {"name": "law", "question": "law/really", "vtype": "boolean", "value": True}
        assert check_then_run([("debconf", answer)]) == ["changed"]
        assert check_then_run([("debconf", {**answer, "value": "false"}), ("debconf", {"name": "law"})]) == ["changed", "ok"]
        secret = {"name": "law", "question": "law/password", "vtype": "password", "value": "hidden"}
        assert check_then_run([("debconf", secret)]) == ["changed"]
        assert check_then_run([("debconf", {"name": "law", "question": "law/really"})]) == ["failed"]
        assert check_then_run([("dpkg_selections", {"name": "dpkg", "selection": "hold"})]) == ["changed"]
        assert check_then_run([("dpkg_selections", {"name": "no-such-package", "selection": "hold"})]) == ["failed"]

    def test_diversions() -> None:
        Path("/opt/rc").write_text("of the package\n")
        diverted = {"path": "/opt/rc", "rename": True}
        later = ("copy", {"content": "mine", "dest": "/opt/rc"})
        assert check_then_run([("dpkg_divert", diverted), later]) == ["changed", "changed"]
        assert Path("/opt/rc.distrib").read_text() == "of the package\n" and Path("/opt/rc").read_text() == "mine"
        assert check_then_run([("dpkg_divert", {**diverted, "divert": "/opt/rc.old"})]) == ["failed"]
        assert check_then_run([("dpkg_divert", {**diverted, "state": "absent"})]) == ["failed"]
        assert check_then_run([("dpkg_divert", {**diverted, "holder": "dash"})]) == ["changed"]
        assert Path("/opt/rc").read_text() == "mine"
        elsewhere = {"path": "/opt/rc", "divert": "/opt/rc.old", "holder": "bash"}
        assert check_then_run([("dpkg_divert", elsewhere)]) == ["changed"]
        assert check_then_run([("dpkg_divert", {"path": "/opt/rc", "holder": "dash", "state": "absent"})]) == ["changed"]
        assert check_then_run([("dpkg_divert", {"path": "/opt/rc", "state": "absent"})]) == ["ok"]

    @pytest.mark.skipif(not shutil.which("iptables"), reason="needs iptables")
    def test_packet_filter() -> None:
        if subprocess.run(["iptables", "-w", "-S"], capture_output=True).returncode != 0:
            pytest.skip("this kernel filters no packets")
        web = {"chain": "INPUT", "protocol": "tcp", "destination_ports": ["80", "443"], "jump": "ACCEPT", "comment": "the law"}
        assert check_then_run([("iptables", web), ("iptables", {**web, "ctstate": ["NEW", "ESTABLISHED"]})]) == ["changed"] * 2
        assert check_then_run([("iptables", {**web, "source": "!10.0.0.0/8", "action": "insert", "rule_num": "1"})]) == ["changed"]
        assert check_then_run([("iptables", {"chain": "FORWARD", "policy": "DROP"})]) == ["changed"]
        assert check_then_run([("iptables", {"chain": "LAW", "chain_management": True})]) == ["changed"]
        assert check_then_run([("iptables", {**web, "state": "absent"})]) == ["changed"]
        assert check_then_run([("iptables", {"chain": "INPUT", "flush": True})]) == ["changed"]
        assert check_then_run([("iptables", {"chain": "LAW", "chain_management": True, "state": "absent"})]) == ["changed"]
        assert check_then_run([("iptables", {"chain": "LAW", "policy": "DROP"})]) == ["failed"]

    def wheel(version: str) -> None:
        info = f"lawpython-{version}.dist-info"
        files = {
            "lawpython.py": "",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: lawpython\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: law\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in files) + f"{info}/RECORD,,\n"
        Path("/opt/wheels").mkdir(exist_ok=True)
        with zipfile.ZipFile(f"/opt/wheels/lawpython-{version}-py3-none-any.whl", "w") as archive:
            for name, text in {**files, f"{info}/RECORD": record}.items():
                archive.writestr(name, text)

    def test_python_packages() -> None:
        wheel("1.0")
        wheel("1.2")
        where = {"virtualenv": "/opt/law-python", "virtualenv_command": f"{sys.executable} -m venv"}
        offline = {"extra_args": "--no-index --find-links /opt/wheels"}

        def pip(**args: Any) -> str:
            return check_then_run([("pip", {**where, **({} if args.get("state") == "absent" else offline), **args})])[0]

        assert pip(name="lawpython", version="1.0") == "changed"
        assert pip(name="LawPython>=1.0,<2") == "ok"
        assert pip(name=["lawpython~=1.1"]) == "changed"
        assert pip(name="lawpython==1.2.0") == "ok"
        Path("/opt/requirements.txt").write_text("# what the law needs\nlawpython == 1.*  # any\n")
        assert pip(requirements="/opt/requirements.txt") == "ok"
        assert pip(requirements="/opt/none.txt") == "failed"
        assert pip(name="lawpython", state="absent") == "changed"
        assert pip(name="lawpython", state="absent") == "ok"
        latest = ("pip", {**where, **offline, "name": "lawpython", "state": "latest"})
        assert [one.status for one in harness.run([latest] * 2)] == ["changed", "ok"]
        Path("/opt/play.yml").write_text("[{hosts: localhost, gather_facts: false, tasks: [{pip: {name: lawpython, state: absent}}]}]")
        words = [sys.executable, "-m", "nxtplay", "/opt/play.yml", "-e", "ansible_python_interpreter=/opt/law-python/bin/python"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert "changed=1" in done.stdout, "without more, the pip of the Python that modules run on: " + done.stdout + done.stderr
        assert pip(name="lawpython", state="absent") == "ok"
