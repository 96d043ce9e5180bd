"""File modules: what the laws do not say (messages, registered fields, warnings, backups, validation)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.converge import Outcome, converge
from nxtplay.core.host import Host, Reader
from nxtplay.core.resource import decode
from nxtplay.core.state import Unknown
from nxtplay.core.world import World
from nxtplay.modules import _dotenv, _files, registry


def run(module: str, **args: Any) -> Outcome:
    host = Host(World())
    return converge(decode(registry.load(module), args), host, World(), host)


def test_copy_registers_what_users_of_ansible_know(tmp_path: Path) -> None:
    done = run("copy", content="hello\n", dest=f"{tmp_path}/f", mode="0640")
    known = {"checksum": "f572d396fae9206628714fb2ce00f72e94f2258f", "size": 6, "mode": "0640", "state": "file", "dest": f"{tmp_path}/f"}
    assert {k: done.result[k] for k in known} == known


def test_a_backup_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    done = run("copy", content="new\n", dest=f"{tmp_path}/f", backup=True)
    assert re.fullmatch(rf"{tmp_path}/f\.\d+\.\d{{4}}-\d\d-\d\d@\d\d:\d\d:\d\d~", done.result["backup_file"])
    assert Path(done.result["backup_file"]).read_text() == "old\n"


def test_refused_content_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    done = run("copy", content="new\n", dest=f"{tmp_path}/f", validate="grep -q old %s")
    assert done.status == "failed"
    assert "refused by validate" in done.result["msg"]
    assert (tmp_path / "f").read_text() == "old\n"
    assert os.listdir(tmp_path) == ["f"]


def test_a_line_that_its_expression_does_not_find_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("tea\ntwo\n")
    done = run("lineinfile", path=f"{tmp_path}/f", regexp="^t", line="changed")
    assert "every time it runs" in done.result["warnings"][0]
    assert "warnings" not in run("lineinfile", path=f"{tmp_path}/f", regexp="^tea", line="tea=1").result


@pytest.mark.parametrize(
    ("module", "args", "words"),
    [
        ("file", {"path": "{p}/none"}, "is absent; state: file only looks after"),
        ("file", {"path": "{p}/f", "state": "directory"}, "is a file; it does not become a directory"),
        ("file", {"path": "{p}/l", "state": "link"}, "src is required"),
        ("copy", {"content": "x", "dest": "{p}/none/f"}, "directory {p}/none does not exist"),
        ("copy", {"content": "x", "dest": "{p}/f", "owner": "nobody-here"}, "no user 'nobody-here' on this host"),
        ("lineinfile", {"path": "{p}/none", "line": "x"}, "Destination {p}/none does not exist !"),
        ("file", {"path": "/", "state": "absent"}, "refusing to remove /"),
    ],
)
def test_messages_say_what_was_found_and_what_to_do(tmp_path: Path, module: str, args: dict[str, Any], words: str) -> None:
    (tmp_path / "f").write_text("")
    done = run(module, **{k: v.replace("{p}", str(tmp_path)) for k, v in args.items()})
    assert done.status == "failed"
    assert words.replace("{p}", str(tmp_path)) in done.result["msg"]


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cs",)), max_size=20)


@given(
    st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), VALUES, max_size=5),
    st.sampled_from(("", "# note\n", "OLD=1\n\n")),
)
def test_dotenv_gives_back_what_was_put_in(wanted: dict[str, str], text: str) -> None:
    written = _dotenv.with_values(text, wanted)
    held = _dotenv.values(_dotenv.parse(written))
    assert {name: held[name] for name in wanted} == wanted
    assert _dotenv.with_values(written, wanted) == written
    assert [line for line in text.splitlines() if line.startswith("#")] == [line for line in written.splitlines() if line.startswith("#")]


def test_dotenv_reads_quotes_comments_and_export() -> None:
    text = "export A='x y' # note\nB=\"a\\\"b\\n\"\nC = c # note\nD=\nE='two\nlines'\nnonsense\n"
    entries = _dotenv.parse(text)
    assert _dotenv.values(entries) == {"A": "x y", "B": 'a"b\n', "C": "c", "D": "", "E": "two\nlines"}
    assert [(e.line, e.problem) for e in entries if e.problem] == [(7, "no KEY=value")]


def test_a_path_may_name_what_the_environment_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAW", str(tmp_path))
    assert _files.host_path("$LAW/a/") == f"{tmp_path}/a"
    assert _files.host_path("/price in $/x") == "/price in $/x"


def test_where_a_directory_was_copied_is_told_as_ansible_tells_it(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    done = run("copy", src=f"{tmp_path}/from/", dest=f"{tmp_path}/to", remote_src=True).result
    assert (done["src"], done["dest"]) == (f"{tmp_path}/from/", f"{tmp_path}/to/")
    assert run("copy", src=f"{tmp_path}/from", dest=f"{tmp_path}/to", remote_src=True).result["dest"] == f"{tmp_path}/to/from"


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A directory that everybody may write to, while this process is nobody."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        (Path(folder) / "f").write_text("root's")
        (Path(folder) / "closed").mkdir(0o700)
        os.setegid(65534)
        os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)
            os.setegid(0)


def test_who_may_replace_a_file_becomes_its_owner(nobody: Path) -> None:
    done = run("copy", content="mine", dest=f"{nobody}/f")
    assert (done.status, (nobody / "f").read_text(), (nobody / "f").stat().st_uid) == ("changed", "mine", 65534)


def test_who_may_write_to_a_file_may_touch_it(nobody: Path) -> None:
    os.seteuid(0)
    (nobody / "f").chmod(0o666)
    os.utime(nobody / "f", (1, 1))
    os.seteuid(65534)
    assert run("file", path=f"{nobody}/f", state="touch").status == "changed"
    assert (nobody / "f").stat().st_mtime > 1


def test_access_lists_stay_with_a_file_that_is_edited(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one\n")
    try:
        os.setxattr(tmp_path / "f", "user.note", b"kept")
    except OSError:
        pytest.skip("no extended attributes here")
    run("lineinfile", path=f"{tmp_path}/f", line="two")
    assert os.getxattr(tmp_path / "f", "user.note") == b"kept"


def test_flags_of_chattr_are_set_once_and_outlive_a_new_content(tmp_path: Path) -> None:
    path = f"{tmp_path}/f"
    (tmp_path / "f").write_text("a")
    done = run("file", path=path, attributes="+A")
    if "can have none" in done.result.get("msg", ""):
        pytest.skip("no flags on this file system")
    assert done.status == "changed"
    assert run("file", path=path, attributes="+A").status == "ok"
    assert run("copy", content="b", dest=path, attributes="A").status == "changed"
    assert "A" in run("stat", path=path).result["stat"]["attr_flags"]
    assert run("copy", content="c", dest=f"{tmp_path}/new", attributes="+A").status == "changed"
    assert "A" in run("stat", path=f"{tmp_path}/new").result["stat"]["attr_flags"]
    assert run("file", path=path, attributes="-A").status == "changed"
    assert "A" not in run("stat", path=path).result["stat"]["attr_flags"]
    assert "write +, - or =" in run("file", path=path, attributes="+é").result["msg"]


def test_find_goes_on_behind_what_it_may_not_look_into(nobody: Path) -> None:
    found = run("find", paths=[str(nobody)], recurse=True).result
    assert [file["path"] for file in found["files"]] == [f"{nobody}/f"]
    assert "Permission denied" in found["skipped_paths"][f"{nobody}/closed"]


def test_links_in_a_directory_of_the_host_stay_links(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "f").write_text("x")
    (tmp_path / "from" / "l").symlink_to("f")
    run("copy", src=f"{tmp_path}/from/", dest=f"{tmp_path}/to", remote_src=True)
    assert os.readlink(tmp_path / "to" / "l") == "f"
    run("copy", src=f"{tmp_path}/from/", dest=f"{tmp_path}/there", remote_src=True, local_follow=True)
    assert not (tmp_path / "there" / "l").is_symlink()


def test_keys_and_certificates_are_in_the_result_where_they_are_asked_for(tmp_path: Path) -> None:
    for again in ("changed", "ok"):
        pair = run("openssh_keypair", path=f"{tmp_path}/id", type="ed25519", comment="me here")
        assert pair.status == again
        assert f"{pair.result['public_key']} me here\n" == (tmp_path / "id.pub").read_text()
        assert pair.result["fingerprint"].startswith("SHA256:") and pair.result["comment"] == "me here"
        key = run("openssl_privatekey", path=f"{tmp_path}/k", type="Ed25519", return_content=True)
        assert str.__str__(key.result["privatekey"]) == (tmp_path / "k").read_text()
    plain = run("openssh_keypair", path=f"{tmp_path}/plain", type="ed25519")
    assert plain.result["comment"] == "" and (tmp_path / "plain.pub").read_text().split() == plain.result["public_key"].split()
    (tmp_path / "broken").write_text("no key")
    kept = run("openssh_keypair", path=f"{tmp_path}/broken", type="ed25519")
    assert kept.status == "failed" and (tmp_path / "broken").read_text() == "no key"
    assert run("openssh_keypair", path=f"{tmp_path}/broken", type="ed25519", force=True).status == "changed"
    foreseen = converge(decode(registry.load("openssh_keypair"), {"path": f"{tmp_path}/other"}), Reader(), World(), None)
    assert isinstance(foreseen.result["public_key"], Unknown)


def test_what_is_left_out_of_an_archive_is_not_missing(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).touch()
    paths = [f"{tmp_path}/{name}" for name in ("a.txt", "b.txt", "none")]
    done = run("archive", path=paths, dest=f"{tmp_path}/x.tgz", exclude_path=[f"{tmp_path}/a.txt"])
    assert done.result["missing"] == [f"{tmp_path}/none"]


def test_options_of_tar_and_unzip_that_mean_something(tmp_path: Path) -> None:
    (tmp_path / "in" / "d").mkdir(parents=True)
    (tmp_path / "in" / "d" / "f").write_text("x")
    (tmp_path / "in" / "d" / "log").write_text("x")  # excluded, as tar does it: by the end of its path
    os.chown(tmp_path / "in" / "d" / "f", 1234, 1234)
    shutil.make_archive(f"{tmp_path}/a", "gztar", tmp_path / "in")
    (tmp_path / "out").mkdir()
    options = ["--strip-components 2", "--no-same-owner", "--exclude=log"]
    assert run("unarchive", src=f"{tmp_path}/a.tar.gz", dest=f"{tmp_path}/out", remote_src=True, extra_opts=options).status == "changed"
    assert os.listdir(tmp_path / "out") == ["f"]
    assert (tmp_path / "out" / "f").stat().st_uid == os.geteuid()


@pytest.mark.skipif(shutil.which("zstd") is None, reason="needs the program zstd")
def test_what_zstd_packed_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_text("x")
    shutil.make_archive(f"{tmp_path}/a", "tar", tmp_path / "in")
    subprocess.run(["zstd", "-q", f"{tmp_path}/a.tar"], check=True)
    (tmp_path / "out").mkdir()
    run("unarchive", src=f"{tmp_path}/a.tar.zst", dest=f"{tmp_path}/out", remote_src=True)
    assert (tmp_path / "out" / "f").read_text() == "x"


def test_an_archive_takes_the_place_of_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("a.txt", "b.txt", "d/c.txt"):
        (tmp_path / name).touch()
    whole = run("archive", path=f"{tmp_path}/d", dest=f"{tmp_path}/y.tgz", remove=True)
    assert (whole.status, whole.result["archived"]) == ("changed", [f"{tmp_path}/d/c.txt"])
    (tmp_path / "y.tgz").unlink()
    done = run("archive", path=f"{tmp_path}/*.txt", dest=f"{tmp_path}/x.tgz", remove=True)
    assert (done.status, done.result["archived"]) == ("changed", [f"{tmp_path}/a.txt", f"{tmp_path}/b.txt"]), done.reason
    assert [path.name for path in tmp_path.iterdir()] == ["x.tgz"]
