"""redis_acl: users of a Redis server and what they may do."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Failed, Host, Reader
from nxtplay.core.resource import Resource, arg
from nxtplay.core.state import Plan, Secret
from nxtplay.modules._redis import RedisError, RedisLogin, Session, foreseen_state, server_of, session, text_of


@dataclass(frozen=True, eq=False)
class Commands:
    """What a user may run; rules that allow the same are equal, since the server words them its own way."""

    __leaf__ = True
    rules: str
    allowed: frozenset[str] = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Commands) and other.allowed == self.allowed

    def __hash__(self) -> int:
        return hash(self.allowed)

    def __public__(self) -> object:
        return self.rules


NOTHING = Commands("-@all", frozenset())


@dataclass(frozen=True)
class AclState:
    """A user: passwords as SHA-256 (that is how the server keeps them), patterns sorted."""

    enabled: bool = False
    nopass: bool = False
    passwords: tuple[Secret, ...] = ()
    commands: Commands = NOTHING
    keys: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class RedisAcl(RedisLogin, Resource[AclState]):
    """A user of a Redis server (6 and later): there with its rights, or gone. What is not given stays as it is."""

    name: str = arg(help="Name of the user.", key=True, aliases=["user"])
    state: Literal["present", "absent"] = arg("present", help="Whether it should exist.")
    enabled: bool | None = arg(None, help="Whether it may log in; a new user may.")
    passwords: list[Secret] | None = arg(None, help="Its passwords, all of them.", aliases=["password"])
    nopass: bool | None = arg(None, help="Whether any password will do.")
    commands: list[str] | None = arg(None, help="What it may run, in order: +@all, -@dangerous, +get ...")
    keys: list[str] | None = arg(None, help="Patterns of keys it may touch: cache:*, %R~stats:*; * is all.")
    channels: list[str] | None = arg(None, help="Patterns of channels: *, news:*.")

    private = False

    def key(self) -> str:
        return f"redisacl:{server_of(self)}:{self.name}"

    def observe(self, host: Reader) -> Optional[AclState]:
        foreseen, state = foreseen_state(host, self.key())
        if foreseen:
            out: Optional[AclState] = state
            return out
        with session(self, host) as server:
            return _look(server, self.name)

    def desired(self, host: Reader, before: Optional[AclState]) -> Optional[AclState]:
        if self.state == "absent":
            if self.name == "default":
                raise Failed("the user default cannot be removed; enabled: false keeps it out")
            return None
        if not self.name or any(c.isspace() or c == "\0" for c in self.name):
            raise Failed(f"name: '{self.name}' is no user name; spaces are not allowed")
        wanted: dict[str, Any] = {} if before else {"enabled": True}
        if self.enabled is not None:
            wanted["enabled"] = self.enabled
        if self.passwords is not None:
            hashes = {hashlib.sha256(str.__str__(p).encode("utf-8")).hexdigest() for p in self.passwords}
            wanted.update(passwords=tuple(Secret(h) for h in sorted(hashes)), nopass=False)
        if self.nopass is not None:
            wanted["nopass"] = self.nopass
            if self.nopass:
                wanted["passwords"] = ()
        if self.commands is not None:
            with session(self, host) as server:
                wanted["commands"] = _commands(server, [word for rule in self.commands for word in rule.split()])
        if self.keys is not None:
            wanted["keys"] = _patterns(self.keys, "~")
        if self.channels is not None:
            wanted["channels"] = _patterns(self.channels, "&")
        return dataclasses.replace(before or AclState(), **wanted)

    def apply(self, host: Host, plan: Plan[AclState]) -> None:
        with session(self, host) as server:
            if plan.after is None:
                server.call("ACL", "DELUSER", self.name)
                return
            after = plan.after
            rules = ["reset", "on" if after.enabled else "off", *(["nopass"] if after.nopass else [])]
            rules += ["#" + str.__str__(p) for p in after.passwords] + ["-@all", *after.commands.rules.split()] + list(after.keys)
            rules += ["resetchannels", *after.channels]
            try:
                server.call("ACL", "SETUSER", self.name, *rules)
            except RedisError as error:
                raise Failed(f"the server does not take the rights of {self.name}: {error}") from error

    def result(self, before: Optional[AclState], after: Optional[AclState]) -> dict[str, Any]:
        told = {"commands": after.commands.rules, "keys": list(after.keys), "channels": list(after.channels)} if after else {}
        return {"user": self.name, "exists": after is not None, **told}


def _look(server: Session, name: str) -> Optional[AclState]:
    found = server.call("ACL", "GETUSER", name)
    if found is None:
        return None
    fields = {text_of(found[i]): found[i + 1] for i in range(0, len(found) - 1, 2)}
    flags = {text_of(flag) for flag in fields["flags"]}
    passwords = tuple(Secret(h) for h in sorted(text_of(p) for p in fields["passwords"]))
    keys, channels = (_listed(fields.get(name, b"")) for name in ("keys", "channels"))
    commands = _commands(server, text_of(fields["commands"]).split())
    return AclState("on" in flags, "nopass" in flags, passwords, commands, _patterns(keys, "~"), _patterns(channels, "&"))


def _listed(value: Any) -> list[str]:
    return [text_of(item) for item in value] if isinstance(value, list) else text_of(value).split()


def _patterns(given: Sequence[str], sign: str) -> tuple[str, ...]:
    """Patterns with their sign, sorted; all of them is one."""
    signed = {{"allkeys": "~*", "allchannels": "&*"}.get(p, p if p[:1] in (sign, "%") else sign + p) for p in given}
    return (sign + "*",) if sign + "*" in signed else tuple(sorted(signed))


def _commands(server: Session, rules: Sequence[str]) -> Commands:
    """What rules allow, taken in their order. Raises Failed for what the server does not know."""
    categories = {name: frozenset(server.texts("ACL", "CAT", name)) for name in server.texts("ACL", "CAT")}
    every = frozenset().union(*categories.values()) if categories else frozenset()
    allowed: frozenset[str] = frozenset()
    for rule in rules:
        word = {"allcommands": "+@all", "nocommands": "-@all"}.get(rule.lower(), rule.lower())
        if word[:1] not in ("+", "-") or len(word) < 2:
            raise Failed(f"commands: '{rule}' begins with neither + nor -")
        touched = _touched(word[1:], categories, every)
        allowed = allowed | touched if word[0] == "+" else allowed - touched
    return Commands(" ".join(rules), allowed)


def _touched(name: str, categories: dict[str, frozenset[str]], every: frozenset[str]) -> frozenset[str]:
    if name == "@all":
        return every
    if name.startswith("@"):
        if name[1:] not in categories:
            raise Failed(f"commands: the server has no category {name}; it has {', '.join(sorted(categories))}")
        return categories[name[1:]]
    found = frozenset(command for command in every if command == name or command.startswith(name + "|"))
    if not found and "|" in name and name.partition("|")[0] in every:
        found = frozenset((name,))  # a first argument, which is all that Redis 6 can tell apart
    if not found:
        raise Failed(f"commands: the server has no command {name}")
    return found
