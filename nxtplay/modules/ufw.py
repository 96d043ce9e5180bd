"""ufw: the uncomplicated firewall: rules, default policies, logging, whether it is on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Optional, Sequence

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Resource, arg, exclusive, one_of
from nxtplay.core.state import Plan, Unknown, UnknownReached

SETTINGS, DEFAULTS = "/etc/ufw/ufw.conf", "/etc/default/ufw"
RULES = ("/etc/ufw/user.rules", "/etc/ufw/user6.rules")
DIRECTIONS = {"incoming": "INPUT", "outgoing": "OUTPUT", "routed": "FORWARD"}
POLICIES = {"ACCEPT": "allow", "DROP": "deny", "REJECT": "reject"}
ACTS = {"reloaded": "reload", "reset": "reset"}


@dataclass(frozen=True)
class _Firewall:
    """What the arguments speak of; None for the rest."""

    enabled: Optional[bool] = None
    logging: Optional[str] = None
    default: Optional[str] = None
    rule: Optional[str] = None  # present, absent


class Ufw(Resource[_Firewall]):
    """The firewall of Ubuntu and Debian."""

    private = False
    rules = (
        one_of("state", "default", "rule", "logging"),
        exclusive("name", "proto", "logging"),
        exclusive("direction", "interface_in"),
        exclusive("direction", "interface_out"),
    )

    state: Literal["enabled", "disabled", "reloaded", "reset"] | None = arg(
        None, help="Whether it is on; reloaded and reset are done each time."
    )
    default: Literal["allow", "deny", "reject"] | None = arg(None, help="What becomes of what no rule names.", aliases=["policy"])
    logging: Literal["full", "high", "low", "medium", "off", "on"] | None = arg(None, help="What is logged.")
    direction: Literal["in", "incoming", "out", "outgoing", "routed"] | None = arg(None, help="Which way a rule or the default is for.")
    delete: bool = arg(False, help="Whether the rule shall not be there.")
    route: bool = arg(False, help="Whether the rule is for what is passed on.")
    insert: int | None = arg(None, help="The place of a new rule, counted from 1.")
    insert_relative_to: Literal["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"] = arg(
        "zero", help="What insert counts from; of a rule its place is 0."
    )
    rule: Literal["allow", "deny", "limit", "reject"] | None = arg(None, help="What becomes of what the rule names.")
    interface: str | None = arg(None, help="The interface, of the direction given.", aliases=["if"])
    interface_in: str | None = arg(None, help="The interface that it comes in by.", aliases=["if_in"])
    interface_out: str | None = arg(None, help="The interface that it leaves by.", aliases=["if_out"])
    log: bool = arg(False, help="Log new connections of the rule.")
    from_ip: str = arg("any", help="Where it comes from.", aliases=["from", "src"])
    from_port: str | None = arg(None, help="The port that it comes from.")
    to_ip: str = arg("any", help="Where it goes.", aliases=["dest", "to"])
    to_port: str | None = arg(None, help="The port that it goes to, several with commas, a range with a colon.", aliases=["port"])
    proto: Literal["ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"] | None = arg(
        None, help="The protocol.", aliases=["protocol"]
    )
    name: str | None = arg(None, help="A profile of an application.", aliases=["app"])
    comment: str | None = arg(None, help="A remark on the rule.")

    def key(self) -> str:
        return "ufw:task:" + repr((self.state, self.default, self.logging, self.direction, self._rule(()) if self.rule else None))

    def observe(self, host: Reader) -> Optional[_Firewall]:
        self._program(host)
        self._check()
        return _Firewall(
            enabled=self._seen(host, "enabled", self._enabled) if self.state in ("enabled", "disabled") else None,
            logging=self._seen(host, "logging", self._logging) if self.logging else None,
            default=self._seen(host, f"default:{self._way()}", self._default) if self.default else None,
            rule=self._seen(host, self._rule_key(), self._there) if self.rule else None,
        )

    def desired(self, host: Reader, before: Optional[_Firewall]) -> Optional[_Firewall]:
        assert before is not None
        level = self.logging
        if level == "on":
            level = "low" if before.logging == "off" else before.logging  # type: ignore[assignment]
        return _Firewall(
            enabled=self.state == "enabled" if self.state in ("enabled", "disabled") else None,
            logging=level,
            default=self.default,
            rule=("absent" if self.delete else "present") if self.rule else None,
        )

    def due(self, host: Reader, plan: Plan[_Firewall]) -> Optional[str]:
        return f"is {self.state}" if self.state in ACTS else None

    def perform(self, host: Host, plan: Plan[_Firewall]) -> None:
        self._do(host, "--force", ACTS[str(self.state)])

    def apply(self, host: Host, plan: Plan[_Firewall]) -> None:
        """Rules before it is switched on, so that nobody is locked out on the way."""
        after = plan.after
        assert after is not None
        if plan.changed("rule"):
            self._do(host, *self._rule(self._place(host)))
        if plan.changed("default"):
            self._do(host, "default", str(self.default), self._way())
        if plan.changed("logging"):
            self._do(host, "logging", str(self.logging))
        if plan.changed("enabled"):
            self._do(host, "--force", "enable" if after.enabled else "disable")

    def also_foresee(self, host: Reader, plan: Plan[_Firewall]) -> Sequence[tuple[str, Any]]:
        if self.state == "reset":
            return [("ufw:enabled", False), ("act:ufw", Unknown("ufw was not reset"))]
        after = plan.after
        assert after is not None
        told = [("enabled", after.enabled), ("logging", after.logging), (f"default:{self._way()}", after.default)]
        if self.rule:
            told.append((self._rule_key(), after.rule))
        return [(f"ufw:{name}", value) for name, value in told if value is not None]

    # -- what is there

    def _seen(self, host: Reader, name: str, look: Any) -> Any:
        return host.foreseen(f"ufw:{name}") if host.has_foreseen(f"ufw:{name}") else look(host)

    def _enabled(self, host: Reader) -> bool:
        return bool(re.search(r"^Status: active", self._asked(host, "status"), re.MULTILINE))

    def _logging(self, host: Reader) -> str:
        return _setting(host, SETTINGS, "LOGLEVEL") or "off"

    def _default(self, host: Reader) -> str:
        policy = _setting(host, DEFAULTS, f"DEFAULT_{DIRECTIONS[self._way()]}_POLICY")
        return POLICIES.get(policy, policy)

    def _there(self, host: Reader) -> str:
        """ufw itself says what its rules would be; where they would be the same, the rule is as it shall be."""
        done = host.look([self._program(host), "--dry-run", *self._rule(self._place(host))])
        if done.rc != 0 and host.foreseen_under("ufw:rule:"):  # a place that is not there yet
            raise UnknownReached(Unknown("earlier tasks would have changed the rules of ufw first"))
        said = _checked(done).stdout
        now = [_tuples(host, path) for path in RULES]
        wanted, other = ("absent", "present") if self.delete else ("present", "absent")
        for block in said.split("*filter\n")[1:]:
            found = [line for line in block.splitlines() if line.startswith("### tuple")]
            if found != now[":ufw6-" in block]:
                return other
        return wanted

    # -- how it is said

    def _check(self) -> None:
        ways = ("in", "out", None) if self.rule else ("incoming", "outgoing", "routed", None)
        if (self.rule or self.default) and self.direction not in ways:
            kind = "a rule" if self.rule else "a default"
            raise Failed(f"direction: '{self.direction}' is not for {kind}: {', '.join(str(way) for way in ways if way)}")
        if self.interface and not self.direction:
            raise Failed("interface needs a direction; or say interface_in, interface_out")
        if self.rule and not self.route and self.interface_in and self.interface_out:
            raise Failed("interface_in and interface_out go together only with route: true")

    def _way(self) -> str:
        return self.direction or "incoming"

    def _rule_key(self) -> str:
        return "rule:" + " ".join(word for word in self._rule(()) if word != "delete")

    def _rule(self, place: Sequence[str]) -> list[str]:
        """The words of the rule; `place` comes where it is to be put in."""
        out = ["route"] if self.route else []
        out += ["delete"] if self.delete else place
        out += [str(self.rule), *([self.direction] if self.direction else []), *(["on", self.interface] if self.interface else [])]
        out += ["in", "on", self.interface_in] if self.interface_in else []
        out += ["out", "on", self.interface_out] if self.interface_out else []
        out += ["log"] if self.log else []
        out += ["from", self.from_ip, *(["port", self.from_port] if self.from_port else [])]
        out += ["to", self.to_ip, *(["port", self.to_port] if self.to_port else [])]
        out += ["proto", self.proto] if self.proto else []
        out += ["app", self.name] if self.name else []
        return [*out, *(["comment", self.comment] if self.comment else [])]

    def _place(self, host: Reader) -> list[str]:
        if self.insert is None:
            return []
        if self.insert_relative_to == "zero":
            return ["insert", str(self.insert)]
        four, six = (len(_tuples(host, path)) for path in RULES)
        base = {"first-ipv4": 1, "last-ipv4": four or 1, "first-ipv6": four + 1}.get(self.insert_relative_to, four + max(six, 1))
        number = self.insert + base
        return ["insert", str(number)] if number <= four + six else []  # else it comes last

    def _program(self, host: Reader) -> str:
        found = host.which("ufw")
        if found is None:
            raise Failed("no ufw on this host; install the package first")
        return found

    def _asked(self, host: Reader, *words: str) -> str:
        return _checked(host.look([self._program(host), *words])).stdout

    def _do(self, host: Host, *words: str) -> None:
        _checked(host.run([self._program(host), *words]))


def _setting(host: Reader, path: str, name: str) -> str:
    found = re.findall(rf"^\s*{name}=[\"']?(\w*)", host.read(path).decode("utf-8", "replace"), re.MULTILINE)
    return found[-1] if found else ""


def _tuples(host: Reader, path: str) -> list[str]:
    """The lines in which ufw keeps its rules."""
    text = host.read(path).decode("utf-8", "replace") if host.exists(path) else ""
    return [line for line in text.splitlines() if line.startswith("### tuple")]


def _checked(done: Completed) -> Completed:
    if done.rc != 0:
        raise Failed(f"ufw: {(done.stderr or done.stdout).strip()}", rc=done.rc)
    return done
