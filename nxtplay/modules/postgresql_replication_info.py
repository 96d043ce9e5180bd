"""postgresql_replication_info: who follows whom, and how far behind."""

from __future__ import annotations

import time
from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.types import Duration, Size
from nxtplay.modules._postgres import PostgresLogin, Session, session, where

POSITION = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"
STANDBYS = (
    "SELECT application_name, client_addr::text AS address, usename AS user, state, sync_state, slot_name AS slot, "
    "replay_lsn::text AS replayed, "
    f"pg_wal_lsn_diff({POSITION}, replay_lsn)::bigint AS lag_bytes, coalesce(extract(epoch FROM replay_lag), 0)::float8 AS lag_seconds "
    "FROM pg_stat_replication LEFT JOIN pg_replication_slots ON active_pid = pid ORDER BY application_name, pid"
)
SLOTS = (
    "SELECT slot_name AS name, slot_type AS type, active, wal_status, "
    f"pg_wal_lsn_diff({POSITION}, restart_lsn)::bigint AS retained_bytes FROM pg_replication_slots ORDER BY 1"
)
# A standby that has replayed all it received is not behind, however long ago the last transaction was.
RECEIVER = (
    "SELECT status, sender_host AS host, sender_port AS port, slot_name AS slot, received_tli AS timeline, "
    "pg_last_wal_receive_lsn()::text AS received, pg_last_wal_replay_lsn()::text AS replayed, "
    "pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint AS lag_bytes, "
    "CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
    "ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8 AS lag_seconds "
    "FROM pg_stat_wal_receiver"
)


class PostgresqlReplicationInfo(PostgresLogin, Query):
    """Tell a primary from a standby, who follows it or whom it follows, and how far behind that is. With a limit it fails beyond it."""

    standbys: int | None = arg(None, help="Fail unless so many standbys (or more) are streaming.")
    max_lag: Size | None = arg(None, help="Fail where one is further behind than so many bytes: 16MB.")
    max_lag_time: Duration | None = arg(None, help="Fail where one is further behind than that: 10s.")
    wait: Duration = arg(Duration(0), help="How long the limits may take to be met.")

    def look(self, host: Reader) -> dict[str, Any]:
        deadline = time.monotonic() + self.wait
        while True:
            with session(self, host) as db:
                found = _state(db)
            trouble = self._trouble(found)
            if trouble is None:
                return found
            if time.monotonic() > deadline:
                raise Failed(f"PostgreSQL at {where(self)}: {trouble}", **found)
            host.progress(trouble)
            time.sleep(0.2)

    def _trouble(self, found: dict[str, Any]) -> Optional[str]:
        """What is not as it should be."""
        limited = self.max_lag is not None or self.max_lag_time is not None
        if found["role"] == "standby" and found["receiver"] is None and limited:
            return "it is a standby that receives nothing: is its primary there, and does it let it in?"
        streaming = [row for row in found["standbys"] if row["state"] == "streaming"]
        if self.standbys is not None and len(streaming) < self.standbys:
            return f"{len(streaming)} of {self.standbys} standbys are streaming"
        followers = [(row["application_name"], row) for row in found["standbys"]]
        for name, row in followers + ([("it", found["receiver"])] if found["receiver"] else []):
            if limited and row["lag_bytes"] is None:
                return f"{name} has not said yet how far it is"
            if self.max_lag is not None and row["lag_bytes"] > self.max_lag:
                return f"{name} is {row['lag_bytes']} bytes behind, more than {int(self.max_lag)}"
            if self.max_lag_time is not None and row["lag_seconds"] > self.max_lag_time:
                return f"{name} is {row['lag_seconds']:.1f} s behind, more than {self.max_lag_time:g} s"
        return None


def _state(db: Session) -> dict[str, Any]:
    recovery = bool(db.value("SELECT pg_is_in_recovery()"))
    timeline = "SELECT received_tli FROM pg_stat_wal_receiver" if recovery else "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
    number = db.value(timeline)
    return {
        "role": "standby" if recovery else "primary",
        "timeline": number if recovery else int(number, 16),
        "standbys": db.query(STANDBYS),
        "slots": db.query(SLOTS),
        "receiver": db.one(RECEIVER) if recovery else None,
    }
