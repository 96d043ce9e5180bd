"""The laws for modules that change the machine itself (packages, users, groups, services), inside a throw-away copy of it."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nxtplay.core.state import Unknown

from . import harness, throwaway
from .harness import Task

HASH = "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
WATCHED = ("/etc", "/opt/law", "/var/lib/dpkg/status", "/var/spool/cron", "/var/mail", "/usr/bin/lawpack")


def picture() -> dict[str, Any]:
    return {f"{top}/{path}": entry for top in WATCHED if os.path.exists(top) for path, entry in harness.picture(top, exact=False).items()}


def check_then_run(tasks: list[Task]) -> list[str]:
    """Every law for a chain of tasks; the statuses of the run."""
    before = picture()
    foreseen = harness.check(tasks)
    assert picture() == before, "the check left a mark"
    statuses = []
    for (module, args), said in zip(tasks, foreseen, strict=True):
        (done,) = harness.run([(module, args)])
        assert not done.reason.startswith("not converged"), done.reason
        assert said.status in (done.status, "unknown"), (module, args, said, done)
        print(module, args, done.status, done.reason)
        statuses.append(done.status)
    after = picture()
    again = [o.status for o in harness.run(tasks)]
    if "absent" not in [args.get("state") for _, args in tasks] and "failed" not in statuses:
        assert set(again) == {"ok"}, again
        assert picture() == after
    return statuses


if not throwaway.inside():

    def test_in_a_throw_away_copy(tmp_path: Path) -> None:
        why = throwaway.available()
        if why:
            pytest.skip(why)
        done = throwaway.pytest_inside(__file__, str(tmp_path))
        print(done.stdout[-6000:], done.stderr[-2000:])
        assert done.returncode == 0

else:

    def test_users_and_groups() -> None:
        assert (
            check_then_run([("group", {"name": "lawgroup", "gid": 4242}), ("group", {"name": "lawsystem", "system": True})])
            == ["changed"] * 2
        )
        tasks: list[Task] = [
            ("user", {"name": "lawuser", "groups": ["lawgroup"], "shell": "/bin/sh", "comment": "A Law", "password": HASH}),
            ("file", {"path": "/opt/law", "state": "directory", "owner": "lawuser", "group": "lawgroup"}),
        ]
        assert check_then_run(tasks) == ["changed", "changed"]
        assert check_then_run([("user", {"name": "lawuser", "groups": ["lawsystem"], "append": True})]) == ["changed"]
        assert check_then_run([("user", {"name": "lawuser", "shell": "/bin/bash", "password_lock": True, "expires": 1893456000})]) == [
            "changed"
        ]
        assert check_then_run([("user", {"name": "lawuser", "password": HASH, "update_password": "on_create"})]) == ["ok"]
        assert check_then_run([("user", {"name": "lawuser", "home": "/opt/law/deep/home"})]) == ["changed"]
        assert os.stat("/opt/law/deep/home").st_uid == pwd.getpwnam("lawuser").pw_uid
        assert check_then_run([("user", {"name": "lawuser", "home": "/opt/law/moved", "move_home": True})]) == ["changed"]
        assert not os.path.exists("/opt/law/deep/home")
        assert check_then_run([("user", {"name": "lawuser", "home": "/opt/law/none", "create_home": False})]) == ["changed"]
        assert not os.path.exists("/opt/law/none")
        assert check_then_run([("group", {"name": "lawrange", "local": True, "gid_min": 1500})]) == ["failed"]
        assert check_then_run([("user", {"name": "lawbare", "create_home": False, "uid": 4321, "system": True})]) == ["changed"]
        looked: Task = ("getent", {"database": "group", "key": "lawlater"})
        facts = harness.check([("group", {"name": "lawlater"}), looked])[1].result["ansible_facts"]
        assert isinstance(facts["getent_group"]["lawlater"], Unknown)
        assert (
            harness.check([("group", {"name": "lawgroup", "state": "absent"}), ("getent", {"database": "group", "key": "lawgroup"})])[
                1
            ].status
            == "failed"
        )
        assert check_then_run([("user", {"name": "lawstar", "create_home": False, "password": "*"})]) == ["changed"]
        ages = {"password_expire_max": 30, "password_expire_min": 2, "password_expire_warn": 5}
        assert check_then_run([("user", {"name": "lawstar", **ages})]) == ["changed"]
        ages = {"password_expire_max": -1, "password_expire_account_disable": 9}
        assert check_then_run([("user", {"name": "lawstar", **ages})]) == ["changed"]
        assert [line.split(":")[3:7] for line in Path("/etc/shadow").read_text().splitlines() if line.startswith("lawstar:*:")] == [
            ["2", "", "5", "9"]
        ]
        key: dict[str, Any] = {"name": "lawuser", "home": "/opt/law/moved", "generate_ssh_key": True, "ssh_key_type": "ed25519"}
        assert check_then_run([("user", key)]) == ["changed"]
        pair = Path("/opt/law/moved/.ssh/id_ed25519"), Path("/opt/law/moved/.ssh/id_ed25519.pub")
        first = [file.read_text() for file in pair]
        assert [harness.check([("user", {**key, "force": True})])[0].status, *check_then_run([("user", key)])] == ["changed", "ok"]
        assert harness.run([("user", {**key, "force": True})])[0].status == "changed"
        assert all(file.read_text() != old for file, old in zip(pair, first, strict=True)), "force puts a new pair in its place"
        pair[0].unlink()
        assert check_then_run([("user", key)]) == ["failed"], "a public key alone is not written over"
        assert harness.run([("user", {**key, "force": True})])[0].status == "changed"
        assert pair[0].exists()
        assert check_then_run([("user", {"name": "lawmask", "umask": "077", "local": True})]) == ["failed"]
        assert check_then_run([("user", {"name": "lawnone", "group": "no-such-group"})]) == ["failed"]
        assert check_then_run([("group", {"name": "lawtwice", "gid": 4242})]) == ["failed"]
        assert check_then_run([("user", {"name": "lawuser", "state": "absent", "remove": True})]) == ["changed"]
        check_then_run([("user", {"name": "lawguest", "groups": ["lawstar"]}), ("user", {"name": "lawalone"})])
        for name, group in (("lawalone", "ok"), ("lawstar", "changed"), ("lawguest", "ok")):
            gone: list[Task] = [(module, {"name": name, "state": "absent"}) for module in ("user", "group")]
            foreseen = [said.status for said in harness.check(gone)]
            assert foreseen == check_then_run(gone) == ["changed", group], "its own group goes with it where nobody else is in it"
        assert check_then_run([("group", {"name": "lawgroup", "state": "absent"})]) == ["changed"]

    def test_alternatives() -> None:
        os.makedirs("/opt/law", exist_ok=True)
        for name in ("one", "two", "one.1", "two.1"):
            Path(f"/opt/law/{name}").touch()
        one: dict[str, Any] = {"name": "lawtool", "path": "/opt/law/one", "link": "/opt/law/tool"}
        two: dict[str, Any] = {**one, "path": "/opt/law/two"}
        page = [{"name": "lawtool.1", "path": "/opt/law/one.1", "link": "/opt/law/tool.1"}]
        assert check_then_run([("alternatives", {"name": "lawtool", "path": "/opt/law/one"})]) == ["failed"]
        assert check_then_run([("alternatives", {**one, "path": "/opt/law/three"})]) == ["failed"]
        assert check_then_run([("alternatives", {**one, "priority": 10, "state": "present"}), ("alternatives", two)]) == ["changed"] * 2
        assert os.readlink("/etc/alternatives/lawtool") == "/opt/law/two"
        chosen = {**one, "name": "lawother", "link": "/opt/law/other"}
        assert check_then_run([("alternatives", chosen)]) == ["changed"]
        assert Path("/var/lib/dpkg/alternatives/lawother").read_text().startswith("manual"), "selected, so it stays whatever is installed"
        assert check_then_run([("alternatives", {**chosen, "state": "absent"})]) == ["changed"]
        assert check_then_run([("alternatives", {"name": "lawtool", "path": "/opt/law/two", "state": "auto"})]) == ["changed"]
        assert check_then_run([("alternatives", {**one, "priority": 10, "subcommands": page})]) == ["changed"]
        assert os.readlink("/etc/alternatives/lawtool.1") == "/opt/law/one.1"
        assert check_then_run([("alternatives", {"name": "lawtool", "path": "/opt/law/two", "state": "auto"})]) == ["changed"]
        assert os.readlink("/etc/alternatives/lawtool") == "/opt/law/two"
        assert check_then_run([("alternatives", {**one, "priority": 60, "state": "present"})]) == ["changed"]
        assert os.readlink("/etc/alternatives/lawtool.1") == "/opt/law/one.1", "what is not spoken of is kept"
        gone = [("alternatives", {**one, "state": "absent"}), ("alternatives", {**two, "state": "absent"})]
        assert check_then_run(gone) == ["changed"] * 2
        assert check_then_run([("alternatives", {**two, "state": "absent"})]) == ["ok"]

    def test_the_time_zone() -> None:
        zone = "/usr/share/zoneinfo/Europe/Berlin"
        os.makedirs(os.path.dirname(zone), exist_ok=True)
        Path(zone).touch()
        assert check_then_run([("timezone", {"name": "Europe/Berlin", "hwclock": "local"})]) == ["changed"]
        assert os.readlink("/etc/localtime") == zone and Path("/etc/adjtime").read_text().endswith("LOCAL\n")
        assert check_then_run([("timezone", {"name": "Europe/Berlin"})]) == ["ok"]
        assert check_then_run([("timezone", {"name": "Europe/Nowhere"})]) == ["failed"]

    @pytest.fixture(scope="module")
    def repository() -> Iterator[None]:
        """A package repository on disk: lawpack needs lawlib; lawpack ships a service script."""
        place = "/opt/repository"
        os.makedirs(place)
        _package(place, "lawlib", {"/usr/share/lawlib": "lib\n"})
        header = "### BEGIN INIT INFO\n# Provides: lawd\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n"
        acts = "start|restart) touch /run/lawd;; stop) rm -f /run/lawd;; status) test -e /run/lawd || exit 3;;"
        script = f"#!/bin/sh\n{header}case $1 in {acts} esac\n"
        _package(place, "lawpack", {"/usr/bin/lawpack": "#!/bin/sh\n", "/etc/init.d/lawd": script}, depends="lawlib")
        _package(place, "lawhalf", {"/usr/share/lawhalf": "half\n"}, postinst="test -e /opt/whole")
        index = ""
        for name in ("lawlib", "lawpack", "lawhalf"):
            control = subprocess.run(["dpkg-deb", "-f", f"{place}/{name}.deb"], check=True, capture_output=True, text=True).stdout
            data = Path(place, f"{name}.deb").read_bytes()
            index += f"{control.strip()}\nFilename: ./{name}.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
        Path(place, "Packages").write_text(index)
        subprocess.run("rm -rf /etc/apt/sources.list* /var/lib/apt/lists/*; mkdir -p /var/lib/apt/lists/partial", shell=True, check=True)
        Path("/etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{place} ./\n")
        yield

    def _package(place: str, name: str, files: dict[str, str], depends: str = "", postinst: str = "") -> None:
        root = f"{place}/{name}"
        for path, text in files.items():
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            Path(root + path).write_text(text)
            os.chmod(root + path, 0o755)
        os.makedirs(f"{root}/DEBIAN")
        configuration = "".join(f"{path}\n" for path in files if path.startswith("/etc/"))
        Path(f"{root}/DEBIAN/conffiles").write_text(configuration)
        control = f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: t <t@t>\nDescription: t\n"
        Path(f"{root}/DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
        if postinst:
            Path(f"{root}/DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}\n")
            os.chmod(f"{root}/DEBIAN/postinst", 0o755)
        subprocess.run(["dpkg-deb", "-b", root, f"{place}/{name}.deb"], check=True, capture_output=True)

    @pytest.mark.usefixtures("repository")
    def test_packages_and_their_services() -> None:
        absent = harness.check([("apt", {"name": "lawpack"})])[0]
        assert absent.status == "changed"  # no lists yet: that it comes is sure, its version is not
        owned: Task = ("file", {"path": "/opt/law", "state": "directory", "owner": "of-lawpack"})
        after = harness.check([("apt", {"name": "lawpack"}), owned])[1]
        assert after.status == "unknown", after  # the user may come with the package
        looked: Task = ("getent", {"database": "group", "key": "of-lawpack"})
        facts = harness.check([("apt", {"name": "lawpack"}), looked])[1].result["ansible_facts"]
        assert isinstance(facts["getent_group"]["of-lawpack"], Unknown)
        tasks: list[Task] = [
            ("apt", {"name": ["lawpack"], "update_cache": True}),
            ("package", {"name": "lawlib", "state": "present"}),
            ("service", {"name": "lawd", "state": "started", "enabled": True}),
        ]
        assert check_then_run(tasks) == ["changed"] * 3, "lawlib came along with lawpack, and is wanted for itself now"
        fetch: Task = ("apt", {"update_cache": True})
        assert [o.status for o in (*harness.check([fetch]), *harness.run([fetch]))] == ["unknown", "ok"], "nothing new came"
        with open("/opt/repository/Packages", "a", encoding="utf-8") as index:
            index.write("\n")
        (fetched,) = harness.run([fetch])
        assert (fetched.status, fetched.result["cache_updated"]) == ("changed", True)
        assert "lawlib" not in subprocess.run(["apt-mark", "showauto"], capture_output=True, text=True, check=True).stdout.split()
        assert check_then_run([("service", {"name": "lawd"})]) == ["ok"]
        assert check_then_run([("service", {"name": "lawd", "state": "stopped"})]) == ["changed"]
        assert [o.status for o in harness.run([("service", {"name": "lawd", "state": "restarted"})] * 2)] == ["changed", "changed"]
        assert check_then_run([("service", {"name": "no-such-service", "state": "started"})]) == ["failed"]
        missing = harness.run([("service", {"name": "no-such-service", "state": "started"})])[0]
        assert "Could not find the requested service no-such-service" in missing.reason  # what playbooks look for
        assert check_then_run([("apt", {"name": "no-such-package"})]) == ["failed"]
        assert check_then_run([("apt", {"name": "lawpack=1.*", "state": "present"})]) == ["ok"]
        assert check_then_run([("apt", {"name": "lawpack", "state": "latest"})]) == ["ok"]
        assert check_then_run([("apt", {"name": "lawpack>=0.9"})]) == ["ok"]
        assert check_then_run([("apt", {"name": "lawpack>=2.0"})]) == ["failed"]
        assert check_then_run([("apt", {"name": "*", "state": "latest"})]) == ["ok"], "everything that is installed, not everything"
        assert check_then_run([("apt", {"name": ["*", "lawhalf"], "state": "latest"})]) == ["failed"]
        Path("/var/cache/apt/archives/gone_1.0_all.deb").touch()
        assert check_then_run([("apt", {"autoclean": True})]) == ["changed"]
        assert not os.path.exists("/var/cache/apt/archives/gone_1.0_all.deb")
        assert check_then_run([("dpkg_selections", {"name": "lawpack", "selection": "hold"})]) == ["changed"]
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent"})]) == ["failed"]
        held: Task = ("apt", {"name": ["lawpack", "no-such"], "state": "absent", "allow_change_held_packages": True})
        assert check_then_run([held]) == ["changed"]
        (coming,) = harness.check([("apt", {"name": "lawpack>=1.0"})])
        assert "Inst lawpack (1.0" in coming.result["stdout"], "what apt would say"
        assert check_then_run([("apt", {"name": "lawpack>=1.0"}), ("apt", {"name": "lawlib"})]) == ["changed", "ok"]
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent", "purge": True, "autoremove": True})]) == ["changed"]
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent"})]) == ["ok"]
        assert check_then_run([("apt", {"name": ["lawp?ck", "la*ib"]})]) == ["changed"]
        assert check_then_run([("apt", {"name": "nosuch*"})]) == ["failed"]
        (removed,) = harness.run([("apt", {"name": "lawp*", "state": "absent"})])
        assert "lawpack" in removed.result["stdout"] and "stderr" in removed.result
        assert check_then_run([("apt", {"deb": "/opt/repository/lawlib.deb"})])[0] in ("changed", "ok")

    @pytest.mark.usefixtures("repository")
    def test_a_package_whose_configuration_failed_is_not_installed() -> None:
        wanted: Task = ("apt", {"name": "lawhalf", "update_cache": True})
        assert [o.status for o in harness.run([wanted, wanted])] == ["failed", "failed"]
        Path("/opt/whole").touch()
        assert check_then_run([("apt", {"name": "lawhalf"})]) == ["changed"]
        os.unlink("/opt/whole")
        assert check_then_run([("apt", {"name": "lawhalf", "state": "absent"})]) == ["changed"]
        assert [o.status for o in harness.run([wanted])] == ["failed"]
        assert check_then_run([("apt", {"name": "lawhalf", "state": "absent"})]) == ["changed"]

    @pytest.mark.usefixtures("repository")
    def test_what_a_package_left_behind_is_purged() -> None:
        harness.run([("apt", {"name": "lawpack", "update_cache": True})])
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent"})]) == ["changed"]
        assert os.path.exists("/etc/init.d/lawd")
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent"})]) == ["ok"]
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent", "purge": True})]) == ["changed"]
        assert not os.path.exists("/etc/init.d/lawd")
        assert check_then_run([("apt", {"name": "lawpack", "state": "absent", "purge": True})]) == ["ok"]
