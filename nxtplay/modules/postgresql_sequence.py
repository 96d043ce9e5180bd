"""postgresql_sequence: sequences of a database."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan
from nxtplay.modules import _postgres_relation as relation
from nxtplay.modules._postgres import PostgresLogin, database_of, foreseen_state, session, settled
from nxtplay.modules._postgres_relation import Place
from nxtplay.modules._postgres_types import identifier

LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True)
class SequenceState:
    """A sequence's settings; where it counts is not one of them."""

    name: str
    owner: str
    data_type: str
    start: int
    increment: int
    minvalue: int
    maxvalue: int
    cache: int
    cycle: bool


class PostgresqlSequence(PostgresLogin, Resource[SequenceState]):
    """A sequence: there with its settings, gone, or under another name or schema."""

    sequence: str = arg(help="Name of the sequence.", key=True, aliases=["name"])
    login_db: str | None = arg(None, help="Database to connect to; default postgres.", aliases=["db", "database"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    schema: str | None = arg(None, help="Its schema; public unless given.")
    data_type: Literal["bigint", "integer", "smallint"] | None = arg(None, help="Type of its numbers.")
    increment: int | None = arg(None, help="Step; negative counts down.")
    minvalue: int | None = arg(None, help="Least number.", aliases=["min"])
    maxvalue: int | None = arg(None, help="Greatest number.", aliases=["max"])
    start: int | None = arg(None, help="First number.")
    cache: int | None = arg(None, help="How many numbers a session takes at once.")
    cycle: bool | None = arg(None, help="Whether it begins again after the last number.")
    owner: str | None = arg(None, help="Role that owns it.")
    rename_to: str | None = arg(None, help="New name.")
    newschema: str | None = arg(None, help="New schema.")
    cascade: bool = arg(False, help="With absent: drop what depends on it too.")

    private = False

    @property
    def _place(self) -> Place:
        return relation.place(self.sequence, self.schema)

    @property
    def _moved(self) -> Place:
        return Place(self.newschema or self._place.schema, self.rename_to or self._place.name)

    def key(self) -> str:
        return relation.key("sequence", self, self._place)

    def observe(self, host: Reader) -> Optional[SequenceState]:
        found = self._look(host, self._place)
        if self._moved == self._place:
            return found
        new = self._look(host, self._moved)
        if found and new:
            raise Failed(f"both {self._place} and {self._moved} are there; one of them has to go first")
        if not found and not new:
            raise Failed(f"neither {self._place} nor {self._moved} is there; nothing to move")
        return found or new

    def desired(self, host: Reader, before: Optional[SequenceState]) -> Optional[SequenceState]:
        with session(self, host) as db:
            if self.state == "absent":
                found = relation.row(db, self._place, "S") if before and not self.cascade else None
                held = relation.dependents(db, found["oid"]) if found else []
                if held:
                    raise Failed(f"{self._place} is needed by {', '.join(held)}; cascade: true drops them with it")
                return None
            relation.refuse(host, self, db, owner=self.owner, schema=self._moved.schema)
            if before is None:
                relation.taken(db, self._place, "S")
            start = before or self._fresh(str(db.value("SELECT current_user")))
        names = ("owner", "data_type", "increment", "minvalue", "maxvalue", "start", "cache", "cycle")
        wanted = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        after = dataclasses.replace(start, **wanted, name=str(self._moved))
        _refuse_nonsense(after)
        if before is not None:
            self._refuse_for_live(host, before, after)
        return after

    def apply(self, host: Host, plan: Plan[SequenceState]) -> None:
        with session(self, host) as db:
            db.apply(self._statements(plan.before, plan.after))

    def also_foresee(self, host: Reader, plan: Plan[SequenceState]) -> Sequence[tuple[str, Any]]:
        if self._moved == self._place or plan.after is None:
            return ()
        return [(self.key(), None), (relation.key("sequence", self, self._moved), plan.after)]

    def result(self, before: Optional[SequenceState], after: Optional[SequenceState]) -> dict[str, Any]:
        """As information_schema has it: numbers as texts, YES and NO; of one that goes, what it was."""
        of = after or before
        numbers = ("increment", "minvalue", "maxvalue", "start")
        return {
            "sequence": self._place.name,
            "schema": self._place.schema,
            "state": "present" if after else "absent",
            "queries": self._statements(before, after),
            "owner": of.owner if of else "",
            "data_type": of.data_type if of else "",
            "cycle": ("YES" if of.cycle else "NO") if of else "",
            "cache": of.cache if of else "",
            **{name: str(getattr(of, name)) if of else "" for name in numbers},
            **({"newname": self.rename_to} if self.rename_to else {}),
            **({"newschema": self.newschema} if self.newschema else {}),
        }

    def _look(self, host: Reader, where: Place) -> Optional[SequenceState]:
        foreseen, state = foreseen_state(host, relation.key("sequence", self, where))
        if foreseen:
            out: Optional[SequenceState] = state
            return out
        settled(host, self, database_of(self), "SEQUENCE", "TABLE")
        with session(self, host) as db:
            found = db.one(
                "SELECT sequenceowner AS owner, data_type::text AS data_type, start_value AS start, increment_by AS increment, "
                "min_value AS minvalue, max_value AS maxvalue, cache_size AS cache, cycle FROM pg_sequences "
                "WHERE schemaname = %s AND sequencename = %s",
                where.schema,
                where.name,
            )
        return SequenceState(str(where), **found) if found else None

    def _refuse_for_live(self, host: Reader, before: SequenceState, after: SequenceState) -> None:
        with session(self, host) as db:
            where = relation.place(before.name)
            found = relation.row(db, where, "S")
            if found is None:
                return
            linked = db.value(
                "SELECT refobjid::regclass::text FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = %s "
                "AND deptype IN ('a', 'i') AND refclassid = 'pg_class'::regclass",
                found["oid"],
            )
            if linked and (before.owner != after.owner or where.schema != relation.place(after.name).schema):
                raise Failed(f"sequence {where} is a column's of table {linked}: owner and schema are the table's")
            last = int(db.value(f"SELECT last_value FROM {where.sql}"))
        if not after.minvalue <= last <= after.maxvalue:
            raise Failed(f"sequence {where} stands at {last}, outside of {after.minvalue} .. {after.maxvalue}")

    def _fresh(self, user: str) -> SequenceState:
        """What CREATE SEQUENCE makes of arguments not given."""
        kind, step = self.data_type or "bigint", self.increment or 1
        least = 1 if step > 0 else -LARGEST[kind] - 1
        greatest = LARGEST[kind] if step > 0 else -1
        ends = (self.minvalue, least) if step > 0 else (self.maxvalue, greatest)
        first = next(end for end in ends if end is not None)
        return SequenceState(str(self._place), user, kind, first, step, least, greatest, 1, False)

    def _statements(self, before: Optional[SequenceState], after: Optional[SequenceState]) -> list[str]:
        if after is None:
            return [f"DROP SEQUENCE {self._place.sql}{' CASCADE' if self.cascade else ''}"] if before else []
        words = {"data_type": "AS {}", "increment": "INCREMENT BY {}", "minvalue": "MINVALUE {}", "maxvalue": "MAXVALUE {}",
                 "start": "START WITH {}", "cache": "CACHE {}"}  # fmt: skip
        asked = vars(self) if before is None else {}  # what is not asked for, the server makes as we foresaw it
        changed = [
            w.format(getattr(after, n))
            for n, w in words.items()
            if (asked.get(n) is not None if before is None else getattr(before, n) != getattr(after, n))
        ]
        if (before.cycle if before else False) != after.cycle:
            changed.append("CYCLE" if after.cycle else "NO CYCLE")
        where = relation.place(before.name) if before else self._place
        out = []
        if before is None:
            out.append(" ".join([f"CREATE SEQUENCE {where.sql}", *changed]))
        elif changed:
            out.append(f"ALTER SEQUENCE {where.sql} {' '.join(changed)}")
        if self.owner and (before is None or before.owner != after.owner):
            out.append(f"ALTER SEQUENCE {where.sql} OWNER TO {identifier(after.owner)}")
        target = relation.place(after.name)
        if where.schema != target.schema:
            out.append(f"ALTER SEQUENCE {where.sql} SET SCHEMA {identifier(target.schema)}")
        if where.name != target.name:
            out.append(f"ALTER SEQUENCE {Place(target.schema, where.name).sql} RENAME TO {identifier(target.name)}")
        return out


def _refuse_nonsense(wanted: SequenceState) -> None:
    if wanted.increment == 0:
        raise Failed("increment: a step of 0 leads nowhere")
    if wanted.minvalue >= wanted.maxvalue:
        raise Failed(f"minvalue ({wanted.minvalue}) must be less than maxvalue ({wanted.maxvalue})")
    if not wanted.minvalue <= wanted.start <= wanted.maxvalue:
        raise Failed(f"start ({wanted.start}) must lie between minvalue ({wanted.minvalue}) and maxvalue ({wanted.maxvalue})")
    if wanted.maxvalue > LARGEST[wanted.data_type] or wanted.minvalue < -LARGEST[wanted.data_type] - 1:
        raise Failed(f"{wanted.data_type} holds {-LARGEST[wanted.data_type] - 1} to {LARGEST[wanted.data_type]} only; "
                     f"wanted are {wanted.minvalue} to {wanted.maxvalue}")  # fmt: skip
    if wanted.cache < 1:
        raise Failed("cache: must be at least 1")
