"""pg_hba.conf: read into lines, changed rule by rule; what is not touched stays byte for byte, comments and order too."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence

from nxtplay.core.host import Failed

TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
METHODS = frozenset("cert gss ident ldap md5 pam password peer radius reject scram-sha-256 sspi trust bsd".split())
_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^\s",#]+')


@dataclass(frozen=True)
class Rule:
    """One record. Databases and users are as written, sorted; `address` is empty for local ones."""

    contype: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str
    options: tuple[tuple[str, str], ...]
    comment: str = ""

    @property
    def who(self) -> tuple[object, ...]:
        """What makes two rules speak of the same connections."""
        return self.contype, self.databases, self.users, normal_address(self.address)

    @property
    def same(self) -> tuple[object, ...]:
        return (*self.who, self.method, self.options)

    def text(self) -> str:
        fields = [self.contype, ",".join(self.databases), ",".join(self.users)]
        fields += [self.address] if self.contype != "local" else []
        fields += [self.method, *(f"{name}={quoted(value)}" for name, value in self.options)]
        return "\t".join(fields) + (f"\t# {self.comment}" if self.comment else "")

    def each(self) -> list[Rule]:
        """The rules for one database and one user that it stands for."""
        return [dataclasses.replace(self, databases=(d,), users=(u,)) for d in self.databases for u in self.users]


@dataclass(frozen=True)
class Line:
    """A line of the file as it stands; `rule` where it holds one."""

    text: str
    rule: Optional[Rule] = None


def parse(text: str) -> list[Line]:
    """The file's lines. Raises Failed at a record that the server could not read either."""
    out: list[Line] = []
    pending = ""
    for number, raw in enumerate(text.splitlines(), 1):
        pending += raw
        if raw.endswith("\\"):  # PostgreSQL 14: a record goes on in the next line
            pending += "\n"
            continue
        out.append(Line(pending, _rule(pending.replace("\\\n", " "), number)))
        pending = ""
    return [*out, Line(pending, _rule(pending.replace("\\\n", " "), len(out) + 1))] if pending else out


def render(lines: Sequence[Line]) -> str:
    return "".join(line.text + "\n" for line in lines)


def _rule(text: str, number: int) -> Optional[Rule]:
    body, comment = _uncomment(text, number)
    fields = [re.sub(r"\s*,\s*", ",", field) for field in re.findall(r'(?:"(?:[^"]|"")*"|[^\s"])+', re.sub(r"\s*,\s*", ",", body))]
    if not fields or fields[0].startswith(("@", "include")):
        return None
    try:
        contype, databases, users, *rest = fields
        address = "" if contype == "local" else rest.pop(0)
        if contype != "local" and rest and re.match(r"^[\d.]+$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*$", rest[0]) and "/" not in address:
            address = with_mask(address, rest.pop(0))
        method, *options = rest
    except (ValueError, IndexError) as error:
        raise Failed(f"pg_hba.conf, line {number}: '{text.strip()}' is no complete record") from error
    if contype not in TYPES:
        raise Failed(f"pg_hba.conf, line {number}: '{contype}' is no connection type ({', '.join(TYPES)})")
    pairs = tuple(sorted((name, _bare(value)) for name, _, value in (option.partition("=") for option in options)))
    return Rule(contype, names(databases), names(users), address, method, pairs, comment)


def _bare(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _uncomment(text: str, number: int) -> tuple[str, str]:
    quoted = False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == "#" and not quoted:
            return text[:index], text[index + 1 :].strip()
    if quoted:
        raise Failed(f"pg_hba.conf, line {number}: '{text.strip()}' has a quote that does not end")
    return text, ""


def names(text: str) -> tuple[str, ...]:
    """`b,a,"c d"` as a sorted tuple."""
    return tuple(sorted(re.findall(r'(?:"(?:[^"]|"")*"|[^,"])+', text)))


def with_mask(address: str, mask: str) -> str:
    """Address and netmask as one: 10.0.0.0 255.0.0.0 is 10.0.0.0/8."""
    try:
        return str(ipaddress.ip_network(f"{address}/{_prefix(mask)}", strict=False))
    except ValueError as error:
        raise Failed(f"'{address} {mask}' is no network") from error


def _prefix(mask: str) -> str:
    if mask.isdigit():
        return mask
    bits = f"{int(ipaddress.ip_address(mask)):0{128 if ':' in mask else 32}b}"
    return str(len(bits.rstrip("0")))


def normal_address(text: str) -> str:
    """Addresses that mean the same in one form: 127.0.0.1 is 127.0.0.1/32, ::1 is ::1/128."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def quoted(value: str) -> str:
    return f'"{value}"' if re.search(r'[\s#,="]', value) else value


def settle(lines: Sequence[Line], wanted: Sequence[Rule], *, present: bool, overwrite: bool = False) -> list[Line]:
    """The lines once the rules are there (or not). A rule for the same connections is replaced where it stands; a new one goes before
    the first rule that would catch its connections first, else to the end. A line for several databases or users that says the same of
    one is enough; where that one has to go, the line falls apart."""
    out = [line for line in lines if not (overwrite and line.rule)]
    if overwrite and present and [line.rule.same for line in lines if line.rule] == [rule.same for rule in wanted]:
        return list(lines)
    for rule in wanted:
        at = [index for index, line in enumerate(out) if line.rule and line.rule.who == rule.who]
        among = [line for line in out if line.rule and line.rule.who != rule.who and rule.who in [one.who for one in line.rule.each()]]
        if not present:
            parts = [_without(line, rule) if line in among else [line] for index, line in enumerate(out) if index not in at]
            out = [line for lines_ in parts for line in lines_]
        elif not at and any(rule.same in [one.same for one in line.rule.each()] for line in among if line.rule):
            continue
        elif not at:
            place = next((i for i, line in enumerate(out) if line.rule and _catches(line.rule, rule)), len(out))
            out.insert(place, Line(rule.text(), rule))
        else:
            found = out[at[0]].rule
            if found and found.same != rule.same:
                out[at[0]] = Line(rule.text(), rule)
            out = [line for index, line in enumerate(out) if index not in at[1:]]
    return out


def _without(line: Line, rule: Rule) -> list[Line]:
    return [Line(one.text(), one) for one in (line.rule.each() if line.rule else ()) if one.who != rule.who]


def _catches(wide: Rule, narrow: Rule) -> bool:
    """Whether every connection of `narrow` would be decided by `wide`, so that narrow has to stand before it."""
    if wide.contype != narrow.contype and not (wide.contype == "host" and narrow.contype.startswith("host")):
        return False
    for broad, exact in ((wide.databases, narrow.databases), (wide.users, narrow.users)):
        if "all" not in broad and not set(exact) <= set(broad):
            return False
    return wide.who != narrow.who and _covers(wide.address, narrow.address)


def _covers(wide: str, narrow: str) -> bool:
    if wide in ("all", narrow):
        return True
    try:
        outer, inner = ipaddress.ip_network(wide, strict=False), ipaddress.ip_network(narrow, strict=False)
        return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
    except ValueError:
        return False


def rule_of(fields: Mapping[str, object]) -> Rule:
    """A rule from a module's arguments. Raises Failed for what the server would refuse."""
    contype, method = str(fields.get("contype") or "host"), str(fields.get("method") or "md5")
    if contype not in TYPES:
        raise Failed(f"contype: '{contype}' is none of {', '.join(TYPES)}")
    if method not in METHODS:
        raise Failed(f"method: '{method}' is none of {', '.join(sorted(METHODS))}")
    address = "" if contype == "local" else str(fields.get("address") or "samehost")
    if fields.get("netmask"):
        address = with_mask(address, str(fields["netmask"]))
    options = fields.get("options") or ""
    written = re.findall(r'(\w+)=("(?:[^"]|"")*"|[^\s,]*)', str(options))
    pairs = options.items() if isinstance(options, Mapping) else written
    settled = tuple(sorted((str(name), _bare(str(value))) for name, value in pairs))
    databases, users = _listed("databases", fields), _listed("users", fields)
    return Rule(contype, databases, users, address, method, settled, str(fields.get("comment") or ""))


def _listed(field: str, fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get(field)
    found = tuple(sorted(str(item) for item in value)) if isinstance(value, (list, tuple)) else names(str(value or "all"))
    for name in found:
        if re.search(r'[\s"#]', re.sub(r'"(?:[^"]|"")*"', "", name)):
            raise Failed(f"{field}: '{name}' would not be one name in pg_hba.conf; write it in double quotes")
    return found
