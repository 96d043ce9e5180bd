"""Variables given under a name that nothing reads, where a name that is read looks like the one meant.

Nothing fails when `backend_prot: 3001` stands where `backend_port` was meant and has a default: the default is used, silently.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nxtplay.errors import Span, TemplateError
from nxtplay.playbook.findings import Findings
from nxtplay.playbook.keywords import ROLE, legal
from nxtplay.playbook.lint_templates import Templates
from nxtplay.playbook.model import YamlMap
from nxtplay.playbook.seen import Course

_WORD = re.compile(r"[A-Za-z_]\w*")


def check(courses: Sequence[Course], parsed: Templates, found: Findings) -> None:
    given: dict[str, dict[Span, bool]] = {}  # name -> where it is given, whether to a role
    for course in courses:
        for name, span, to_role in _given(course):
            given.setdefault(name, {})[span] = to_role
    if not given:
        return
    words = Counter(word for text in parsed.sources.texts.values() for word in _WORD.findall(text))
    read = _read(parsed)
    hidden = any(course.unforeseen for course in courses)  # a file that only the run knows may read what nothing here does
    alike = set() if hidden else read
    for name, places in given.items():
        if words[name] > len(places) or name in read or name.startswith("ansible_"):
            continue
        for span, to_role in places.items():
            _report(name, span, to_role, alike, found)


def _given(course: Course) -> Iterator[tuple[str, Span, bool]]:
    """Variables given in the playbook itself; defaults and vars of roles are there for others to use or not."""
    play = course.play
    levels: list[tuple[YamlMap | None, bool]] = [(play.vars, False), (play.import_vars, False)]
    levels += [(role.params, True) for role in (*play.roles, *course.roles)]
    levels += [(variables, False) for seen in (*course.tasks, *course.handlers) for variables in seen.task.shared.vars]
    for level, to_role in levels:
        if level is not None:
            yield from ((str(name), span, to_role) for name, span in level.keys_at.items() if name in level)


def _read(parsed: Templates) -> set[str]:
    """Every name that a template or a template file asks for."""
    names: set[str] = set()
    for uses in (*parsed.parsed.values(), *parsed.files.values()):
        if uses and not isinstance(uses, TemplateError):
            names.update(name for name, _ in uses.used)
    return names


def _report(name: str, span: Span, to_role: bool, alike: set[str], found: Findings) -> None:
    keywords = difflib.get_close_matches(name, legal(ROLE), n=1, cutoff=0.7) if to_role else []
    if keywords:
        hint = f"did you mean '{keywords[0]}'? Anything else here is a variable of the role"
        found.error(f"'{name}' is not a keyword of a role entry, and nothing reads a variable of this name", span, hint)
        return
    near = difflib.get_close_matches(name, alike, n=1, cutoff=0.8)
    if near:
        found.warning(f"nothing reads the variable '{name}'", span, f"did you mean '{near[0]}'?")
