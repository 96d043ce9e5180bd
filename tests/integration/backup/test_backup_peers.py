"""Mail, Slack, S3, SFTP against servers that are there for it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backup_peers import Storage, check, mailbox, run, storage, webhook

from nxtplay.core.host import Failed
from nxtplay.modules import _s3

DATA = os.urandom(300_000)


# -- mail ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tls", "secure"), [("starttls", "try"), ("starttls", "starttls"), ("always", "always"), ("none", "try")])
def test_a_mail_arrives(tmp_path: Path, tls: str, secure: str) -> None:
    with mailbox(tmp_path, tls=tls) as box:
        args: dict[str, Any] = {
            "host": "127.0.0.1", "port": box.port, "secure": secure, "ca_path": box.ca, "from": "Höst <host@x.example>",
            "to": ["a@x.example"], "cc": "b@x.example", "bcc": "c@x.example", "subject": "Backup fehlgeschlagen: ü",
            "body": "line\n.\nend — ü", "attach": [str(tmp_path / "cert.pem")],
        }  # fmt: skip
        assert check("mail", **args).status == "changed" and not box.messages
        assert run("mail", **args).result["recipients"] == ["a@x.example", "b@x.example", "c@x.example"]
    ((receivers, message),) = box.messages
    assert box.encrypted == [tls != "none"]
    assert receivers == ["a@x.example", "b@x.example", "c@x.example"] and message["Bcc"] is None
    assert (message["Subject"], message["From"]) == ("Backup fehlgeschlagen: ü", "Höst <host@x.example>")
    text, attached = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n").strip() == "line\n.\nend — ü" and attached.get_filename() == "cert.pem"


def test_login_and_what_is_refused(tmp_path: Path) -> None:
    with mailbox(tmp_path, login=("me", "sesame")) as box:
        args = {"host": "127.0.0.1", "port": box.port, "ca_path": box.ca, "from": "h@x.example", "to": "a@x.example", "subject": "s"}
        assert run("mail", **args, username="me", password="sesame").status == "changed"
        failed = run("mail", **args, username="me", password="sasame")
        assert failed.status == "failed" and "refuses the login of me" in failed.reason and "sasame" not in str(failed)
        nobody = run("mail", **{**args, "to": "nobody@x.example"}, username="me", password="sesame")
        assert "nobody@x.example: no such person" in nobody.reason.replace("550 ", "")
        untrusted = run("mail", **{**args, "ca_path": None}, username="me", password="sesame")
        assert "TLS with 127.0.0.1" in untrusted.reason
    assert len(box.messages) == 1


def test_tls_that_is_a_must(tmp_path: Path) -> None:
    with mailbox(tmp_path, tls="none") as box:
        failed = run("mail", host="127.0.0.1", port=box.port, secure="starttls", subject="s")
    assert failed.status == "failed" and "offers no TLS" in failed.reason and not box.messages
    assert "cannot send through 127.0.0.1 port 1" in run("mail", host="127.0.0.1", port=1, subject="s").reason


# -- Slack ---------------------------------------------------------------------------------------------------------------


def test_slack_gets_what_it_understands() -> None:
    with webhook() as hook:
        url = hook.url + "/services/T/B/secret"
        assert run("slack", webhook_url=url, msg="5 < 6 & so", channel="#ops", color="danger").status == "changed"
        (body,) = hook.bodies("/services/T/B/secret")
        assert body["attachments"][0]["text"] == "5 &lt; 6 &amp; so" and body["channel"] == "#ops"
        hook.status = 404
        failed = run("slack", webhook_url=url, msg="x")
        assert failed.reason == "slack: refused with 404: no_service"
        assert check("slack", webhook_url=url, msg="x").status == "changed" and len(hook.posts) == 2
    gone = run("slack", webhook_url=url, msg="x")
    assert gone.status == "failed" and "secret" not in gone.reason
    assert "neither an app's" in run("slack", token="nonsense", msg="x").reason


# -- S3 ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[Storage]:
    with storage() as found:
        yield found


@pytest.fixture(autouse=True)
def unbroken(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "s3" in request.fixturenames:
        request.getfixturevalue("s3").limit = None


def test_an_object_there_and_back(s3: Storage, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    put = {"bucket": "backups", "mode": "put", "object": "x y/ü&=.bin", "src": str(tmp_path / "a"), **s3.login}
    assert check("s3_object", **put).status == "changed"
    assert run("s3_object", **put).status == "changed"
    assert check("s3_object", **put).status == run("s3_object", **put).status == "ok"
    get = {**put, "mode": "get", "dest": str(tmp_path / "b"), "src": None}
    assert check("s3_object", **get).status == "changed" and not (tmp_path / "b").exists()
    assert run("s3_object", **get).status == "changed" and (tmp_path / "b").read_bytes() == DATA
    assert check("s3_object", **get).status == run("s3_object", **get).status == "ok"
    (tmp_path / "a").write_bytes(DATA[:-1] + b"?")
    assert run("s3_object", **put).status == "changed"
    listed = run("s3_object", bucket="backups", mode="list", prefix="x ", **s3.login)
    assert (listed.status, listed.result["s3_keys"]) == ("ok", ["x y/ü&=.bin"])
    gone = {**put, "mode": "delobj", "src": None}
    assert [run("s3_object", **gone).status for _ in range(2)] == ["changed", "ok"]


def test_large_ones_go_in_parts(s3: Storage, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(DATA * 45)
    at = _s3.Storage("backups", s3.login["endpoint_url"], "us-east-1", "test", "secret")
    told: list[str] = []
    etag = _s3.put(at, "large", str(path), {"sha256": "x"}, part=5 * 1024 * 1024, tell=told.append)
    assert etag.endswith("-3") and told[-1] == "large: 100 %"
    held = hashlib.sha256()
    _s3.get(at, "large", held.update)
    assert held.hexdigest() == hashlib.sha256(DATA * 45).hexdigest()


def test_what_breaks_half_way_leaves_nothing_there(s3: Storage, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    s3.limit = 150_000
    at = _s3.Storage("backups", s3.login["endpoint_url"], "us-east-1", "test", "secret")
    with pytest.raises(Failed, match=r"the connection to .* failed"):
        _s3.put(at, "half", str(tmp_path / "a"), {})
    s3.limit = None
    assert _s3.head(at, "half") is None


def test_no_keys_no_bucket_no_server(s3: Storage, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    args = {"bucket": "backups", "mode": "put", "object": "x", "src": str(tmp_path / "a")}
    assert "no keys" in run("s3_object", **args).reason
    assert "NoSuchBucket" in run("s3_object", **{**args, "bucket": "none", **s3.login}).reason
    login = {**s3.login, "endpoint_url": "http://127.0.0.1:1"}
    assert "the connection to http://127.0.0.1:1 failed" in run("s3_object", **args, **login).reason


# -- copies elsewhere ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["shell", "sftp-only"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    if os.geteuid() != 0 or not shutil.which("/usr/sbin/sshd"):
        pytest.skip("needs root and the package openssh-server")
    sys.path.insert(0, str(Path(__file__).parents[1] / "ssh"))
    from sshd_server import Sshd

    folder = tmp_path_factory.mktemp("sshd")
    found = Sshd(folder, options=("ForceCommand internal-sftp",) if request.param == "sftp-only" else ())
    found.start()
    (folder / "known").write_text(f"[127.0.0.1]:{found.port} {found.host_key}\n")
    yield {"ssh_key": str(found.key), "ssh_known_hosts": str(folder / "known"), "base": f"sftp://root@127.0.0.1:{found.port}"}
    found.stop()


def places(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "there it is").mkdir()
    if kind == "s3":
        return {"url": f"s3://backups/{tmp_path.name}", **request.getfixturevalue("s3").login}
    if kind == "folder":
        return {"url": str(tmp_path / "there it is")}
    found = dict(request.getfixturevalue("server"))
    base = found.pop("base").replace("sftp:", "rsync+ssh:") if kind == "rsync" else found.pop("base")
    return {"url": f"{base}{tmp_path}/there%20it%20is", **found}


def both_ways(place: dict[str, Any], tmp_path: Path) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    here.mkdir()
    back.mkdir()
    names = ["nxtbus_20251113.dump", "nxtbus_20251113.manifest.json"]
    (here / names[0]).write_bytes(DATA)
    (here / names[1]).write_text(json.dumps({"artefacts": []}))
    push = {"path": str(here), "files": names, **place}
    foreseen = check("offsite_copy", **push)
    done = run("offsite_copy", **push)
    assert foreseen.status == done.status == "changed" and foreseen.result["copied"] == done.result["copied"] == names
    assert check("offsite_copy", **push).status == run("offsite_copy", **push).status == "ok"
    (here / names[0]).write_bytes(DATA[::-1])
    assert run("offsite_copy", **push).result["copied"] == names[:1]
    found = run("offsite_info", select="newest", **place)
    assert found.result["selected"] == {"stamp": "20251113", "files": names}
    pull = {**push, "path": str(back), "direction": "pull"}
    assert check("offsite_copy", **pull).status == "changed" and os.listdir(back) == []
    assert run("offsite_copy", **pull).status == "changed" and (back / names[0]).read_bytes() == DATA[::-1]
    assert check("offsite_copy", **pull).status == run("offsite_copy", **pull).status == "ok"
    gone = {**push, "files": names[:1], "state": "absent"}
    assert [run("offsite_copy", **gone).status for _ in range(2)] == ["changed", "ok"]
    assert run("offsite_info", **place).result["backups"] == [{"stamp": "20251113", "files": names[1:], "good": True}]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_copies_there_and_back(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    both_ways(places(kind, request, tmp_path), tmp_path)


def test_copies_over_ssh(server: dict[str, Any], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    both_ways(places("sftp", request, tmp_path), tmp_path)


@pytest.mark.skipif(shutil.which("rsync") is None, reason="needs the package rsync")
def test_copies_by_rsync(tmp_path: Path, request: pytest.FixtureRequest, server: dict[str, Any]) -> None:
    if "sftp-only" in request.node.name:
        pytest.skip("rsync needs a shell there")
    both_ways(places("rsync", request, tmp_path), tmp_path)


def test_a_copy_that_was_damaged_there_is_seen_and_mended(server: dict[str, Any], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = places("sftp", request, tmp_path)
    (tmp_path / "a_20251113.dump").write_bytes(DATA)
    push = {"path": str(tmp_path), "files": ["a_20251113.dump"], **place}
    assert run("offsite_copy", **push).status == "changed"
    copy = tmp_path / "there it is" / "a_20251113.dump"
    copy.write_bytes(DATA[:1000] + b"?" + DATA[1001:])
    assert check("offsite_copy", **push).status == run("offsite_copy", **push).status == "changed"
    assert copy.read_bytes() == DATA


def test_places_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    args = {"path": str(tmp_path), "files": ["x"]}
    assert "is it mounted?" in run("offsite_copy", **args, url=str(tmp_path / "none")).reason
    assert "is no place we know" in run("offsite_copy", **args, url="ftp://x/y").reason
    refused = run("offsite_copy", **args, url="sftp://root@127.0.0.1:1/x").reason
    assert "Connection refused" in refused, refused
