"""What goes wrong is noticed: the exit code says so, one clear message too, somebody is told, and nothing old was touched."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flow_stack
import pytest
from backup_peers import Webhook, mailbox, run, storage, webhook
from backup_stack import Backed

pytestmark = pytest.mark.docker


def stamp(days_ago: int) -> str:
    return f"{datetime.date.today() - datetime.timedelta(days=days_ago):%Y%m%d}"


def plant(folder: Path, *ages: int) -> None:
    """Good backups of so many days ago."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for age in ages:
        data = f"dump of {age} days ago".encode()
        name = f"nxtbus_{stamp(age)}"
        (folder / f"{name}.dump").write_bytes(data)
        entry = {"name": f"{name}.dump", "kind": "planted", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (folder / f"{name}.manifest.json").write_text(json.dumps({"version": 1, "artefacts": [entry]}))


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.fixture
def told(backed: Backed, hook: Webhook) -> Backed:
    """The stack with old backups that are due to be pruned, and somebody who is told."""
    plant(backed.folder, 44, 31, 2, 1)
    backed.settings = {
        "notify_slack_webhook": hook.url + "/slack",
        "notify_sms_url": hook.url + "/sms",
        "notify_ping_url": hook.url + "/ping",
    }
    return backed


def fails(told: Backed, hook: Webhook, message: str, **settings: Any) -> str:
    """Back up; it fails with the message, tells everybody, and leaves what was there."""
    before = told.picture()
    done = told.play("backup", **settings)
    assert done.rc == 2, done.text
    final = done.finished("The backup failed")["result"]["msg"]
    assert message in final and "nothing was pruned" in final, final
    after = told.picture()
    assert {name: what for name, what in after.items() if name in before} == before
    assert message in hook.bodies("/slack")[0]["attachments"][0]["text"].replace("&lt;", "<").replace("&amp;", "&").replace("&gt;", ">")
    assert [path for path, _ in hook.posts if path.startswith("/ping")] == ["/ping/start", "/ping/fail"] and hook.bodies("/sms")
    assert not any(name.startswith(".nxtplay-") for name in after)
    return str(final)


def nothing_new(told: Backed) -> bool:
    return not any(stamp(0) in name for name in told.picture())


def test_success_tells_the_dead_man_switch_alone(told: Backed, hook: Webhook) -> None:
    done = told.play("backup")
    assert done.rc == 0, done.text
    assert [path for path, _ in hook.posts] == ["/ping/start", "/ping"]


def test_wrong_password(told: Backed, hook: Webhook) -> None:
    fails(told, hook, "password authentication failed", backup_postgres_password="not it at all")
    assert nothing_new(told)


def test_mail_is_sent_too(told: Backed, hook: Webhook, tmp_path: Path) -> None:
    with mailbox(tmp_path) as box:
        mail = {"host": "127.0.0.1", "port": box.port, "ca_path": box.ca, "from": "h@x.example", "to": ["a@x.example"]}
        fails(told, hook, "no database gone", backup_database="gone", notify_mail=mail)
    ((_, message),) = box.messages
    assert "the backup of gone FAILED" in message["Subject"] and "no database gone" in message.get_content()


def test_a_channel_that_is_down_does_not_keep_the_others_back(told: Backed, hook: Webhook) -> None:
    fails(told, hook, "no database gone", backup_database="gone", notify_mail={"host": "127.0.0.1", "port": 1, "to": ["x@x.example"]})


def test_a_killed_pg_dump(told: Backed, hook: Webhook) -> None:
    """It is kept waiting for a table that somebody else has locked, and killed there."""
    words = ["docker", "exec", told.postgres, "psql", "-q", "-U", "nxtbus", "-c", "BEGIN; LOCK TABLE routes; SELECT pg_sleep(60)"]
    holder = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    killed: list[str] = []

    def kill() -> None:
        for _ in range(300):
            listed = subprocess.run(["docker", "top", told.postgres, "-eo", "pid,comm"], capture_output=True, text=True).stdout
            found = [line.split()[0] for line in listed.splitlines() if line.split()[1:] == ["pg_dump"]]
            waits = told.sql(
                "SELECT 1 AS n FROM pg_stat_activity WHERE application_name LIKE 'nxtplay-dump-%' AND wait_event_type = 'Lock'"
            )
            if found and waits:
                killed.extend(found)
                os.kill(int(found[0]), 9)
                return
            time.sleep(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        fails(told, hook, "pg_dump was ended by signal 9")
    finally:
        killer.join()
        told.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")
        holder.wait()
    assert killed and nothing_new(told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_mid_dump(told: Backed, hook: Webhook, number: signal.Signals) -> None:
    """Nothing is left behind: no half of a file, no pg_dump, no lock that keeps the next one out; the dead-man switch is told."""
    before = told.picture()
    words = ["docker", "exec", told.postgres, "psql", "-q", "-U", "nxtbus", "-c", "BEGIN; LOCK TABLE routes; SELECT pg_sleep(60)"]
    holder = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    settings = json.dumps({"stack_project": told.stack.project, "backup_folder": str(told.folder), **told.settings})
    argv = [sys.executable, "-m", "nxtplay", "-i", "inventory/local.yml", "backup", "-e", settings]
    ours = "SELECT 1 AS n FROM pg_stat_activity WHERE application_name LIKE 'nxtplay-dump-%'"
    waits = ours + " AND wait_event_type = 'Lock'"
    try:
        run_ = subprocess.Popen(argv, cwd=flow_stack.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        while run_.poll() is None and not told.sql(waits):
            time.sleep(0.1)
        run_.send_signal(number)
        out, _ = run_.communicate(timeout=60)
        assert run_.returncode == 99 and b"Interrupted after" in out, out
        assert [path for path, _ in hook.posts if path.startswith("/ping")] == ["/ping/start", "/ping/fail"]
        for _ in range(50):
            if not told.sql(ours):
                break
            time.sleep(0.1)
        assert not told.sql(ours) and told.picture() == before
    finally:
        told.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")
        holder.wait()


def test_what_a_killed_run_left_is_taken_away(backed: Backed) -> None:
    plant(backed.folder, 1)
    (backed.folder / ".nxtplay-half").write_bytes(b"PGDMP")
    foreseen = backed.play("backup", "--check")
    assert (backed.folder / ".nxtplay-half").exists()
    done = backed.play("backup")
    assert foreseen.with_status("changed") == done.with_status("changed")
    assert done.rc == 0 and not (backed.folder / ".nxtplay-half").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backup_keep_days": -1}, "whole numbers, 0 or more"),
        ({"backup_name": "a/b"}, "'a/b' would not be known again"),
        ({"backup_format": "zip"}, "'zip' is none"),
        ({"backup_offsite": [{"path": "/mnt"}]}, "each has a url"),
        ({"backup_postgres_container": "nobody-1"}, "no container nobody-1"),
    ],
)
def test_settings_that_cannot_be_meant(told: Backed, hook: Webhook, settings: dict[str, Any], message: str) -> None:
    fails(told, hook, message, **settings)
    assert nothing_new(told)


def test_a_full_disk_in_mid_dump(told: Backed, hook: Webhook, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(small)], capture_output=True).returncode
    ):
        pytest.skip("needs root and leave to mount a small tmpfs")
    try:
        plant(small, 44, 31, 2, 1)
        told.folder = small
        fails(told, hook, "No space left on device")
        assert nothing_new(told)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_s3_that_fails_half_way(told: Backed, hook: Webhook, tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    with storage() as s3:
        s3.limit = 100_000
        places = [{"url": "s3://backups/nxtbus", **s3.login}, {"url": str(tmp_path / "mounted")}]
        fails(told, hook, "S3 s3://backups/nxtbus", backup_offsite=places)
    assert len(list((tmp_path / "mounted").iterdir())) == 4, "the other copy was made"
    assert f"nxtbus_{stamp(0)}.manifest.json" in told.picture(), "the backup itself is good and stays"


def test_a_clock_that_was_set_back(told: Backed, hook: Webhook) -> None:
    plant(told.folder, -3)
    assert "Was the clock set back?" in fails(told, hook, "is dated later than the clock")


def test_45_days_with_gaps_the_check_names_the_victims(backed: Backed) -> None:
    ages = [age for age in range(1, 46) if age not in (7, 8, 20, 33)]
    plant(backed.folder, *ages)
    foreseen = backed.play("backup", "--check")
    before = set(backed.picture())
    done = backed.play("backup")
    assert foreseen.rc == done.rc == 0, done.text
    gone = before - set(backed.picture())
    assert gone == {f"nxtbus_{stamp(age)}.{kind}" for age in ages if age > 30 for kind in ("dump", "manifest.json")}
    named = [set(played.finished("Prune")["result"]["victims"]) for played in (foreseen, done)]
    assert named == [gone, gone]


def test_a_dump_that_is_suddenly_small(told: Backed, hook: Webhook) -> None:
    for age in (3, 2, 1):
        data = b"x" * 90_000_000 if age == 3 else b"x" * 80_000_000
        name = f"nxtbus_{stamp(age)}"
        (told.folder / f"{name}.dump").write_bytes(data)
        entry = {"name": f"{name}.dump", "kind": "postgresql", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (told.folder / f"{name}.manifest.json").write_text(json.dumps({"version": 1, "artefacts": [entry]}))
    fails(told, hook, "is something missing?")
    assert nothing_new(told)


def test_two_never_run_at_once(told: Backed, hook: Webhook) -> None:
    lock = str(told.folder / ".lock")
    assert run("lock", path=lock, purpose="the test").status == "changed"
    try:
        fails(told, hook, f"the test (pid {os.getpid()}")
    finally:
        assert run("lock", path=lock, state="absent").status == "changed"
    assert nothing_new(told)


# -- damage that comes afterwards ----------------------------------------------------------------------------------------


@pytest.fixture
def taken(backed: Backed) -> Backed:
    assert backed.play("backup").rc == 0
    return backed


def refuses(taken: Backed, message: str) -> None:
    """Neither proof nor restore takes it, and the live data stay as they are."""
    before = (taken.sql("SELECT datname AS n FROM pg_database ORDER BY 1"), taken.digest("routes"), taken.picture())
    for book in ("backup-verify", "restore"):
        done = taken.play(book, confirm=taken.stack.project)
        assert done.rc == 2 and message in done.text, done.text
    after = (taken.sql("SELECT datname AS n FROM pg_database WHERE datname <> 'nxtbus_restore' ORDER BY 1"), taken.digest("routes"))
    assert (*after, taken.picture()) == before
    assert not subprocess.run(["docker", "ps", "-aq", "-f", "name=backup-verify"], capture_output=True, text=True).stdout


def dump_of(taken: Backed) -> Path:
    (found,) = taken.folder.glob("nxtbus_*.dump")
    return found


def test_a_truncated_dump(taken: Backed) -> None:
    path = dump_of(taken)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refuses(taken, "none of the 1 backups is good")


def test_a_flipped_byte(taken: Backed) -> None:
    path = dump_of(taken)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refuses(taken, "is damaged: its sha256 is")


def test_the_backup_of_another_project(taken: Backed) -> None:
    (manifest,) = taken.folder.glob("*.manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "project": "elsewhere"}))
    before = taken.sql("SELECT datname AS n FROM pg_database ORDER BY 1")
    refused = taken.play("restore", confirm=taken.stack.project)
    assert refused.rc == 2 and "is of the project elsewhere" in refused.text
    assert taken.sql("SELECT datname AS n FROM pg_database ORDER BY 1") == before
    meant = taken.play("restore", "--check", confirm=taken.stack.project, restore_project="elsewhere")
    assert meant.rc == 0, meant.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["artefacts"][0].pop("sha256"), "cannot be read"),
        (lambda m: m.update(artefacts={"a": 1}), "cannot be read"),
        (lambda m: m["artefacts"][0].update(name="../../../etc/passwd"), "is missing"),
        (lambda m: m["artefacts"][0].update(size=1), "bytes, 1 when it was made"),
        (lambda m: m["artefacts"][0].update(sha256="0" * 64), "is damaged"),
    ],
)
def test_a_manifest_that_somebody_changed(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    plant(tmp_path, 1)
    (path,) = tmp_path.glob("*.manifest.json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    found = run("backup_info", path=str(tmp_path), select="newest")
    assert found.status == "failed" and message in found.reason


def test_a_missing_table(taken: Backed) -> None:
    path = dump_of(taken)
    args = {"container": taken.postgres, "name": "nxtbus", "state": "dump", "target": str(path)}
    made = run("postgresql_db", **args, dump_extra_args="--exclude-table=users --exclude-table=users_id_seq")
    assert made.status == "changed", made
    (manifest,) = taken.folder.glob("*.manifest.json")
    document = json.loads(manifest.read_text())
    document["artefacts"][0].update(sha256=made.result["sha256"], size=made.result["size"])
    manifest.write_text(json.dumps(document))
    refuses(taken, "table public.users is missing")
