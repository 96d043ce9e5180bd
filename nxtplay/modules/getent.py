"""getent: entries of the host's databases (passwd, group, hosts ...)."""

from __future__ import annotations

from typing import Any, Optional

from nxtplay.core.host import Failed, Reader
from nxtplay.core.resource import Query, arg
from nxtplay.core.state import Unknown

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
        coming = self._foreseen(host)
        if self.key_ in coming and coming[self.key_] is not None:
            return {"ansible_facts": {fact: {self.key_: coming[self.key_]}}}
        words = ["getent", *(["-s", self.service] if self.service else []), self.database, *([self.key_] if self.key_ else [])]
        done = host.look(words)
        if self.key_ and (done.rc == 2 or self.key_ in coming):
            act = host.pending_act() if self.key_ not in coming else None
            if act is not None:  # a package that would be installed may bring it
                return {"ansible_facts": {fact: {self.key_: act}}}
            if self.fail_key:
                raise Failed(f"no '{self.key_}' in the database {self.database}")
            return {"ansible_facts": {fact: {self.key_: None}}, "msg": f"no '{self.key_}' in the database {self.database}"}
        if done.rc == 1:
            raise Failed(f"no database '{self.database}' on this host")
        if done.rc != 0:
            raise Failed(f"getent {self.database} failed: {done.stderr.strip() or done.rc}")
        lines: dict[str, list[list[str]]] = {}
        for line in done.stdout.splitlines():
            separator = self.split or SPLITS.get(self.database)
            fields = line.split(separator) if separator else line.split()
            if fields:
                lines.setdefault(fields[0], []).append(fields[1:])
        found: dict[str, Any] = {name: several[0] if len(several) == 1 else several for name, several in lines.items()}
        if not self.key_:
            found = {name: fields for name, fields in {**found, **coming}.items() if fields is not None}
        return {"ansible_facts": {fact: found}}

    def _foreseen(self, host: Reader) -> dict[str, Optional[Unknown]]:
        """The entries that earlier tasks of a check would have made or changed, unknown; None for those that would be gone."""
        prefix = FORESEEN.get(self.database)
        if prefix is None:
            return {}
        out: dict[str, Optional[Unknown]] = {}
        if prefix == "group:":
            for user in host.foreseen_under("user:").values():
                groups = getattr(user, "groups", None) or ()
                out.update({str(group): self._later(str(group)) for group in groups})
        for key, state in host.foreseen_under(prefix).items():
            name = key[len(prefix) :]
            out[name] = None if state is None else self._later(name)
        return out

    def _later(self, name: str) -> Unknown:
        return Unknown(f"the entry of {name} in {self.database} would be another by then")
