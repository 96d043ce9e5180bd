"""getent: entries of the host's databases (passwd, group, hosts ...)."""

from __future__ import annotations

from typing import Any

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg

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
        words = ["getent", *(["-s", self.service] if self.service else []), self.database, *([self.key_] if self.key_ else [])]
        done = host.look(words)
        if done.rc == 2 and self.key_:
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
