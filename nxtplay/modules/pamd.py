"""pamd: rules of PAM's services."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, Optional

from nxtplay.core.files import FileState
from nxtplay.core.resource import Resource, arg, required_if
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines

RULE = re.compile(r"(-?\w+)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)\Z")
KINDS = Literal["account", "-account", "auth", "-auth", "password", "-password", "session", "-session"]


@dataclass(frozen=True)
class _Rule:
    kind: str
    control: str
    module: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\t".join([self.kind, self.control, " ".join([self.module, *self.arguments])])


class Pamd(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """Change the rules of a service that match type, control and module, or put one beside them, or take them out."""

    creates = False
    rules = (
        required_if("state", ("before", "after"), "new_control", "new_type", "new_module_path"),
        required_if("state", ("args_present", "args_absent"), "module_arguments"),
    )

    name: str = arg(help="The service, a file in /etc/pam.d.", key=True)
    type: KINDS = arg(help="The type of the rules that are meant.")
    control: str = arg(help="Their control.")
    module_path: str = arg(help="Their module.")
    new_type: KINDS | None = arg(None, help="The type of the rule wanted.")
    new_control: str | None = arg(None, help="Its control.")
    new_module_path: str | None = arg(None, help="Its module.")
    module_arguments: list[str] | None = arg(None, help="Its arguments, or those to add or take out.")
    state: Literal["absent", "before", "after", "args_absent", "args_present", "updated"] = arg(
        "updated", help="updated: the rules are changed; before, after: the new rule stands there; args_*: of their arguments alone."
    )
    path: Path = arg(Path("/etc/pam.d"), help="The directory of the services.")

    def file(self) -> str:
        return os.path.join(self.path, self.name)

    def edited(self, text: str) -> str:
        lines: list[Any] = [_parsed(line) or line for line in text.splitlines()]
        meant = [i for i, line in enumerate(lines) if self._is(line)]
        new = list(lines)
        for index in reversed(meant):
            if self.state == "absent":
                del new[index]
            elif self.state in ("before", "after"):
                self._beside(new, index)
            else:
                new[index] = self._changed(lines[index])
        return text if new == lines else "".join(f"{line}\n" for line in self._as_written(text, new))

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        return {"name": self.name, "change_count": int(before != after), "action": self.state}

    def _is(self, line: Any) -> bool:
        return isinstance(line, _Rule) and (line.kind, line.control, line.module) == (self.type, self.control, self.module_path)

    def _beside(self, lines: list[Any], index: int) -> None:
        wanted = _Rule(str(self.new_type), str(self.new_control), str(self.new_module_path), tuple(self.module_arguments or ()))
        place = index if self.state == "before" else index + 1
        neighbour = place - 1 if self.state == "before" else place
        there = lines[neighbour] if 0 <= neighbour < len(lines) else None
        if isinstance(there, _Rule) and (there.kind, there.control, there.module) == (wanted.kind, wanted.control, wanted.module):
            if self.module_arguments is not None:
                lines[neighbour] = wanted
        else:
            lines.insert(place, wanted)

    def _changed(self, rule: _Rule) -> _Rule:
        given = tuple(one for one in self.module_arguments or () if one)
        if self.state == "args_absent":
            return _Rule(rule.kind, rule.control, rule.module, tuple(one for one in rule.arguments if one not in given))
        if self.state == "args_present":
            names = {one.partition("=")[0] for one in given if "=" in one}
            kept = tuple(one for one in rule.arguments if one not in given and not ("=" in one and one.partition("=")[0] in names))
            return rule if set(given) <= set(rule.arguments) else _Rule(rule.kind, rule.control, rule.module, kept + given)
        arguments = rule.arguments if self.module_arguments is None else given
        return _Rule(self.new_type or rule.kind, self.new_control or rule.control, self.new_module_path or rule.module, arguments)

    def _as_written(self, text: str, lines: list[Any]) -> list[str]:
        """Rules that stay keep the blanks they were written with."""
        written: dict[str, str] = {}
        for line in text.splitlines():
            rule = _parsed(line)
            if rule is not None:
                written.setdefault(str(rule), line)
        return [written.get(str(line), str(line)) if isinstance(line, _Rule) else line for line in lines]


def _parsed(line: str) -> Optional[_Rule]:
    found = RULE.match(line.strip())
    if found is None or line.lstrip().startswith(("#", "@")):
        return None
    arguments = re.findall(r"\[[^\]]*\]|\S+", found[4].partition("#")[0])
    return _Rule(found[1], found[2], found[3], tuple(arguments))
