"""iptables: a rule, a chain or a policy of the kernel's packet filter as it runs now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.host import Completed, Failed, Host, Reader
from nxtplay.core.resource import Args, Resource, arg, exclusive, required_if
from nxtplay.core.state import Plan

PROGRAMS = {"ipv4": ("iptables",), "ipv6": ("ip6tables",), "both": ("iptables", "ip6tables")}
# argument, option, and the match that it belongs to, in the order that iptables takes them
PLAIN = (
    ("protocol", "-p", ""), ("source", "-s", ""), ("destination", "-d", ""), ("match", "-m", ""), ("tcp_flags", "--tcp-flags", ""),
    ("jump", "-j", ""), ("gateway", "--gateway", ""), ("log_prefix", "--log-prefix", ""), ("log_level", "--log-level", ""),
    ("to_destination", "--to-destination", ""), ("destination_ports", "--dports", "multiport"), ("to_source", "--to-source", ""),
    ("goto", "-g", ""), ("in_interface", "-i", ""), ("out_interface", "-o", ""), ("fragment", "-f", ""), ("set_counters", "-c", ""),
    ("source_port", "--source-port", ""), ("destination_port", "--destination-port", ""), ("to_ports", "--to-ports", ""),
    ("set_dscp_mark", "--set-dscp", ""), ("set_dscp_mark_class", "--set-dscp-class", ""), ("ctstate", "--ctstate", "conntrack"),
    ("src_range", "--src-range", "iprange"), ("dst_range", "--dst-range", "iprange"), ("match_set", "--match-set", "set"),
    ("limit", "--limit", "limit"), ("limit_burst", "--limit-burst", "limit"), ("uid_owner", "--uid-owner", "owner"),
    ("gid_owner", "--gid-owner", "owner"), ("reject_with", "--reject-with", ""), ("comment", "--comment", "comment"),
)  # fmt: skip


@dataclass(frozen=True)
class _Chain:
    """What is asked about a chain, by program: whether the rule is in it (or the chain there, or empty), its policy."""

    there: dict[str, bool]
    policy: dict[str, str]


class _TcpFlags(Args):
    """Which flags to look at, and which of them are set."""

    flags: list[str] = arg(default_factory=list, help="Flags to look at.")
    flags_set: list[str] = arg(default_factory=list, help="Those that have to be set.")


class Iptables(Resource[_Chain]):
    """Keep a rule in a chain, or set the chain's policy. Rules are gone after a restart unless something saves them."""

    rules = (
        exclusive("set_dscp_mark", "set_dscp_mark_class"),
        exclusive("flush", "policy"),
        required_if("flush", False, "chain"),
    )

    table: Literal["filter", "nat", "mangle", "raw", "security"] = arg("filter", help="The table.", key=True)
    chain: str | None = arg(None, help="The chain: INPUT, FORWARD, OUTPUT, PREROUTING, POSTROUTING or one of your own.", key=True)
    state: Literal["present", "absent"] = arg("present", help="Whether the rule is there.")
    action: Literal["append", "insert"] = arg("append", help="Where a new rule goes: behind the others or before them.")
    rule_num: str | None = arg(None, help="With insert: the number that the new rule gets.")
    ip_version: Literal["ipv4", "ipv6", "both"] = arg("ipv4", help="Which addresses the rule is for.", key=True)
    protocol: str | None = arg(None, help="tcp, udp, icmp ...; ! in front of this and other values negates them.")
    source: str | None = arg(None, help="Address or network that packets come from.")
    destination: str | None = arg(None, help="Address or network that they go to.")
    match: list[str] = arg(default_factory=list, help="Extensions to match with.")
    tcp_flags: _TcpFlags | None = arg(None, help="Flags of TCP.")
    jump: str | None = arg(None, help="What becomes of the packet: ACCEPT, DROP, REJECT, LOG, a chain ...")
    goto: str | None = arg(None, help="The chain to go on in.")
    gateway: str | None = arg(None, help="With TEE: where copies go.")
    log_prefix: str | None = arg(None, help="With LOG: what lines begin with.")
    log_level: (
        Literal["0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"] | None
    ) = arg(None, help="With LOG: the level of lines.")
    in_interface: str | None = arg(None, help="Interface that packets come in by.")
    out_interface: str | None = arg(None, help="Interface that they leave by.")
    fragment: str | None = arg(None, help="Only second and further fragments.")
    set_counters: str | None = arg(None, help="What the counters start with: packets and bytes.")
    source_port: str | None = arg(None, help="Port or range (from:to) that packets come from.")
    destination_port: str | None = arg(None, help="Port or range that they go to.")
    destination_ports: list[str] = arg(default_factory=list, help="Several ports that they go to.")
    to_ports: str | None = arg(None, help="With REDIRECT and MASQUERADE: the port to use.")
    to_destination: str | None = arg(None, help="With DNAT: where to.")
    to_source: str | None = arg(None, help="With SNAT: as who.")
    set_dscp_mark: str | None = arg(None, help="The DSCP mark to set.")
    set_dscp_mark_class: str | None = arg(None, help="The DSCP class to set.")
    comment: str | None = arg(None, help="A remark on the rule.")
    ctstate: list[str] = arg(default_factory=list, help="States of the connection: NEW, ESTABLISHED, RELATED ...")
    src_range: str | None = arg(None, help="Range of addresses that packets come from.")
    dst_range: str | None = arg(None, help="Range of addresses that they go to.")
    match_set: str | None = arg(None, help="A set of ipset to match.")
    match_set_flags: Literal["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"] | None = arg(None, help="How the set is matched.")
    limit: str | None = arg(None, help="Average rate, such as 2/second.")
    limit_burst: str | None = arg(None, help="Packets before the rate counts.")
    uid_owner: str | None = arg(None, help="User whose packets match.")
    gid_owner: str | None = arg(None, help="Group whose packets match.")
    reject_with: str | None = arg(None, help="What a rejected packet is answered with; implies REJECT.")
    icmp_type: str | None = arg(None, help="Type of ICMP.")
    syn: Literal["ignore", "match", "negate"] = arg("ignore", help="Whether only packets that open a connection match.")
    flush: bool = arg(False, help="Empty the chain, or with none the whole table.")
    policy: Literal["ACCEPT", "DROP", "QUEUE", "RETURN"] | None = arg(None, help="What becomes of packets that no rule matches.")
    chain_management: bool = arg(False, help="Make the chain where it is not there; with absent and no rule, delete it.")
    wait: str | None = arg(None, help="Seconds to wait for others who change rules.")
    numeric: bool = arg(False, help="Do not look names up when listing.")

    def key(self) -> str:
        return f"iptables:{self.ip_version}:{self.table}:{self.chain}:{' '.join(self._rule())}"

    def observe(self, host: Reader) -> Optional[_Chain]:
        for program in self._programs():
            if host.which(program) is None:
                raise Failed(f"no {program} on this host; install iptables first")
        if host.has_foreseen(self.key()):
            return host.foreseen(self.key())  # type: ignore[no-any-return]
        there, policy = {}, {}
        for program in self._programs():
            there[program] = self._there(host, program)
            if self.policy is not None:
                policy[program] = self._policy(host, program)
        return _Chain(there, policy)

    def desired(self, host: Reader, before: Optional[_Chain]) -> Optional[_Chain]:
        assert before is not None
        wanted = not self.flush and self.state == "present"
        there = before.there if self.policy is not None else dict.fromkeys(before.there, wanted)
        return _Chain(there, {program: str(self.policy) for program in before.policy})

    def apply(self, host: Host, plan: Plan[_Chain]) -> None:
        assert plan.before is not None and plan.after is not None
        for program in self._programs():
            if plan.before.there[program] != plan.after.there[program]:
                self._change(host, program)
            if plan.before.policy.get(program) != plan.after.policy.get(program):
                _checked(host.run(self._words(program, "-P", str(self.policy))))

    def result(self, before: Optional[_Chain], after: Optional[_Chain]) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in ("ip_version", "table", "chain", "flush", "state", "chain_management")}
        return {**shown, "rule": " ".join(self._rule())}

    # -- what is asked of iptables

    def _programs(self) -> tuple[str, ...]:
        return PROGRAMS[self.ip_version]

    def _words(self, program: str, act: str, *more: str) -> list[str]:
        wait = ["-w", self.wait] if self.wait else ["-w"]
        return [program, *wait, "-t", self.table, act, *([self.chain] if self.chain else []), *more]

    def _chain_only(self) -> bool:
        return self.chain_management and not self._rule()

    def _there(self, host: Reader, program: str) -> bool:
        if self.flush:
            listed = host.look(self._words(program, "-S"))
            return any(line.startswith("-A") for line in listed.stdout.splitlines())
        if self._chain_only():
            return host.look(self._words(program, "-S")).rc == 0
        return host.look(self._words(program, "-C", *self._rule())).rc == 0

    def _policy(self, host: Reader, program: str) -> str:
        listed = _checked(host.look(self._words(program, "-L", "-n")))
        found = re.search(r"\(policy ([A-Z]+)", listed.stdout)
        if not found:
            raise Failed(f"policy: {self.chain} is no chain of the kernel's own; only those have one")
        return found.group(1)

    def _change(self, host: Host, program: str) -> None:
        if self.flush:
            _checked(host.run(self._words(program, "-F")))
        elif self._chain_only():
            _checked(host.run(self._words(program, "-N" if self.state == "present" else "-X")))
        elif self.state == "absent":
            _checked(host.run(self._words(program, "-D", *self._rule())))
        else:
            if self.chain_management and host.look(self._words(program, "-S")).rc != 0:
                _checked(host.run(self._words(program, "-N")))
            place = [self.rule_num] if self.action == "insert" and self.rule_num else []
            _checked(host.run(self._words(program, "-I" if self.action == "insert" else "-A", *place, *self._rule())))

    def _rule(self) -> list[str]:
        """The words that describe the rule."""
        out: list[str] = []
        loaded = set(self.match)
        for name, option, module in PLAIN:
            value = getattr(self, name)
            if not value:
                continue
            if name == "ctstate" and "state" in self.match:
                option, module = "--state", "state"
            if module and module not in loaded:
                out += ["-m", module]
                loaded.add(module)
            if name == "reject_with" and self.jump is None:
                out += ["-j", "REJECT"]
            if name.startswith("set_dscp") and (self.jump or "").upper() != "DSCP":
                out += ["-j", "DSCP"]
            out += _option(option, value)
            if name == "match_set" and self.match_set_flags:
                out.append(self.match_set_flags)
        if self.syn != "ignore":
            out += ["--syn"] if self.syn == "match" else ["!", "--syn"]
        if self.icmp_type:
            out += _option("--icmpv6-type" if self.ip_version == "ipv6" else "--icmp-type", self.icmp_type)
        return out


def _option(option: str, value: Any) -> list[str]:
    if isinstance(value, _TcpFlags):
        return [option, ",".join(value.flags), ",".join(value.flags_set)]
    if isinstance(value, list):
        return [word for one in value for word in _option(option, one)] if option == "-m" else [option, ",".join(value)]
    return ["!", option, value[1:].strip()] if value.startswith("!") else [option, value]


def _checked(done: Completed) -> Completed:
    if done.rc != 0:
        raise Failed(f"{done.argv[0]} failed: {(done.stderr or done.stdout).strip()}", rc=done.rc)
    return done
