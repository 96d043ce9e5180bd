"""Fill, back up while the application writes, destroy the volumes, restore, compare row by row; and everything a check says beforehand."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from backup_peers import run, storage
from backup_stack import Backed

pytestmark = pytest.mark.docker
TABLES = ("stops", "routes", "route_stops")


class Writer(threading.Thread):
    """Registers users until it is told to stop."""

    def __init__(self, backed: Backed) -> None:
        super().__init__(daemon=True)
        self.backed, self.enough, self.written = backed, threading.Event(), 0

    def run(self) -> None:
        while not self.enough.is_set():
            self.backed.sql(f"INSERT INTO users (email, password_hash) VALUES ('u{self.written}-{id(self)}@x.example', 'h')")
            self.backed.redis_cli("set", f"k{self.written}", "v")
            self.written += 1

    def stop(self) -> None:
        self.enough.set()
        self.join(60)


def test_backed_up_while_writing_destroyed_restored_from_the_copy_alone(backed: Backed, tmp_path: Path) -> None:
    with storage() as s3:
        place = {"url": "s3://backups/nxtbus", **s3.login}
        (tmp_path / "mounted").mkdir()
        settings = {"backup_offsite": [place, {"url": str(tmp_path / "mounted")}]}
        backed.redis_cli("set", "kept", "through it all")
        writer = Writer(backed)
        writer.start()
        foreseen = backed.play("backup", "--check", **settings)
        done = backed.play("backup", **settings)
        written = writer.written
        writer.stop()
        assert done.rc == foreseen.rc == 0, done.text
        assert written > 3
        assert foreseen.with_status("changed") == done.with_status("changed")
        assert not foreseen.with_status("unknown")
        (manifest,) = backed.folder.glob("nxtbus_*.manifest.json")
        names = {p.name for p in backed.folder.iterdir() if p.name != ".lock"}
        assert {p.name for p in (tmp_path / "mounted").iterdir()} == names and len(names) == 4

        digests = {table: backed.digest(table) for table in TABLES}
        users = backed.rows("(SELECT id, email, password_hash FROM users)")
        census = next(a["census"] for a in json.loads(manifest.read_text())["artefacts"] if a["kind"] == "postgresql")
        assert 0 < census["tables"]["public.users"] <= len(users)

        clean = backed.play("clean", confirm=backed.stack.project)
        assert clean.rc == 0, clean.text
        again = backed.play("deploy")
        assert again.rc == 0, again.text
        for path in backed.folder.iterdir():
            path.unlink()

        foreseen = backed.play("restore", "--check", backup_from=place)
        restored = backed.play("restore", backup_from=place, confirm=backed.stack.project)
        assert restored.rc == foreseen.rc == 0, foreseen.text + restored.text
        assert foreseen.with_status("changed") <= restored.with_status("changed")
        assert restored.with_status("changed") <= foreseen.with_status("changed", "unknown")

    assert {table: backed.digest(table) for table in TABLES} == digests
    found = backed.rows("(SELECT id, email, password_hash FROM users)")
    assert len(found) == census["tables"]["public.users"] and set(found) <= set(users)
    assert backed.redis_cli("get", "kept") == "through it all"
    assert backed.stack.search()["routes"]
    assert backed.sql("SELECT last_analyze IS NOT NULL AS n FROM pg_stat_user_tables WHERE relname = 'routes'") == [{"n": True}]
    (old,) = backed.sql("SELECT datname AS n FROM pg_database WHERE datname LIKE 'nxtbus\\_before\\_%'")
    assert backed.sql("SELECT count(*) AS n FROM routes", old["n"])[0]["n"] == 3, "what the restore replaced is kept"

    undone = backed.play("restore-undo", confirm=backed.stack.project)
    assert undone.rc == 0 and len(backed.rows("routes")) == 3, undone.text
    restored = backed.play("restore", confirm=backed.stack.project)
    assert restored.rc == 0, restored.text
    confirmed = backed.play("restore-confirm", confirm=backed.stack.project)
    assert confirmed.rc == 0, confirmed.text
    assert {table: backed.digest(table) for table in TABLES} == digests
    assert not backed.sql("SELECT 1 AS n FROM pg_database WHERE datname LIKE 'nxtbus\\_before\\_%'")


def test_a_restore_that_nobody_confirmed_changes_nothing(backed: Backed) -> None:
    assert backed.play("backup").rc == 0
    before = backed.sql("SELECT datname AS n FROM pg_database ORDER BY 1")
    refused = backed.play("restore")
    assert refused.rc == 2 and f"say -e confirm={backed.stack.project}" in refused.text
    assert backed.sql("SELECT datname AS n FROM pg_database ORDER BY 1") == before


def test_proven_encrypted_and_told_by_status(backed: Backed, tmp_path: Path) -> None:
    secret = "a passphrase of some length"
    settings = {"backup_encryption": "openssl", "backup_passphrase": secret, "backup_secrets": True, "backup_format": "sql.gz"}
    done = backed.play("backup", **settings)
    assert done.rc == 0 and secret not in done.text, done.text
    names = sorted(path.name.partition("_")[0] for path in backed.folder.glob("*.enc"))
    assert names == ["globals", "nxtbus", "redis", "secrets"]
    clear = [value.encode() for value in backed.stack.secrets()]
    assert not any(value in path.read_bytes() for path in backed.folder.iterdir() for value in clear)

    wrong = backed.play("backup-verify", backup_passphrase="another passphrase of some length")
    assert wrong.rc == 2 and "is it the key it was encrypted with?" in wrong.text
    assert not (backed.folder / ".clear").exists()
    proven = backed.play("backup-verify", **settings)
    assert proven.rc == 0, proven.text
    assert "rows restored and compared" in proven.text and not (backed.folder / ".clear").exists()
    status = backed.play("status")
    assert status.rc == 0 and "proven   2" in status.text and "newest   2" in status.text, status.text


def test_a_second_one_of_a_day_replaces_nothing(backed: Backed) -> None:
    assert backed.play("backup", backup_format="sql.gz").rc == 0
    first = backed.picture()
    assert backed.play("backup", backup_format="sql.gz").rc == 0
    both = backed.picture()
    assert len(both) == 2 * len(first) and all(both[name] == what for name, what in first.items())


def test_the_database_that_everybody_logs_in_to_first_is_swapped_too(backed: Backed) -> None:
    """`postgres` is where a session goes that names no database."""
    settings = {"backup_database": "postgres", "backup_name": "first"}
    backed.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)", "postgres")
    try:
        done = backed.play("backup", **settings)
        assert done.rc == 0, done.text
        backed.sql("UPDATE kept SET n = 2", "postgres")
        foreseen = backed.play("restore", "--check", **settings)
        restored = backed.play("restore", confirm=backed.stack.project, **settings)
        assert foreseen.rc == restored.rc == 0, foreseen.text + restored.text
        assert foreseen.with_status("changed") <= restored.with_status("changed")
        assert backed.sql("SELECT n FROM kept", "postgres") == [{"n": 1}]
        undone = backed.play("restore-undo", confirm=backed.stack.project, **settings)
        assert undone.rc == 0, undone.text
        assert backed.sql("SELECT n FROM kept", "postgres") == [{"n": 2}]
        again = backed.play("restore", confirm=backed.stack.project, **settings)
        confirmed = backed.play("restore-confirm", confirm=backed.stack.project, **settings)
        assert again.rc == confirmed.rc == 0, again.text + confirmed.text
        assert backed.sql("SELECT n FROM kept", "postgres") == [{"n": 1}]
        left = backed.sql("SELECT datname AS n FROM pg_database WHERE datname LIKE 'postgres%'", "template1")
        assert [row["n"] for row in left if "undone" not in row["n"]] == ["postgres"], left
    finally:
        backed.sql("DROP TABLE IF EXISTS kept", "postgres")


def test_after_a_restore_that_was_killed_in_the_midst_of_its_swap(backed: Backed) -> None:
    """The old database has stepped aside, and none is in service."""
    stack = backed.stack.project
    rows = backed.rows("routes")
    assert backed.play("backup").rc == 0

    def killed() -> None:
        aside = {"state": "rename", "target": "nxtbus_before_20260101_000000", "force": True}
        assert run("postgresql_db", container=backed.postgres, name="nxtbus", **aside).status == "changed"

    killed()
    undone = backed.play("restore-undo", confirm=stack)
    assert undone.rc == 0 and backed.rows("routes") == rows, undone.text
    killed()
    foreseen, restored = backed.play("restore", "--check"), backed.play("restore", confirm=stack)
    assert foreseen.rc == restored.rc == 0, foreseen.text + restored.text
    assert "it replaced none" in restored.text and backed.rows("routes") == rows
    assert foreseen.with_status("changed") <= restored.with_status("changed") <= foreseen.with_status("changed", "unknown")
    assert backed.play("restore-confirm", confirm=stack).rc == 0
    assert backed.sql("SELECT 1 FROM pg_database WHERE datname LIKE 'nxtbus_before%'", "postgres") == []
