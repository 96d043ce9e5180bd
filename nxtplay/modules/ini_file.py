"""ini_file: options in the sections of an ini file."""

from __future__ import annotations

import re
from typing import Any, Iterator, Literal, Optional, Sequence

from nxtplay.core.files import FileState
from nxtplay.core.host import Failed
from nxtplay.core.resource import Args, Resource, arg, exclusive
from nxtplay.core.types import Path
from nxtplay.modules import _files, _lines


class _Required(Args):
    """An option by which one of several sections of a name is known."""

    rules = (exclusive("value", "values"),)

    option: str = arg(help="The option that the section has.")
    value: str | None = arg(None, help="The value that it has there.")
    values: list[str] = arg(default_factory=list, help="The values that it has there.")

    def wanted(self) -> list[str]:
        return [self.value] if self.value is not None else list(self.values)


class IniFile(_lines.Edited, _files.Ownership, _files.Content_, Resource[FileState]):
    """Keep an option in a section of an ini file, or keep it out; without an option, the section itself."""

    rules = (exclusive("value", "values"),)

    path: Path = arg(help="The file.", aliases=["dest"], key=True)
    section: str | None = arg(None, help="The section; without one the option stands before the first.")
    section_has_values: list[_Required] = arg(default_factory=list, help="Which of several sections of that name: the one with these.")
    option: str | None = arg(None, help="The option; without one the section as a whole is meant.")
    value: str | None = arg(None, help="Its value.")
    values: list[str] = arg(default_factory=list, help="Its values, each on a line of its own.")
    state: Literal["present", "absent"] = arg("present", help="Whether it is there.")
    exclusive: bool = arg(True, help="Whether other lines of the option go.")
    allow_no_value: bool = arg(False, help="Whether an option may stand there without a value.")
    no_extra_spaces: bool = arg(False, help="No blanks around the equal sign.")
    ignore_spaces: bool = arg(False, help="Lines that differ in blanks alone are left as they are.")
    modify_inactive_option: bool = arg(True, help="Whether a commented-out line of the option is taken for it.")
    create: bool = arg(True, help="Make a file that is not there.")
    follow: bool = arg(False, help="Of no effect: links are always followed.")

    edits = True

    @property
    def creates(self) -> bool:  # type: ignore[override]
        return self.create

    def edited(self, text: str) -> str:
        if self.option is not None and self.state == "present" and not self._values() and not self.allow_no_value:
            raise Failed(f"the option '{self.option}' needs a value, or allow_no_value: true")
        lines = text.lstrip("\ufeff").splitlines(keepends=True)  # a mark of the byte order would hide the first heading
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        begin, end = self._span(lines)
        if self.option is None:
            return "".join(self._whole(lines, begin, end))
        if begin < 0:
            return text if self.state == "absent" else "".join([*lines, self._new()[0], *self._with(self._new()[1:])])
        body = lines[begin:end]
        new = self._without(body) if self.state == "absent" else self._with(body)
        return text if new == body else "".join([*lines[:begin], *new, *lines[end:]])

    def result(self, before: Optional[FileState], after: Optional[FileState]) -> dict[str, Any]:
        done = "option added" if self.option is not None else "section added"
        words = {"present": done, "absent": done.replace("added", "removed")}
        return {"path": self.path, "msg": _lines.said(before, after, words[self.state], "option changed") or "OK"}

    # -- lines

    def _values(self) -> list[str]:
        return [self.value] if self.value is not None else list(self.values)

    def _lines(self, option: Optional[str], values: Sequence[str]) -> list[str]:
        sign = "=" if self.no_extra_spaces else " = "
        return [f"{option}{sign}{value}\n" for value in values] or [f"{option}\n"]

    def _wanted(self) -> list[str]:
        return self._lines(self.option, self._values())

    def _span(self, lines: list[str]) -> tuple[int, int]:
        """Where the lines of the section are, its heading left out; (-1, -1) where it is not there."""
        return next((span for span in _spans(lines, self.section) if self._is_meant(lines[slice(*span)])), (-1, -1))

    def _is_meant(self, body: list[str]) -> bool:
        return all(
            set(one.wanted()) <= {_value(line) for line in there} and bool(there)
            for one in self.section_has_values
            for there in [[line for line in body if _named(one.option).match(line)]]
        )

    def _new(self) -> list[str]:
        """A section as it begins: its heading and what it is known by."""
        known = [line for one in self.section_has_values for line in self._lines(one.option, one.wanted())]
        return [f"[{self.section}]\n", *known]

    def _whole(self, lines: list[str], begin: int, end: int) -> list[str]:
        """The section itself there, or gone with all that is in it."""
        if self.state == "present":
            return lines if begin >= 0 else [*lines, *self._new()]
        return lines if begin < 0 else [*lines[: max(begin - 1, 0)], *lines[end:]]

    def _without(self, body: list[str]) -> list[str]:
        active = _named(str(self.option))
        some = set(self._values())
        return [line for line in body if not (active.match(line) and (self.exclusive or _value(line) in some))]

    def _with(self, body: list[str]) -> list[str]:
        active, inactive = _named(str(self.option)), _named(str(self.option), mark=r"[#;][ \t]*")
        there = [line for line in body if active.match(line)]
        missing = [line for line in self._wanted() if not any(self._same(line, one) for one in there)]
        out: list[str] = []
        for line in body:
            if not active.match(line) or any(self._same(line, one) for one in self._wanted()):
                out.append(line)
            elif self.exclusive:
                out += [missing.pop(0)] if missing else []
            else:
                out.append(line)
        if missing and self.modify_inactive_option:
            for index, line in enumerate(out):
                if missing and inactive.match(line):
                    out[index] = missing.pop(0)
        last = max((i + 1 for i, line in enumerate(out) if line.strip() and line.strip()[0] not in "#;"), default=0)
        return [*out[:last], *missing, *out[last:]]

    def _same(self, one: str, other: str) -> bool:
        return one == other or (self.ignore_spaces and _value(one) == _value(other))


def _value(line: str) -> str:
    return line.partition("=")[2].strip()


def _named(option: str, *, mark: str = "") -> "re.Pattern[str]":
    return re.compile(rf"[ \t]*{mark}{re.escape(option)}[ \t]*(=|$)")


def _spans(lines: list[str], section: Optional[str]) -> Iterator[tuple[int, int]]:
    """Where the lines of all sections of a name are, their headings left out; without a name, those before the first heading."""
    headings = [(i, line.strip()) for i, line in enumerate(lines) if line.lstrip().startswith("[")]
    if section is None:
        yield 0, headings[0][0] if headings else len(lines)
        return
    for number, (index, text) in enumerate(headings):
        if re.match(rf"\[\s*{re.escape(section.strip())}\s*\]\s*([#;]|$)", text):
            yield index + 1, headings[number + 1][0] if number + 1 < len(headings) else len(lines)
