"""getent: entries of the host's databases (passwd, group, hosts ...)."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown, UnknownReached

FORESEEN = {"passwd": "user:", "shadow": "user:", "group": "group:", "gshadow": "group:"}  # what a check files their entries under
SPLITS = {"passwd": ":", "shadow": ":", "group": ":", "gshadow": ":"}


class Getent(Query):
    """Look entries up; they become the fact getent_DATABASE."""

    database: str = arg(help="The database.")
    key_: str | None = arg(None, help="The entry; all without it.")
    service: str | None = arg(None, help="The service to ask, as in nsswitch.conf.")
    split: str | None = arg(None, help="What separates the fields; known for passwd, shadow, group, gshadow.")
    fail_key: bool = arg(True, help="An entry that is not there fails the task.")

    def look(self, host: Reader) -> dict[str, Any]:
        fact = f"getent_{self.database}"
        gone = self._foreseen(host)
        words = ["getent", *(["-s", self.service] if self.service else []), self.database, *([self.key_] if self.key_ else [])]
        done = host.look(words)
        if self.key_ and (done.rc == 2 or gone):
            if self.fail_key:
                raise Failed(f"no '{self.key_}' in the database {self.database}")
            return {"ansible_facts": {fact: {self.key_: None}}}
        if done.rc == 1:
            raise Failed(f"no database '{self.database}' on this host")
        if done.rc != 0:
            raise Failed(f"getent {self.database} failed: {done.stderr.strip() or done.rc}")
        found: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            separator = self.split or SPLITS.get(self.database)
            fields = line.split(separator) if separator else line.split()
            if fields:
                found[fields[0]] = fields[1:]
        return {"ansible_facts": {fact: found}}

    def _foreseen(self, host: Reader) -> bool:
        """Whether earlier tasks of a check would have removed the entry. Raises UnknownReached where they would have made or changed it."""
        prefix = FORESEEN.get(self.database, "")
        if not prefix:
            return False
        states = {key[len(prefix) :]: state for key, state in host.foreseen_under(prefix).items()}
        if self.key_ and self.key_ not in states:
            joined = [key for key, user in host.foreseen_under("user:").items() if self.key_ in (getattr(user, "groups", None) or ())]
            states = {self.key_: joined} if prefix == "group:" and joined else {}
        if not states:
            return False
        if self.key_ and states[self.key_] is None:
            return True
        name = self.key_ or next(iter(states))
        raise UnknownReached(Unknown(f"the entry of {name} in {self.database} would be another by then"))
