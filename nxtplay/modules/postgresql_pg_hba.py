"""postgresql_pg_hba: rules of a server's pg_hba.conf."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.files import Content, FileState
from nxtplay.core.host import Failed, Host, Reader, current_umask
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Unknown, UnknownReached
from nxtplay.core.types import Mode, Path, Raw
from nxtplay.modules import _postgres_hba as hba

SINGLE: dict[str, Any] = {  # what describes one rule, as it is when nothing is given
    "contype": None, "databases": "all", "users": "all", "address": "samehost", "netmask": None, "method": "md5", "options": None,
    "comment": None, "state": "present",
}  # fmt: skip


class PostgresqlPgHba(Resource[FileState]):
    """Who may connect from where, and how they prove themselves. Other rules, their order and all comments stay as they are."""

    dest: Path = arg(help="The file: /etc/postgresql/15/main/pg_hba.conf.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the rule should be there.")
    contype: Literal["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"] | None = arg(None, help="Kind of connection.")
    databases: str = arg("all", help="Databases, parted by commas.")
    users: str = arg("all", help="Roles, parted by commas.")
    address: Raw = arg("samehost", help="Address or network, or a list of them.", aliases=["source", "src"])
    netmask: str | None = arg(None, help="Mask of the network, where the address does not say it.")
    method: str = arg("md5", help="scram-sha-256, peer, trust, reject, cert ...")
    options: str | None = arg(None, help="Options of the method: map=x.")
    comment: str | None = arg(None, help="Comment behind a new rule.")
    rules_: list[Raw] | None = arg(None, help="Several rules at once, each a mapping of these arguments.")
    rules_behavior: Literal["conflict", "combine"] = arg("conflict", help="With rules: whether single arguments stand in for missing ones.")
    overwrite: bool = arg(False, help="Whether all other rules go.")
    create: bool = arg(False, help="Make the file where there is none.")
    backup: bool = arg(False, help="Keep the old file beside the new one.")
    backup_file: Path | None = arg(None, help="Where to keep it.")
    mode: Mode | None = arg(None, help="Permissions of a new file.")
    order: str | None = arg(None, help="Rules keep the order they have; there for old playbooks.")
    sort_rules: bool = arg(False, help="Rules keep the order they have: the first that fits decides; there for old playbooks.")
    keep_comments_at_rules: bool = arg(True, help="Comments always stay; there for old playbooks.")

    def key(self) -> str:
        return f"file:{self.dest}"

    def key_on(self, host: Reader) -> str:
        return "file:" + host.resolve(self.dest)

    def observe(self, host: Reader) -> Optional[FileState]:
        return host.stat(self.dest, content=True, follow=True)

    def desired(self, host: Reader, before: Optional[FileState]) -> Optional[FileState]:
        if before is None and self.state == "absent" and not self.create:
            return None
        if before is None and not self.create:
            raise Failed(f"no file {self.dest}; create: true makes it")
        text = self._text(host, before)
        lines = hba.parse(text)
        wanted = self._wanted()
        after = hba.settle(lines, [rule for rule, there in wanted if there], present=True, overwrite=self.overwrite)
        after = hba.settle(after, [rule for rule, there in wanted if not there], present=False)
        if before is not None and after == lines:
            return before
        content = Content.of(hba.render(after).encode("utf-8", "surrogateescape"))
        if before is not None:
            return dataclasses.replace(before, content=content)
        mode = int(self.mode, 8) if self.mode else 0o666 & ~current_umask()
        return FileState("file", mode=mode, uid=os.geteuid(), gid=os.getegid(), content=content)

    def apply(self, host: Host, plan: Plan[FileState]) -> None:
        assert plan.after is not None and isinstance(plan.after.content, Content) and plan.after.content.data is not None
        path = host.resolve(self.dest)
        if plan.before is not None and (self.backup or self.backup_file):
            saved = self.backup_file or f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S~')}"
            host.note(backup_file=saved)
            host.write(saved, host.read(path), mode=plan.before.mode if isinstance(plan.before.mode, int) else 0o600)
        mode = plan.after.mode if isinstance(plan.after.mode, int) else None
        host.write(path, plan.after.content.data, mode=mode if plan.before is None else None)

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        data = after.content.data if after and isinstance(after.content, Content) else None
        rules = [line.rule for line in hba.parse(data.decode("utf-8", "surrogateescape")) if line.rule] if data is not None else []
        shown = [
            {
                "type": r.contype,
                "db": ",".join(r.databases),
                "usr": ",".join(r.users),
                "method": r.method,
                **({"src": r.address} if r.address else {}),
                **({"options": " ".join(f"{n}={hba.quoted(v)}" for n, v in r.options)} if r.options else {}),
                **({"comment": r.comment} if r.comment and r.comment == self.comment else {}),
            }
            for r in rules
        ]
        return {"pg_hba": shown}

    def _text(self, host: Reader, before: Optional[FileState]) -> str:
        if before is None:
            return ""
        if isinstance(before.content, Unknown):
            raise UnknownReached(before.content)
        return host.read(self.dest).decode("utf-8", "surrogateescape")

    def _wanted(self) -> Sequence[tuple[hba.Rule, bool]]:
        """Rules, each for one database, user and address, and whether it should be there."""
        single = {name: getattr(self, name) for name in SINGLE}
        if self.rules_ is None:
            return [] if self.contype is None else _each(single)
        alone = [name for name, usual in SINGLE.items() if single[name] != usual]
        if alone and self.rules_behavior == "conflict":
            raise Failed(f"rules: {', '.join(alone)} beside it counts only with rules_behavior: combine")
        given = single if self.rules_behavior == "combine" else {}
        out = []
        for rule in self.rules_:
            if not isinstance(rule, dict):
                raise Failed(f"rules: each is a mapping such as {{contype: host, users: app, address: 10.0.0.0/8}}, found {rule!r}")
            unknown = sorted(set(rule) - set(single))
            if unknown:
                raise Failed(f"rules: unknown {', '.join(unknown)}; legal are: {', '.join(single)}")
            out += _each({**given, **rule})
        return out


def _each(fields: dict[str, Any]) -> list[tuple[hba.Rule, bool]]:
    addresses = fields.get("address")
    several = addresses if isinstance(addresses, list) else [addresses]
    there = fields.get("state") != "absent"
    return [(rule, there) for address in several for rule in hba.rule_of({**fields, "address": address}).each()]
