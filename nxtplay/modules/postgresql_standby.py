"""postgresql_standby: a server that follows another one."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from typing import Any, Literal, Mapping, Optional, Union

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.state import Plan, Secret, Unknown, UnknownReached
from nxtplay.core.types import Duration, Path
from nxtplay.modules import _postgres_standby as standby
from nxtplay.modules._postgres import foreseen_state
from nxtplay.modules._postgres_types import conninfo, identifier, masked, parse_conninfo


@dataclass(frozen=True)
class StandbyState:
    """What a data directory holds: a standby, one that was promoted, or the data of a server that never followed any."""

    role: str
    primary: Mapping[str, str]  # libpq parameters, the password masked wherever it is shown
    slot: str


class PostgresqlStandby(Resource[StandbyState]):
    """A standby: its data are copied from the primary into an empty data directory (pg_basebackup), and it follows from there.

    Run it where the standby will be. Starting it is the next task's: its service, or its container.
    """

    state: Literal["standby", "promoted"] = arg("standby", help="Follow the primary, or end that and take writes of its own.")
    data_directory: Path | None = arg(None, help="Directory of its data; a container's PGDATA unless given.", aliases=["datadir"])
    container: str = arg("", help="The standby's container: made (docker_container with state: present), its data in a volume.")
    owner: str = arg("postgres", help="User that the server runs as, outside of containers.")
    primary_host: str | None = arg(None, help="The primary's address, as the standby sees it.")
    primary_port: int = arg(5432, help="Its port.")
    primary_user: str = arg("replicator", help="Role to replicate as: it needs REPLICATION, and a line for `replication` in pg_hba.conf.")
    primary_password: Secret | None = arg(None, help="Its password; it is kept in the standby's postgresql.auto.conf.")
    primary_options: dict[str, str] | None = arg(None, help="Further libpq parameters: sslmode, application_name, connect_timeout ...")
    slot: str = arg("", help="Replication slot on the primary, made if it is missing: the primary keeps what the standby has not read yet.")
    options: list[str] | None = arg(None, help="Further options of pg_basebackup: --max-rate=20M, --tablespace-mapping=...")
    confirm_data_loss: bool = arg(False, help="Replace the data of a server that is no standby: a former primary that comes back.")
    timeout: Duration = arg(Duration(60), help="With promoted: how long it may take.")

    rules = (required_if("state", "standby", "primary_host"),)
    private = False

    def key(self) -> str:
        return f"postgresqlstandby:{self.container}:{self.data_directory or ''}"

    def observe(self, host: Reader) -> Optional[StandbyState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[StandbyState] = state
            return out
        place = self._place(host)
        if place.read("PG_VERSION") is None:
            return None
        settings = standby.settings_of((place.read("postgresql.auto.conf") or b"").decode("utf-8", "replace"))
        primary = parse_conninfo(settings.get("primary_conninfo", ""))
        role = "standby" if place.read("standby.signal") is not None else "promoted" if primary else "primary"
        return StandbyState(role, primary, settings.get("primary_slot_name", ""))

    def desired(self, host: Reader, before: Optional[StandbyState]) -> Optional[StandbyState]:
        place = self._place(host)
        if self.state == "promoted":
            return self._to_promote(place, before)
        if before is None:
            self._refuse_others(place)
        elif before.role != "standby":
            self._refuse_loss(place, before)
        if before is None or before.role != "standby":
            if isinstance(place, standby.OnHost):
                self._ask_primary(host, place)
            return StandbyState("standby", self._primary(), self.slot)
        known = {name: value for name, value in before.primary.items() if name not in self._primary()}
        return replace(before, primary={**known, **self._primary()}, slot=self.slot)

    def apply(self, host: Host, plan: Plan[StandbyState]) -> None:
        place, after = self._place(host), plan.after
        assert after is not None
        if self.state == "promoted":
            self._promote(host, place)
            return
        if plan.before is None or plan.before.role != "standby":
            self._copy(host, place, clear=plan.before is not None)
        elif plan.before.slot != after.slot and after.slot:
            self._make_slot(host, place)
        wanted = {"primary_conninfo": conninfo(after.primary), "primary_slot_name": after.slot}
        text = (place.read("postgresql.auto.conf") or b"").decode("utf-8")
        place.write(host, "postgresql.auto.conf", standby.with_settings(text, wanted).encode("utf-8"))
        place.send(host, signal.SIGHUP)

    def result(self, before: Optional[StandbyState], after: Optional[StandbyState]) -> dict[str, Any]:
        return {"role": after.role if after else None, "data_directory": self.data_directory, "slot": after.slot if after else ""}

    # -- where, and from whom

    def _place(self, host: Reader) -> Union[standby.OnHost, standby.InContainer]:
        if self.container:
            return standby.InContainer(host, self.container, self.data_directory or "")
        if not self.data_directory:
            raise Failed("data_directory (or container) is needed: where will the standby have its data?")
        return standby.OnHost(self.data_directory, self.owner)

    def _primary(self) -> dict[str, str]:
        given = {"host": str(self.primary_host), "port": str(self.primary_port), "user": self.primary_user, **(self.primary_options or {})}
        if self.primary_password is not None:
            given["password"] = str.__str__(self.primary_password)
        return masked(given)

    def _login(self) -> tuple[str, dict[str, str]]:
        """(connection string without the password, environment with it)."""
        primary = self._primary()
        password = primary.pop("password", None)
        env = {"PGCONNECT_TIMEOUT": "10", **({} if password is None else {"PGPASSWORD": str.__str__(password)})}
        return conninfo(primary), env

    def _say(self, host: Reader, place: Any, command: str) -> standby.Ran:
        """A command of the replication protocol to the primary; an error shows as its SQLSTATE."""
        login, env = self._login()
        argv = ["psql", "-XAtqw", "-v", "VERBOSITY=sqlstate", "-d", f"{login} replication=true", "-c", command]
        ran: standby.Ran = place.program(host, argv, env)
        return ran

    def _ask_primary(self, host: Reader, place: Any) -> None:
        login, env = self._login()
        code, _, said = place.program(host, ["psql", "-XAtqw", "-d", f"{login} replication=true", "-c", "IDENTIFY_SYSTEM"], env)
        if code:
            pending = host.pending()
            if pending is not None:
                raise UnknownReached(Unknown(f"the primary does not let a standby in yet ({pending.reason})"))
            raise Failed(f"the primary at {self.primary_host} port {self.primary_port} does not let {self.primary_user} in: {said.strip()}")

    # -- what must not happen

    def _refuse_others(self, place: Any) -> None:
        others = place.others()
        if others:
            raise Failed(f"{place.where} is not empty and holds no PostgreSQL data ({', '.join(others[:5])}); a standby needs an empty one")
        parent = os.path.dirname(str(self.data_directory))
        if not self.container and not os.path.isdir(str(self.data_directory)) and not os.path.isdir(parent):
            raise Failed(f"{parent}, where {place.where} would be made, does not exist")

    def _refuse_loss(self, place: Any, before: StandbyState) -> None:
        promoted = before.role == "promoted"
        what = "of a standby that was promoted: it takes writes of its own" if promoted else "of a server that is no standby"
        if not self.confirm_data_loss:
            raise Failed(f"{place.where} holds the data {what}. confirm_data_loss: true replaces them by the primary's")
        if place.running():
            raise Failed(f"{place.where} is in use by a running server; stop it first")

    # -- acts

    def _make_slot(self, host: Host, place: Any) -> bool:
        """Whether it was made; False where it is there already."""
        code, _, said = self._say(host, place, f"CREATE_REPLICATION_SLOT {identifier(self.slot)} PHYSICAL RESERVE_WAL")
        if code and "42710" not in said:
            raise Failed(f"slot {self.slot} could not be made on {self.primary_host}: {said.strip()}")
        return code == 0

    def _copy(self, host: Host, place: Any, *, clear: bool) -> None:
        """The primary's data, whole; a copy that fails leaves an empty directory and no slot that it made."""
        made = bool(self.slot) and self._make_slot(host, place)
        login, env = self._login()
        argv = ["pg_basebackup", "--no-password", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"]
        argv += [f"--pgdata={place.directory}", f"--dbname={login}", *([f"--slot={self.slot}"] if self.slot else []), *(self.options or ())]
        try:
            if clear:
                place.clear(host)
            place.prepare(host)
            host.progress(f"copying the data of {self.primary_host}")
            code, _, said = place.program(host, argv, env)
            if code:
                raise Failed(f"pg_basebackup from {self.primary_host} port {self.primary_port} ended with {code}: {said.strip()[-1500:]}")
        except BaseException:
            if self.container == "" or place.read("PG_VERSION") is not None:
                place.clear(host)
            if made:
                self._say(host, place, f"DROP_REPLICATION_SLOT {identifier(self.slot)}")
            raise

    def _to_promote(self, place: Any, before: Optional[StandbyState]) -> StandbyState:
        if before is None:
            raise Failed(f"{place.where} holds no standby to promote")
        if before.role == "standby" and not place.running():
            raise Failed(f"{place.where} is a standby that does not run; start it to promote it")
        return before if before.role == "primary" else replace(before, role="promoted")

    def _promote(self, host: Host, place: Any) -> None:
        place.touch(host, "promote")
        place.send(host, signal.SIGUSR1)
        deadline = time.monotonic() + self.timeout
        while place.read("standby.signal") is not None or not standby.in_production(place.read("global/pg_control") or bytes(64)):
            if time.monotonic() > deadline:
                raise Failed(f"{place.where} is not promoted after {self.timeout:g} s; its log says why")
            time.sleep(0.1)
